"""Identities: the certificate that the sidecar of a pod holds, with which it says in the mesh who it is.

The sidecar's own word is read, from Envoy's admin endpoint ``/certs`` (message envoy.admin.v3.Certificates). What it
says is a SPIFFE id, ``spiffe://TRUST DOMAIN/ns/NAMESPACE/sa/SERVICE ACCOUNT``, as Istio gives them out.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wavetank.document import read_json
from wavetank.errors import KubeError
from wavetank.kube import Kube, Obj, is_over
from wavetank.kube.sidecar import SIDECAR, has_sidecar, is_running, sidecar_status

__all__ = ["Held", "Identity", "Root", "identities", "parse_certs", "read_identity"]

COMMAND = ["pilot-agent", "request", "GET", "certs"]
_ANSWER_WITHIN = 10.0
_AT_ONCE = 8
_SPIFFE = re.compile(r"spiffe://(?P<domain>[^/]+)(?:/ns/(?P<namespace>[^/]+)/sa/(?P<account>[^/]+)|/.*)?")


@dataclass(frozen=True, slots=True)
class Root:
    """A certificate that the sidecar trusts as the issuer of others'."""

    serial: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """A workload's certificate.

    ``namespace`` and ``service_account`` are empty where its SPIFFE id, the ``uri``, has another form than Istio's.
    """

    uri: str
    trust_domain: str
    namespace: str
    service_account: str
    serial: str
    valid_from: datetime
    valid_until: datetime
    roots: tuple[Root, ...] = ()

    def time_left(self, now: datetime) -> float:
        """Return for how many seconds it is still valid at ``now``; negative once it has expired."""
        return (self.valid_until - now).total_seconds()


@dataclass(frozen=True, slots=True)
class Held:
    """What a pod holds: an identity, or the trouble that keeps it from being known."""

    pod: str
    identity: Identity | None
    trouble: str = ""


def identities(kube: Kube, namespace: str) -> list[Held]:
    """Return what every pod of ``namespace`` that has not ended holds, by name; several are asked at once.

    A pod that cannot be asked hides none of the others.
    """
    pods = [pod for pod in kube.list("Pod", namespace) if not is_over(pod)]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="identities") as pool:
        held = list(pool.map(lambda pod: _held(kube, pod), pods))
    return sorted(held, key=lambda one: one.pod)


def read_identity(kube: Kube, pod: Obj) -> Identity:
    """Return the identity that the sidecar of ``pod`` holds.

    Raises `KubeError` when it has no sidecar, or the sidecar does not run, does not answer or has no certificate yet.
    """
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    kubectl = kube.connection.kubectl
    if not has_sidecar(pod):
        names = [container["name"] for container in pod["spec"]["containers"]]
        raise KubeError(
            f"pod {name} has no sidecar",
            observed=f"containers {', '.join(names)}",
            expected=f"a container {SIDECAR}, which Istio adds to new pods of a namespace that asks for it",
            command=kubectl("label", "namespace", namespace, "istio-injection=enabled"),
            hint=f"then have new pods made: {kubectl('-n', namespace, 'rollout', 'restart', 'deployment')}",
        )
    if not is_running(sidecar_status(pod)):
        raise KubeError(
            f"the sidecar of pod {name} does not run",
            observed=kube.explain_pod(pod).reason,
            expected=f"a running container {SIDECAR}",
            command=kubectl("-n", namespace, "describe", "pod", name),
            hint="wait until the pod is ready",
        )
    done = kube.exec(name, namespace, COMMAND, container=SIDECAR, timeout=_ANSWER_WITHIN)
    try:
        identity = parse_certs(done.stdout)
    except ValueError as error:
        raise KubeError(
            f"the sidecar of pod {name} does not answer",
            observed=f"exit code {done.exit_code}",
            expected="Envoy's certificates as JSON",
            logs=(done.stderr or done.stdout).splitlines()[-5:],
            command=kubectl("-n", namespace, "exec", name, "-c", SIDECAR, "--", *COMMAND),
            hint="wait until the pod is ready; if it does not become so, its log says why",
        ) from error
    if identity is None:
        raise KubeError(
            f"the sidecar of pod {name} has no certificate yet",
            observed="Envoy lists none with a SPIFFE id",
            command=kubectl("-n", namespace, "logs", name, "-c", SIDECAR, "--tail", "20"),
            hint="istiod gives it one: does it run? kubectl -n istio-system get pods",
        )
    return identity


def parse_certs(text: str) -> Identity | None:
    """Read what ``/certs`` answers: the newest certificate with a SPIFFE id, None when there is none.

    Envoy lists one for each use, and after a renewal the old beside the new. Before it, pilot-agent may say something
    of its own on the same channel. Raises `ValueError` for what is no such answer.
    """
    try:
        found = [
            _identity(chain[0], match, certificate.get("ca_cert") or [])
            for certificate in read_json(text[max(text.find("{"), 0) :])["certificates"]
            if (chain := certificate.get("cert_chain")) and (match := _spiffe_id(chain[0]))
        ]
        return max(found, key=lambda identity: identity.valid_from, default=None)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"no certificates of an Envoy: {error}") from error


def _held(kube: Kube, pod: Obj) -> Held:
    try:
        return Held(pod["metadata"]["name"], read_identity(kube, pod))
    except KubeError as error:
        return Held(pod["metadata"]["name"], None, error.summary)


def _spiffe_id(details: dict[str, Any]) -> re.Match[str] | None:
    names = (name.get("uri", "") for name in details.get("subject_alt_names") or ())
    return next(filter(None, map(_SPIFFE.fullmatch, names)), None) or None


def _identity(leaf: dict[str, Any], spiffe: re.Match[str], roots: list[dict[str, Any]]) -> Identity:
    return Identity(
        uri=spiffe[0],
        trust_domain=spiffe["domain"],
        namespace=spiffe["namespace"] or "",
        service_account=spiffe["account"] or "",
        serial=leaf["serial_number"],
        valid_from=datetime.fromisoformat(leaf["valid_from"]),
        valid_until=datetime.fromisoformat(leaf["expiration_time"]),
        roots=tuple(Root(one["serial_number"], datetime.fromisoformat(one["expiration_time"])) for one in roots),
    )

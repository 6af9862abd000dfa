"""One look at one Ingress: what has to be there is made, the gateways are asked, the status says what came of it.

A look is level-triggered: it goes by what there is, not by what has happened. So it makes no difference whether the
Ingress changed, somebody edited or deleted what was made for it, or this process was just started.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus

from wavetank.errors import InputError, KubeError, NotFoundError
from wavetank.kube import Kube, Obj
from wavetank.netlayer.claims import lost_hosts
from wavetank.netlayer.probe import gateway_addresses, unanswered
from wavetank.netlayer.spec import INGRESS, Ingress, is_ours, read_ingress
from wavetank.netlayer.status import Verdict, is_ready, make_status
from wavetank.netlayer.store import Store
from wavetank.netlayer.translate import OWNER, Certificate, Plan, certificate_copy, translate

__all__ = ["FINALIZER", "Key", "Reconciler"]

Key = tuple[str, str]
"""Namespace and name of an Ingress."""

FINALIZER = "wavetank.dev/netlayer"
"""Keeps an Ingress that is deleted until the copies of its certificates are gone: no owner reference reaches them."""

_LATER = 2.0
"""Seconds until what only others can put right is looked at again, if nothing tells of it before."""
_CERTIFICATES_AGAIN = 30.0
"""Seconds until a certificate is looked at again, which may have been renewed: nothing tells of that."""
_LET_IN = "clusters/manifests/netlayer-tls.yaml says how the networking layer is let see certificates"
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.05, 2.0, 1.5
"""Seconds between two rounds of questions to the gateways. They take about 0.2 s to hear of a change."""

_UNASKED = Verdict("Unknown", "NotAsked", "the gateways are asked once the network is configured")

log = logging.getLogger(__name__)


class Reconciler:
    """Looks at Ingresses, any number of different ones at the same time.

    ``ingresses`` are all there are, ``owned`` is what was made for them, one store for each kind.
    """

    def __init__(self, kube: Kube, ingresses: Store, owned: Sequence[Store]) -> None:
        self._kube, self._ingresses = kube, ingresses
        self._owned = {store.kind[1]: store for store in owned}
        self._rounds: dict[Key, tuple[str, int]] = {}

    def look(self, key: Key) -> float | None:
        """Do what is to be done now; return in how many seconds to look again, None: once something has changed.

        Raises `KubeError` when the API server is away, or somebody else was faster: look again soon.
        """
        ingress = self._ingresses.get(*key)
        if ingress is None or not is_ours(ingress) or "deletionTimestamp" in ingress["metadata"]:
            self._rounds.pop(key, None)
            self._delete_all_but((), key)
            if ingress is not None:
                self._finalize(ingress, False)
            return None
        try:
            return self._serve(key, ingress)
        except _RefusedError as refused:
            return self._tell(ingress, refused.verdict, _UNASKED, again=refused.again)

    def _serve(self, key: Key, ingress: Obj) -> float | None:
        try:
            wanted = read_ingress(ingress)
        except InputError as error:  # what is there from before goes on
            raise _RefusedError("Invalid", _in_a_line(error)) from error
        lost = lost_hosts(ingress, filter(is_ours, self._ingresses.all()))
        plan = translate(wanted, lost)
        ingress = self._make(key, ingress, wanted, plan)
        if lost:
            raise _RefusedError("HostTaken", _taken(lost), _LATER)
        again = _CERTIFICATES_AGAIN if plan.certificates else None
        if is_ready(ingress):
            return again
        waits_for = unanswered(plan.probes, self._addresses(plan), wanted.hash)
        if waits_for:
            self._tell(ingress, Verdict(), Verdict("Unknown", "NotAnsweredYet", waits_for))
            return self._pause(key, wanted.hash)
        self._rounds.pop(key, None)
        log.info("%s/%s is ready", *key)
        return self._tell(ingress, Verdict(), Verdict(), again)

    def _make(self, key: Key, ingress: Obj, wanted: Ingress, plan: Plan) -> Obj:
        """Make what ``plan`` says, delete what it does not, and return the Ingress as it is then."""
        try:
            copies = [self._copy(wanted, certificate) for certificate in plan.certificates]
            if copies:
                ingress = self._finalize(ingress, True)
            for obj in (*copies, *plan.objects):
                self._put(obj)
            self._delete_all_but((*copies, *plan.objects), key)
        except KubeError as error:
            if _passes(error):
                raise
            raise _RefusedError("Refused", f"the API server refuses: {_in_a_line(error)}", _LATER) from error
        return ingress if copies else self._finalize(ingress, False)

    def _copy(self, wanted: Ingress, certificate: Certificate) -> Obj:
        where = f"{certificate.namespace}/{certificate.secret}"
        if not self._owned["Secret"].allowed:
            raise _RefusedError("NoTLS", f"no TLS for {where}: {_LET_IN}", _LATER)
        try:
            source = self._kube.find("Secret", certificate.secret, certificate.namespace)
        except KubeError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            raise _RefusedError("SecretHidden", f"the Secret {where} may not be read: {_LET_IN}", _LATER) from error
        if source is None:
            raise _RefusedError("SecretMissing", f"there is no Secret {where} with the certificate", _LATER)
        return certificate_copy(wanted, certificate, source)

    def _put(self, wanted: Obj) -> None:
        """Make one object as ``wanted``: a new one, or by putting right what differs."""
        kind, name, namespace = _identity(wanted)
        store = self._owned[kind[1]]
        there = store.get(namespace, name)
        if there is None:
            try:
                self._kube.create(wanted)
                return
            except KubeError as error:
                if error.status != HTTPStatus.CONFLICT:
                    raise
            there = self._kube.get(kind, name, namespace)  # just made, or without the label that it is known by
            if not _is_ours_too(there, wanted):
                words = f"there is a {kind[1]} {namespace}/{name} already, and it is somebody else's"
                raise _RefusedError("NotOwned", words, _LATER)
        if _as_wanted(there, wanted):
            return
        log.info("%s %s/%s is put right", kind[1], namespace, name)
        store.written(self._kube.replace(_put_right(there, wanted)))

    def _delete_all_but(self, kept: Iterable[Obj], key: Key) -> None:
        """Delete what was made for the Ingress ``key`` and is not among ``kept``."""
        identities = [_identity(obj) for obj in kept]
        for store in self._owned.values():
            for obj in store.all():
                kind, name, namespace = _identity(obj)
                if _owner(obj) == "/".join(key) and (kind, name, namespace) not in identities:
                    log.info("%s %s/%s is deleted", kind[1], namespace, name)
                    self._kube.delete_object(kind, name, namespace, uid=obj["metadata"]["uid"])

    def _finalize(self, ingress: Obj, wanted: bool) -> Obj:
        """Set the finalizer, or take it away; return the Ingress as it is then."""
        metadata = ingress["metadata"]
        finalizers = metadata.get("finalizers") or []
        if (FINALIZER in finalizers) is wanted:
            return ingress
        others = [finalizer for finalizer in finalizers if finalizer != FINALIZER]
        changes = {
            "finalizers": [*others, FINALIZER] if wanted else others,
            "resourceVersion": metadata["resourceVersion"],  # refused if somebody has changed the list meanwhile
        }
        changed = self._kube.patch(INGRESS, metadata["name"], metadata["namespace"], {"metadata": changes})
        self._ingresses.written(changed)
        return changed

    def _addresses(self, plan: Plan) -> dict[tuple[str, str], list[tuple[str, int]]]:
        return gateway_addresses(self._kube, sorted({probe.service for probe in plan.probes}))

    def _pause(self, key: Key, hash: str) -> float:
        """Return the seconds until the next round of questions for this version."""
        known, rounds = self._rounds.get(key, (hash, 0))
        rounds = rounds if known == hash else 0
        self._rounds[key] = (hash, rounds + 1)
        return float(min(_FIRST_PAUSE * _GROWTH**rounds, _LONGEST_PAUSE))

    def _tell(self, ingress: Obj, network: Verdict, balancer: Verdict, again: float | None = None) -> float | None:
        """Write the status if it says anything new; return ``again``."""
        status = make_status(ingress, network, balancer, datetime.now(UTC))
        if status != ingress.get("status"):
            _, name, namespace = _identity(ingress)
            with suppress(NotFoundError):  # deleted: nobody is left to be told
                self._ingresses.written(
                    self._kube.patch(INGRESS, name, namespace, {"status": status}, subresource="status")
                )
            if network.status == "False":
                log.warning("%s/%s: %s", namespace, name, network.message)
        return again


class _RefusedError(Exception):
    """The network cannot be configured so; the status is to say why."""

    def __init__(self, reason: str, message: str, again: float | None = None) -> None:
        super().__init__(message)
        self.verdict = Verdict("False", reason, message)
        self.again = again


def _identity(obj: Obj) -> tuple[tuple[str, str], str, str]:
    return (obj["apiVersion"], obj["kind"]), obj["metadata"]["name"], obj["metadata"]["namespace"]


def _owner(obj: Obj) -> str:
    owner: str = (obj["metadata"].get("annotations") or {}).get(OWNER, "")
    return owner


def _is_ours_too(there: Obj, wanted: Obj) -> bool:
    """Tell whether what has the name of ``wanted`` was made for the same Ingress."""
    uids = [{owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ()} for obj in (there, wanted)]
    return _owner(there) == _owner(wanted) or bool(uids[0] & uids[1])


def _as_wanted(there: Obj, wanted: Obj) -> bool:
    return _put_right(there, wanted) == there


def _put_right(there: Obj, wanted: Obj) -> Obj:
    """Return ``there`` with everything that ``wanted`` says; labels and annotations of others stay."""
    metadata = {**there["metadata"]}
    for part in ("labels", "annotations"):
        metadata[part] = {**(metadata.get(part) or {}), **wanted["metadata"][part]}
    if owners := wanted["metadata"].get("ownerReferences"):
        metadata["ownerReferences"] = owners
    return {**there, **wanted, "metadata": metadata}


def _passes(error: KubeError) -> bool:
    """Tell whether the same may succeed a moment later."""
    return error.status in (0, HTTPStatus.CONFLICT, 429) or error.status >= 500


def _taken(lost: dict[str, str]) -> str:
    words = ", ".join(f"{host} to the Ingress {owner}" for host, owner in lost.items())
    return f"these hosts belong to an older Ingress, and are not routed for this one: {words}"


def _in_a_line(error: InputError | KubeError) -> str:
    parts = [error.summary, error.help.observed, f"expected {error.help.expected}" if error.help.expected else ""]
    return "; ".join(part for part in parts if part)

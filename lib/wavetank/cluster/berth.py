"""Where a cluster lies on its engine: the name and the ports that are its own there, whatever its spec has asked for.

The spec's own are taken when nobody else has them. On the engine the berth is written on the cluster's network, which
is claimed before anything else is made; on disk it lies beside the kubeconfig, so that whoever uses a cluster knows,
without an engine, under which name its registry is reached, and on which ports its site is.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from wavetank.cluster.spec import ClusterSpec, Ports
from wavetank.cluster.state import Folder, kubeconfig_path
from wavetank.errors import ClusterError, InputError

__all__ = [
    "PORTS",
    "SHIPPED",
    "Berth",
    "berth_of",
    "choose",
    "label_of",
    "needed",
    "ports_from",
    "refuse_port",
    "settled",
    "used_berth",
    "words_of",
]

PORTS = "dev.wavetank.ports"
"""The label, on a cluster's network, of the ports on 127.0.0.1 that are the cluster's."""

STEP = 10
"""From a port that is taken to the one that is tried next: 8080, 8090, 8100, and each keeps its last digit."""
TRIES = 100

_REGISTRY = re.compile(r"\blocalhost:(?:5001(?=/)|\d+(?=/tidewater/))")
"""A registry as labs are written, and as a learner's files may name it that were laid out for another berth."""

_NODE = re.compile(r"\bwavetank(?:-\d+)?-(?=(?:worker\d*|control-plane)\b)")


@dataclass(frozen=True, slots=True)
class Berth:
    """``cluster`` is what its owner calls it, ``name`` what it is called on the engine; ``owner`` is the owner's id."""

    cluster: str = "wavetank"
    name: str = "wavetank"
    ports: Ports = field(default_factory=Ports)
    owner: str = ""

    @property
    def registry(self) -> str:
        """The registry's name: for the engine, for the nodes and for a learner."""
        return f"localhost:{self.ports.registry}"

    @property
    def site(self) -> str:
        """Where the ingress answers on this machine."""
        return f"http://127.0.0.1:{self.ports.ingress}"

    @property
    def gateway(self) -> str:
        """Where the mesh's gateway answers on this machine."""
        return f"http://127.0.0.1:{self.ports.gateway}"

    @property
    def told_as_shipped(self) -> bool:
        """Whether the registry and the nodes are called as the labs are written."""
        return (self.name, self.registry) == (SHIPPED.name, SHIPPED.registry)

    def told(self, text: str) -> str:
        """Return a text of a lab as it is for this cluster: with the names of its registry and of its nodes."""
        return _NODE.sub(f"{self.name}-", _REGISTRY.sub(self.registry, text))

    def write(self) -> None:
        """Write it beside the cluster's kubeconfig."""
        Folder(self.cluster).write_berth(json.dumps(asdict(self)))


SHIPPED = Berth()
"""The berth of the project's own spec, for which everything in ``labs`` and ``solutions`` is written."""


def berth_of(kubeconfig: Path) -> Berth | None:
    """Return the berth of the cluster that has this kubeconfig; None for one that Wavetank has not made here.

    Raises `InputError` when it cannot be read.
    """
    path = kubeconfig.parent / Folder.BERTH
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Berth(**{**data, "ports": Ports(**data["ports"])})
    except OSError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} does not say where the cluster lies",
            observed=f"{type(error).__name__}: {error}",
            expected="what `wavetank up` has written",
            hint="`wavetank up` writes it anew",
        ) from error


def used_berth(kubeconfig: Path | None = None) -> Berth:
    """Return the berth of the cluster in use: ``kubeconfig``'s, else ``$KUBECONFIG``'s, else what `up` has made."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return berth_of(kubeconfig or (Path(named) if named else kubeconfig_path())) or SHIPPED


def settled(spec: ClusterSpec) -> ClusterSpec:
    """Return the spec with the name and the ports that its cluster has on the engine, where there is one."""
    berth = berth_of(kubeconfig_path(spec.name))
    return replace(spec, ports=berth.ports, engine_name=berth.name) if berth else spec


def choose(spec: ClusterSpec, taken_names: Collection[str], holder: Callable[[int], str | None]) -> tuple[str, Ports]:
    """Return a name and ports that nobody else has: the spec's own, else the next ones that are free.

    ``holder`` tells who has a port, None when nobody does. Raises `ClusterError` for a port that is taken and was
    written for this cluster by a person: who writes a port means it.
    """
    names = (spec.name, *(f"{spec.name}-{number}" for number in range(2, TRIES)))
    name = next((name for name in names if name not in taken_names), None)
    if name is None:
        raise ClusterError(f"{TRIES} clusters are called {spec.name!r} and after it", command="docker network ls")
    ports = asdict(spec.ports)
    for key, wanted in asdict(spec.ports).items():
        if key not in needed(spec) or (taken_by := holder(wanted)) is None:
            continue
        tried = range(wanted + STEP, min(wanted + STEP * TRIES, 65536), STEP) if key in spec.movable else ()
        free = next((port for port in tried if port not in ports.values() and holder(port) is None), None)
        if free is None:
            raise refuse_port(spec, key, wanted, taken_by)
        ports[key] = free
    return name, Ports(**ports)


def needed(spec: ClusterSpec) -> set[str]:
    """Return those of the ports that have to be the cluster's own: a registry's is nobody's business without one."""
    return {key for key in asdict(spec.ports) if key != "registry" or key in spec.movable or key in spec.addons}


def refuse_port(spec: ClusterSpec, key: str, port: int, who: str) -> ClusterError:
    """Return the error for a port that is taken, and was asked for."""
    return ClusterError(
        f"port {port} on 127.0.0.1 is taken" + (f" by {who}" if who else ""),
        expected=f"a free port for the {key}",
        command=f"ss -ltnp 'sport = :{port}'",
        hint=f"end what listens there, or change ports/{key} in {spec.where('ports', key) or 'the spec'}",
    )


def ports_from(label: str | None) -> Ports | None:
    """Read the label `PORTS`; None where there is none."""
    return (
        Ports(**{key: int(port) for key, _, port in (each.partition("=") for each in label.split())}) if label else None
    )


def label_of(ports: Ports) -> str:
    """Write the label `PORTS`."""
    return " ".join(f"{key}={port}" for key, port in asdict(ports).items())


def words_of(spec: ClusterSpec, name: str, ports: Ports) -> str:
    """Say in what a berth is another than its spec asks for; empty when in nothing."""
    moved = [f"{key} {port}" for key, port in asdict(ports).items() if port != getattr(spec.ports, key)]
    called = [f"the name {name}"] if name != spec.name else []
    return f"taken by others, so its own: {', '.join(called + moved)}" if called or moved else ""

"""What a cluster shall be: the declarative file in ``clusters/`` as a checked, frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from wavetank.document import Document, load_document, load_schema
from wavetank.errors import InputError

__all__ = ["ClusterSpec", "Ports", "find_spec", "load_spec"]

_SCHEMA = Path(__file__).with_name("spec.schema.json")
_SPECS = Path(__file__).parents[3] / "clusters"
_NO_SPECS = ("versions", "needs")


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports published on 127.0.0.1."""

    ingress: int = 8080
    gateway: int = 8081
    registry: int = 5001


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """A cluster as its file declares it. ``kubernetes`` is a minor version such as ``"1.36"``.

    ``movable`` are those of the ports that may be others when they are taken: all that nobody wrote for this cluster
    alone. ``engine_name`` is what it is called on its engine, if that is not its name (`wavetank.cluster.berth`).
    """

    provider: str
    kubernetes: str
    name: str = "wavetank"
    workers: int = 2
    ports: Ports = Ports()
    addons: tuple[str, ...] = ()
    api_server: Mapping[str, str] = field(default_factory=dict)
    controller_manager: Mapping[str, str] = field(default_factory=dict)
    kubelet: Mapping[str, Any] = field(default_factory=dict)
    movable: frozenset[str] = frozenset()
    engine_name: str = ""
    document: Document | None = field(default=None, repr=False, compare=False)

    @property
    def registry(self) -> str:
        """The registry's one name: the engine trusts loopback, and nodes are told what is meant by it."""
        return f"localhost:{self.ports.registry}"

    @property
    def on_engine(self) -> str:
        """What the cluster is called on its engine: the name of its network, and how those of its nodes begin."""
        return self.engine_name or self.name

    @property
    def control_plane(self) -> str:
        """The name of the control plane's node."""
        return f"{self.on_engine}-control-plane"

    @property
    def worker_names(self) -> tuple[str, ...]:
        """The names of the workers, as kind counts them: worker, worker2, worker3."""
        return tuple(f"{self.on_engine}-worker{number if number > 1 else ''}" for number in range(1, self.workers + 1))

    @property
    def node_names(self) -> tuple[str, ...]:
        """The names of all nodes, the control plane's first."""
        return (self.control_plane, *self.worker_names)

    def where(self, *keys: str | int) -> str:
        """Return ``file:line`` of a key, "" for a spec that came from no file."""
        return self.document.where(*keys) if self.document else ""

    def with_addons(self, addons: tuple[str, ...]) -> ClusterSpec:
        """Return this spec with ``addons`` on top of its own."""
        return replace(self, addons=tuple(dict.fromkeys((*self.addons, *addons))))


def find_spec(cluster: str) -> Path:
    """Return the file that ``cluster`` means: a path, or the name of one of the project's own specs."""
    if "/" in cluster or cluster.endswith((".yaml", ".yml")):
        return Path(cluster)
    path = _SPECS / f"{cluster}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(spec.stem for spec in _SPECS.glob("*.yaml") if spec.stem not in _NO_SPECS))
        raise InputError(f"there is no cluster called {cluster!r}", expected=f"{known}, or a path to a YAML file")
    return path


def load_spec(path: Path) -> ClusterSpec:
    """Read and check a cluster's file; raises `InputError` with file, line and what was expected."""
    document = load_document(path, load_schema(_SCHEMA))
    data = document.data
    ports = Ports(**data.get("ports", {}))
    for (one, first), (other, second) in combinations(asdict(ports).items(), 2):
        if first == second:
            raise InputError(
                f"ports/{other}: {second} is taken by ports/{one} already",
                where=document.where("ports", other) or document.where("ports", one),
                expected="different ports",
            )
    return ClusterSpec(
        provider=data["provider"],
        kubernetes=data["kubernetes"],
        **{key: data[key] for key in ("name", "workers") if key in data},
        ports=ports,
        addons=tuple(data.get("addons", ())),
        api_server=_flags(data.get("apiServer", {})),
        controller_manager=_flags(data.get("controllerManager", {})),
        kubelet=data.get("kubelet", {}),
        movable=frozenset(asdict(ports)) - (set() if _is_shipped(path) else data.get("ports", {}).keys()),
        document=document,
    )


def _is_shipped(path: Path) -> bool:
    """Tell whether a file is one of the project's own: its ports are what anybody starts with, and nobody's choice."""
    return path.resolve().parent == _SPECS.resolve()


def _flags(values: Mapping[str, Any]) -> dict[str, str]:
    return {flag: str(value).lower() if isinstance(value, bool) else str(value) for flag, value in values.items()}

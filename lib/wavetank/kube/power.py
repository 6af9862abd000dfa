"""What the cluster and the power agent beside it say to each other about the power of nodes.

Whoever wants a node off writes until when on the Node. The agent says in a Lease of its own that it is there, and which
nodes it has switched off: only then is a node off, whatever its annotation asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wavetank.kube.kube import Kube

__all__ = ["ACCOUNT", "BEATS_EVERY", "LEASE", "NAMESPACE", "POWER_OFF_UNTIL", "AgentWord", "agent_word", "beat"]

POWER_OFF_UNTIL = "wavetank.dev/power-off-until"
"""The annotation of a Node: until when it shall be off, RFC 3339 in UTC."""

NAMESPACE, LEASE, ACCOUNT = "wavetank-system", "wavetank-power", "wavetank-power"
"""Where the agent's Lease is, and as whom it writes that (clusters/manifests/power.yaml)."""

BEATS_EVERY = 5.0
"""Seconds between two words of an agent that has nothing new to say."""
_SILENT_AFTER = 30.0
"""Seconds after which an agent that says nothing is away."""
_OFF = "wavetank.dev/off"


@dataclass(frozen=True, slots=True)
class AgentWord:
    """What the power agent has said: ``age`` seconds ago (None: never), and which nodes it has switched ``off``."""

    age: float | None
    off: frozenset[str] = frozenset()

    @property
    def is_there(self) -> bool:
        """Whether it was heard of lately."""
        return self.age is not None and self.age < _SILENT_AFTER

    def __str__(self) -> str:
        return "it has never been heard of" if self.age is None else f"it was last heard of {self.age:.0f} s ago"


def agent_word(kube: Kube) -> AgentWord:
    """Return what the power agent has said last. Raises `KubeError` when that cannot be asked."""
    lease = kube.find("Lease", LEASE, NAMESPACE) or {}
    renewed = (lease.get("spec") or {}).get("renewTime")
    if not renewed:
        return AgentWord(None)
    age = (datetime.now(UTC) - datetime.fromisoformat(renewed)).total_seconds()
    off = (lease["metadata"].get("annotations") or {}).get(_OFF, "")
    return AgentWord(age, frozenset(off.split()))


def beat(kube: Kube, cluster: str, off: frozenset[str]) -> None:
    """Say as the agent of ``cluster`` that it is there, and which nodes are ``off``. Raises `KubeError`."""
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    said: dict[str, Any] = {
        "metadata": {"annotations": {_OFF: " ".join(sorted(off))}},
        "spec": {"holderIdentity": f"{cluster}-power", "renewTime": now},
    }
    kube.patch("Lease", LEASE, NAMESPACE, said)

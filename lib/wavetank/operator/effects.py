"""What every kind of fault can do: prepare, act, revert.

Each of the three may be called again after a crash, and must then come to the same. Their order makes that possible:
what `prepare` returns is written into the Fault's status before `act` changes anything, and is all `revert` needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from wavetank.faults.resource import Fault
from wavetank.kube import Kube, Obj

__all__ = ["Effect", "Order", "Outcome"]


@dataclass(frozen=True, slots=True)
class Order:
    """A fault in the cluster: what is asked for, by which resource, and when it ends."""

    kube: Kube
    fault: Fault
    namespace: str
    uid: str
    ends_at: datetime

    @property
    def seconds_left(self) -> float:
        """Seconds until the end, 0 when it has come."""
        return max(0.0, (self.ends_at - datetime.now(UTC)).total_seconds())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What acting came to: names of what is or was ``affected``, and words for the status.

    ``over`` says that nothing is left to do; ``pending`` that something could not be reached and should be tried again;
    ``idle`` that what was done is in place and nobody goes by it.
    """

    affected: tuple[str, ...]
    message: str
    over: bool = False
    pending: bool = False
    idle: bool = False


class Effect(Protocol):
    """How one family of faults is brought about and undone."""

    def prepare(self, order: Order) -> Obj | None:
        """Return what must be remembered before anything is changed, or None when there is nothing to act on yet.

        Raises `InputError` when there never will be.
        """

    def act(self, order: Order, original: Obj, affected: Sequence[str]) -> Outcome:
        """Bring the trouble about, as far as it is not there already. ``affected`` is what the last look came to."""

    def revert(self, order: Order, original: Obj, affected: Sequence[str]) -> str:
        """Put everything back and say so. Raises `KubeError` when something could not be reached: call it again."""

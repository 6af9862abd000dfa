"""What to do about something that a cluster lacks: who has made the cluster, brings it.

`wavetank up` brings it into a cluster that it has made. Beside one that was adopted it would make another, and what is
missed would still be missed: there, whoever looks after that cluster installs it.
"""

from __future__ import annotations

from wavetank.errors import KubeError
from wavetank.kube.connection import Connection
from wavetank.kube.mark import read_mark

__all__ = ["bring", "is_adopted", "way_to_bring"]


def is_adopted(connection: Connection) -> bool:
    """Tell whether the cluster was adopted; no, where that may not be read or nobody answers: it is only for a hint."""
    try:
        mark = read_mark(connection)
    except KubeError:
        return False
    return mark is not None and mark.made == "adopt"


def bring(connection: Connection, what: str, lab: str = "") -> str:
    """Return what to try in a cluster that lacks ``what``; ``lab`` is one that needs it, if not every lab does."""
    return way_to_bring(what, lab, adopted=is_adopted(connection))


def way_to_bring(what: str, lab: str = "", *, adopted: bool) -> str:
    """Return the same for a cluster of which it is known whether it was ``adopted``."""
    if adopted:
        return f"install {what} in this cluster (it was adopted: `wavetank up` would make another cluster)"
    return f"wavetank up --for {lab}" if lab else "wavetank up"

"""Where labs are: the folders under ``labs/`` that hold a ``lab.yaml``."""

from __future__ import annotations

from pathlib import Path

from wavetank.cluster import SHIPPED, Berth, ClusterSpec, find_spec, load_spec
from wavetank.errors import InputError
from wavetank.lesson.lab import Lab
from wavetank.lesson.reading import load_lab

__all__ = ["LABS", "cluster_for", "find_lab", "lab_ids"]

LABS = Path(__file__).parents[3] / "labs"


def lab_ids(labs: Path = LABS) -> list[str]:
    """Return the ids of all labs, in the order they are taught."""
    return sorted(path.parent.name for path in labs.glob("*/lab.yaml"))


def find_lab(id_: str, labs: Path = LABS, berth: Berth = SHIPPED, namespace: str = "") -> Lab:
    """Read the lab called ``id_`` for a cluster at ``berth``, told in ``namespace`` when that is not the lab's own.

    Raises `InputError` that names the known ones.
    """
    if id_ not in lab_ids(labs):
        raise InputError(f"there is no lab {id_!r}", expected=f"one of: {', '.join(lab_ids(labs)) or 'none'}")
    return load_lab(labs / id_ / "lab.yaml", berth, namespace)


def cluster_for(id_: str, cluster: str = "kind", labs: Path = LABS) -> ClusterSpec:
    """Return the spec called ``cluster`` with what the lab called ``id_`` needs on top."""
    return load_spec(find_spec(cluster)).with_addons(find_lab(id_, labs).addons)

"""Whose a cluster is, written into it: by who has made it, or by who takes one into use that others have made.

A cluster that `wavetank up` makes is marked as soon as its API server answers. Its nodes get their own mark when they
are made, if their provider can; those that were made before there was one get it here, as does a cluster whose mark was
lost.
"""

from __future__ import annotations

from wavetank.cluster.spec import ClusterSpec
from wavetank.errors import ClusterError
from wavetank.kube import Kube
from wavetank.kube.mark import NODE_LABEL, Mark, is_made_here, read_mark, remove_mark, write_mark

__all__ = ["adopt", "give_back", "mark_as_made"]


def mark_as_made(kube: Kube, spec: ClusterSpec) -> str:
    """Mark the cluster of ``spec``, which its provider knows as its own, and its nodes; return a note."""
    mark = Mark(spec.name, "up")
    there = [node for name in spec.node_names if (node := kube.find("Node", name))]
    unmarked = [node for node in there if not is_made_here(node)]
    if read_mark(kube.connection) == mark and not unmarked:
        return "there already"
    write_mark(kube.connection, mark)
    for node in unmarked:
        kube.patch("Node", node["metadata"]["name"], None, {"metadata": {"labels": {NODE_LABEL: spec.name}}})
    return ""


def adopt(kube: Kube) -> Mark:
    """Take the cluster into use that the connection's context names, and return its mark; one that is ours stays so."""
    if found := read_mark(kube.connection):
        return found
    mark = Mark(kube.connection.origin.context, "adopt")
    write_mark(kube.connection, mark)
    return mark


def give_back(kube: Kube) -> None:
    """Take the mark of an adopted cluster away; one that has none is fine.

    Raises `ClusterError` for a cluster that Wavetank has made.
    """
    mark = read_mark(kube.connection)
    if mark is None:
        return
    if mark.made != "adopt":
        raise ClusterError(
            f"the cluster {mark.name} was not adopted: `wavetank up` has made it",
            observed=str(kube.connection.origin),
            expected="a cluster that `wavetank adopt` has taken into use",
            hint="`wavetank down` removes it",
        )
    remove_mark(kube.connection)

"""Which kinds the server knows and where they live: asked once, asked again when an unknown kind turns up.

Aggregated discovery (Kubernetes 1.30 and later) answers the whole table in two requests, so there is nothing to keep on
disk and nothing to go stale there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wavetank.errors import KubeError, NotFoundError
from wavetank.kube.connection import Connection, Obj

__all__ = ["Kind", "Kinds", "Resource"]

Kind = str | tuple[str, str]
"""``"Pod"``, or ``("serving.knative.dev/v1", "Service")`` where the name alone means another."""

ALL_VERBS = frozenset({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"})
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as the server serves it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Return the path of the collection, of the object ``name``, or of its ``subresource``."""
        root = "api" if self.api_version == "v1" else "apis"
        place = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        parts = [f"/{root}/{self.api_version}{place}/{self.plural}", name, subresource]
        return "/".join(part for part in parts if part)


class Kinds:
    """The table of kinds of one server. Safe to use from several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._table: dict[Kind, Resource] = {}

    def find(self, kind: Kind) -> Resource:
        """Return where ``kind`` lives. Raises `NotFoundError` when the cluster does not have it."""
        with self._lock:
            if kind not in self._table:
                self._table = _by_kind(self._ask())
            if kind in self._table:
                return self._table[kind]
        words = kind if isinstance(kind, str) else " ".join(kind)
        raise NotFoundError(
            f"the cluster has no kind {words}",
            status=404,
            command=self._connection.kubectl("api-resources"),
            hint="is its CustomResourceDefinition applied, or the addon that brings it installed?",
        )

    def all(self) -> list[Resource]:
        """Return every kind the server has now, each in the version its group prefers."""
        preferred: dict[tuple[str, str], Resource] = {}
        for resource in self._ask():
            preferred.setdefault((resource.api_version.rpartition("/")[0], resource.kind), resource)
        return list(preferred.values())

    def define(self, crd: Obj) -> None:
        """Take up the kind of a CustomResourceDefinition just established, before discovery lists it."""
        with self._lock:
            known = list(self._table.values()) or list(self._ask())
            self._table = _by_kind([*known, *_defined(crd)])

    def _ask(self) -> Iterator[Resource]:
        for root in ("/api", "/apis"):
            answer = self._connection.call("GET", root, accept=AGGREGATED)
            if answer.get("kind") != "APIGroupDiscoveryList":
                raise KubeError(
                    f"the API server at {self._connection.server} does not list its kinds",
                    observed=f"{root} answered {answer.get('kind')}",
                    expected="aggregated discovery, which Kubernetes 1.30 and later have",
                )
            for group in answer["items"]:
                yield from _resources(group)


def _defined(crd: Obj) -> Iterator[Resource]:
    spec, names = crd["spec"], crd["spec"]["names"]
    for version in spec["versions"]:
        if version["served"]:
            api_version = f"{spec['group']}/{version['name']}"
            yield Resource(api_version, names["kind"], names["plural"], spec["scope"] == "Namespaced", ALL_VERBS)


def _resources(group: Obj) -> Iterator[Resource]:
    name = group["metadata"].get("name", "")
    for version in group["versions"]:
        api_version = f"{name}/{version['version']}" if name else version["version"]
        for told in version.get("resources", []):
            if not told.get("responseKind"):  # only there to carry subresources
                continue
            kind, verbs = told["responseKind"]["kind"], frozenset(told["verbs"])
            yield Resource(api_version, kind, told["resource"], told["scope"] == "Namespaced", verbs)


def _by_kind(resources: Iterable[Resource]) -> dict[Kind, Resource]:
    """Return the table; where two groups share a kind, its bare name means the first (the server's own order)."""
    table: dict[Kind, Resource] = {}
    for resource in resources:
        table.setdefault(resource.kind, resource)
        table[resource.api_version, resource.kind] = resource
    return table

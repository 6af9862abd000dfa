"""The verbs of the API on plain dicts: get, list, create, replace, patch, delete."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from wavetank.errors import KubeError, NotFoundError
from wavetank.kube.connection import FIELD_MANAGER, ONCE, Connection, Obj
from wavetank.kube.kinds import Kind, Kinds, Resource

__all__ = ["Client", "PatchType", "name_of", "namespace_of"]

PatchType = Literal["merge", "json", "strategic", "apply"]
CONTENT_TYPES: dict[PatchType, str] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
ALIVE_WITHIN = 2.0
DEFAULT_NAMESPACE = "default"


class Client:
    """The API of one cluster. Safe to use from several threads.

    A ``kind`` is ``"Pod"``, or ``("apps/v1", "Deployment")`` where its name alone could mean another. Every verb raises
    `NotFoundError`, `UnreachableError`, or `KubeError` with the server's own words. A verb that writes raises
    `ClusterError` before anything is asked about its kind, where the cluster does not say that it is Wavetank's.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.kinds = Kinds(connection)

    @classmethod
    def connect(cls, kubeconfig: Path | None = None, context: str | None = None) -> Self:
        """Return a client for ``kubeconfig``; by default the pod's own account in a cluster, else ``$KUBECONFIG``.

        Nothing is sent yet: a cluster that is down is noticed at the first use. Raises `InputError` for a kubeconfig
        that is missing or cannot be read.
        """
        return cls(Connection.open(kubeconfig, context))

    def alive(self) -> bool:
        """Tell whether the API server says, within 2 seconds, that it is ready."""
        try:
            self.connection.text("/readyz", timeout=ALIVE_WITHIN / 2)
        except KubeError:
            return False
        return True

    def may(self, verb: str, resource: str, namespace: str, group: str = "") -> bool:
        """Tell whether whoever asks may do ``verb`` to ``resource`` (a plural) in ``namespace``."""
        asked = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = self.connection.call("POST", path, body={**review, "spec": {"resourceAttributes": asked}})
        return bool(answer["status"]["allowed"])

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Obj:
        """Return one object; without ``namespace``, of the namespace ``default`` (if its kind has one)."""
        return self.connection.call("GET", self.path(kind, name, namespace))

    def find(self, kind: Kind, name: str, namespace: str | None = None) -> Obj | None:
        """Return one object, or None when there is none."""
        try:
            return self.get(kind, name, namespace)
        except NotFoundError:
            return None

    def list(
        self, kind: Kind, namespace: str | None = None, selector: str = "", fields: str = ""
    ) -> builtins.list[Obj]:
        """Return the objects of a kind; without ``namespace``, of all namespaces.

        ``selector`` is a label selector (``app=web``), ``fields`` a field selector (``spec.nodeName=worker``).
        """
        return self.list_at_version(kind, namespace, selector, fields)[0]

    def list_at_version(
        self,
        kind: Kind,
        namespace: str | None = None,
        selector: str = "",
        fields: str = "",
        timeout: float = 30.0,
    ) -> tuple[builtins.list[Obj], str]:
        """Return what `list` does, and the resourceVersion from which a watch sees every later change."""
        resource = self.kinds.find(kind)
        query = {"labelSelector": selector, "fieldSelector": fields}
        answer = self.connection.call("GET", resource.path(namespace), query=query, timeout=timeout)
        of_kind = {"apiVersion": resource.api_version, "kind": resource.kind}  # the items of a list leave it out
        return [{**of_kind, **item} for item in answer["items"]], answer["metadata"].get("resourceVersion", "")

    def create(self, obj: Obj) -> Obj:
        """Create ``obj`` (in ``default`` if it names no namespace) and return it as stored."""
        self.require_mark()
        resource = self.resource_of(obj)
        return self.connection.call("POST", resource.path(namespace_of(obj)), query=_AS_WAVETANK, body=obj)

    def replace(self, obj: Obj, manager: str = FIELD_MANAGER) -> Obj:
        """Replace an object whole; refused with status 409 when it has changed since its ``resourceVersion``.

        ``manager`` is who owns what is changed by it.
        """
        self.require_mark()
        path = self.resource_of(obj).path(namespace_of(obj), name_of(obj))
        return self.connection.call("PUT", path, query={"fieldManager": manager}, body=obj)

    def patch(
        self,
        kind: Kind,
        name: str,
        namespace: str | None,
        patch: Obj | Sequence[Obj],
        type: PatchType = "merge",
        subresource: str = "",
        force: bool | None = None,
        dry_run: bool = False,
    ) -> Obj:
        """Change an object and return it as stored; with ``dry_run``, as it would be.

        ``force`` is for ``apply``: take fields that others own.
        """
        self.require_mark()
        return self.connection.call(
            "PATCH",
            self.path(kind, name, namespace, subresource),
            query={
                **_AS_WAVETANK,
                "force": force,
                "fieldValidation": "Strict" if type == "apply" else None,
                "dryRun": "All" if dry_run else None,
            },
            body=patch,
            content_type=CONTENT_TYPES[type],
        )

    def delete_object(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        grace: int | None = None,
        uid: str | None = None,
        foreground: bool = False,
    ) -> Obj | None:
        """Delete one object, what it owns following in the background. Returns None when there was none.

        With ``foreground`` it is there until what it owns is gone. ``grace`` is the seconds a pod gets to end by itself
        (default: its own); with ``uid`` it is refused (status 409) unless the object is still that one.
        """
        self.require_mark()
        options: Obj = {"propagationPolicy": "Foreground" if foreground else "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            return self.connection.call("DELETE", self.path(kind, name, namespace), body=options)
        except NotFoundError:
            return None

    def evict(self, pod: str, namespace: str) -> None:
        """Ask for a pod to go, as draining a node does; a disruption budget's refusal is a `KubeError`, status 429."""
        self.require_mark()
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        self.connection.call("POST", self.path("Pod", pod, namespace, "eviction"), body=eviction, retries=ONCE)

    def require_mark(self) -> None:
        """Return when the cluster says that it is Wavetank's; see `Connection.require_mark`."""
        self.connection.require_mark()

    def namespaced_kinds(self) -> builtins.list[Kind]:
        """Return every kind whose objects live in namespaces and can be listed and deleted."""
        return [
            (resource.api_version, resource.kind)
            for resource in self.kinds.all()
            if resource.namespaced and {"list", "delete"} <= resource.verbs
        ]

    def resource_of(self, obj: Obj) -> Resource:
        """Return the resource an object belongs to."""
        return self.kinds.find((obj["apiVersion"], obj["kind"]))

    def path(self, kind: Kind, name: str, namespace: str | None, subresource: str = "") -> str:
        """Return the path of one object or of its subresource."""
        return self.kinds.find(kind).path(namespace or DEFAULT_NAMESPACE, name, subresource)


_AS_WAVETANK = {"fieldManager": FIELD_MANAGER}


def name_of(obj: Obj) -> str:
    """Return the name of an object."""
    name: str = obj["metadata"]["name"]
    return name


def namespace_of(obj: Obj) -> str:
    """Return the namespace of an object (``default`` if it names none; of no meaning where its kind has none)."""
    namespace: str = obj["metadata"].get("namespace") or DEFAULT_NAMESPACE
    return namespace

"""What `tests.support.apiserver` stores and how an API changes it: versions, generations, finalizers, owners."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from tests.support.merging import Obj, matches, updated

from wavetank.kube.mark import NAME, NAMESPACE

BUILT_IN = """
v1 Namespace namespaces - status
v1 Pod pods namespaced status
v1 Service services namespaced status
v1 ConfigMap configmaps namespaced
v1 Secret secrets namespaced
v1 ServiceAccount serviceaccounts namespaced
v1 Event events namespaced
v1 ResourceQuota resourcequotas namespaced status
v1 LimitRange limitranges namespaced
v1 Node nodes - status
v1 Endpoints endpoints namespaced
apps/v1 Deployment deployments namespaced status
apps/v1 ReplicaSet replicasets namespaced status
apps/v1 DaemonSet daemonsets namespaced status
apps/v1 StatefulSet statefulsets namespaced status
events.k8s.io/v1 Event events namespaced
v1 ResourceQuota resourcequotas namespaced status
v1 LimitRange limitranges namespaced
batch/v1 Job jobs namespaced status
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers namespaced status
policy/v1 PodDisruptionBudget poddisruptionbudgets namespaced status
networking.k8s.io/v1 Ingress ingresses namespaced status
networking.k8s.io/v1 IngressClass ingressclasses -
apiregistration.k8s.io/v1 APIService apiservices - status
networking.k8s.io/v1 NetworkPolicy networkpolicies namespaced
discovery.k8s.io/v1 EndpointSlice endpointslices namespaced
coordination.k8s.io/v1 Lease leases namespaced
rbac.authorization.k8s.io/v1 ClusterRole clusterroles -
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings -
rbac.authorization.k8s.io/v1 Role roles namespaced
rbac.authorization.k8s.io/v1 RoleBinding rolebindings namespaced
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions - status
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations -
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy validatingadmissionpolicies -
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings -
metrics.k8s.io/v1beta1 PodMetrics pods namespaced
metrics.k8s.io/v1beta1 NodeMetrics nodes -
"""


@dataclass(frozen=True)
class Resource:
    api_version: str
    kind: str
    plural: str
    namespaced: bool
    has_status: bool

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def words(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True)
class Request:
    """What the proxy or a forwarded port passes on to an application."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = tuple[int, Mapping[str, str], bytes]
Run = Callable[[list[str]], tuple[int, bytes, bytes]]
"""Runs a command; returns its exit code and what it has written to stdout and stderr."""
Key = tuple[Resource, str, str]


class RefusalError(Exception):
    """A Status to answer with."""

    def __init__(self, code: int, reason: str, message: str, causes: list[Obj] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": {"causes": causes or []},
            "code": code,
        }


class Entry(NamedTuple):
    """One write: what was there before, what is there after, and the object as watchers are to see it."""

    version: int
    resource: Resource
    before: Obj | None
    after: Obj | None
    seen: Obj


@dataclass
class Log:
    """What one container has written in one run."""

    lines: list[str] = field(default_factory=list)
    ended: bool = False


class Store:
    """The objects of one cluster. Every method may be called from any thread."""

    def __init__(self, *, marked: bool = True) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.resources = [_resource(line) for line in BUILT_IN.strip().splitlines()]
        self.journal: list[Entry] = []
        self.compacted = 100  # as in a cluster that has been up for a while
        self.answers: dict[tuple[str, str], Callable[[Request], Answer]] = {}
        self.programs: dict[tuple[str, str, str], Run] = {}
        self.may: Callable[[Obj], bool] = lambda asked: True
        """What a SelfSubjectAccessReview is answered, by the attributes asked for."""
        self.forbid: Callable[[str], bool] = lambda path: False
        """Which paths are answered with 403."""
        self.running = False
        self.version = 100
        self._objects: dict[Key, Obj] = {}
        self._logs: dict[tuple[str, str, str, bool], Log] = {}
        self._hooks: list[Callable[[str, Obj], None]] = []
        self._untold: list[tuple[str, Obj]] = []
        for namespace in ("default", "kube-system"):
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        if marked:
            self.mark()

    # What a test does to the cluster behind the API's back

    def mark(self) -> None:
        """Have the cluster say that it is Wavetank's: without that, nothing of Wavetank's writes to it."""
        place = {"name": NAME, "namespace": NAMESPACE}
        self.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": place, "data": {"name": "test", "made": "up"}})

    def put(self, obj: Obj) -> Obj:
        """Store ``obj`` whole, status included, and return it; its namespace is made if it is missing."""
        resource = self.of_kind(obj["kind"], obj["apiVersion"])
        with self._writing():
            namespace = obj["metadata"].get("namespace", "default") if resource.namespaced else ""
            namespaces = self.of_kind("Namespace")
            if namespace and (namespaces, "", namespace) not in self._objects:
                self._commit((namespaces, "", namespace), _born({"metadata": {"name": namespace}}, namespaces, ""))
            key = (resource, namespace, obj["metadata"]["name"])
            live = self._objects.get(key)
            new = _born(obj, resource, namespace)
            if live:
                new["metadata"] = {**live["metadata"], **obj["metadata"], "generation": _generation(live, new)}
            return self._commit(key, new)

    def get(self, kind: str, name: str, namespace: str = "default") -> Obj | None:
        """Return what is stored, or None."""
        resource = self.of_kind(kind)
        with self.changed:
            return copy.deepcopy(self._objects.get((resource, namespace if resource.namespaced else "", name)))

    def objects(self, kind: str, namespace: str = "") -> list[Obj]:
        """Return every stored object of a kind, of one namespace or of all."""
        return self.select(self.of_kind(kind), namespace)

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Remove an object at once, finalizers or not."""
        resource = self.of_kind(kind)
        with self._writing():
            self._drop((resource, namespace if resource.namespaced else "", name))

    def on_write(self, hook: Callable[[str, Obj], None]) -> None:
        """Have ``hook(change, obj)`` called after each write (ADDED, MODIFIED, DELETED), in the writer's thread."""
        self._hooks.append(hook)

    def log(
        self, pod: str, *lines: str, namespace: str = "default", container: str = "", previous: bool = False
    ) -> None:
        """Have a container (the pod's first one by default) write ``lines``; ``previous`` is its run before."""
        with self.changed:
            self.log_of(pod, namespace, container, previous).lines += lines
            self.changed.notify_all()

    def end_log(self, pod: str, namespace: str = "default", container: str = "") -> None:
        """End a container's log, as its exit does: whoever follows it comes to its end."""
        with self.changed:
            self.log_of(pod, namespace, container, False).ended = True
            self.changed.notify_all()

    def answer(self, target: str, answer: Callable[[Request], Answer], namespace: str = "default") -> None:
        """Play the application at ``service:NAME:PORT`` or ``pod:NAME:PORT``, behind the proxy or a forwarded port."""
        self.answers[namespace, target] = answer

    def program(self, pod: str, run: Run, namespace: str = "default", *, container: str) -> None:
        """Have ``run`` do what is executed in a container."""
        self.programs[namespace, pod, container] = run

    def compact(self) -> None:
        """Forget the history: running watches are told so (410), and so is whoever asks for an older version."""
        with self.changed:
            self.version += 1
            self.compacted = self.version
            self.changed.notify_all()

    # What the API does

    def of_kind(self, kind: str, api_version: str = "") -> Resource:
        with self.changed:
            for resource in self.resources:
                if resource.kind == kind and api_version in ("", resource.api_version):
                    return resource
        raise RefusalError(404, "NotFound", "the server could not find the requested resource")

    def select(self, resource: Resource, namespace: str, labels: str = "", fields: str = "") -> list[Obj]:
        with self.changed:
            return [
                copy.deepcopy(obj)
                for (of, place, _), obj in sorted(self._objects.items(), key=lambda item: item[0][1:])
                if of == resource and namespace in ("", place) and matches(obj, labels, fields)
            ]

    def read(self, resource: Resource, namespace: str, name: str) -> Obj:
        with self.changed:
            obj = self._objects.get((resource, namespace, name))
            if obj is None:
                raise RefusalError(404, "NotFound", f'{resource.words} "{name}" not found')
            return copy.deepcopy(obj)

    def create(self, resource: Resource, namespace: str, obj: Obj, manager: str) -> Obj:
        with self._writing():
            metadata = obj.setdefault("metadata", {})
            if resource.namespaced:
                self.read(self.of_kind("Namespace"), "", namespace)
                if metadata.get("namespace", namespace) != namespace:
                    raise RefusalError(400, "BadRequest", "the namespace of the object is not that of the request")
            if not metadata.get("name") and metadata.get("generateName"):
                metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]
            if not metadata.get("name"):
                raise RefusalError(422, "Invalid", f"{resource.kind} is invalid: metadata.name: Required value")
            key = (resource, namespace, metadata["name"])
            if key in self._objects:
                raise RefusalError(409, "AlreadyExists", f'{resource.words} "{metadata["name"]}" already exists')
            new = _born(obj, resource, namespace)
            if resource.has_status:
                new.pop("status", None)
                new |= FIRST_STATUS.get(resource.kind, {})
            return self._commit(key, updated(None, new, manager) if manager else new)

    def change(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        make: Callable[[Obj], Obj],
        manager: str = "",
        subresource: str = "",
    ) -> Obj:
        """Store ``make(live)`` and return it; with a ``manager``, as owner of what it changed."""
        key = (resource, namespace, name)
        with self._writing():
            live = self.read(*key)
            new = make(copy.deepcopy(live))
            if new["metadata"].get("resourceVersion") not in (None, "", live["metadata"]["resourceVersion"]):
                message = f'Operation cannot be fulfilled on {resource.words} "{name}": the object has been modified'
                raise RefusalError(409, "Conflict", message)
            if subresource == "status":
                new = {**live, "status": new.get("status", {})}
            elif resource.has_status:
                new = {**new, **({"status": live["status"]} if "status" in live else {})}
                new = new if "status" in live else {part: value for part, value in new.items() if part != "status"}
            kept = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "resourceVersion")
            new["metadata"] |= {part: live["metadata"][part] for part in kept if part in live["metadata"]}
            new["metadata"]["generation"] = _generation(live, new)
            new = updated(live, new, manager, subresource) if manager else new
            if new == live:
                return live
            if "deletionTimestamp" in new["metadata"] and not new["metadata"].get("finalizers"):
                self._objects[key] = new
                return self._drop(key)
            return self._commit(key, new)

    def remove(self, resource: Resource, namespace: str, name: str, preconditions: Obj) -> Obj:
        """Delete an object, or mark it if it has finalizers; returns it as it was or is."""
        with self._writing():
            live = self.read(resource, namespace, name)
            for part, wanted in preconditions.items():
                if live["metadata"][part] != wanted:
                    raise RefusalError(409, "Conflict", f"Precondition failed: {part}: {wanted}")
            return self._delete((resource, namespace, name))

    def log_of(self, pod: str, namespace: str, container: str, previous: bool) -> Log:
        if not container:
            spec = (self.get("Pod", pod, namespace) or {}).get("spec", {})
            container = next((c["name"] for c in spec.get("containers", [])), "main")
        return self._logs.setdefault((namespace, pod, container, previous), Log())

    # How it is stored

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self.changed:
            yield
            told, self._untold = self._untold, []
        for change, obj in told:
            for hook in self._hooks:
                hook(change, copy.deepcopy(obj))

    def _commit(self, key: Key, new: Obj | None) -> Obj:
        """Store ``new`` under ``key`` (None: remove it) as the next version, and tell everybody."""
        old = self._objects.get(key)
        self.version += 1
        last: Obj = copy.deepcopy(new if new is not None else self._objects[key])
        last["metadata"]["resourceVersion"] = str(self.version)
        if new is None:
            del self._objects[key]
        else:
            self._objects[key] = last
        self.journal.append(Entry(self.version, key[0], old, last if new is not None else None, last))
        self._untold.append(("DELETED" if new is None else "MODIFIED" if old else "ADDED", last))
        self.changed.notify_all()
        if key[0].kind == "CustomResourceDefinition":
            self._define(key, last, gone=new is None)
        return copy.deepcopy(last)

    def _delete(self, key: Key) -> Obj:
        live = self._objects[key]
        if not live["metadata"].get("finalizers"):
            return self._drop(key)
        if "deletionTimestamp" in live["metadata"]:
            return copy.deepcopy(live)
        marks = {"deletionTimestamp": _now(), "deletionGracePeriodSeconds": 0}
        return self._commit(key, {**live, "metadata": {**live["metadata"], **marks}})

    def _drop(self, key: Key) -> Obj:
        """Remove an object, then what it owns and, if it is a namespace, what is in it."""
        gone = self._commit(key, None)
        for other, obj in list(self._objects.items()):
            owned = any(o["uid"] == gone["metadata"]["uid"] for o in obj["metadata"].get("ownerReferences", []))
            if other in self._objects and (owned or (key[0].kind == "Namespace" and other[1] == key[2])):
                self._delete(other)
        return gone

    def _define(self, key: Key, crd: Obj, *, gone: bool) -> None:
        """Serve the kind that ``crd`` defines and say that it is established; or do so no more."""
        group, names, scope = crd["spec"]["group"], crd["spec"]["names"], crd["spec"]["scope"]
        defined = [
            Resource(
                f"{group}/{version['name']}",
                names["kind"],
                names["plural"],
                scope == "Namespaced",
                "status" in version.get("subresources", {}),
            )
            for version in crd["spec"]["versions"]
        ]
        self.resources = [known for known in self.resources if (known.group, known.kind) != (group, names["kind"])]
        if gone:
            for other in [other for other in self._objects if other[0] in defined]:
                self._commit(other, None)
            return
        self.resources += defined
        if not crd.get("status"):
            conditions = [{"type": type_, "status": "True"} for type_ in ("NamesAccepted", "Established")]
            self._commit(key, {**crd, "status": {"conditions": conditions, "acceptedNames": names}})


FIRST_STATUS: dict[str, Obj] = {"Pod": {"status": {"phase": "Pending"}}, "Namespace": {"status": {"phase": "Active"}}}


def _resource(line: str) -> Resource:
    api_version, kind, plural, *flags = line.split()
    return Resource(api_version, kind, plural, "namespaced" in flags, "status" in flags)


def _born(obj: Obj, resource: Resource, namespace: str) -> Obj:
    """Return a copy of ``obj`` with what the server gives to a new object."""
    metadata = {**obj["metadata"], **({"namespace": namespace} if resource.namespaced else {})}
    given = {"uid": str(uuid.uuid4()), "creationTimestamp": _now(), "generation": 1}
    of_kind = {"apiVersion": resource.api_version, "kind": resource.kind}
    return copy.deepcopy({**obj, **of_kind, "metadata": {**given, **metadata}})


def _generation(live: Obj, new: Obj) -> int:
    """Return the generation, counted up when anything but metadata and status has changed."""
    before, after = ({k: v for k, v in obj.items() if k not in ("metadata", "status")} for obj in (live, new))
    return int(live["metadata"].get("generation", 1)) + (before != after)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

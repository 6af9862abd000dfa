"""HTTP for `tests.support.apiserver`: paths and verbs to what the server does, streams for watches and logs."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.apistore import Entry, RefusalError, Request, Resource, Store
from tests.support.merging import ConflictError, Obj, apply, json_patch, matches, merge
from tests.support.streams import ServerChannels, accepted, forward_port, run_command

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


class Server(Store):
    """What the handler needs of its server."""

    requests: list[tuple[str, str]]
    connections: set[Handler]


class Handler(BaseHTTPRequestHandler):
    api: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.api.connections.add(self)

    def finish(self) -> None:
        self.api.connections.discard(self)
        with contextlib.suppress(OSError):
            super().finish()

    def cut(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.query = dict(parse_qsl(url.query))
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.api.requests.append((self.command, self.path))
        try:
            if self.api.tokens is not None and self.headers.get("Authorization", "")[7:] not in self.api.tokens:
                raise RefusalError(401, "Unauthorized", "Unauthorized")
            if self.api.forbid(url.path):
                raise RefusalError(403, "Forbidden", f"{url.path} is forbidden")
            self._route(url.path)
        except RefusalError as refusal:
            self._answer(refusal.status, refusal.code)
        except ValueError as error:
            self._answer(RefusalError(422, "Invalid", str(error)).status, 422)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class finds them by these names

    def _route(self, path: str) -> None:
        root, *parts = path.strip("/").split("/")
        depth = {"api": 1, "apis": 2}.get(root, 0)
        if path in ("/readyz", "/livez"):
            self._send(200, {"Content-Type": "text/plain"}, b"ok")
        elif path == "/version":
            self._answer({"major": "1", "minor": "36", "gitVersion": "v1.36.0-test", "platform": "test"})
        elif path == REVIEWS:
            asked = json.loads(self.body)
            allowed = self.api.may(asked["spec"]["resourceAttributes"])
            self._answer({**asked, "status": {"allowed": allowed}}, 201)
        elif depth and len(parts) <= depth:
            self._discover(root, "/".join(parts))
        else:
            api_version, parts = "/".join(parts[:depth]), parts[depth:]
            namespace = ""
            if parts[:1] == ["namespaces"] and len(parts) > 2 and parts[2] != "status":
                namespace, parts = parts[1], parts[2:]
            plural, name, subresource = [*parts, "", "", ""][:3]
            self._resource(self._find(api_version, plural), namespace, name, subresource, "/".join(parts[3:]))

    def _resource(self, resource: Resource, namespace: str, name: str, subresource: str, rest: str) -> None:
        place = (resource, namespace, name)
        if subresource == "proxy":
            self._proxy(*place, rest)
            return
        obj = json.loads(self.body) if self.body else {}
        manager = self.query.get("fieldManager") or self.headers.get("User-Agent", "unknown").partition("/")[0]
        match self.command, subresource:
            case "GET", "log":
                self._log(namespace, name)
            case "GET", "exec":
                self._exec(namespace, name)
            case "GET", "portforward":
                self._forward(namespace, name)
            case "GET", "" if not name and "watch" in self.query:
                self._watch(resource, namespace)
            case "GET", "" if not name:
                self._list(resource, namespace)
            case "POST", "eviction":
                self._evict(*place)
            case "POST", "":
                self._answer(self.api.create(resource, namespace, obj, manager), 201)
            case "GET", "scale":
                self._answer(_scale(self.api.read(*place)))
            case "PUT" | "PATCH", "scale":
                replicas = {"spec": {"replicas": obj["spec"]["replicas"]}}
                scaled = self.api.change(*place, lambda live: merge(live, replicas), manager, "scale")
                self._answer(_scale(scaled))
            case "GET", "" | "status":
                self._answer(self.api.read(*place))
            case "PUT", "" | "status":
                self._answer(self.api.change(*place, lambda live: _replaced(live, obj), manager, subresource))
            case "PATCH", "" | "status":
                self._patch(*place, obj, manager, subresource)
            case "DELETE", "" if name:
                self._answer(self.api.remove(*place, obj.get("preconditions") or {}))
            case "DELETE", "":
                for each in self.api.select(resource, namespace, *self._selectors()):
                    self.api.remove(resource, each["metadata"].get("namespace", ""), each["metadata"]["name"], {})
                self._answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})
            case _:
                raise RefusalError(
                    405, "MethodNotAllowed", f"this test server does not do {self.command} {subresource}"
                )

    def _find(self, api_version: str, plural: str) -> Resource:
        for resource in self.api.resources:
            if (resource.api_version, resource.plural) == (api_version, plural):
                return resource
        raise RefusalError(404, "NotFound", "the server could not find the requested resource")

    def _selectors(self) -> tuple[str, str]:
        return self.query.get("labelSelector", ""), self.query.get("fieldSelector", "")

    def _list(self, resource: Resource, namespace: str) -> None:
        with self.api.changed:
            items, version = self.api.select(resource, namespace, *self._selectors()), self.api.version
        for item in items:
            del item["apiVersion"], item["kind"]
        metadata = {"resourceVersion": str(version)}
        of_kind = {"apiVersion": resource.api_version, "kind": f"{resource.kind}List"}
        self._answer({**of_kind, "metadata": metadata, "items": items})

    def _patch(self, resource: Resource, namespace: str, name: str, patch: Any, manager: str, subresource: str) -> None:
        place = (resource, namespace, name)
        match self.headers["Content-Type"]:
            case "application/apply-patch+yaml":
                self._apply(*place, patch, manager, subresource)
            case "application/json-patch+json":
                self._answer(self.api.change(*place, lambda live: json_patch(live, patch), manager, subresource))
            case "application/merge-patch+json":
                self._answer(self.api.change(*place, lambda live: merge(live, patch), manager, subresource))
            case "application/strategic-merge-patch+json":
                strategic = self.api.change(
                    *place, lambda live: merge(live, patch, lists_by_name=True), manager, subresource
                )
                self._answer(strategic)
            case other:
                raise RefusalError(
                    415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {other}"
                )

    def _apply(
        self, resource: Resource, namespace: str, name: str, config: Obj, manager: str, subresource: str
    ) -> None:
        force = self.query.get("force") == "true"
        if self.query.get("dryRun") == "All":
            with contextlib.suppress(RefusalError):
                self._answer(apply(self.api.read(resource, namespace, name), config, manager, force=force))
                return
            self._answer(config, 201)
            return
        try:
            self.api.read(resource, namespace, name)
        except RefusalError:
            bare = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name}}
            born = apply(bare, config, manager, force=force)
            self._answer(self.api.create(resource, namespace, born, ""), 201)
            return
        try:
            changed = self.api.change(
                resource,
                namespace,
                name,
                lambda live: apply(live, config, manager, force=force),
                subresource=subresource,
            )
        except ConflictError as conflict:
            causes = [
                {"reason": "FieldManagerConflict", "message": f'conflict with "{owner}" using {version}', "field": path}
                for owner, version, path in conflict.fields
            ]
            count = f"{len(causes)} conflict" + ("s" if len(causes) > 1 else "")
            told = ", ".join(f"{cause['message']}: {cause['field']}" for cause in causes)
            raise RefusalError(409, "Conflict", f"Apply failed with {count}: {told}", causes) from None
        self._answer(changed)

    def _evict(self, resource: Resource, namespace: str, name: str) -> None:
        labels = self.api.read(resource, namespace, name)["metadata"].get("labels", {})
        for budget in self.api.objects("PodDisruptionBudget", namespace):
            selector = budget["spec"]["selector"].get("matchLabels", {})
            if selector.items() <= labels.items() and not budget.get("status", {}).get("disruptionsAllowed"):
                message = "Cannot evict pod as it would violate the pod's disruption budget."
                raise RefusalError(429, "TooManyRequests", message)
        self.api.remove(resource, namespace, name, {})
        self._answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)

    def _watch(self, resource: Resource, namespace: str) -> None:
        start = int(self.query.get("resourceVersion") or 0)
        end = time.monotonic() + float(self.query.get("timeoutSeconds", 1800))
        self._stream(json.dumps(event).encode() + b"\n" for event in self._events(resource, namespace, start, end))

    def _events(self, resource: Resource, namespace: str, version: int, end: float) -> Iterator[Obj]:
        api = self.api
        if not version:
            version = api.version
            for obj in api.select(resource, namespace, *self._selectors()):
                yield {"type": "ADDED", "object": obj}
        while True:
            with api.changed:
                while api.version == version and api.running and (left := end - time.monotonic()) > 0:
                    api.changed.wait(left)
                if version < api.compacted:
                    expired = RefusalError(410, "Expired", f"too old resource version: {version} ({api.compacted})")
                    yield {"type": "ERROR", "object": expired.status}
                    return
                news, version = [entry for entry in api.journal if entry.version > version], api.version
            for entry in news:
                if entry.resource == resource and namespace in ("", entry.seen["metadata"].get("namespace")):
                    yield from self._event(entry)
            if time.monotonic() >= end or not api.running:
                break
        if self.query.get("allowWatchBookmarks") == "true":
            metadata = {"resourceVersion": str(version)}
            bookmark = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
            yield {"type": "BOOKMARK", "object": bookmark}

    def _event(self, entry: Entry) -> Iterator[Obj]:
        """Yield a write as this watch sees it: an object that its selectors no longer take is gone."""
        before, after = (obj is not None and matches(obj, *self._selectors()) for obj in (entry.before, entry.after))
        if before or after:
            type_ = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
            yield {"type": type_, "object": entry.seen}

    def _log(self, namespace: str, name: str) -> None:
        pod = self.api.read(self.api.of_kind("Pod"), namespace, name)
        container = self._container(pod)
        previous = self.query.get("previous") == "true"
        log = self.api.log_of(name, namespace, container, previous)
        if previous and not log.lines:
            message = f'previous terminated container "{container}" in pod "{name}" not found'
            raise RefusalError(400, "BadRequest", message)
        first = max(len(log.lines) - int(self.query.get("tailLines", len(log.lines))), 0)
        if self.query.get("follow") != "true":
            text = "".join(f"{line}\n" for line in log.lines[first:])
            self._send(200, {"Content-Type": "text/plain"}, text.encode())
            return

        def follow(position: int) -> Iterator[bytes]:
            while True:
                with self.api.changed:
                    now = self.api.get("Pod", name, namespace)
                    over = log.ended or now is None or now.get("status", {}).get("phase") in ("Succeeded", "Failed")
                    lines, position = log.lines[position:], len(log.lines)
                    if not lines and not over and self.api.running:
                        self.api.changed.wait()
                yield from (f"{line}\n".encode() for line in lines)
                if over or not self.api.running:
                    return

        self._stream(follow(first))

    def _container(self, pod: Obj) -> str:
        """Return the container that is asked for, by default the only one; empty if the test has put none there."""
        name, container = pod["metadata"]["name"], self.query.get("container", "")
        spec = pod.get("spec", {})
        containers = [each["name"] for each in spec.get("containers", [])]
        all_of_them = [*(each["name"] for each in spec.get("initContainers", [])), *containers]
        if not container and len(containers) > 1:
            choices = " ".join(all_of_them)
            message = f"a container name must be specified for pod {name}, choose one of: [{choices}]"
            raise RefusalError(400, "BadRequest", message)
        if container and containers and container not in all_of_them:
            raise RefusalError(400, "BadRequest", f"container {container} is not valid for pod {name}")
        return container or next(iter(containers), "")

    def _exec(self, namespace: str, name: str) -> None:
        pod = self._placed(namespace, name)
        run = self.api.programs.get((namespace, name, self._container(pod)))
        if run is None:
            raise RefusalError(500, "InternalError", f'unable to upgrade connection: container not found ("{name}")')
        asked = parse_qsl(urlsplit(self.path).query)
        run_command(self._channels(), run, [value for key, value in asked if key == "command"])

    def _forward(self, namespace: str, name: str) -> None:
        self._placed(namespace, name)
        port = int(self.query["ports"])
        forward_port(self._channels(), name, port, self.api.answers.get((namespace, f"pod:{name}:{port}")))

    def _placed(self, namespace: str, name: str) -> Obj:
        """Return a pod that a node has taken: only there somebody can be talked to."""
        pod = self.api.read(self.api.of_kind("Pod"), namespace, name)
        if not pod.get("spec", {}).get("nodeName"):
            raise RefusalError(400, "BadRequest", f"pod {name} does not have a host assigned")
        return pod

    def _channels(self) -> ServerChannels:
        accept = accepted(self.headers)
        self.send_response(101)
        for header, value in accept.items():
            self.send_header(header, value)
        self.end_headers()
        self.close_connection = True
        return ServerChannels(self.rfile, self.wfile)

    def _proxy(self, resource: Resource, namespace: str, name: str, path: str) -> None:
        name, _, port = name.partition(":")
        obj, kind = self.api.read(resource, namespace, name), resource.kind.lower()
        answer = self.api.answers.get((namespace, f"{kind}:{name}:{port}"))
        if answer is None:
            ports = obj.get("spec", {}).get("ports", [])
            known = kind == "pod" or any(port in (str(each["port"]), each.get("name")) for each in ports)
            lacks = "no endpoints available" if known else f"no service port {port} found"
            raise RefusalError(503, "ServiceUnavailable", f'{lacks} for {kind} "{name}"')
        query = urlsplit(self.path).query
        asked = Request(self.command, f"/{path}" + (f"?{query}" if query else ""), dict(self.headers), self.body)
        status, headers, body = answer(asked)
        self._send(status, dict(headers), body)

    def _discover(self, root: str, path: str) -> None:
        """Answer the aggregated table of kinds if that is asked for, else what older clients read piece by piece."""
        resources = [resource for resource in self.api.resources if bool(resource.group) == (root == "apis")]
        if path or "g=apidiscovery.k8s.io" not in self.headers.get("Accept", ""):
            self._answer(self._discovery(root, path, resources))
            return
        items = [_group(group, resources) for group in dict.fromkeys(resource.group for resource in resources)]
        table = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}
        self._send(200, {"Content-Type": AGGREGATED}, json.dumps(table).encode())

    def _discovery(self, root: str, path: str, resources: list[Resource]) -> Obj:
        groups = list(dict.fromkeys(resource.group for resource in resources))
        if not path and root == "api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if not path:
            return {"kind": "APIGroupList", "groups": [_versions(group, resources) for group in groups]}
        if path in groups:
            return {"kind": "APIGroup", **_versions(path, resources)}
        served = [resource for resource in resources if resource.api_version == path]
        if not served:
            raise RefusalError(404, "NotFound", "the server could not find the requested resource")
        names = [
            {"name": name, "singularName": "", "namespaced": resource.namespaced, "kind": resource.kind, "verbs": VERBS}
            for resource in served
            for name in [resource.plural, *([f"{resource.plural}/status"] if resource.has_status else [])]
        ]
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": path, "resources": names}

    def _answer(self, obj: Obj, status: int = 200) -> None:
        self._send(status, {"Content-Type": "application/json"}, json.dumps(obj).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, chunks: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        if not self.api.running:
            raise ConnectionAbortedError("a server that goes away ends nothing properly")
        self.wfile.write(b"0\r\n\r\n")


def _replaced(live: Obj, obj: Obj) -> Obj:
    """Return what a PUT stores: a writer who says nothing of ownership keeps it, an empty entry resets it."""
    managed = obj["metadata"].get("managedFields", live["metadata"].get("managedFields", []))
    return {**obj, "metadata": {**obj["metadata"], "managedFields": [entry for entry in managed if entry]}}


def _scale(obj: Obj) -> Obj:
    metadata = {part: obj["metadata"][part] for part in ("name", "namespace", "uid", "resourceVersion")}
    replicas = {"replicas": obj["spec"].get("replicas", 1)}
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": replicas}


def _group(group: str, resources: list[Resource]) -> Obj:
    """Return one group as aggregated discovery tells it."""
    told: dict[str, list[Obj]] = {}
    for resource in resources:
        if resource.group == group:
            version = resource.api_version.rpartition("/")[2]
            kind = {"group": group, "version": version, "kind": resource.kind}
            scope = "Namespaced" if resource.namespaced else "Cluster"
            entry = {"resource": resource.plural, "responseKind": kind, "scope": scope, "verbs": VERBS}
            told.setdefault(version, []).append(entry)
    versions = [{"version": version, "resources": entries} for version, entries in told.items()]
    return {"metadata": {"name": group} if group else {}, "versions": versions}


def _versions(group: str, resources: list[Resource]) -> Obj:
    names = list(dict.fromkeys(resource.api_version for resource in resources if resource.group == group))
    versions = [{"groupVersion": name, "version": name.rpartition("/")[2]} for name in names]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}

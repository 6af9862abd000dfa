"""What a request needs a role to grant."""

from __future__ import annotations

from urllib.parse import urlsplit

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}

Permission = tuple[str, str, str]
"""API group, resource (with its subresource), verb."""


def needed(method: str, url: str) -> set[Permission]:
    """Return what a request needs: nothing for what everybody may ask, such as which kinds there are."""
    if urlsplit(url).path.startswith("/apis/authorization.k8s.io/"):
        return set()
    root, *parts = urlsplit(url).path.strip("/").split("/")
    group = "" if root == "api" else "/".join(parts[:1])
    parts = parts[1:] if root == "api" else parts[2:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    if not parts:
        return set()
    resource = "/".join([parts[0], *parts[2:3]])
    if resource == "pods/portforward":
        # A WebSocket begins as GET, and what it does is more than reading: Kubernetes 1.35 and later ask for both.
        return {(group, resource, "get"), (group, resource, "create")}
    verb = VERBS.get(method, "get" if len(parts) > 1 else "watch" if "watch=" in url else "list")
    return {(group, resource, verb)}

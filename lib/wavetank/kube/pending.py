"""What applying a manifest would change, said by the server itself in a dry run: what differs, and where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wavetank.document import Key
from wavetank.kube.apply import apply_one
from wavetank.kube.client import DEFAULT_NAMESPACE, Client, name_of
from wavetank.kube.connection import Obj
from wavetank.kube.manifest import Manifest, written

__all__ = ["Pending", "pending"]

_SERVERS = frozenset({"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"})
"""Metadata that the server writes by itself."""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Pending:
    """An object that applying would make, or change: first at ``path``, from ``there`` to ``wanted``."""

    kind: str
    name: str
    path: tuple[Key, ...] = ()
    there: Any = None
    wanted: Any = None

    def __str__(self) -> str:
        if not self.path:
            return f"there is no {self.kind}/{self.name}"
        field = ".".join(map(str, self.path))
        return f"{self.kind}/{self.name}: {field} is {_short(self.there)}, and would be {_short(self.wanted)}"


def pending(
    client: Client, manifest: Manifest, namespace: str = DEFAULT_NAMESPACE, *, enforce_namespace: bool = False
) -> Iterator[Pending]:
    """Yield of every object of ``manifest`` what applying it would change in the cluster; nothing is changed.

    Raises what `wavetank.kube.apply.apply` does: what cannot be read, and what the server refuses.
    """
    for each in written(manifest, namespace, enforce_namespace=enforce_namespace):
        kind, name = (each.obj["apiVersion"], each.obj["kind"]), name_of(each.obj)
        for _ in range(_TRIES):
            live = client.find(kind, name, each.obj["metadata"]["namespace"])
            then = apply_one(client, each, force=True, dry_run=True)
            if live is None or live["metadata"].get("resourceVersion") == then["metadata"].get("resourceVersion"):
                break  # else a controller has written between the two
        if live is None:
            yield Pending(kind[1], name)
        elif path := next(_differences(_said(live), _said(then)), None):
            yield Pending(kind[1], name, path, _at(live, path), _at(then, path))


def _said(obj: Obj) -> Obj:
    """Return what people and controllers have said of an object, without the server's own notes."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVERS}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _differences(one: Any, other: Any, path: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    """Yield where two objects differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from _differences(one.get(key), other.get(key), (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _differences(mine, theirs, (*path, number))
    elif one != other:
        yield path


def _at(obj: Any, path: tuple[Key, ...]) -> Any:
    for key in path:
        obj = obj.get(key) if isinstance(obj, dict) else obj[key]
    return obj


def _short(value: Any) -> str:
    words = "not there" if value is None else json.dumps(value, sort_keys=True)
    return words if len(words) <= 60 else f"{words[:60]}..."

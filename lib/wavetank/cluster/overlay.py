"""What is ours of a manifest that others wrote: its objects with our changes merged in before they are applied.

A change says of an object only what shall be different, as in a strategic merge patch of Kubernetes: maps are merged,
lists of named things (containers, variables) by name, other lists and values replaced, ``null`` takes a key away, and
``$patch: delete`` the object. So one file of changes fits a manifest from either source of the bundle.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wavetank.errors import InputError
from wavetank.kube import Obj

__all__ = ["overlaid"]

DIRECTIVE = "$patch"


def overlaid(documents: Iterable[Obj], changes: Iterable[Obj], where: str) -> list[Obj]:
    """Return ``documents``, in their order, with ``changes``, which stand in the file ``where``, merged in.

    Raises `InputError` for a change of an object that is not among the documents, and for a second one of the same.
    """
    wanted: dict[tuple[str, ...], Obj] = {}
    for change in changes:
        if _key(change) in wanted:
            raise InputError(f"{_words(change)} is changed twice", where=where, expected="one change for each object")
        wanted[_key(change)] = change
    left = []
    for document in documents:
        change = wanted.pop(_key(document), {})
        if change.get(DIRECTIVE) != "delete":
            left.append(_merged(document, change))
    for change in wanted.values():
        raise InputError(
            f"there is no {_words(change)} to change",
            where=where,
            expected="objects of the manifest: does the file fit its version in clusters/versions.yaml?",
        )
    return left


def _merged(value: Any, change: Any) -> Any:
    if isinstance(value, dict) and isinstance(change, dict):
        changed = {key: _merged(value.get(key), new) for key, new in change.items() if new is not None}
        return {key: kept for key, kept in value.items() if key not in change} | changed
    if isinstance(value, list) and isinstance(change, list) and all(map(_is_named, [*value, *change])):
        by_name = {thing["name"]: thing for thing in value}
        return list((by_name | {new["name"]: _merged(by_name.get(new["name"]), new) for new in change}).values())
    return change


def _is_named(thing: Any) -> bool:
    return isinstance(thing, dict) and "name" in thing


def _key(obj: Obj) -> tuple[str, ...]:
    group = obj["apiVersion"].rpartition("/")[0]
    return group, obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _words(obj: Obj) -> str:
    return f"{obj['kind']} {obj['metadata']['name']}"

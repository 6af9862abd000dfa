"""Manifests as people write them: files, folders, text and lists, read as ``kubectl apply`` reads them.

What kubectl refuses is refused here, with file and line: a label that is a number, an object without a kind. A list,
any object with ``items``, is what it holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavetank.document import Document, Key, read_documents
from wavetank.errors import InputError
from wavetank.kube.client import DEFAULT_NAMESPACE, name_of
from wavetank.kube.connection import Obj

__all__ = ["CRD", "Manifest", "Written", "parse", "written"]

Manifest = str | Path | Obj | Sequence[Obj]
"""YAML text, a file or a folder of them, one object, or several."""

CRD = "CustomResourceDefinition"
SUFFIXES = (".yaml", ".yml", ".json")

_TEXTS = ("name", "namespace", "generateName")
_MAPS_OF_TEXTS = ("labels", "annotations")


@dataclass(frozen=True, slots=True)
class Written:
    """An object to apply, and where it was written: at ``keys`` of a document, if a person wrote it."""

    obj: Obj
    document: Document | None = None
    keys: tuple[Key, ...] = ()

    def where(self, *keys: Key) -> str:
        """Return ``file:line`` of a part of the object, ``manifest`` when it is from no file."""
        return self.document.where(*self.keys, *keys) if self.document else "manifest"


def parse(manifest: Manifest, namespace: str = DEFAULT_NAMESPACE, *, enforce_namespace: bool = False) -> list[Obj]:
    """Return the objects of ``manifest`` in the order to apply them, those that name no namespace in ``namespace``.

    (The server ignores a namespace where the kind has none.) Raises `InputError` with file and line, with
    ``enforce_namespace`` also for an object that names another namespace, as ``kubectl -n`` does.
    """
    return [each.obj for each in written(manifest, namespace, enforce_namespace=enforce_namespace)]


def written(
    manifest: Manifest, namespace: str = DEFAULT_NAMESPACE, *, enforce_namespace: bool = False
) -> list[Written]:
    """Return what `parse` does, and where each object stands."""
    found = []
    for each in _objects(manifest):
        metadata = {key: value for key, value in each.obj["metadata"].items() if key != "managedFields"}
        named = metadata.get("namespace") or namespace
        if enforce_namespace and named != namespace:
            raise InputError(
                f"{each.obj['kind']}/{name_of(each.obj)} is in the namespace {named}",
                where=each.where("metadata", "namespace"),
                expected=f"the namespace {namespace}, or none",
            )
        found.append(Written({**each.obj, "metadata": {**metadata, "namespace": named}}, each.document, each.keys))
    return sorted(found, key=lambda each: _rank(each.obj))


def _rank(obj: Obj) -> int:
    """Return what has to be there first: kinds, then places, then the rest as written."""
    return {CRD: 0, "Namespace": 1}.get(obj["kind"], 2)


def _objects(manifest: Manifest) -> Iterator[Written]:
    if isinstance(manifest, Path | str):
        yield from _read(manifest)
    else:
        for obj in [manifest] if isinstance(manifest, dict) else manifest:
            yield from _flat(Written(obj))


def _read(manifest: Path | str) -> list[Written]:
    source = str(manifest) if isinstance(manifest, Path) else "manifest"
    found = [
        each
        for origin in (_files(manifest) if isinstance(manifest, Path) else [manifest])
        for document in read_documents(origin, source)
        for each in _flat(Written(document.data, document))
    ]
    if not found:
        raise InputError("there is no object in it", where=f"{source}:1", expected="apiVersion, kind, metadata")
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
    if not files:
        raise InputError(f"{path} holds no manifest", expected=f"at least one file ending in {', '.join(SUFFIXES)}")
    return files


def _flat(each: Written) -> Iterator[Written]:
    """Yield an object, or the items of a list, which are no lists: kubectl takes none in a list."""
    if _is_list(each.obj):
        yield from map(_checked, _items(each))
    else:
        yield _checked(each)


def _is_list(data: Any) -> bool:
    return (
        isinstance(data, dict) and isinstance(data.get("kind"), str) and isinstance(data.get("items", ""), list | None)
    )


def _items(each: Written) -> Iterator[Written]:
    """Yield the items of a list; those that do not say what they are, are what a PodList says: pods."""
    inherited = {"apiVersion": each.obj.get("apiVersion"), "kind": each.obj["kind"].removesuffix("List")}
    for index, item in enumerate(each.obj["items"] or []):
        if _is_list(item):
            where = each.where("items", index)
            raise InputError("a list in a list", where=where, expected="items that are objects, as kubectl has it")
        if isinstance(item, dict) and not item.get("kind") and not item.get("apiVersion"):
            item = {**item, **inherited}
        yield Written(item, each.document, (*each.keys, "items", index))


def _checked(each: Written) -> Written:
    """Return what is an object; refuse what is none, or whose metadata no server takes."""
    data: Any = each.obj
    for part, sought in (("apiVersion", str), ("kind", str), ("metadata", dict)):
        if not isinstance(data, dict) or not isinstance(data.get(part), sought) or (not data[part] and sought is str):
            raise InputError(
                f"not a Kubernetes object: it has no {part}", where=each.where(), expected="apiVersion, kind, metadata"
            )
    metadata = data["metadata"]
    for key in _TEXTS:
        _check_text(each, metadata.get(key), "metadata", key)
    for key in _MAPS_OF_TEXTS:
        values = metadata.get(key)
        if not isinstance(values, dict | None):
            raise InputError(f"metadata.{key} is no mapping", where=each.where("metadata", key), expected="key: value")
        for name, value in (values or {}).items():
            _check_text(each, value, "metadata", key, name)
    if not metadata.get("name"):
        raise InputError(f"{data['kind']} without a name", where=each.where(), expected="metadata.name")
    return each


def _check_text(each: Written, value: Any, *keys: str) -> None:
    if not isinstance(value, str | None):
        raise InputError(
            f"{'.'.join(keys)} is no text: it is read as {json.dumps(value)}",
            where=each.where(*keys),
            expected="text: put the value in quotes",
        )

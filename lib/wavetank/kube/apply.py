"""Server-side apply of multi-document manifests, and their deletion.

The server merges, remembers which manager set which field, and refuses where two disagree; nothing is computed here.
Custom resource definitions go first and are waited for, so that one manifest may bring a kind and its objects.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from wavetank.errors import InputError, KubeError, NotFoundError, UnreachableError
from wavetank.kube.client import DEFAULT_NAMESPACE, Client, name_of
from wavetank.kube.connection import Obj
from wavetank.kube.wait import wait_for

__all__ = ["Manifest", "apply", "delete", "parse"]

Manifest = str | Path | Obj | Sequence[Obj]
"""YAML text, a file or a folder of them, one object, or several."""

CRD = "CustomResourceDefinition"
ESTABLISHED_WITHIN = 30.0
SUFFIXES = (".yaml", ".yml", ".json")

# Ten times as fast on an addon's definitions; not every build of PyYAML has it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(manifest: Manifest, namespace: str = DEFAULT_NAMESPACE) -> list[Obj]:
    """Return the objects of ``manifest`` in the order to apply them, those that name no namespace in ``namespace``.

    (The server ignores a namespace where the kind has none.) Raises `InputError` with file and line.
    """
    objs = [
        {**obj, "metadata": {"namespace": namespace, **_without_managed_fields(obj["metadata"])}}
        for obj in _objects(manifest)
    ]
    return sorted(objs, key=_rank)


def apply(client: Client, manifest: Manifest, namespace: str = DEFAULT_NAMESPACE, *, force: bool = True) -> list[Obj]:
    """Apply every object of ``manifest`` as field manager ``wavetank`` and return them as stored, in order of applying.

    ``force`` takes fields over from whoever set them; without it that is a `KubeError` naming field and owner.
    """
    objs = parse(manifest, namespace)
    client.require_mark()
    definitions = [obj for obj in objs if obj["kind"] == CRD]
    applied = [_apply_one(client, obj, force) for obj in definitions]
    for definition in definitions:
        established = wait_for(client, CRD, name_of(definition), None, "Established", timeout=ESTABLISHED_WITHIN)
        client.kinds.define(established)
    return applied + [_apply_one(client, obj, force) for obj in objs if obj["kind"] != CRD]


def delete(
    client: Client, manifest: Manifest, namespace: str = DEFAULT_NAMESPACE, *, wait: float | None = None
) -> None:
    """Delete every object of ``manifest``, last applied first; what is not there is fine.

    With ``wait``, return when all are gone, finalizers done, or raise `WaitTimeoutError` after that many seconds.
    """
    deleted = []
    for obj in reversed(parse(manifest, namespace)):
        kind, name, place = (obj["apiVersion"], obj["kind"]), name_of(obj), obj["metadata"]["namespace"]
        if answer := client.delete_object(kind, name, place):
            deleted.append((kind, name, place, _uid(answer)))
    if wait is None:
        return
    end = time.monotonic() + wait
    for kind, name, place, uid in deleted:
        gone = partial(_is_gone, uid)
        left = max(end - time.monotonic(), 0.1)
        with suppress(NotFoundError):  # its kind went too
            wait_for(client, kind, name, place, gone, timeout=left, waiting_for=f"{kind[1]} {name} to be gone")


def _apply_one(client: Client, obj: Obj, force: bool) -> Obj:
    kind = (obj["apiVersion"], obj["kind"])
    name, namespace = name_of(obj), obj["metadata"]["namespace"]
    if not client.kinds.find(kind).namespaced:
        obj = {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "namespace"}}
    try:
        return client.patch(kind, name, namespace, obj, type="apply", force=force)
    except KubeError as error:
        if isinstance(error, UnreachableError):
            raise
        if error.status == 409 and "conflict with" in error.summary:
            raise KubeError(
                f"{obj['kind']} {name}: others have set fields that this manifest sets differently",
                status=409,
                observed=error.help.observed or error.summary,
                command=client.connection.kubectl(
                    "-n", namespace, "get", obj["kind"], name, "-o", "yaml", "--show-managed-fields"
                ),
                hint="apply with force=True to take these fields over",
            ) from error
        raise type(error)(
            f"{obj['kind']} {name}: {error.summary}", status=error.status, observed=error.help.observed
        ) from error


def _uid(answer: Obj) -> str:
    """Return whom a deletion was about: the server answers with the object, or when it is gone with its details."""
    uid: str = answer["metadata"].get("uid") or answer["details"]["uid"]
    return uid


def _is_gone(uid: str, obj: Obj | None) -> bool:
    return obj is None or obj["metadata"]["uid"] != uid  # another one of its name may be there already


def _rank(obj: Obj) -> int:
    """Return what has to be there first: kinds, then places, then the rest as written."""
    return {CRD: 0, "Namespace": 1}.get(obj["kind"], 2)


def _objects(manifest: Manifest) -> Iterator[Obj]:
    if isinstance(manifest, Path):
        for path in _files(manifest):
            yield from _documents(_read(path), str(path))
    elif isinstance(manifest, str):
        yield from _documents(manifest, "manifest")
    else:
        for obj in [manifest] if isinstance(manifest, dict) else manifest:
            yield from _flat(obj, "manifest")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
    if not files:
        raise InputError(f"{path} holds no manifest", expected=f"at least one file ending in {', '.join(SUFFIXES)}")
    return files


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", expected="a readable manifest") from error


def _documents(text: str, source: str) -> Iterator[Obj]:
    loader = _LOADER(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            document = loader.construct_document(node)
            if document is not None:
                yield from _flat(document, f"{source}:{node.start_mark.line + 1}")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(
            f"not valid YAML: {error.problem or error.context}", where=f"{source}:{line}", expected="Kubernetes objects"
        ) from error


def _flat(document: Any, where: str) -> Iterator[Obj]:
    """Yield a document, or the items of a List."""
    if isinstance(document, dict) and document.get("kind") == "List":
        for item in document.get("items") or []:
            yield from _flat(item, where)
        return
    for part, sought in (("apiVersion", str), ("kind", str), ("metadata", dict)):
        if not isinstance(document, dict) or not isinstance(document.get(part), sought):
            raise InputError(
                f"not a Kubernetes object: it has no {part}", where=where, expected="apiVersion, kind, metadata"
            )
    if not document["metadata"].get("name"):
        raise InputError(f"{document['kind']} without a name", where=where, expected="metadata.name")
    yield document


def _without_managed_fields(metadata: Obj) -> Obj:
    return {key: value for key, value in metadata.items() if key != "managedFields"}

"""Server-side apply of multi-document manifests, and their deletion.

The server merges, remembers which manager set which field, and refuses where two disagree; nothing is computed here.
Custom resource definitions go first and are waited for, so that one manifest may bring a kind and its objects.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial

from wavetank.errors import InputError, KubeError, NotFoundError, UnreachableError
from wavetank.kube.client import DEFAULT_NAMESPACE, Client, name_of
from wavetank.kube.connection import Obj
from wavetank.kube.fields import UNDECLARED, complaints, keys_of
from wavetank.kube.manifest import CRD, Manifest, Written, parse, written
from wavetank.kube.wait import wait_for

__all__ = ["Manifest", "apply", "apply_one", "delete", "parse"]

ESTABLISHED_WITHIN = 30.0


def apply(
    client: Client,
    manifest: Manifest,
    namespace: str = DEFAULT_NAMESPACE,
    *,
    force: bool = True,
    enforce_namespace: bool = False,
) -> list[Obj]:
    """Apply every object of ``manifest`` as field manager ``wavetank`` and return them as stored, in order of applying.

    ``force`` takes fields over from whoever set them; without it that is a `KubeError` naming field and owner. Raises
    `InputError` with file and line for what cannot be read, for a field that the kind does not have, and with
    ``enforce_namespace`` for an object of another namespace, before anything is applied.
    """
    all_of_them = written(manifest, namespace, enforce_namespace=enforce_namespace)
    client.require_mark()
    definitions = [each for each in all_of_them if each.obj["kind"] == CRD]
    applied = [apply_one(client, each, force) for each in definitions]
    for each in definitions:
        established = wait_for(client, CRD, name_of(each.obj), None, "Established", timeout=ESTABLISHED_WITHIN)
        client.kinds.define(established)
    return applied + [apply_one(client, each, force) for each in all_of_them if each.obj["kind"] != CRD]


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


def apply_one(client: Client, each: Written, force: bool, *, dry_run: bool = False) -> Obj:
    """Apply one object of a manifest and return it as stored; with ``dry_run``, as it would be. Raises as `apply`."""
    obj = each.obj
    kind = (obj["apiVersion"], obj["kind"])
    name, namespace = name_of(obj), obj["metadata"]["namespace"]
    if not client.kinds.find(kind).namespaced:
        obj = {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "namespace"}}
    try:
        return client.patch(kind, name, namespace, obj, type="apply", force=force, dry_run=dry_run)
    except KubeError as error:
        if isinstance(error, UnreachableError):
            raise
        if mistake := _mistake(client, each, error.summary):
            raise mistake from error
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


def _mistake(client: Client, each: Written, refusal: str) -> InputError | None:
    """Return what the author of a file has to mend when the server refuses a field of it, with the field's line."""
    if each.document is None:
        return None
    all_of_them = list(complaints(refusal))
    if not all_of_them:
        return None
    field, wrong = all_of_them[0]
    keys = keys_of(field, each.obj)
    path = ".".join(key for key in keys if isinstance(key, str))
    kind, (parent, _, name) = each.obj["kind"], path.rpartition(".")
    unknown = wrong == UNDECLARED
    return InputError(
        f"{kind}/{name_of(each.obj)}: "
        + (f"there is no field {name} in {parent or kind}" if unknown else f"{path}: {wrong}"),
        where=each.where(*keys),
        observed="; ".join(f"{field}: {wrong}" for field, wrong in all_of_them),
        expected="what this kind has: is it misspelt, or indented too far, or not far enough?",
        command=client.connection.kubectl(
            "explain", ".".join(filter(None, (kind.lower(), parent if unknown else path)))
        ),
    )


def _uid(answer: Obj) -> str:
    """Return whom a deletion was about: the server answers with the object, or when it is gone with its details."""
    uid: str = answer["metadata"].get("uid") or answer["details"]["uid"]
    return uid


def _is_gone(uid: str, obj: Obj | None) -> bool:
    return obj is None or obj["metadata"]["uid"] != uid  # another one of its name may be there already

"""One kubeconfig file: from its text to the entries of its lists, each of the types that kubectl reads there.

The types are those of k8s.io/client-go, tools/clientcmd/api/v1/types.go. What is null is not there; what nobody here
reads may be anything.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wavetank.document import read_documents
from wavetank.errors import InputError

__all__ = ["LISTS", "entries", "load", "refused"]

LISTS = {"clusters": "cluster", "contexts": "context", "users": "user"}
"""The lists of a kubeconfig, and at which key of an entry there is what it is about."""

_PROGRAM = {
    **dict.fromkeys(("command", "apiVersion", "installHint", "interactiveMode"), str),
    "args": [str],
    "env": [{"name": str, "value": str}],
    "provideClusterInfo": bool,
}
_CERTIFICATES = ("client-certificate", "client-certificate-data", "client-key", "client-key-data")
_TRUST = ("certificate-authority", "certificate-authority-data", "tls-server-name")
_SHAPES: Mapping[str, Any] = {
    "cluster": {
        **dict.fromkeys(("server", "proxy-url", *_TRUST), str),
        "insecure-skip-tls-verify": bool,
        "extensions": [{"name": str}],
    },
    "context": dict.fromkeys(("cluster", "user", "namespace"), str),
    "user": {
        **dict.fromkeys(("token", "tokenFile", "username", "password", *_CERTIFICATES), str),
        "exec": _PROGRAM,
    },
}
_A_KUBECONFIG = "a kubeconfig file with a current context"

Obj = dict[str, Any]


def load(file: Path) -> Obj:
    """Return what stands in a kubeconfig file, nothing for one that is empty. Raises `InputError`."""
    try:
        documents = read_documents(file)
    except InputError as error:
        raise refused(
            str(file),
            error.summary.removeprefix(f"{error.where}: "),
            error.help.expected or _A_KUBECONFIG,
            place=error.where,
            observed=error.help.observed,
            hint=error.help.hint,
        ) from error
    if len(documents) > 1:
        raise refused(str(file), "a second document begins here", "one document", place=documents[1].where())
    config = documents[0].data if documents else {}
    if not isinstance(config, dict) or config.get("kind", "Config") != "Config":
        kind = str(config.get("kind")) if isinstance(config, dict) else f"a {type(config).__name__}"
        raise refused(str(file), f"it is no kubeconfig, but {kind[:60]}", _A_KUBECONFIG)
    if not isinstance(config.get("current-context") or "", str):
        raise refused(str(file), "its current-context is no text", "the name of a context")
    return config


def entries(file: Path, config: Obj, plural: str, singular: str) -> Iterator[tuple[str, Obj]]:
    """Yield the entries of one list by their names. Raises `InputError` for what kubectl does not take either."""
    listed = config.get(plural) or []
    seen: set[str] = set()
    for entry in listed if isinstance(listed, list) else [listed]:
        value = (entry.get(singular) or {}) if isinstance(entry, dict) else None
        if not isinstance(value, dict) or not isinstance(entry.get("name"), str):
            raise refused(
                str(file), f"an entry of {plural!r} is none", f"a list of {{name: ..., {singular}: ...}} at {plural}"
            )
        if entry["name"] in seen:
            raise refused(str(file), f"{entry['name']!r} is there twice in {plural!r}", "each name once")
        seen.add(entry["name"])
        if wrong := _misshapen(value, _SHAPES[singular], singular):
            reason = f"{wrong} of {entry['name']!r} in {plural!r} is of another type"
            raise refused(str(file), reason, "what kubectl takes there")
        yield entry["name"], value


def _misshapen(value: Any, shape: Any, *keys: str) -> str:
    """Return at which keys ``value`` is not of its ``shape``, or a text that no system call takes; else nothing."""
    if value is None:
        return ""
    if isinstance(shape, type):
        return "" if isinstance(value, shape) and "\0" not in str(value) else "/".join(keys)
    if not isinstance(value, type(shape)):
        return "/".join(keys)
    parts = (
        [(str(index), each, shape[0]) for index, each in enumerate(value)]
        if isinstance(shape, list)
        else [(key, value.get(key), inner) for key, inner in shape.items()]
    )
    return next(filter(None, (_misshapen(part, inner, *keys, key) for key, part, inner in parts)), "")


def refused(
    where: str, reason: str, expected: str, *, place: str = "", observed: str = "", hint: str = ""
) -> InputError:
    """Return the error for files that cannot be used; ``place`` is the line of one of them, if that is known."""
    paste = (
        f"kubectl --kubeconfig {shlex.quote(where)} config view" if os.pathsep not in where else "kubectl config view"
    )
    return InputError(
        f"cannot use the kubeconfig: {reason}",
        where=place or where,
        observed=observed,
        expected=expected,
        command=paste,
        hint=hint,
    )

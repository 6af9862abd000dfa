"""The hash that tells versions of an Ingress apart on the data path.

A gateway that has taken a version over sets it as a request header, whoever answers a probe sends it back. Knative's
own conformance tests compute it too, so it is theirs to the byte (knative.dev/networking pkg/ingress, ComputeHash):
SHA-256 of the specification as Go writes it in JSON, then the namespace, then the name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from wavetank.kube import Obj

__all__ = ["fingerprint"]

_ESCAPED = "<>&\u2028\u2029"
"""What Go writes as an escape in JSON, beside what everybody does."""


def fingerprint(ingress: Obj) -> str:
    """Return the hash, in hexadecimal."""
    text = json.dumps(_spec(ingress.get("spec") or {}), separators=(",", ":"), ensure_ascii=False)
    for character in _ESCAPED:
        text = text.replace(character, f"\\u{ord(character):04x}")
    metadata = ingress["metadata"]
    return hashlib.sha256(f"{text}{metadata['namespace']}{metadata['name']}".encode()).hexdigest()


# Go writes the fields of a struct in the order of its declaration, those of a map sorted, and leaves out what is empty
# where the declaration says so.


def _spec(spec: Obj) -> Obj:
    return _unless_empty(
        tls=[_tls(tls) for tls in spec.get("tls") or ()],
        rules=[_rule(rule) for rule in spec.get("rules") or ()],
        httpOption=spec.get("httpOption"),
    )


def _tls(tls: Obj) -> Obj:
    return _unless_empty(**{name: tls.get(name) for name in ("hosts", "secretName", "secretNamespace")})


def _rule(rule: Obj) -> Obj:
    told = _unless_empty(hosts=rule.get("hosts"), visibility=rule.get("visibility"))
    http = rule.get("http")
    return told if http is None else {**told, "http": {"paths": _each(_path, http.get("paths"))}}


def _path(path: Obj) -> Obj:
    headers = {name: {"exact": match.get("exact", "")} for name, match in _sorted(path.get("headers")).items()}
    return {
        **_unless_empty(path=path.get("path"), rewriteHost=path.get("rewriteHost"), headers=headers),
        "splits": _each(_split, path.get("splits")),
        **_unless_empty(appendHeaders=_sorted(path.get("appendHeaders"))),
    }


def _split(split: Obj) -> Obj:
    return {
        "serviceNamespace": split.get("serviceNamespace", ""),
        "serviceName": split.get("serviceName", ""),
        "servicePort": split.get("servicePort", 0),
        **_unless_empty(percent=split.get("percent"), appendHeaders=_sorted(split.get("appendHeaders"))),
    }


def _each(convert: Any, items: Sequence[Obj] | None) -> list[Obj] | None:
    return None if items is None else [convert(item) for item in items]


def _sorted(mapping: Mapping[str, Any] | None) -> dict[str, Any]:
    return dict(sorted((mapping or {}).items()))


def _unless_empty(**fields: Any) -> Obj:
    return {name: value for name, value in fields.items() if value}

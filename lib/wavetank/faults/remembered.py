"""What a Fault remembers, believed only as far as its spec could have led to it; pure functions.

What has to be put back is in the Fault's status, and whoever may write that could have the operator write anything into
any object. So which object it is and what was put into it are derived from the spec again, and compared; of where in
the object it was, only the fields are possible that this kind of fault changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wavetank.errors import InputError
from wavetank.faults.breakers import Break, becomes
from wavetank.faults.catalogue import API_KINDS
from wavetank.faults.mesh import PARTS, Injection, asked
from wavetank.faults.resource import Fault
from wavetank.kube import Obj
from wavetank.kube.power import POWER_OFF_UNTIL

__all__ = ["remembered_break", "remembered_injection"]

_CONTAINER = r"/spec/template/spec/containers/\[name=[^/]+\]"
_PATHS: Mapping[str, str] = {
    "bad-image": rf"{_CONTAINER}/image",
    "config-missing": rf"{_CONTAINER}/envFrom",
    "selector-mismatch": r"/spec/selector/[^/]+",
    "wrong-port": r"/spec/ports/\[port=\d+\]/targetPort",
    "node-stop": "/metadata/annotations/" + re.escape(POWER_OFF_UNTIL.replace("/", "~1")),
}
"""Where each kind of fault changes a value, as patterns of JSON pointers."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_EVER = datetime.max.replace(tzinfo=UTC)


def remembered_break(fault: Fault, original: Mapping[str, Any]) -> Break:
    """Return what ``original`` says that ``fault`` has changed. Raises `InputError` when it cannot have been that."""
    kind, name = API_KINDS[fault.target.what], fault.target.name
    _require((original.get("kind"), original.get("name")) == (kind, name), original, f"the {kind} {name}")
    path, was = original.get("path"), original.get("was")
    fits = isinstance(path, str) and re.fullmatch(_PATHS[fault.kind], path)
    _require(bool(fits), original, f"a path that {fault.kind} changes")
    if fault.kind == "node-stop":  # the power agent takes no date that is far
        texts = isinstance(original.get("became"), str) and isinstance(was, str | None)
        _require(texts, original, "dates")
    else:
        usual = isinstance(was, list | None) if fault.kind == "config-missing" else isinstance(was, str | int | None)
        _require(usual, original, "a value of the kind that was there")
        became = becomes(was, fault, _EVER)
        _require(original.get("became") == became, original, f"{became!r}, which {fault.kind} makes of {was!r}")
    return Break.from_status(original)


def remembered_injection(fault: Fault, original: Mapping[str, Any]) -> Injection:
    """Return what ``original`` says that ``fault`` has put into the mesh. Raises `InputError` when it cannot be."""
    part = PARTS[fault.kind]
    about = original.get("service"), original.get("part"), original.get("became")
    _require(about == (fault.target.name, part, asked(fault)), original, f"a {part} for {fault.target.name}, as asked")
    name = original.get("name")
    _require(isinstance(name, str) and bool(_NAME.fullmatch(name)), original, "the name of a VirtualService")
    _require(all(_is_list_of_objects(original.get(key)) for key in ("routes", "owners")), original, "lists of objects")
    _require(isinstance(original.get("made"), bool), original, "whether it was made for the fault")
    return Injection.from_status(original)


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _require(holds: bool, original: Mapping[str, Any], expected: str) -> None:
    if not holds:
        raise InputError(
            "its status.original is not what its spec leads to",
            observed=str(_told(original)),
            expected=expected,
            hint="nothing is put back by it: somebody else has written it",
        )


def _told(original: Mapping[str, Any]) -> Obj:
    return {
        key: original[key] for key in ("kind", "name", "path", "was", "became", "service", "part") if key in original
    }

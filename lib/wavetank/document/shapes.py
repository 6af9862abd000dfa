"""Data that a program has printed, as the dataclass it should be: every field there, known, and of its type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["shaped"]

_T = TypeVar("_T", bound="DataclassInstance")


def shaped(kind: type[_T], data: Any) -> _T:
    """Return ``data`` as a ``kind``, whose fields are texts, numbers, None, or mappings of those.

    A number is finite, and an integer has 64 bits at most. Raises `ValueError` naming the first field that is wrong.
    """
    if not isinstance(data, dict):
        raise ValueError(f"not an object: {str(data)[:80]}")
    hints = get_type_hints(kind)
    if unknown := [name for name in data if name not in hints]:
        raise ValueError(f"there is no field {unknown[0][:80]!r}")
    for field in fields(kind):
        if field.name not in data:
            if field.default is MISSING and field.default_factory is MISSING:
                raise ValueError(f"there should be a field {field.name!r}")
        elif not _fits(data[field.name], hints[field.name]):
            raise ValueError(f"{field.name} is {str(data[field.name])[:80]!r}")
    return kind(**data)


def _fits(value: Any, hint: Any) -> bool:
    match get_origin(hint):
        case origin if origin is UnionType:
            return any(_fits(value, one) for one in get_args(hint))
        case origin if origin is Mapping:
            _, inner = get_args(hint)
            return isinstance(value, dict) and all(_fits(one, inner) for one in value.values())
    if hint in (int, float) and type(value) in (int, hint):
        return math.isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**63
    return type(value) is hint and hint in (str, NoneType)

"""What a Kubernetes quantity stands for (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/)."""

from __future__ import annotations

import re

from wavetank.errors import InputError

__all__ = ["quantity"]

_NUMBER = r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})"
_QUANTITY = re.compile(rf"({_NUMBER})(?:[eE]([+-]?[0-9]{{1,2}})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)
_SUFFIXES = {
    **{suffix: 10.0**power for suffix, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)},
    **{f"{letter}i": 2.0 ** (10 * power) for power, letter in enumerate("KMGTPE", 1)},
}


def quantity(text: str) -> float:
    """Return what a quantity such as ``250m``, ``5710014n``, ``64Mi`` or ``1e3`` stands for. Raises `InputError`."""
    found = _QUANTITY.fullmatch(text)
    if not found:
        raise InputError(f"{text[:60]!r} is no quantity", expected="a number with a suffix, such as 250m, 64Mi or 1e3")
    number, exponent, suffix = found.groups()
    return float(number) * (10.0 ** int(exponent or 0)) * _SUFFIXES.get(suffix or "", 1.0)

"""What a Kubernetes quantity stands for (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/)."""

from __future__ import annotations

__all__ = ["quantity"]

_SUFFIXES = {
    "": 1.0,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
}


def quantity(text: str) -> float:
    """Return what a quantity such as ``250m``, ``5710014n`` or ``64Mi`` stands for."""
    number = text.rstrip("numkKMGi")
    return float(number) * _SUFFIXES[text[len(number) :]]

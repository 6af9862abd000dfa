"""Wavetank: float one small application on a cluster, make waves, and watch what holds.

A notebook begins with ``from wavetank import open_lab``. Names are imported when they are first used, so that the
operator and the load pod, which live in a small image, never load what only a notebook needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wavetank.lesson import LabSession, open_lab

__all__ = ["LabSession", "open_lab"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'wavetank' has no attribute {name!r}")
    return getattr(import_module("wavetank.lesson"), name)

"""Manifests that a program of a release writes: that program, run here on what its recipe gives it."""

from __future__ import annotations

from pathlib import Path

from wavetank.bundle.assembly import MANIFEST_SECONDS
from wavetank.bundle.programs import run
from wavetank.bundle.recipe import Generated

__all__ = ["generate"]


def generate(program: Path, made: Generated, folder: Path) -> str:
    """Return what ``program`` writes in ``folder``, the component's, when it is given the arguments of ``made``.

    Raises `BundleError` with the program's last words when it fails or takes too long.
    """
    return run(
        [program, *made.arguments],
        timeout=MANIFEST_SECONDS,
        cwd=folder,
        hint=f"what it was given stands in {folder}: does it fit this release of {made.program}?",
    )

"""How fast this machine compiles Go: the seconds that a fixed build takes on it.

The yardstick is the part of the standard library that every component is built on, compiled with the flags of every
build: what is measured is not wasted, for the build that follows finds it done.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

from wavetank.bundle.golang import Go

__all__ = ["YARDSTICK", "machine_speed"]

YARDSTICK = ("encoding/json", "net/http", "text/template")
"""These and what they import, some 190 packages, from nothing: seconds are comparable between machines of one Go."""


def machine_speed(go: Go, remembered: Path) -> float:
    """Return the seconds of the yardstick on this machine.

    It is measured the first time, in Go's own cache, and noted in the file ``remembered`` for this Go, architecture and
    number of cores. Where Go's cache has it already and nothing is noted, it is measured in an empty one.
    """
    key = f"{go.version} {go.architecture}, {os.cpu_count()} cores"
    noted: dict[str, float] = json.loads(remembered.read_text(encoding="utf-8")) if remembered.is_file() else {}
    stale, packages = go.stale(YARDSTICK)
    whole = stale >= packages - 1  # the package unsafe is never compiled
    if whole or key not in noted:
        noted[key] = round(_seconds(go) if whole else _seconds_elsewhere(go), 3)
        remembered.parent.mkdir(parents=True, exist_ok=True)
        remembered.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")
    return noted[key]


def _seconds(go: Go, build_cache: Path | None = None) -> float:
    began = time.monotonic()
    go.compile_standard(YARDSTICK, build_cache)
    return time.monotonic() - began


def _seconds_elsewhere(go: Go) -> float:
    with tempfile.TemporaryDirectory(prefix="wavetank-yardstick-") as folder:
        return _seconds(go, Path(folder))

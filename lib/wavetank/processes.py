"""Programs that must not outlive the process that runs them."""

from __future__ import annotations

import shutil

__all__ = ["tied_to_us"]


def tied_to_us() -> list[str]:
    """Return a prefix with which a program dies when the thread that started it does, even of a kill -9.

    Empty where there is no such thing, as on a Mac.
    """
    return ["setpriv", "--pdeathsig", "SIGKILL", "--"] if shutil.which("setpriv") else []

"""Commands as they are printed: whoever pastes one into a shell has run what was meant."""

from __future__ import annotations

import shlex

__all__ = ["pasted"]


def pasted(*words: object) -> str:
    """Return the command of these words, a path with spaces or an address with ``&`` quoted where a shell needs it."""
    return shlex.join(map(str, words))

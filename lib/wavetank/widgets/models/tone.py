"""How something is doing, in six words; views give each word a shape and a colour of its own.

Shape and word carry the meaning, colour only repeats it: a view that is printed in grey, or read aloud, loses nothing.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Tone"]


class Tone(StrEnum):
    """What a reader should feel about a node, a pod, a fault, a check."""

    GOOD = "good"
    """It does what it should."""
    BUSY = "busy"
    """It is on its way there."""
    WAIT = "wait"
    """It waits for something else."""
    WARN = "warn"
    """It needs attention, it may still recover by itself."""
    BAD = "bad"
    """It failed."""
    GONE = "gone"
    """It is going or gone, on purpose."""

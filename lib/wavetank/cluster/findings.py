"""A finding of the doctor: what was looked at, how it is, and what mends it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Finding", "Level"]

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was seen, and the command that mends it when it is not well.

    ``script`` is what an administrator has to run for it, as shell; empty where none is needed.
    """

    name: str
    level: Level
    seen: str
    mend: str = ""
    script: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "warning": "!", "problem": "✗"}[self.level]
        told = f"{mark} {self.level:<8} {self.name:<16} {self.seen}"
        return f"{told}\n{'':<28}mend it with: {self.mend}" if self.mend else told

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

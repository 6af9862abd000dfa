"""Where the address of an API server came from: what an error, and a refusal to touch it, can tell a person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """A server, and how it was come by; ``str()`` is that as one sentence, without a full stop.

    ``variable`` is the environment variable that led to it (without the dollar), "" where the file was given by whoever
    connected. ``file`` is the kubeconfig that holds the address, None inside a cluster. ``context`` is the one used.
    """

    server: str
    variable: str = ""
    file: Path | None = None
    context: str = ""

    def __str__(self) -> str:
        told = f"the API server at {self.server} comes from "
        if self.file is None:
            return told + (f"${self.variable}, as in every pod" if self.variable else "whoever connected")
        told += f"the context {self.context!r} in {self.file}"
        return f"{told}, by way of ${self.variable}" if self.variable else told

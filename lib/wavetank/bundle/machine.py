"""Which machine a bundle is for: programs run on this one, images where the engine is."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from wavetank.bundle.downloading import ARCHITECTURES
from wavetank.engine import connect
from wavetank.errors import EngineError

__all__ = ["Machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """``system`` and ``machine`` as the module `platform` calls them, the engine's ``architecture`` in Go's words."""

    system: str
    machine: str
    architecture: str

    @classmethod
    def here(cls) -> Machine:
        """Return this machine and its engine's architecture; while there is no engine, it is taken to be the same."""
        system, machine = platform.system(), platform.machine()
        try:
            architecture = str(connect().version()["Arch"])
        except EngineError:
            architecture = ARCHITECTURES.get(machine.lower(), machine.lower())
        return cls(system, machine, architecture)

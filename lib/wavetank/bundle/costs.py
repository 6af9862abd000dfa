"""clusters/source/costs.yaml: what each part of a build from source takes, as it was measured once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from wavetank.document import load_document, load_schema

__all__ = ["Costs", "load_costs"]


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds by pattern of artifact names, the first that fits counts; measured where the yardstick took ``speed``."""

    speed: float
    seconds: Mapping[str, float]

    def of(self, artifact: str) -> float:
        """Return the seconds of an artifact on the machine where they were measured; 0 for one that nobody measured."""
        return next((seconds for pattern, seconds in self.seconds.items() if fnmatchcase(artifact, pattern)), 0.0)


def load_costs(path: Path) -> Costs:
    """Read costs.yaml; raises `InputError` with file and line for what does not fit its schema."""
    data = load_document(path, load_schema(Path(__file__).with_name("costs.schema.json"))).data
    return Costs(float(data["measured"]["speed"]), {name: float(seconds) for name, seconds in data["seconds"].items()})

"""What Wavetank takes of a machine, as measured: clusters/needs.yaml, read, judged by, and written anew by a bench.

Nothing else in the project holds one of these numbers: the tables of README.md and docs/install.md are made from here,
and `doctor` takes its thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from wavetank.document import load_document, load_schema

__all__ = ["NEEDS", "Free", "LabNeeds", "Measured", "Needs", "Opening", "Thresholds", "load_needs", "save_needs"]

NEEDS = Path(__file__).parents[3] / "clusters" / "needs.yaml"
MIB = 1 << 20
COMMENT = """\
# What Wavetank takes of a machine, as measured: the one source of these numbers. README.md, docs/install.md and
# `wavetank doctor` say them after this file; `make docs` writes the tables. `make bench-cold` measures and writes it.
# null is what nobody has measured yet. Times are in minutes (go_build in seconds), sizes in MiB.
# jupyterlab: from `make lab` to its first answer. labs: from `make lab` to the first checkpoint, and the memory of the
# idle cluster with what the lab needs. free: what should be free before `make lab`: memory for the largest lab with
# JupyterLab, a notebook and a load; disk for a bundle and its images, and for a build from source on top. bundle: its
# folder.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """The day (2026-11-30), the machine and how; ``go_build`` is the seconds that a fixed Go build took there."""

    date: str
    machine: str
    how: str
    go_build: float | None


@dataclass(frozen=True, slots=True)
class Opening:
    """Minutes from `make lab` to JupyterLab's first answer, with nothing cached and with a bundle there."""

    from_nothing: float | None
    with_bundle: float | None


@dataclass(frozen=True, slots=True)
class LabNeeds:
    """Minutes from `make lab` to a lab's first checkpoint, and the MiB of the idle cluster with what the lab needs."""

    from_nothing: float | None
    with_bundle: float | None
    memory: int | None


@dataclass(frozen=True, slots=True)
class Free:
    """MiB that should be free before `make lab`; ``disk_source`` includes ``disk_bundle``."""

    memory: int
    disk_bundle: int
    disk_source: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What `doctor` holds a machine against, in bytes: below the least is a problem, below the good one a warning."""

    least_memory: int
    good_memory: int
    least_disk: int
    good_disk: int


@dataclass(frozen=True, slots=True)
class Needs:
    """All of it; ``labs`` by id, ``bundle`` in MiB. None is what nobody has measured."""

    measured: Measured
    jupyterlab: Opening
    labs: Mapping[str, LabNeeds]
    free: Free
    bundle: int | None

    def thresholds(self) -> Thresholds:
        """Return what is too little for the smallest lab, and what is enough for all of them and a build."""
        smallest = min((lab.memory for lab in self.labs.values() if lab.memory), default=self.free.memory)
        return Thresholds(
            least_memory=min(smallest, self.free.memory) * MIB,
            good_memory=self.free.memory * MIB,
            least_disk=self.free.disk_bundle * MIB,
            good_disk=self.free.disk_source * MIB,
        )


def load_needs(path: Path = NEEDS) -> Needs:
    """Read the file; raises `InputError` with file and line for what does not fit its schema."""
    document = load_document(path, load_schema(Path(__file__).with_name("needs.schema.json")))
    data = document.data
    return Needs(
        measured=Measured(**data["measured"]),
        jupyterlab=Opening(**data["jupyterlab"]),
        labs={id_: LabNeeds(**lab) for id_, lab in data["labs"].items()},
        free=Free(**data["free"]),
        bundle=data["bundle"],
    )


def save_needs(needs: Needs, path: Path = NEEDS) -> None:
    """Write the file anew; what was measured is rounded to what a reader can use: a tenth of a minute."""
    data = asdict(needs)
    for times in (data["jupyterlab"], *data["labs"].values()):
        for key in ("from_nothing", "with_bundle"):
            times[key] = times[key] and max(round(times[key], 1), 0.1)
    path.write_text(COMMENT + yaml.safe_dump(data, sort_keys=False, width=120), encoding="utf-8")

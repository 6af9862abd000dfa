"""Compile every Go program of the bundle for the other architecture, without running any: no emulation is needed.

python scripts/cross.py [--architecture arm64] [--stage kubernetes]    # minutes; a second run takes a fraction of it

It says what each component took, and ends in an error where one does not compile or is not of that architecture.
"""

from __future__ import annotations

import argparse
import platform
import struct
import sys
import tempfile
import time
from pathlib import Path

from platformdirs import user_cache_path

from wavetank.bundle.assembly import every_tag
from wavetank.bundle.cache import Cache
from wavetank.bundle.recipe import load_recipes
from wavetank.bundle.source import toolchain
from wavetank.bundle.stages import STAGES
from wavetank.bundle.versions import load_versions
from wavetank.errors import WavetankError
from wavetank.steps import print_report

CLUSTERS = Path(__file__).parents[1] / "clusters"
MACHINES = {"amd64": 62, "arm64": 183}
"""What an ELF file says of the machine it runs on, by Go's name of it."""


def elf_machine(program: Path) -> int:
    """Return the number by which an ELF file names its machine; 0 for a file of another kind."""
    head = program.open("rb").read(20)
    return struct.unpack_from("<H", head, 18)[0] if head[:4] == b"\x7fELF" else 0


def other_architecture() -> str:
    """Return the architecture, in Go's words, that this machine has not."""
    return "amd64" if platform.machine() in ("aarch64", "arm64") else "arm64"


def main() -> int:
    """Compile, and return how many programs are not as they should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", choices=sorted(MACHINES), default=other_architecture())
    parser.add_argument("--stage", choices=STAGES, action="append", help="only what this stage needs first")
    asked = parser.parse_args()
    versions = load_versions(CLUSTERS / "versions.yaml")
    recipes = load_recipes(CLUSTERS / "source", versions)
    stages = asked.stage or STAGES
    go = toolchain(CLUSTERS / "source", Cache(user_cache_path("wavetank") / "build"), print_report, asked.architecture)
    wrong: list[str] = []
    for recipe in recipes.values():
        if not recipe.go.tools or versions.components[recipe.name].stage not in stages:
            continue
        with tempfile.TemporaryDirectory(prefix="wavetank-cross-") as folder:
            began = time.monotonic()
            go.build(recipe.go_folder, recipe.go, every_tag(recipes.values()), Path(folder))
            programs = sorted(Path(folder).iterdir())
            wrong += [program.name for program in programs if elf_machine(program) != MACHINES[asked.architecture]]
            seconds = time.monotonic() - began
        print(f"{recipe.name:20} {asked.architecture} {len(programs):3} programs {seconds:7.1f} s", flush=True)
    for name in wrong:
        print(f"{name} is not for {asked.architecture}", file=sys.stderr)
    return len(wrong)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WavetankError as error:
        sys.exit(str(error))

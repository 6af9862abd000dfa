"""Record which wheels the pinned Python packages have, for every platform that Wavetank is installed on or built for.

    python scripts/wheels.py     write clusters/source/wheels.txt anew: asks the package index, through pip

A requirements file names hashes, and a hash does not say of which file it is. With the names beside the hashes a test
can tell without a network that no platform lacks a wheel, before somebody's `make setup` or bundle does.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "clusters" / "source" / "wheels.txt"
HEADER = "# Which file each hash is of, of the wheels that some platform needs. Made by scripts/wheels.py.\n"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SOURCES_ONLY = frozenset({"www-authenticate"})
"""Published without any wheel; it is plain Python, which pip builds the same anywhere."""
ASK_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Target:
    """What wheels are chosen for: a platform, as its tags and as the markers of a requirement see it."""

    name: str
    platforms: tuple[str, ...]
    system: str
    machine: str

    def tags(self, python: str) -> set[Tag]:
        """Return the tags of every wheel that installs here."""
        major, minor = map(int, python.split("."))
        own = cpython_tags((major, minor), platforms=self.platforms)
        return {*own, *compatible_tags((major, minor), f"cp{major}{minor}", self.platforms)}

    def wants(self, marker: str, python: str) -> bool:
        """Tell whether a requirement with this marker is for here."""
        linux = self.system == "Linux"
        environment = {
            "sys_platform": "linux" if linux else "darwin",
            "platform_system": self.system,
            "platform_machine": self.machine,
            "python_version": python,
            "python_full_version": f"{python}.9",
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        return not marker or Marker(marker).evaluate(environment)


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of a requirements file."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]


def _linux(machine: str, *glibcs: int) -> Target:
    """Return Linux whose C library takes wheels made for manylinux2014, what is older, and glibc 2.``glibcs``."""
    newer = (f"manylinux_2_{minor}_{machine}" for minor in glibcs)
    older = ("manylinux2014", "manylinux2010", "manylinux1") if machine == "x86_64" else ("manylinux2014",)
    return Target(f"Linux on {machine}", (*newer, *(f"{name}_{machine}" for name in older)), "Linux", machine)


LEARNERS = (
    _linux("x86_64", *range(28, 16, -1)),
    _linux("aarch64", *range(28, 16, -1)),
    Target("macOS on Apple silicon", tuple(mac_platforms((14, 0), "arm64")), "Darwin", "arm64"),
)
"""Where `make setup` runs: Debian 11, Ubuntu 20.04 and RHEL 8 have glibc 2.28 or newer."""
IMAGES = (_linux("x86_64", 28, 17), _linux("aarch64", 28, 17))
"""What Wavetank's own image is made for: the same as `bundle.registry` tells pip, for the Python of a pulled image."""
NODES = (_linux("x86_64", *range(36, 16, -1)), _linux("aarch64", *range(36, 16, -1)))
"""What a source build takes programs for: Debian 12, whose glibc is 2.36."""
FILES: Mapping[str, tuple[Target, ...]] = {
    "requirements.lock": LEARNERS,
    "clusters/source/wavetank/requirements.txt": IMAGES,
    "clusters/source/envoy/requirements.txt": NODES,
    "clusters/source/go/requirements.txt": NODES,
}


def read_pins(text: str) -> list[Pin]:
    """Return the pins of a requirements file with hashes."""
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    return [_pin(line) for line in lines if line and not line.lstrip().startswith("#")]


def _pin(line: str) -> Pin:
    asked, *hashes = line.split(" --hash=sha256:")
    requirement, _, marker = asked.partition(";")
    name, _, version = requirement.strip().partition("==")
    return Pin(canonicalize_name(name), version, marker.strip(), frozenset(hash_.strip() for hash_ in hashes))


def read_record(text: str) -> dict[str, str]:
    """Return the names of the recorded wheels by their SHA-256."""
    pairs = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return {hash_: name for name, hash_ in pairs}


def lacking(pins: Iterable[Pin], target: Target, python: str, record: Mapping[str, str]) -> Iterator[Pin]:
    """Yield each pin that is for this platform, and of whose hashes none is recorded as a wheel that installs there."""
    tags = target.tags(python)
    for pin in pins:
        names = [record[hash_] for hash_ in pin.hashes if hash_ in record]
        if pin.name in SOURCES_ONLY or not target.wants(pin.marker, python):
            continue
        if not any(_fits(name, pin, tags) for name in names):
            yield pin


def _fits(file: str, pin: Pin, tags: set[Tag]) -> bool:
    name, version, _, own = parse_wheel_filename(file)
    return name == pin.name and str(version) == pin.version and bool(own & tags)


# -- asking the index -------------------------------------------------------------------------------------------------


def make_record() -> dict[str, str]:
    """Ask for a wheel of everything that is pinned, once for each platform that none found so far installs on."""
    record: dict[str, str] = {}
    for path, targets in FILES.items():
        pins = read_pins((ROOT / path).read_text())
        for target in targets:
            for python in PYTHONS:
                asked = list(lacking(pins, target, python, record))
                print(f"{path}: {target.name}, Python {python}: {len(asked)} to ask for", flush=True)
                if asked:
                    record |= _ask(asked, target, python)
    return record


def _ask(pins: list[Pin], target: Target, python: str) -> dict[str, str]:
    """Return the wheels that pip would install; what the index has not is said, and left out."""
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check", "--no-deps"]
    chosen = [f"--python-version={python}", "--implementation=cp", *(f"--platform={tag}" for tag in target.platforms)]
    wanted = {pin.name: pin for pin in pins}
    while wanted:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            options = ["--only-binary=:all:", "--ignore-requires-python", "--target", folder, "--report", str(report)]
            lines = [f"{pin.name}=={pin.version}" for pin in wanted.values()]
            asked = subprocess.run(
                [*pip, *options, *chosen, *lines], capture_output=True, text=True, timeout=ASK_SECONDS, check=False
            )
            if asked.returncode == 0:
                return dict(_found(json.loads(report.read_text()), wanted))
        missing = re.search(r"No matching distribution found for (\S+?)==", asked.stderr)
        if missing is None:
            sys.exit(asked.stderr)
        print(f"  no wheel of {missing[1]} for {target.name}, Python {python}", flush=True)
        del wanted[canonicalize_name(missing[1])]
    return {}


def _found(report: Mapping[str, Any], wanted: Mapping[str, Pin]) -> Iterator[tuple[str, str]]:
    for entry in report["install"]:
        file = str(entry["download_info"]["url"]).rpartition("/")[2]
        sha256 = str(entry["download_info"]["archive_info"]["hashes"]["sha256"])
        pin = wanted[parse_wheel_filename(file)[0]]
        if sha256 in pin.hashes:
            yield sha256, file
        else:
            print(f"  {file} has a hash that is not pinned", flush=True)


def main() -> None:
    """Write the record, by name of the wheel."""
    lines = sorted(f"{name} {hash_}\n" for hash_, name in make_record().items())
    RECORD.write_text(HEADER + "".join(lines))


if __name__ == "__main__":
    main()

"""Reading the small Dockerfiles of this project, so that their images can be assembled without an engine.

Understood is what needs no running container: FROM, ARG, ENV, WORKDIR, COPY, USER, EXPOSE, CMD and ENTRYPOINT. Anything
else is refused, never skipped. The format is Docker's Dockerfile reference.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from wavetank.bundle.entries import Entry, from_folder
from wavetank.bundle.layout import ImageConfig
from wavetank.document import read_json, read_text
from wavetank.errors import InputError

__all__ = ["Described", "Instruction", "instructions", "read_dockerfile"]

_LONGEST = 10_000
"""Characters of an instruction with its variables in their places: each may double the one before."""
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Instruction(NamedTuple):
    """One instruction: the line it begins in, its word in capitals, and the rest of it."""

    line: int
    word: str
    rest: str


@dataclass(slots=True)
class Described:
    """What a Dockerfile says: the base's reference, one list of entries for each COPY, and how the image is run."""

    base: str = ""
    layers: list[list[Entry]] = field(default_factory=list)
    config: ImageConfig = field(default_factory=ImageConfig)


def read_dockerfile(path: Path, arguments: Mapping[str, str]) -> Described:
    """Read the Dockerfile at ``path`` with these build arguments; its folder is the build context.

    Raises `InputError` with file and line for an instruction that is not understood and for a file that is not there.
    """
    reader = _Reader(path, arguments)
    for instruction in instructions(read_text(path)):
        try:
            reader.read(instruction.line, instruction.word, instruction.rest)
        except ValueError as error:  # of what is in it: a quote left open, a port that is none
            where = f"{path}:{instruction.line}"
            raise InputError(
                f"{instruction.word[:40]}: {error}"[:200], where=where, expected="as Docker has it"
            ) from error
    return Described(
        reader.base,
        reader.layers,
        ImageConfig(
            entrypoint=reader.entrypoint,
            command=reader.command,
            environment=reader.environment,
            user=reader.user,
            workdir=reader.workdir,
            ports=reader.ports,
        ),
    )


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile; lines that end in a backslash are joined."""
    found: list[Instruction] = []
    joined, begun = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#") or not (line.strip() or joined):
            continue
        begun = begun or number
        joined += line.strip().removesuffix("\\")
        if not line.rstrip().endswith("\\"):
            word, _, rest = joined.partition(" ")
            found.append(Instruction(begun, word.upper(), rest.strip()))
            joined, begun = "", 0
    return found


class _Reader:
    def __init__(self, path: Path, arguments: Mapping[str, str]) -> None:
        self._path = path
        self._given = arguments
        self._variables: dict[str, str] = {}
        self.base = ""
        self.layers: list[list[Entry]] = []
        self.environment: dict[str, str] = {}
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        self.ports: list[int] = []
        self.user = ""
        self.workdir = ""

    def read(self, number: int, instruction: str, rest: str) -> None:
        self._where = f"{self._path}:{number}"
        match instruction:
            case "ARG":
                name, _, default = rest.partition("=")
                self._variables[name] = self._given.get(name, self._filled(default))
            case "FROM":
                self.base = self._filled(rest)
            case "ENV":
                pairs = dict(pair.split("=", 1) for pair in shlex.split(self._filled(rest)))
                self.environment |= pairs
                self._variables |= pairs
            case "WORKDIR":
                self.workdir = self._filled(rest)
            case "COPY":
                self._copy(shlex.split(self._filled(rest)))
            case "USER":
                self.user = self._filled(rest)
            case "EXPOSE":
                self.ports += [int(port) for port in self._filled(rest).split()]
            case "CMD":
                self.command = self._words(rest)
            case "ENTRYPOINT":
                self.entrypoint = self._words(rest)
            case _:
                raise InputError(
                    f"{instruction[:40]} is not understood here",
                    where=self._where,
                    expected="FROM, ARG, ENV, WORKDIR, COPY, USER, EXPOSE, CMD or ENTRYPOINT",
                )

    def _filled(self, text: str) -> str:
        filled = _VARIABLE.sub(lambda found: self._variables.get(found[1] or found[2], ""), text)
        if len(filled) > _LONGEST:
            raise ValueError(f"more than {_LONGEST:,} characters with its variables")
        return filled

    def _words(self, rest: str) -> list[str]:
        try:
            words = read_json(rest)
        except ValueError:
            words = None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise InputError(
                "a command has to be a JSON list",
                where=self._where,
                observed=rest[:200],
                expected='["program", "argument"]',
            )
        return words

    def _copy(self, words: list[str]) -> None:
        if len(words) != 2 or words[0].startswith("--"):
            raise InputError(f"COPY {' '.join(words)[:200]}", where=self._where, expected="COPY source target")
        source = self._path.parent / words[0]
        if not source.resolve().is_relative_to(self._path.parent.resolve()):
            raise InputError(f"COPY: {words[0][:200]} is not in the recipe's folder", where=self._where)
        target = str(PurePosixPath(self.workdir or "/") / words[1])
        if source.is_dir():
            self.layers.append(list(from_folder(source, target, exclude=("__pycache__", "*/__pycache__"))))
        elif source.is_file():
            place = target + source.name if words[1].endswith("/") else target
            self.layers.append([Entry(place, 0o644, content=source)])
        else:
            raise InputError(f"COPY: {words[0]} is not there", where=self._where, expected=f"a file or folder {source}")

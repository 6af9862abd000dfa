"""clusters/source/go.mod: the one Go module in which all components meet, read as plain data.

One module has one version of everything: what two components share is compiled once. Its `tool` lines are the programs
that are built, its `require` lines what they are built from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["GoMod", "read_go_mod"]


@dataclass(frozen=True, slots=True)
class GoMod:
    """A go.mod: its own path and the least Go it asks for, packages of programs, and the version of each module.

    ``requires`` are the versions that count, replaced ones included; ``lines`` tell where each stands. ``local`` are
    the folders, relative to the go.mod, that stand in for a module.
    """

    path: Path
    module: str
    go: str = ""
    tools: tuple[str, ...] = ()
    requires: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.path.parent

    def tools_of(self, component: str, module: str) -> tuple[str, ...]:
        """Return the programs of a component: those in its ``module``, and those of ours in the component's folder."""
        places = [f"{place}/" for place in (f"{self.module}/{component}", module) if place]
        return tuple(tool for tool in self.tools if any(f"{tool}/".startswith(place) for place in places))


def read_go_mod(path: Path) -> GoMod:
    """Read a go.mod that the go command has written; where there is none, one without programs is returned."""
    if not path.is_file():
        return GoMod(path, "")
    words = {"module": "", "go": ""}
    tools: list[str] = []
    requires: dict[str, str] = {}
    lines: dict[str, int] = {}
    local: dict[str, str] = {}
    for number, directive, rest in _directives(path.read_text(encoding="utf-8")):
        if directive in words:
            words[directive] = rest[0]
        elif directive == "tool":
            tools.append(rest[0])
        elif directive == "require":
            requires[rest[0]], lines[rest[0]] = rest[1].removeprefix("v"), number
        elif directive == "replace" and rest[-1].startswith("."):
            local[rest[0]] = rest[-1]
        elif directive == "replace" and rest[0] in requires:
            requires[rest[0]], lines[rest[0]] = rest[-1].removeprefix("v"), number
    return GoMod(path, words["module"], words["go"], tuple(tools), requires, lines, local)


def _directives(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield line number, directive and words of each line, those in a block with the block's directive."""
    block = ""
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("//")[0].split()
        if not words:
            continue
        if block:
            if words == [")"]:
                block = ""
            else:
                yield number, block, words
        elif words[-1] == "(":
            block = words[0]
        else:
            yield number, words[0], words[1:]

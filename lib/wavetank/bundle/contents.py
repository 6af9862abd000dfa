"""The vocabulary of a recipe's layers: what each word of recipe.schema.json puts into an image."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wavetank.bundle.closure import libraries, programs_with_libraries
from wavetank.bundle.entries import Entry, directory, from_folder, link, text
from wavetank.bundle.interpreter import compile_python, interpreter_entries
from wavetank.errors import BundleError

__all__ = ["Supplies", "layer_entries"]


@dataclass(frozen=True, slots=True)
class Supplies:
    """What layers are made of, by the time they are made.

    ``debian`` tells where the Debian root is; ``programs``, ``module`` and ``wheels`` tell a component's folder of
    built programs, of sources, of installed wheels; ``store`` fills a folder as containerd's root with the images of
    these references.
    """

    project: Path
    debian: Callable[[], Path]
    programs: Callable[[str], Path]
    module: Callable[[str], Path]
    wheels: Callable[[str], Path]
    store: Callable[[list[str], Path], None]


def layer_entries(layer: Mapping[str, Any], component: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    """Yield what ``layer`` of a recipe of ``component`` puts into an image.

    ``scratch`` is a folder for what has to be made first; it has to live until the layer is written.
    """
    for word, value in layer.items():
        place = scratch / word
        place.mkdir(parents=True)
        yield from _WORDS[word](value, component, supplies, place)


def _debian(value: Mapping[str, Any], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    return from_folder(supplies.debian(), exclude=value["exclude"], keep_owners=True)


def _debian_programs(value: list[str], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    yield from programs_with_libraries(value, supplies.debian())


def _interpreter(value: list[str], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    return interpreter_entries(scratch, value)


def _wheels(value: Mapping[str, Any], component: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    return from_folder(supplies.wheels(component), value["at"], exclude=value["exclude"])


def _wheel_programs(value: Mapping[str, str], component: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    for path, name in value.items():
        program = supplies.wheels(component) / name
        yield Entry(path, 0o755, content=program)
        for library in libraries([str(program)]):
            yield Entry(library, 0o755, content=Path(library).resolve())


def _binaries(value: Mapping[str, str], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    for path, name in value.items():
        component, _, program = name.partition("/")
        built = supplies.programs(component) / program
        if not built.is_file():
            raise BundleError(f"{component} builds no program {program!r}", expected="a tool of go.mod")
        yield Entry(path, 0o755, content=built)


def _modules(value: Mapping[str, str], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    for path, name in value.items():
        component, _, folder = name.partition("/")
        for entry in from_folder(supplies.module(component) / folder, path):
            # Module archives carry no modes: what begins like a script is one.
            script = isinstance(entry.content, Path) and entry.content.read_bytes()[:2] == b"#!"
            yield replace(entry, mode=0o755) if script else entry


def _project(value: Mapping[str, str], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    for number, (path, name) in enumerate(value.items()):
        copy = scratch / str(number)
        shutil.copytree(supplies.project / name, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        compile_python(copy)
        yield from from_folder(copy, path)


def _containerd(value: list[str], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    supplies.store(value, scratch)
    return from_folder(scratch, "/var/lib/containerd", keep_owners=True)


def _directories(value: Mapping[str, str], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    return (directory(path, int(mode, 8)) for path, mode in value.items())


def _links(value: Mapping[str, str], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    return (link(path, target) for path, target in value.items())


def _texts(value: Mapping[str, str], _: str, supplies: Supplies, scratch: Path) -> Iterator[Entry]:
    return (text(path, content) for path, content in value.items())


_WORDS: Mapping[str, Callable[[Any, str, Supplies, Path], Iterator[Entry]]] = {
    "debian": _debian,
    "debian_programs": _debian_programs,
    "interpreter": _interpreter,
    "wheels": _wheels,
    "wheel_programs": _wheel_programs,
    "binaries": _binaries,
    "modules": _modules,
    "project": _project,
    "containerd": _containerd,
    "directories": _directories,
    "links": _links,
    "texts": _texts,
}

"""From ``lab.yaml`` to `Lab`: the schema is checked first, then what a schema cannot say: that names lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from wavetank.cluster import SHIPPED, Berth
from wavetank.document import Document, Key, load_document, load_schema
from wavetank.errors import InputError
from wavetank.faults import Fault
from wavetank.images import Recipe
from wavetank.lesson.lab import (
    Ask,
    Checkpoint,
    Choice,
    Exercise,
    ExerciseFile,
    Lab,
    LabImage,
    Named,
    Number,
    Prediction,
)
from wavetank.lesson.place import place_for
from wavetank.lesson.telling import Telling
from wavetank.traffic import Load, Question

__all__ = ["SCHEMA", "load_lab"]

W = TypeVar("W", Load, Fault)

SCHEMA = Path(__file__).with_name("lab.schema.json")


def load_lab(path: Path, berth: Berth = SHIPPED, namespace: str = "") -> Lab:
    """Read the ``lab.yaml`` at ``path``; raises `InputError` with file, line and what was expected.

    Labs are written for the berth of the project's own spec, and for a namespace. For a cluster at another ``berth``
    they are told with the names of its registry and nodes, and in another ``namespace`` with its name, and so is each
    file of theirs that names one (`wavetank.lesson.telling`).

    Solutions lie beside the labs: ``solutions/<lab>/exercises/`` for ``labs/<lab>/lab.yaml``. The learner's files lie
    in ``labs/<lab>/exercises/``, or where `place_for` says that this user's are.
    """
    document = load_document(path, load_schema(SCHEMA))
    _check_names(document)
    written = document.data.get("namespace", "tidewater")
    here = Telling(berth, written, namespace or written)
    document = replace(document, data=here.data(document.data))
    data, folder = document.data, path.parent
    return Lab(
        id=data["id"],
        title=data["title"],
        minutes=data["minutes"],
        objectives=tuple(data["objectives"]),
        addons=tuple(data["cluster"]["addons"]),
        checkpoints=tuple(_checkpoint(item, folder, here) for item in data["checkpoints"]),
        folder=folder,
        begins=data["cluster"].get("begins"),
        namespace=here.namespace,
        exercises=tuple(_exercise(document, index, folder, here) for index in range(len(data.get("exercises", ())))),
        images={name: _image(name, item, folder) for name, item in data.get("images", {}).items()},
        loads={name: _resource(Load, document, "loads", name) for name in data.get("loads", ())},
        faults={name: _resource(Fault, document, "faults", name) for name in data.get("faults", ())},
        asks={name: _ask(document, name) for name in data.get("asks", ())},
        material={name: here.file(folder / path) for name, path in data.get("material", {}).items()},
        predictions=tuple(_prediction(document, index) for index in range(len(data.get("predictions", ())))),
        berth=berth,
        document=document,
    )


def _checkpoint(data: Mapping[str, Any], folder: Path, here: Telling) -> Checkpoint:
    manifests = tuple(here.file(folder / manifest) for manifest in data.get("manifests", ()))
    without, images = tuple(data.get("without", ())), tuple(data.get("images", ()))
    return Checkpoint(data["id"], data["title"], manifests, without, images, data.get("sidecars"))


def _image(name: str, data: Mapping[str, Any], folder: Path) -> LabImage:
    context = folder / data["context"]
    dockerfile = _mine(folder, data["dockerfile"]) if "dockerfile" in data else context / "Dockerfile"
    return LabImage(name, data["tag"], Recipe(context, dockerfile, data.get("arguments", {})))


def _mine(folder: Path, name: str) -> Path:
    """Return where a file of the lab is for this user: what is in ``exercises/`` may be in a place of their own."""
    return (place_for(folder.parent) / folder.name if name.startswith("exercises/") else folder) / name


def _exercise(document: Document, index: int, folder: Path, here: Telling) -> Exercise:
    data = document.data["exercises"][index]
    solutions = folder.parent.parent / "solutions" / folder.name
    files = tuple(
        ExerciseFile(
            here.file(folder / "starters" / name),
            _mine(folder, f"exercises/{name}"),
            here.file(solutions / "exercises" / name),
        )
        for name in data["files"]
    )
    checks = tuple(_named(document, "exercises", index, "checks", number) for number in range(len(data["checks"])))
    first, second, third = data["hints"]
    applied = tuple(file for file in files if file.name in data.get("apply", data["files"]))
    return Exercise(
        data["id"], data["title"], data["checkpoint"], data["task"], files, checks, (first, second, third), applied
    )


def _prediction(document: Document, index: int) -> Prediction:
    data = document.data["predictions"][index]
    answers = Number(**data["number"]) if "number" in data else tuple(_choice(choice) for choice in data["choices"])
    return Prediction(data["id"], data["question"], answers, _named(document, "predictions", index, "truth"))


def _choice(data: Mapping[str, Any]) -> Choice:
    return Choice(data["text"], data.get("is"), data.get("at_least"), data.get("at_most"))


def _ask(document: Document, name: str) -> Ask:
    data = document.data["asks"][name]
    with _placed(document, "asks", name):
        return Ask(data["from"], Question.from_spec(data))


def _resource(kind: type[W], document: Document, section: str, name: str) -> W:
    """Read a load or a fault by its own rules, and say where in the file it stands when it breaks them."""
    with _placed(document, section, name):
        return kind.from_spec(name, document.data[section][name])


@contextmanager
def _placed(document: Document, section: str, name: str) -> Iterator[None]:
    """Say where in the file the thing stands whose own rules are broken in this block."""
    try:
        yield
    except InputError as error:
        observed, expected = error.help.observed, error.help.expected
        where = document.where(section, name)
        raise InputError(
            f"{section}/{name}: {error.summary}", where=where, observed=observed, expected=expected
        ) from error


def _named(document: Document, *keys: Key) -> Named:
    data = document.data
    for key in keys:
        data = data[key]
    ((name, parameters),) = data.items()
    return Named(name, parameters, document.where(*keys, name))


def _check_names(document: Document) -> None:
    """Refuse an id that is there twice, and a reference, file or module that leads nowhere."""
    data, folder = document.data, document.path.parent
    if data["id"] != folder.resolve().name:
        raise InputError(
            f"the lab is called {data['id']!r}, its folder {folder.resolve().name!r}",
            where=document.where("id"),
            expected="the folder's name as id",
        )
    for section in ("checkpoints", "exercises", "predictions"):
        _check_ids(document, section, data.get(section, ()))
    checkpoints = [checkpoint["id"] for checkpoint in data["checkpoints"]]
    for index, exercise in enumerate(data.get("exercises", ())):
        if exercise["checkpoint"] not in checkpoints:
            raise _leads_nowhere(
                document, ("exercises", index, "checkpoint"), "checkpoint", exercise["checkpoint"], checkpoints
            )
    for name, image in data.get("images", {}).items():
        _check_is_of_the_labs(document, ("images", name, "context"), image["context"])
    for keys, file in _files(data):
        _check_is_of_the_labs(document, keys, file)
        if not (folder / file).is_file():
            raise InputError(f"there is no file {file}", where=document.where(*keys), expected=f"a file in {folder}")
    for keys, name in _references(data):
        section, known = f"{keys[-1]}s", list(data.get(f"{keys[-1]}s", ()))
        if name not in known:
            raise _leads_nowhere(document, keys, section.removesuffix("s"), name, known)


def _check_is_of_the_labs(document: Document, keys: tuple[Key, ...], name: str) -> None:
    """Refuse what is outside of the folder that all labs are in: it is read, and goes into images."""
    folder = document.path.parent.resolve()
    if not (folder / name).resolve().is_relative_to(folder.parent):
        raise InputError(
            f"{name} is outside of the labs",
            where=document.where(*keys),
            observed=str((folder / name).resolve()),
            expected=f"something in {folder.parent}",
        )


def _check_ids(document: Document, section: str, items: Sequence[Mapping[str, Any]]) -> None:
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        first = seen.setdefault(item["id"], index)
        if first != index:
            raise InputError(
                f"the id {item['id']!r} is there twice in {section}",
                where=document.where(section, index, "id"),
                expected=f"another id; the first is at {document.where(section, first, 'id')}",
            )


def _files(data: Mapping[str, Any]) -> Iterator[tuple[tuple[Key, ...], str]]:
    """Every file the lab names, with the keys at which it does; a learner's own file stands for its starter."""
    for name, image in data.get("images", {}).items():
        if "dockerfile" in image:
            yield ("images", name, "dockerfile"), image["dockerfile"].replace("exercises/", "starters/", 1)
    for name, manifest in data.get("material", {}).items():
        yield ("material", name), manifest
    for index, checkpoint in enumerate(data["checkpoints"]):
        for number, manifest in enumerate(checkpoint.get("manifests", ())):
            yield ("checkpoints", index, "manifests", number), manifest
    for index, exercise in enumerate(data.get("exercises", ())):
        for number, name in enumerate(exercise["files"]):
            yield ("exercises", index, "files", number), f"starters/{name}"
        for number, check in enumerate(exercise["checks"]):
            if "python" in check:
                yield ("exercises", index, "checks", number, "python"), f"{check['python'].partition(':')[0]}.py"
    for index, prediction in enumerate(data.get("predictions", ())):
        if "python" in prediction["truth"]:
            module = prediction["truth"]["python"].partition(":")[0]
            yield ("predictions", index, "truth", "python"), f"{module}.py"


def _references(data: Mapping[str, Any]) -> Iterator[tuple[tuple[Key, ...], str]]:
    """Every load, fault and image a check, a truth or a checkpoint names, with the keys at which it does."""
    for index, checkpoint in enumerate(data["checkpoints"]):
        for image in checkpoint.get("images", ()):
            yield ("checkpoints", index, "image"), image
    for index, exercise in enumerate(data.get("exercises", ())):
        for number, check in enumerate(exercise["checks"]):
            for name, parameters in check.items():
                yield from _named_things(("exercises", index, "checks", number, name), parameters)
    for index, prediction in enumerate(data.get("predictions", ())):
        for name, parameters in prediction["truth"].items():
            yield from _named_things(("predictions", index, "truth", name), parameters)


def _named_things(keys: tuple[Key, ...], parameters: Any) -> Iterator[tuple[tuple[Key, ...], str]]:
    if not isinstance(parameters, Mapping):
        return
    for key in ("load", "fault", "image", "ask"):
        if isinstance(parameters.get(key), str):
            yield (*keys, key), parameters[key]
    during = parameters.get("during")
    yield from _named_things((*keys, "during"), during)
    if isinstance(during, Mapping):
        yield from _named_things((*keys, "during", "release"), during.get("release"))


def _leads_nowhere(document: Document, keys: tuple[Key, ...], what: str, name: str, known: Sequence[str]) -> InputError:
    return InputError(
        f"there is no {what} {name!r} in this lab",
        where=document.where(*keys),
        expected=f"one of: {', '.join(known)}" if known else f"a {what} declared in this file; there are none",
    )

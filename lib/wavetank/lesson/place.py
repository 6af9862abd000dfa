"""Where a learner's own files are: in the checkout where it is theirs, else in a place of their own that looks like it.

A checkout belongs to whoever owns its ``labs`` folder and can write to it. Everybody else, such as a class that shares
one, has ``$XDG_DATA_HOME/wavetank`` (``~/.local/share/wavetank`` where that is not set): their notebooks and exercises,
and links to all the rest, so that each path that a notebook or a pipeline names leads where it does in the checkout.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from wavetank.lesson.files import create, keep, saving, write_whole

__all__ = ["furnish", "place_for"]

MADE_WHILE_RUNNING = ("__pycache__", ".ipynb_checkpoints")


def place_for(labs: Path) -> Path:
    """Return the folder that is this user's ``labs``: the checkout's own, or one in a place of their own."""
    if labs.stat().st_uid == os.geteuid() and os.access(labs, os.W_OK):
        return labs
    return platformdirs.user_data_path("wavetank") / "labs"


def furnish(labs: Path) -> Path:
    """Return `place_for` ``labs``, with everything in it that the checkout has.

    A notebook of an older course makes room for the new one; it is kept beside it if the learner has changed it. Raises
    `InputError` when there is no place to write to.
    """
    place = place_for(labs)
    if place == labs:
        return place
    labs = labs.resolve()
    with saving(place):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        for shared in ("docs", "solutions"):
            _link(place.parent / shared, labs.parent / shared)
        for shipped in labs.iterdir():
            if (shipped / "lab.yaml").is_file():
                _furnish_lab(place / shipped.name, shipped)
            elif not shipped.name.startswith("."):
                _link(place / shipped.name, shipped)
    return place


def _furnish_lab(mine: Path, shipped: Path) -> None:
    (mine / "exercises").mkdir(parents=True, exist_ok=True)
    for entry in shipped.iterdir():
        if entry.name == "exercises":
            _take_over(mine / "exercises", entry)
        elif entry.suffix == ".ipynb":
            _copy(mine / entry.name, entry)
        elif entry.name not in MADE_WHILE_RUNNING:
            _link(mine / entry.name, entry)


def _take_over(mine: Path, before: Path) -> None:
    """Bring along what this user has written in the checkout while they still could."""
    for file in before.iterdir():
        if file.is_file() and file.stat().st_uid == os.geteuid():
            create(mine / file.name, file.read_bytes())


def _copy(mine: Path, shipped: Path) -> None:
    """Give the learner a notebook of their own; beside it is noted which one was delivered."""
    content, noted = shipped.read_bytes(), mine.with_name(f".{mine.name}.delivered")
    if mine.exists() and noted.exists() and noted.read_bytes() == content:
        return
    if mine.exists():
        delivered = (content, noted.read_bytes()) if noted.exists() else (content,)
        keep(mine, f"{mine.stem}.mine", mine.suffix, unless=delivered)
    write_whole(mine, content)
    write_whole(noted, content)


def _link(link: Path, target: Path) -> None:
    """Have ``link`` lead to ``target``; something of the learner's own of that name stays."""
    if link.exists() and not link.is_symlink():
        return
    if not (link.is_symlink() and link.readlink() == target):
        draft = link.with_name(f".{link.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        draft.symlink_to(target)
        draft.replace(link)

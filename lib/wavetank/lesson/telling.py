"""A lab told for the cluster it is done on: its registry and its nodes may be called otherwise than labs are written.

What a learner reads, edits, applies and types has to be one and the same, so files are not read with other eyes: where
one names a registry or a node, there is a copy of it that names this cluster's, and the copy is what is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from wavetank.cluster import Berth
from wavetank.lesson.files import saving, write_whole

__all__ = ["told", "told_file"]


def told(data: Any, berth: Berth) -> Any:
    """Return the data of a document, each text in it told for ``berth``."""
    if isinstance(data, str):
        return berth.told(data)
    if isinstance(data, dict):
        return {key: told(value, berth) for key, value in data.items()}
    return [told(value, berth) for value in data] if isinstance(data, list) else data


def told_file(path: Path, berth: Berth) -> Path:
    """Return a shipped file of a lab as it is for ``berth``: itself, or a copy with other names in it.

    Raises `InputError` when there is no place for the copy.
    """
    if berth.told_as_shipped or not path.is_file():
        return path
    shipped = path.read_text(encoding="utf-8")
    here = berth.told(shipped)
    if here == shipped:
        return path
    place = user_cache_path("wavetank") / "labs" / f"{berth.name}-{berth.ports.registry}"
    copy = place.joinpath(*path.parts[-3:])
    with saving(copy):
        copy.parent.mkdir(parents=True, exist_ok=True)
        write_whole(copy, here.encode())
    return copy

"""A lab told for where it is done: its registry, nodes and namespace may be called otherwise than it is written.

What a learner reads, edits, applies and types has to be one and the same, so files are not read with other eyes: where
one names a registry, a node or the namespace, there is a copy of it with the names of here, and that is what is used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from wavetank.cluster import Berth
from wavetank.lesson.files import saving, write_whole

__all__ = ["Telling"]


@dataclass(frozen=True, slots=True)
class Telling:
    """How a lab that is written for the namespace ``written`` is told in ``namespace``, on a cluster at ``berth``."""

    berth: Berth
    written: str
    namespace: str

    def text(self, text: str) -> str:
        """Return a text of the lab as it is here."""
        here = self.berth.told(text)
        if self.namespace == self.written:
            return here
        return re.sub(_NAMED.format(re.escape(self.written)), self.namespace, here)

    def data(self, data: Any) -> Any:
        """Return the data of a document, each text in it told."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {key: self.data(value) for key, value in data.items()}
        return [self.data(value) for value in data] if isinstance(data, list) else data

    def file(self, path: Path) -> Path:
        """Return a shipped file of the lab as it is here: itself, or a copy with other names in it.

        Raises `InputError` when there is no place for the copy.
        """
        if not path.is_file():
            return path
        try:
            shipped = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # said by whoever reads it in earnest
            return path
        here = self.text(shipped)
        if here == shipped:
            return path
        place = user_cache_path("wavetank") / "labs" / f"{self.berth.name}-{self.berth.ports.registry}-{self.namespace}"
        copy = place.joinpath(*path.parts[-4:])
        with saving(copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            write_whole(copy, here.encode())
        return copy


_NAMED = r"(?<=-n ){0}\b|(?<=/ns/){0}(?=/)|(?<=knative-eventing/){0}(?=/)|(?<=[a-z0-9]\.){0}\b"
"""Where labs name their namespace: to kubectl, in an identity, at the broker's door, and after a Service's name."""

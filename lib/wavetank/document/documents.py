"""From a text to its documents, cut where kubectl cuts: at lines that begin with ``---``, or between objects of JSON.

kubectl first tries whether a text that begins with ``{`` is JSON, whose objects may follow each other without anything
between them, and goes on as YAML where it is not (k8s.io/apimachinery, util/yaml).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wavetank.document.file import checked, read_text
from wavetank.document.nodes import MOST_DEEP, Allowance, Node, compose, too_deep
from wavetank.document.scalars import ScalarError, plain, shown
from wavetank.document.told import whole_text
from wavetank.document.values import locate, value_of
from wavetank.errors import InputError

__all__ = ["Document", "Key", "read_documents"]

Key = str | int
_Keys = tuple[Key, ...]

_SPACE = (" ", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file (or of a text with a name): its ``data``, and where each part of it stands."""

    source: str
    data: Any
    line: int
    root: Node | None = field(repr=False)

    @property
    def path(self) -> Path:
        """The file it is from."""
        return Path(self.source)

    def where(self, *keys: Key) -> str:
        """Return ``file:line`` of the value at ``keys``, or of its nearest parent that is in the file."""
        return f"{self.source}:{self._located(keys)[1]}"

    def line_of(self, *keys: Key) -> int:
        """Return the line of the value at ``keys``; raises `KeyError` when it is not in the file."""
        found, line = self._located(keys)
        if found < len(keys):
            raise KeyError(keys)
        return line

    def _located(self, keys: _Keys) -> tuple[int, int]:
        return locate(self.root, keys) if self.root is not None else (0, self.line)


def read_documents(origin: Path | str, name: str = "text") -> list[Document]:
    """Return the documents in a file, or in a text that messages call ``name``; those that say nothing are left out.

    Raises `InputError` with file, line and what was expected.
    """
    source = str(origin) if isinstance(origin, Path) else name
    text = read_text(origin) if isinstance(origin, Path) else checked(origin, name)
    allowance = Allowance(source)
    if not text.lstrip().startswith("{"):
        return list(_yaml_documents(text, 1, allowance))
    documents, rest = _json_documents(text, allowance)
    documents += _yaml_documents(text[rest:], text.count("\n", 0, rest) + 1, allowance)
    return [document for document in documents if document.data is not None]


def _yaml_documents(text: str, first: int, allowance: Allowance) -> Iterator[Document]:
    """Yield the documents between lines that begin with ``---``, the first line of ``text`` being line ``first``."""
    begun, lines = first, list[str]()
    for number, line in enumerate(text.removesuffix("\n").split("\n"), first):
        if line.startswith("---"):
            behind = line[3:].strip()
            if behind and not behind.startswith("#"):
                raise InputError(
                    f"not valid YAML: {shown(behind)} is in the line of a `---`",
                    where=f"{allowance.source}:{number}",
                    expected="`---` alone in its line",
                )
            yield from _yaml_document(lines, begun, allowance)
            begun, lines = number + 1, []
        else:
            lines.append(line)
    yield from _yaml_document(lines, begun, allowance)


def _yaml_document(lines: list[str], first: int, allowance: Allowance) -> Iterator[Document]:
    # The last line ends as every other does: a block's text would else lack its line end.
    root = compose("\n".join(lines) + "\n", first, allowance) if any(lines) else None
    if root is not None:
        yield Document(allowance.source, value_of(root, allowance), root.line, root)


def _json_documents(text: str, allowance: Allowance) -> tuple[list[Document], int]:
    """Return the objects of JSON at the beginning of ``text``, and where what is no JSON begins."""
    documents: list[Document] = []
    position, line = 0, 1
    while (begin := _after_space(text, position)) < len(text):
        line += text.count("\n", position, begin)
        try:
            data, end = _DECODER.raw_decode(text, begin)
        except RecursionError as error:
            raise too_deep(allowance.source, line) from error
        except json.JSONDecodeError as error:
            if len(documents) > 1:
                where = f"{allowance.source}:{error.lineno}"
                raise InputError(
                    f"not valid JSON: {error.msg}", where=where, expected="an object, or the end"
                ) from None
            return documents, _after_line_end(text, position)
        documents.append(_json_document(text[begin:end], data, line, allowance))
        line += text.count("\n", begin, end)
        position = end
    return documents, len(text)


def _json_document(text: str, data: Any, line: int, allowance: Allowance) -> Document:
    """Return an object of JSON, which is YAML too, so that its lines are known; but for some escapes in its texts."""
    root = None
    with suppress(InputError):
        root = compose(text, line, allowance, is_json=True)
    allowance.spend(line, 0)
    return Document(allowance.source, _plain(data, _Place(root, line, allowance)), line, root)


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON as it stands, a key perhaps there twice."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a file some object of JSON stands, for what is wrong with it."""

    root: Node | None
    line: int
    allowance: Allowance

    def wrong(self, keys: _Keys, summary: str, expected: str) -> InputError:
        line = locate(self.root, keys)[1] if self.root is not None else self.line
        return InputError(summary, where=f"{self.allowance.source}:{line}", expected=expected)


def _plain(data: Any, place: _Place, keys: _Keys = ()) -> Any:
    """Return data of JSON with one value for each key, and numbers and texts as Go has them."""
    if len(keys) > MOST_DEEP:
        raise too_deep(place.allowance.source, place.line)
    if isinstance(data, _Pairs):
        values: dict[str, Any] = {}
        for name, value in data:
            key = whole_text(name)
            if key in values and place.root is not None:
                value_of(place.root, place.allowance)  # which says in which lines
            if key in values:
                raise place.wrong(keys, f"the key {shown(key)} is there twice", "once")
            values[key] = _plain(value, place, (*keys, key))
        return values
    if isinstance(data, list):
        return [_plain(item, place, (*keys, index)) for index, item in enumerate(data)]
    try:
        return whole_text(data) if isinstance(data, str) else plain(data)
    except ScalarError as error:
        raise place.wrong(keys, f"not valid JSON: {error}", "a number that a computer can hold") from error


def _number(text: str) -> int | float:
    return int(text) if len(text) <= len(str(-(2**63))) else float(text)


def _no_constant(name: str) -> None:
    raise json.JSONDecodeError(f"{name} is Python's, not JSON's", name, 0)


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=_number, parse_constant=_no_constant)


def _after_space(text: str, position: int) -> int:
    while text[position : position + 1] in _SPACE:
        position += 1
    return position


def _after_line_end(text: str, position: int) -> int:
    """Return where YAML begins behind JSON: kubectl leaves out spaces up to a line end, and that."""
    rest = text[position:]
    spaces = len(rest) - len(rest.lstrip())
    end = rest.find("\n", 0, spaces)
    return position + (spaces if end < 0 else end + 1)

"""From a tree of nodes to plain data, by the rules of go.yaml.in/yaml/v2, and from a place in the data to its line.

``<<`` takes in the pairs of other mappings where it stands: it goes over what is before it, and what is behind it goes
over it. (YAML means what is written in the mapping itself to win wherever it stands; kubectl does not do that.)
A key that is there twice is refused, where kubectl quietly takes the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wavetank.document.nodes import MOST_DEEP, Allowance, Node, too_deep
from wavetank.document.scalars import ScalarError, key_text, plain, resolve, shown
from wavetank.errors import InputError

__all__ = ["locate", "value_of"]

_SMALL, _LARGE = 400_000, 4_000_000
"""Up to so many values nearly all may come from aliases, from so many on a tenth: as go.yaml.in/yaml/v2 counts."""


def value_of(root: Node, allowance: Allowance) -> Any:
    """Return what a document says. Raises `InputError` with file and line."""
    return _Reading(allowance).value(root, 0)


def locate(root: Node, keys: Sequence[str | int]) -> tuple[int, int]:
    """Return how many of ``keys`` there are from ``root`` down, and in which line the last of them stands."""
    node, line = root.followed(), root.line
    for found, key in enumerate(keys):
        if node.kind == "mapping":
            pair = _pair(node, str(key))
            if pair is None:
                return found, line
            line, node = pair[0].line, pair[1].followed()
        elif node.kind == "sequence" and isinstance(key, int) and 0 <= key < len(node.children):
            line, node = node.children[key].line, node.children[key].followed()
        else:
            return found, line
    return len(keys), line


def _pair(mapping: Node, key: str) -> tuple[Node, Node] | None:
    """Return the pair that ``key`` has its value from: the last, since what comes later goes over what came before."""
    for name, value in reversed(list(mapping.pairs())):
        if name.is_merge:
            for merged in _merged(value):
                if pair := _pair(merged.followed(), key):
                    return pair
        elif key_text(_scalar(name.followed())) == key:
            return name, value
    return None


def _merged(value: Node) -> list[Node]:
    """Return what a ``<<`` takes in, the strongest first."""
    return value.children if value.kind == "sequence" else [value]


def _scalar(node: Node) -> Any:
    return resolve(node.text, node.tag) if node.plain or node.tag else node.text


class _Reading:
    """One document on its way to data; counts what comes from aliases, so that a few lines do not become gigabytes."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance, self._source = allowance, allowance.source
        self._count = self._from_aliases = self._in_aliases = 0

    def value(self, node: Node, depth: int) -> Any:
        self._counted(node, depth)
        if node.kind == "scalar":
            try:
                return plain(_scalar(node))
            except ScalarError as error:
                raise self._wrong(node, f"not valid YAML: {error}", "a value that JSON can say") from error
        if node.kind == "sequence":
            return [self.value(item, depth + 1) for item in node.children]
        if node.kind == "alias":
            self._in_aliases += 1
            value = self.value(node.children[0], depth + 1)
            self._in_aliases -= 1
            return value
        data: dict[str, Any] = {}
        self._fill(data, node, depth)
        return data

    def _fill(self, data: dict[str, Any], mapping: Node, depth: int) -> None:
        lines: dict[str, int] = {}
        for key, value in mapping.pairs():
            if key.is_merge:
                self._merge(data, value, depth)
                continue
            name = self._key(key, depth)
            if name in lines:
                written = "" if key.text == name else f", written {shown(key.text)},"
                raise self._wrong(
                    key, f"the key {shown(name)}{written} is there twice", f"once; the first is in line {lines[name]}"
                )
            lines[name] = key.line
            data[name] = self.value(value, depth + 1)

    def _key(self, key: Node, depth: int) -> str:
        self._counted(key, depth)
        scalar = key.followed()
        if scalar.kind != "scalar":
            raise self._wrong(key, f"a {scalar.kind} cannot be a key", "a word as key: is a value in braces in quotes?")
        try:
            return key_text(_scalar(scalar))
        except ScalarError as error:
            raise self._wrong(key, f"not valid YAML: {error}", "a word as key") from error

    def _merge(self, data: dict[str, Any], value: Node, depth: int) -> None:
        for merged in reversed(_merged(value)):
            mapping = merged.followed()
            if mapping.kind != "mapping":
                raise self._wrong(merged, f"<< takes in a {mapping.kind}", "a mapping, or a list of mappings")
            self._counted(merged, depth)
            self._in_aliases += merged.kind == "alias"
            self._fill(data, mapping, depth + 1)
            self._in_aliases -= merged.kind == "alias"

    def _counted(self, node: Node, depth: int) -> None:
        if depth > MOST_DEEP:
            raise too_deep(self._source, node.line)
        self._count += 1
        if self._in_aliases:
            self._from_aliases += 1
            self._allowance.spend(node.line)
        share = 0.99 - 0.89 * min(max((self._count - _SMALL) / (_LARGE - _SMALL), 0), 1)
        if self._from_aliases > 100 and self._count > 1000 and self._from_aliases > share * self._count:
            raise self._wrong(
                node, "nearly all of this document comes from aliases", "values written where they are used"
            )

    def _wrong(self, node: Node, summary: str, expected: str) -> InputError:
        return InputError(summary, where=f"{self._source}:{node.line}", expected=expected)

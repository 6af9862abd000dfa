"""From text to a tree of nodes that know their lines: what PyYAML's parser tells, put together without recursion.

Nothing is interpreted here: a scalar is its text, and an alias points to what it stands for. The tree is bounded in
depth and in number, so that no file of a few kilobytes keeps anybody waiting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from wavetank.errors import InputError

__all__ = ["MOST_DEEP", "Allowance", "Node", "compose", "too_deep"]

MOST_DEEP = 200
"""Levels within each other; kubectl takes 10,000, which Python's own JSON does not."""

MOST_VALUES = 250_000

Kind = Literal["scalar", "sequence", "mapping", "alias"]

_TEXT_TAG = re.compile(r"(&\S+\s+)?!\s")
_SLASH = re.compile(r"(?<!\\)(\\\\)*\\/")

# Ten times as fast on an addon's definitions; not every build of PyYAML has it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Node:
    """One node and the ``line`` in its file where it begins, from 1.

    ``children`` are a sequence's items, or a mapping's keys and values by turns, or what an alias stands for. ``text``
    is a scalar's; it is ``plain`` without quotes and without tag.
    """

    kind: Kind
    line: int
    text: str = ""
    tag: str | None = None
    plain: bool = False
    children: list[Node] = field(default_factory=list)

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Yield a mapping's keys and values."""
        return zip(self.children[::2], self.children[1::2], strict=True)

    def followed(self) -> Node:
        """Return the node itself, or what it is an alias of."""
        node = self
        while node.kind == "alias":
            (node,) = node.children
        return node

    @property
    def is_merge(self) -> bool:
        """Whether this is the key ``<<`` that takes in the pairs of other mappings."""
        return self.kind == "scalar" and self.text == "<<" and (self.plain or self.tag == "tag:yaml.org,2002:merge")


class Allowance:
    """What one file may ask for: so many values, those that aliases repeat included; a document counts as some."""

    A_DOCUMENT = 100

    def __init__(self, source: str) -> None:
        self.source = source
        self._left = MOST_VALUES

    def spend(self, line: int, values: int = 1) -> None:
        """Note that so many values more are there; raises `InputError` when that is too much."""
        self._left -= values
        if self._left < 0:
            raise InputError(
                f"more than {MOST_VALUES:,} values in one file", where=f"{self.source}:{line}", expected="fewer"
            )


def compose(text: str, line: int, allowance: Allowance, *, is_json: bool = False) -> Node | None:
    """Return the tree of the one document in ``text``, which begins in ``line`` of a file; None if there is none.

    In what ``is_json`` a slash may be escaped, which kubectl's YAML does not know. Raises `InputError`, also for a
    second document, and for what is too deep or too much.
    """
    allowance.spend(line, allowance.A_DOCUMENT)
    parser = _LOADER(text)
    try:
        return _Tree(parser, text, line, allowance, is_json).built()
    except yaml.YAMLError as error:
        raise _not_yaml(error, text, allowance.source, line) from error
    finally:
        parser.dispose()


class _Tree:
    """Takes one event of the parser after the other; what is open is on a stack."""

    def __init__(self, parser: Any, text: str, line: int, allowance: Allowance, is_json: bool) -> None:
        self._parser, self._text, self._first, self._allowance = parser, text, line, allowance
        self._is_json = is_json
        self._source = allowance.source
        self._open: list[Node] = []
        self._anchors: dict[str, Node] = {}
        self._root: Node | None = None

    def built(self) -> Node | None:
        while True:
            event = self._parser.get_event()
            if isinstance(event, yaml.ScalarEvent):
                self._check_escapes(event)
                is_plain = event.tag is None and event.implicit[0] and not self._is_marked_as_text(event)
                self._add(event, Node("scalar", self._line(event), event.value, event.tag, is_plain))
            elif isinstance(event, yaml.CollectionStartEvent):
                kind: Kind = "sequence" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
                node = Node(kind, self._line(event))
                self._add(event, node)
                self._open.append(node)
                if len(self._open) > MOST_DEEP:
                    raise too_deep(self._source, node.line)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._open.pop()
            elif isinstance(event, yaml.AliasEvent):
                self._add(None, Node("alias", self._line(event), children=[self._anchored(event)]))
            elif isinstance(event, yaml.StreamEndEvent):
                return self._root

    def _add(self, event: Any, node: Node) -> None:
        self._allowance.spend(node.line)
        if event is not None and event.anchor:
            self._anchors[event.anchor] = node
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._root = node

    def _anchored(self, event: Any) -> Node:
        where = f"{self._source}:{self._line(event)}"
        if event.anchor not in self._anchors:
            raise InputError(
                f"there is no anchor &{event.anchor[:60]} in this document before this line",
                where=where,
                expected="an anchor that is written before it is used",
            )
        node = self._anchors[event.anchor]
        if any(node is around for around in self._open):
            raise InputError(f"the anchor &{event.anchor[:60]} contains itself", where=where, expected="no such circle")
        return node

    def _is_marked_as_text(self, event: Any) -> bool:
        """Tell whether a scalar has the tag ``!``, of which libyaml's events say nothing."""
        return bool(_TEXT_TAG.match(self._text, event.start_mark.index, event.end_mark.index))

    def _check_escapes(self, event: Any) -> None:
        """Refuse an escape that libyaml takes and kubectl does not."""
        if (
            event.style == '"'
            and not self._is_json
            and _SLASH.search(self._text, event.start_mark.index, event.end_mark.index)
        ):
            where = f"{self._source}:{self._line(event)}"
            raise InputError("not valid YAML: \\/ is an escape only of JSON", where=where, expected="/ as it is")

    def _line(self, event: Any) -> int:
        return self._first + int(event.start_mark.line)


def too_deep(source: str, line: int) -> InputError:
    """Return the error for what is nested too deep."""
    return InputError(f"nested more than {MOST_DEEP} levels deep", where=f"{source}:{line}", expected="fewer levels")


def _not_yaml(error: yaml.YAMLError, text: str, source: str, line: int) -> InputError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "context", None) or str(error).splitlines()[0]
    at = mark.line if mark else 0
    lines = text.split("\n")
    if mark and at < len(lines) and lines[at][mark.column : mark.column + 1] == "\t":
        problem = "a tab, where YAML takes only spaces"
    if "document start" in problem:  # kubectl leaves out whatever stands there
        problem = "here is something behind the end of a document, and not behind a line `---`"
    return InputError(f"not valid YAML: {problem}", where=f"{source}:{line + at}", expected="YAML, as kubectl reads it")

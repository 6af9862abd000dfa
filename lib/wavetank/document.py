"""YAML and JSON documents written by people: read once, checked against a schema, mistakes reported with file and line.

PyYAML's node graph carries the line of every key; ``jsonschema`` says which path is wrong; this module puts the two
together. It never guesses: the first mistake ends in an `InputError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from wavetank.errors import InputError

__all__ = ["Document", "Mistake", "find_mistake", "load_document", "load_schema"]

Key = str | int


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: its ``data``, and where each part of it stands."""

    path: Path
    data: Any
    lines: Mapping[tuple[Key, ...], int]

    def where(self, *keys: Key) -> str:
        """Return ``file:line`` of the value at ``keys``, or of its nearest parent that is in the file."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.path}:{self.lines.get(keys, 1)}"


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where data does not fit its schema, and what was expected there."""

    keys: tuple[Key, ...]
    message: str
    expected: str

    def __str__(self) -> str:
        return f"{'/'.join(map(str, self.keys)) or 'the document'}: {self.message}"


@cache
def load_schema(path: Path) -> Mapping[str, Any]:
    """Return the JSON Schema in ``path``."""
    schema: Mapping[str, Any] = json.loads(path.read_text())
    return schema


def load_document(path: Path, schema: Mapping[str, Any] | None = None) -> Document:
    """Read one YAML document, checked against ``schema`` if given.

    Raises `InputError` with file, line and what was expected when the file is missing, is not YAML, names a key twice,
    or does not fit the schema.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", expected="a readable YAML file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error.reason}", expected="a YAML file in UTF-8") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        where = f"{path}:{mark.line + 1 if mark else 1}"
        raise InputError(f"not valid YAML: {problem}", where=where, expected="one YAML document") from error
    lines: dict[tuple[Key, ...], int] = {}
    if node is not None:
        _collect_lines(node, (), lines, path)
    document = Document(path, yaml.safe_load(text), lines)
    mistake = None if schema is None else find_mistake(document.data, schema)
    if mistake is not None:
        raise InputError(str(mistake), where=document.where(*mistake.keys), expected=mistake.expected)
    return document


def _collect_lines(node: yaml.Node, keys: tuple[Key, ...], lines: dict[tuple[Key, ...], int], path: Path) -> None:
    lines.setdefault(keys, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*keys, key.value)
            if here in lines:
                raise InputError(
                    f"the key {key.value!r} is there twice",
                    where=f"{path}:{key.start_mark.line + 1}",
                    expected=f"once; the first is in line {lines[here]}",
                )
            lines[here] = key.start_mark.line + 1
            _collect_lines(value, here, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _collect_lines(item, (*keys, index), lines, path)


def find_mistake(data: Any, schema: Mapping[str, Any]) -> Mistake | None:
    """Return the most telling of the places where ``data`` does not fit ``schema``, None when it fits."""
    # A second and a half of imports where every format checker is installed, as Jupyter does.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema).iter_errors(data))
    if error is None:
        return None
    rule = f"{error.validator}: {json.dumps(error.validator_value, default=str)}"
    told = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    return Mistake(tuple(error.absolute_path), error.message, f"{told} ({rule})" if told else rule)

"""YAML and JSON documents written by people: read once, checked against a schema, mistakes reported with file and line.

PyYAML's node graph carries the line of every key; ``jsonschema`` says which path is wrong; this module puts the two
together. It never guesses: the first mistake ends in an `InputError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from wavetank.errors import InputError

__all__ = ["Document", "load_document", "load_schema"]

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
    if schema is not None:
        _check(document, schema)
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


def _check(document: Document, schema: Mapping[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    mistake = jsonschema.exceptions.best_match(validator.iter_errors(document.data))
    if mistake is None:
        return
    keys: Sequence[Key] = list(mistake.absolute_path)
    what = "/".join(str(key) for key in keys) or "the document"
    raise InputError(
        f"{what}: {mistake.message}", where=document.where(*keys), expected=_expectation(mistake)
    ) from None


def _expectation(mistake: jsonschema.ValidationError) -> str:
    told = mistake.schema.get("description") if isinstance(mistake.schema, Mapping) else None
    rule = f"{mistake.validator}: {json.dumps(mistake.validator_value, default=str)}"
    return f"{told} ({rule})" if told else rule

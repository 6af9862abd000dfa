"""One document by a JSON Schema: ``jsonschema`` says which path is wrong, the document in which line that stands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wavetank.document.documents import Document, Key, read_documents
from wavetank.errors import InputError

__all__ = ["Mistake", "find_mistake", "load_document", "load_schema"]


_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where data does not fit its schema, and what was expected there."""

    keys: tuple[Key, ...]
    message: str
    expected: str

    def __str__(self) -> str:
        return f"{_cut('/'.join(map(str, self.keys))) or 'the document'}: {_cut(self.message)}"


def _cut(words: str) -> str:
    """Return no more than anybody reads: the validator tells all that is in a wrong place, which may be megabytes."""
    return words if len(words) <= _SHOWN else f"{words[: _SHOWN // 2]} ... {words[-_SHOWN // 2 :]}"


@cache
def load_schema(path: Path) -> Mapping[str, Any]:
    """Return the JSON Schema in ``path``."""
    schema: Mapping[str, Any] = json.loads(path.read_text())
    return schema


def load_document(path: Path, schema: Mapping[str, Any] | None = None) -> Document:
    """Read one YAML document, checked against ``schema`` if given.

    Raises `InputError` with file, line and what was expected when the file cannot be read, holds no document or
    several, or does not fit the schema.
    """
    documents = read_documents(path)
    if not documents:
        raise InputError("there is nothing in this file", where=f"{path}:1", expected="one YAML document")
    document, *more = documents
    if more:
        raise InputError("a second document begins here", where=more[0].where(), expected="one YAML document")
    mistake = None if schema is None else find_mistake(document.data, schema)
    if mistake is not None:
        raise InputError(str(mistake), where=document.where(*mistake.keys), expected=mistake.expected)
    return document


def find_mistake(data: Any, schema: Mapping[str, Any]) -> Mistake | None:
    """Return the most telling of the places where ``data`` does not fit ``schema``, None when it fits."""
    with _without_iris():
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema).iter_errors(data))
    if error is None:
        return None
    rule = f"{error.validator}: {json.dumps(error.validator_value, default=str)}"
    told = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    return Mistake(tuple(error.absolute_path), error.message, f"{told} ({rule})" if told else rule)


@contextmanager
def _without_iris() -> Iterator[None]:
    """Have jsonschema imported without the checker for IRIs, which no schema of ours asks for.

    Jupyter has it installed, and it compiles a grammar as it is imported: 0.8 of the 1.9 s that a command took.
    """
    hidden = "rfc3987_syntax"
    if hidden in sys.modules:
        yield
        return
    sys.modules[hidden] = None  # type: ignore[assignment]  # what cannot be imported, jsonschema does without
    try:
        yield
    finally:
        del sys.modules[hidden]

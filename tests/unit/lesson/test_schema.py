"""The published schema and the code say the same, and every part of the schema says in words what it expects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

import jsonschema
import pytest

from wavetank.durations import parse_duration
from wavetank.lesson.checks import CHECKS
from wavetank.lesson.reading import SCHEMA

schema = json.loads(SCHEMA.read_text())
definitions = schema["$defs"]


def test_it_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema)


def test_it_describes_every_check_there_is_and_the_escape() -> None:
    assert set(definitions["check"]["properties"]) == {*CHECKS, "python"}


@pytest.mark.parametrize("name", CHECKS)
def test_a_checks_parameters_are_its_classs_fields(name: str) -> None:
    described = definitions[f"check-{name}"]
    declared = {field.name: field for field in fields(CHECKS[name])}  # type: ignore[arg-type]
    assert set(described["properties"]) == set(declared)
    required = {field.name for field in declared.values() if field.default is MISSING}
    assert set(described.get("required", ())) == required
    for parameter, told in described["properties"].items():
        if "default" in told:
            is_duration = told.get("$ref") == "#/$defs/duration"
            default = parse_duration(told["default"]) if is_duration else told["default"]
            assert declared[parameter].default == default, parameter


def test_every_part_says_in_words_what_it_expects() -> None:
    silent = [path for path, part in _parts(schema, "") if "description" not in _resolved(part)]
    assert silent == []


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    name = part.get("$ref", "").removeprefix("#/$defs/")
    return {**definitions[name], **part} if name else part


def _parts(part: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema that a mistake can be blamed on."""
    yield path, part
    for key in ("properties", "$defs"):
        for name, inner in part.get(key, {}).items():
            yield from _parts(inner, f"{path}/{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(part.get(key), dict):
            yield from _parts(part[key], f"{path}/{key}")

"""What is real: each provider says it of everything, and the page in docs/ says it after them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from scripts.what_is_real import PAGE, by_engine, every_provider, page

import wavetank.cluster
from wavetank.cluster import CAPABILITIES, PROVIDERS, Capability, ClusterSpec, Info, info_of, provider_for
from wavetank.engine.kinds import KINDS
from wavetank.errors import NotSupportedError

SCHEMA = json.loads((Path(wavetank.cluster.__file__).parent / "spec.schema.json").read_text())


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_says_of_everything_whether_and_why(name: str) -> None:
    info = info_of(name)
    assert info.name == name
    assert list(info.capabilities) == list(CAPABILITIES)
    assert all(can.reason for can in info.capabilities.values())


def test_a_spec_may_name_the_providers_there_are() -> None:
    assert SCHEMA["properties"]["provider"]["enum"] == list(PROVIDERS)
    with pytest.raises(NotSupportedError, match="no provider is called 'abacus'") as refused:
        provider_for(ClusterSpec(provider="abacus", kubernetes="1.36"))
    assert "provider: kind" in refused.value.help.expected


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_differs_by_the_engine_is_a_capability_and_the_engine_a_kind_there_is(name: str) -> None:
    engines = info_of(name).engines
    assert list(engines) == list(KINDS)
    for own in engines.values():
        assert set(own) <= set(CAPABILITIES)
        assert all(own[each].reason != info_of(name).capabilities[each].reason for each in own)


def test_only_what_differs_has_a_row_by_engine() -> None:
    rows = [line for line in by_engine(info_of("kind")).splitlines() if line.startswith("|")]
    assert all(row.count(" | ") == len(KINDS) for row in rows)
    assert any(row.startswith("| Limits of CPU and memory | as above | **yes**: on cgroup v2 only") for row in rows)
    assert not any(row.startswith("| Load balancers") for row in rows)


def test_nobody_can_change_what_a_provider_says() -> None:
    capabilities = info_of("kind").capabilities
    assert isinstance(capabilities, Mapping)
    with pytest.raises(TypeError):
        capabilities["node-stop"] = Capability(False, "")  # type: ignore[index]


def test_the_page_is_what_the_providers_say() -> None:
    assert PAGE.read_text() == page(every_provider()), "run: make docs"


def test_another_provider_is_another_column() -> None:
    paper = Info("paper", dict.fromkeys(CAPABILITIES, Capability(False, "it is only drawn")))
    first = page([info_of("kind"), paper]).partition("\n## ")[0]
    rows = [line for line in first.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(CAPABILITIES)
    assert rows[0] == "|  | kind | paper |"
    assert all(row.count(" | ") == 2 for row in rows)
    assert all(row.endswith("| **no**: it is only drawn |") for row in rows[2:])
    assert "**yes**: a worker's container is frozen" in next(
        row for row in rows if row.startswith("| A node that stops")
    )

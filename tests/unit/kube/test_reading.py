"""Every file in tests/reading is read as kubectl has read it, which is recorded: the same objects, or both refuse."""

from __future__ import annotations

import re

import pytest
import yaml
from tests.support.kubectl import FILES, alike, recorded

import wavetank.document.nodes
from wavetank.errors import InputError
from wavetank.kube.manifest import parse

RECORDED = recorded()["files"]
NAMES = sorted(file.name for file in FILES.iterdir())

STRICTER = {
    # kubectl takes one of two values and says nothing of the other.
    "duplicate-keys.yaml": "expected: once; the first is in line 5",
    "duplicate-truths.yaml": "the key 'true', written 'yes', is there twice",
    "duplicate-numbers.yaml": "expected: once; the first is in line 5",
    "json-duplicate-keys.json": "expected: once; the first is in line 3",
    # It leaves out the second object and says nothing.
    "document-end-and-more.yaml": "behind the end of a document",
    # It reads UTF-16 with a mark; other tools, and git, do not. Of Latin-1 it makes question marks.
    "utf-16.yaml": "not UTF-8 text",
    "latin-1.yaml": "not UTF-8 text",
    # `kubectl create` takes it, `kubectl apply` does not.
    "no-metadata.yaml": "it has no metadata",
    # Python writes JSON of some hundred levels, Go of ten thousand.
    "too-deep.yaml": "nested more than 200 levels deep",
}
"""What kubectl takes and Wavetank refuses, why, and with which words."""

PURE_PYTHON = {"tab-behind-a-key.yaml"}
"""What PyYAML refuses where it was built without libyaml."""


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return which parser is used; not every build of PyYAML has libyaml."""
    if request.param == "python":
        monkeypatch.setattr(wavetank.document.nodes, "_LOADER", yaml.SafeLoader)
    return str(request.param)


def test_every_file_is_recorded() -> None:
    assert sorted(RECORDED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_read_as_kubectl_reads_it(name: str, parser: str) -> None:
    told = RECORDED[name]
    if "refused" in told or name in STRICTER or (parser == "python" and name in PURE_PYTHON):
        with pytest.raises(InputError) as caught:
            parse(FILES / name)
        assert re.match(rf"{re.escape(str(FILES / name))}:\d+$", caught.value.where), str(caught.value)
        assert "\n" not in caught.value.summary
        if name in STRICTER:
            assert STRICTER[name] in str(caught.value)
    else:
        read = parse(FILES / name)
        assert alike(read, told["objects"]), f"{read}\n{told['objects']}"


def test_stricter_is_only_what_kubectl_takes() -> None:
    assert {name for name in STRICTER if "refused" in RECORDED[name]} == set()

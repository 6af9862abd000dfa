"""Documents people write: every mistake ends in one message with file, line and what was expected."""

import subprocess
import sys
from pathlib import Path

import pytest

from wavetank.document import load_document
from wavetank.errors import InputError

SCHEMA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "description": "the cluster's name"},
        "nodes": {"type": "array", "items": {"type": "object", "properties": {"role": {"enum": ["worker"]}}}},
    },
}


def write(folder: Path, text: str) -> Path:
    path = folder / "cluster.yaml"
    path.write_text(text)
    return path


def test_a_good_document_is_its_data_and_knows_where_each_part_stands(tmp_path: Path) -> None:
    path = write(tmp_path, "name: tank\nnodes:\n  - role: worker\n  - role: worker\n")
    document = load_document(path, SCHEMA)
    assert document.data == {"name": "tank", "nodes": [{"role": "worker"}, {"role": "worker"}]}
    assert document.where("nodes", 1, "role") == f"{path}:4"
    assert document.where("nodes", 7) == f"{path}:2"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("name: tank\nnodes: [\n", 3, "not valid YAML"),
        ("name: tank\nname: other\n", 2, "the key 'name' is there twice"),
        ("name: tank\nnodez: []\n", 1, "'nodez' was unexpected"),
        ("name: 7\n", 1, "7 is not of type 'string'"),
        ("name: tank\nnodes:\n  - role: worker\n  - role: captain\n", 4, "'captain' is not one of ['worker']"),
        ("nodes: []\n", 1, "'name' is a required property"),
        ("", 1, "there is nothing in this file"),
        ("# nothing yet\n", 1, "there is nothing in this file"),
        ("name: a\n---\nname: b\n", 3, "a second document begins here"),
    ],
)
def test_a_mistake_is_reported_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_document(path, SCHEMA)
    assert said in str(caught.value)
    assert caught.value.where == f"{path}:{line}"
    assert "expected:" in str(caught.value)


def test_the_descriptions_of_the_schema_are_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the cluster's name"):
        load_document(write(tmp_path, "name: 7\n"), SCHEMA)


def test_the_line_of_a_part_is_known_or_it_is_not_there(tmp_path: Path) -> None:
    document = load_document(write(tmp_path, "name: tank\nnodes:\n  - {role: worker}\n"))
    assert document.line_of("nodes", 0, "role") == 3
    with pytest.raises(KeyError):
        document.line_of("nodes", 1)


def test_what_was_merged_stands_where_it_was_written(tmp_path: Path) -> None:
    text = "base: &base\n  role: worker\n  zone: a\nnode:\n  <<: *base\n  zone: b\nother: [*base]\n"
    document = load_document(write(tmp_path, text))
    assert document.data["node"] == {"role": "worker", "zone": "b"}
    lines = [document.line_of("node", "role"), document.line_of("node", "zone"), document.line_of("other", 0, "zone")]
    assert lines == [2, 6, 3]


def test_reading_compiles_no_grammar_of_what_no_schema_asks_for_and_hides_none() -> None:
    program = """
import sys
from wavetank.document import find_mistake
assert find_mistake([], {"type": "object"})
assert not [name for name in sys.modules if name.startswith(("rfc3987", "lark"))]
from rfc3987_syntax import is_valid_syntax
assert is_valid_syntax("iri", "https://example.org/f\u00e4hre")
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

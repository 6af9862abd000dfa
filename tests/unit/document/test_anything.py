"""Whatever is read ends in data or in an `InputError`, soon, and is not much larger than the file it came from."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.anything import changed
from tests.support.kubectl import FILES, alike

from wavetank.document import Document, read_documents, read_json, write_yaml
from wavetank.document.nodes import MOST_VALUES
from wavetank.errors import InputError

WORDS = [
    *"a b c 18:30 0o14 1e3 .inf 2024-05-01 on ~ << <<: &x *x &y *y !!int !!binary !t ? : - | > |2+".split(),  # noqa: SIM905
    *"[ ] { } , \" ' # % @ ` --- ... \\ \\x41 key: {} [] {a: \u00e9 \U0001f6a2".split(),  # noqa: SIM905
]
GAPS = ["", " ", "  ", "\n", "\n  ", "\n    ", "\r\n", "\t", "\n- ", ": ", "\u2028", "\x85"]
PIECES = st.builds(str.__add__, st.sampled_from(WORDS), st.sampled_from(GAPS))
CONTENTS = [file.read_bytes()[:5000] for file in sorted(FILES.iterdir())]
TEXTS = st.one_of(
    st.text("01289.-+_eExobyn: #~\u00e9\U0001f6a2\n", min_size=1, max_size=6),
    st.sampled_from(WORDS),
    st.characters(codec="ascii", exclude_categories=["Cc"]),
)
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(-1e6, 1e6))
DATA = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def read(text: str | Path) -> list[Document]:
    """Return what is read, of which every part has a line; none when it is refused."""
    documents: list[Document] = []
    with suppress(InputError):
        documents = read_documents(text)
    for document in documents:
        json.dumps(document.data, allow_nan=False).encode("utf-8")
        for keys in places(document.data):
            assert int(document.where(*keys).rpartition(":")[2]) >= 1
    return documents


def places(data: Any, *keys: str | int) -> list[tuple[str | int, ...]]:
    """Return the paths of data of no more than a few levels."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [keys, *(place for key, value in inner if len(keys) < 3 for place in places(value, *keys, key))][:50]


def test_words_in_any_order_are_data_or_refused() -> None:
    found: list[bool] = []

    @given(st.lists(PIECES, min_size=1, max_size=30))
    @settings(max_examples=600)
    def look(pieces: list[str]) -> None:
        found.append(bool(read("".join(pieces))))

    look()
    assert 100 < sum(found) < len(found) - 100, "both are tried"


@given(changed(CONTENTS))
@settings(max_examples=400)
def test_a_file_with_some_bytes_changed_is_data_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "web.yaml"
    path.write_bytes(content)
    read(path)


@given(DATA)
@settings(max_examples=300)
def test_what_is_written_is_read_as_the_same(data: Any) -> None:
    data = {"data": data}
    (document,) = read(write_yaml(data))
    assert alike(document.data, data), write_yaml(data)
    (document,) = read(json.dumps(data))
    assert alike(document.data, data)
    assert alike(read_json(json.dumps(data)), data)


@given(changed([json.dumps({"a": [1, 2.5e300, None, True, "\ud800\u00e9"], "\udc00": {"b": {}}}).encode()]))
def test_what_a_program_has_written_is_data_that_can_be_printed_or_refused(content: bytes) -> None:
    with suppress(ValueError):
        repr(read_json(content)).encode()
        json.dumps(read_json(content), ensure_ascii=False).encode()


@pytest.mark.parametrize("text", ["[" * 300 + "]" * 300, "[" * 1_000_000, '{"a":' * 990, "[1,]", "", "\xff"])
def test_what_is_no_json_to_be_printed_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_json(text)


def test_a_number_that_is_too_large_does_not_end_the_reading() -> None:
    assert read_json("[1, %s, 2]" % ("9" * 1_000_000)) == [1, float("inf"), 2]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
DOUBLING = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))
REPEATED = "a: &a [" + "1, " * 50 + "]\nb: [" + "*a, " * 1800 + "]\n"
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 3000))
MEGABYTE = 2**20


@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        (BOMB, "nearly all of this document comes from aliases"),
        (DOUBLING, "nearly all of this document comes from aliases"),
        (CHAIN, "nested more than 200 levels deep"),
        ("---\n".join([REPEATED] * 50), f"more than {MOST_VALUES:,} values in one file"),
        ("[" * 5 * MEGABYTE, "nested more than 200 levels deep"),
        ("{a: " * MEGABYTE, "nested more than 200 levels deep"),
        ('{"a":' * MEGABYTE, "nested more than 200 levels deep"),
        ("- " * 3 * MEGABYTE, "nested more than 200 levels deep"),
        ("? " * 3 * MEGABYTE, "nested more than 200 levels deep"),
        ("[" + "a, " * 2 * MEGABYTE + "]", f"more than {MOST_VALUES:,} values in one file"),
        ("- a\n" * MEGABYTE, f"more than {MOST_VALUES:,} values in one file"),
        ("---\na\n" * MEGABYTE, f"more than {MOST_VALUES:,} values in one file"),
        ("{}" * MEGABYTE, f"more than {MOST_VALUES:,} values in one file"),
        ("a: 1" + "0" * MEGABYTE, ""),
        ("a: 0x" + "f" * MEGABYTE, ""),
        ("a: 1." + "0" * MEGABYTE + "x", ""),
        ('{"a": 1' + "0" * MEGABYTE + "}", "not valid JSON"),
        ("a: !!int 1" + "0" * MEGABYTE, "is no int"),
        ("&a " * MEGABYTE, "not valid YAML"),
        ("'" * 3 * MEGABYTE, ""),
        ("'" + "'" * 3 * MEGABYTE, "not valid YAML"),
        ("".join(f"- &a{n} x\n" for n in range(9999)) + "- *b", "there is no anchor &b"),
        ("- &" + "a" * MEGABYTE + " x\n- *b", "there is no anchor &b"),
        (f"{'k' * 900}: 1\n" * 2, "is there twice"),
        ("a: b: " * MEGABYTE, "not valid YAML"),
        ("\n" * 7 * MEGABYTE, ""),
        ("#\n" * 3 * MEGABYTE, ""),
        ("---\n" * MEGABYTE, ""),
    ],
    ids=range(28),
)
def test_a_small_file_asks_for_no_more_than_a_small_file_may(bomb: str, said: str) -> None:
    if said:
        with pytest.raises(InputError, match=said) as caught:
            read_documents(bomb)
        assert len(str(caught.value)) < 2000
    else:
        assert len(read(bomb)) <= 1

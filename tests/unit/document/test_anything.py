"""Whatever is read ends in data or in an `InputError`, soon, and is not much larger than the file it came from.

Texts are made by chance, the same with every run: of the words that YAML is made of, and of files of tests/reading with
some bytes changed.
"""

from __future__ import annotations

import json
import random
import string
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.kubectl import FILES, alike

from wavetank.document import Document, read_documents, write_yaml
from wavetank.document.nodes import MOST_VALUES
from wavetank.errors import InputError

WORDS = [
    *"a b c 18:30 0o14 1e3 .inf 2024-05-01 on ~ << <<: &x *x &y *y !!int !!binary !t ? : - | > |2+".split(),  # noqa: SIM905
    *"[ ] { } , \" ' # % @ ` --- ... \\ \\x41 key: {} [] {a: \u00e9 \U0001f6a2".split(),  # noqa: SIM905
]
GAPS = ["", " ", "  ", "\n", "\n  ", "\n    ", "\r\n", "\t", "\n- ", ": ", "\u2028", "\x85"]


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


@pytest.mark.parametrize("seed", range(8))
def test_words_in_any_order_are_data_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    found = [
        read("".join(chance.choice(WORDS) + chance.choice(GAPS) for _ in range(chance.randrange(1, 30))))
        for _ in range(400)
    ]
    assert any(found)
    assert not all(found)


@pytest.mark.parametrize("seed", range(4))
def test_a_file_with_some_bytes_changed_is_data_or_refused(seed: int, tmp_path: Path) -> None:
    chance, path = random.Random(seed), tmp_path / "web.yaml"
    for file in sorted(FILES.iterdir()):
        content = bytearray(file.read_bytes()[:5000] or b"a")
        for _ in range(chance.randrange(1, 5)):
            at = chance.randrange(len(content))
            content[at : at + chance.randrange(3)] = bytes(
                chance.choices(b"\n\t {}[]:,-&*!|>'\"#%@a0\x00\xff\xc3", k=2)
            )
        path.write_bytes(content)
        read(path)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_written_is_read_as_the_same(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        data = {"data": some(chance, 3)}
        (document,) = read(write_yaml(data))
        assert alike(document.data, data), write_yaml(data)
        (document,) = read(json.dumps(data))
        assert alike(document.data, data)


def some(chance: random.Random, deep: int) -> Any:
    kind = chance.randrange(8 if deep else 6)
    if kind == 6:
        return [some(chance, deep - 1) for _ in range(chance.randrange(4))]
    if kind == 7:
        return {text(chance): some(chance, deep - 1) for _ in range(chance.randrange(4))}
    numbers = (chance.randrange(-(2**63), 2**63), chance.uniform(-1e6, 1e6), chance.choice((True, False, None)))
    return [*numbers, text(chance), chance.choice(WORDS), chance.choice(string.printable[:95])][kind]


def text(chance: random.Random) -> str:
    return "".join(chance.choices("01289.-+_eExobyn: #~é🚢\n", k=chance.randrange(1, 6)))


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

"""What nobody has meant to write: input for parsers, made by hypothesis, of what is right and a little that is not.

    @given(changed([GOOD]))            # bytes of a good file, some of them others
    @given(broken(GOOD_DATA))          # data of a good file, with something else in one or more places
    with printable(): ...              # an error of the project's own, or none

The same is made with every run, on every machine (tests/conftest.py): a test that is green stays so.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st

from wavetank.errors import WavetankError

SURPRISES: list[Any] = [
    None,
    True,
    -1,
    0,
    2**63,
    10**400,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "a",
    "1s",
    "-1s",
    "9" * 400 + "s",
    "../../etc/passwd",
    "a\0b",
    "\ud800",
    "\u2028",
    "-",
    "a\n",
    [],
    [[]],
    {},
    {"": None},
]
"""What stands where something else should: of each type, and what is hard to have in a number, a path or a print."""

MOST_WORDS = 4000

_BYTES = b"\n\t \r{}[]()<>:;,-&*!|'\"#%@=a0189.eE\x00\x1f\x7f\x80\xc3\xff"


@st.composite
def changed(draw: st.DrawFn, contents: Sequence[bytes]) -> bytes:
    """Return one of ``contents`` with some bytes put in, taken out, repeated, or cut off."""
    content = bytearray(draw(st.sampled_from(contents)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        end = min(at + draw(st.sampled_from([0, 1, 1, 2, 5, 40])), len(content))
        match draw(st.integers(0, 4)):
            case 0:
                content[at:end] = content[at:end] * 3
            case 1 if draw(st.booleans()):
                del content[at:]
            case _:
                content[at:end] = bytes(draw(st.lists(st.sampled_from(_BYTES), max_size=2)))
    return bytes(content)


@st.composite
def broken(draw: st.DrawFn, data: Any) -> Any:
    """Return ``data`` with a surprise, or with another part of itself, in one or more places; or with some left out."""
    result = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(result))
        if not places:
            return result
        place, key = draw(st.sampled_from(places))
        match draw(st.integers(0, 5)):
            case 0:
                del place[key]
            case 1:
                other, its = draw(st.sampled_from(places))
                place[key] = copy.deepcopy(other[its])
            case 2 if isinstance(place, dict):
                place[draw(st.sampled_from(["x", "", "name", "kind"]))] = place.pop(key)
            case _:
                place[key] = copy.deepcopy(draw(st.sampled_from(SURPRISES)))
    return result


@contextmanager
def printable() -> Iterator[None]:
    """Let one of the project's own errors pass that a person can be shown: it can be printed, and is a page at most."""
    try:
        yield
    except WavetankError as error:
        told = str(error)
        assert len(told.encode("utf-8")) < MOST_WORDS, told[:MOST_WORDS]


def as_json(data: Any) -> bytes:
    """Return data as JSON, which Python reads back whatever it is."""
    return json.dumps(data).encode()


def _places(data: Any) -> list[tuple[Any, Any]]:
    """Return each place in nested data, as what it is in and at which key or index."""
    keys: Any = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return [place for key in keys for place in ((data, key), *_places(data[key]))]

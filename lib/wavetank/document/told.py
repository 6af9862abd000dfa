"""JSON that a program has written: quicker than what people write, and without lines; but from anywhere, all the same.

Python's own reader takes what is nested so deep that nothing can print it, or ends in another error than it says; it
refuses long integers in the middle of a body, and makes texts of halves of characters, which nothing can print.
"""

from __future__ import annotations

import json
import re
from typing import Any

from wavetank.document.nodes import MOST_DEEP

__all__ = ["read_json", "whole_text"]

_MOST_DIGITS = 20
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(content: bytes | str) -> Any:
    """Return what JSON in UTF-8 says; a number that is too large for 64 bits is a float, perhaps infinity.

    As Python's own it takes ``NaN`` for a number: whoever wants one has to look. Raises `ValueError` for anything else.
    """
    text = content if isinstance(content, str) else content.decode("utf-8")
    try:
        data = json.loads(text, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deep") from None
    _require_shallow(data)
    return _whole(data) if _HALF.search(text) else data


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _require_shallow(data: Any) -> None:
    """Raise `ValueError` for data so deep that it cannot even be printed."""
    level = [data]
    for _ in range(MOST_DEEP):
        inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [each for values in inner for each in values]
        if not level:
            return
    raise ValueError(f"nested more than {MOST_DEEP} levels deep")


def _whole(data: Any) -> Any:
    """Return data whose texts have a sign in the place of half a character."""
    if isinstance(data, dict):
        return {_whole(key): _whole(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_whole(item) for item in data]
    return whole_text(data) if isinstance(data, str) else data


def whole_text(text: str) -> str:
    """Return a text without halves of characters, which JSON can write and nobody can print."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

"""What a word of YAML is, a number, a truth or a text: kubectl's rules, which are those of go.yaml.in/yaml/v2.

PyYAML's own are others: it takes ``18:30`` for 1110, ``2024-05-01`` for a date, ``0o14`` and ``1e3`` for text. What is
here follows `resolve.go` of that module and, from a value to JSON, `yaml.go` of sigs.k8s.io/yaml.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from datetime import date
from decimal import Decimal
from typing import Any

import yaml

__all__ = ["ScalarError", "key_text", "plain", "resolve", "shown", "write_yaml"]

Scalar = str | int | float | bool | None

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_BASES = (16, 2, 8, 10)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(?:Z|[-+]\d\d:\d\d)| (\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?)?"
)
_INT64 = range(-(2**63), 2**63)
_SHOWN = 60
_LONGEST = 4000
"""Characters beyond which nothing is looked at as a number: Python refuses to read longer ones, too."""


class ScalarError(ValueError):
    """A word that is not what its tag says, or cannot be said in JSON; the message says which."""


def resolve(text: str, tag: str | None = None) -> Scalar:
    """Return what ``text`` is that stands without quotes, or with ``tag``. Raises `ScalarError`."""
    short = (tag or "").removeprefix(_TAG)
    if tag and (short == tag or short not in ("str", "bool", "int", "float", "null", "timestamp", "binary")):
        return text  # a tag that nobody knows says nothing
    if short == "str":
        return text
    if short == "binary":
        return _binary(text)
    value = _word(text)
    if short == "float" and isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        value = float(value)
    if short == "timestamp" and isinstance(value, str) and _is_time(text):
        return text
    if short and (short == "timestamp" or _type(value) != short):
        raise ScalarError(f"{shown(text)} is no {short}")
    return value


def plain(value: Scalar) -> Scalar:
    """Return a value as JSON has it: a whole float is an integer, as it is for Go. Raises `ScalarError`."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ScalarError(f"{value} is no number of JSON")
        if value.is_integer() and (whole := int(Decimal(repr(value)))) in _INT64:  # as written, not as rounded
            return whole
        return value
    if isinstance(value, int) and value not in _INT64:
        return float(value)
    return value


def key_text(value: Scalar) -> str:
    """Return the text that a key becomes, since keys of JSON are texts. Raises `ScalarError`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value in _INT64:
        return str(value)
    if isinstance(value, float):
        return _short_float(value)
    raise ScalarError("a key is null" if value is None else f"the key {value} is too large a number")


def shown(text: str) -> str:
    """Return a text in quotes as a message shows it, which is not all of a long one."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def write_yaml(data: Any) -> str:
    """Return plain data as YAML that kubectl, and this package, read as the same data; keys stay in their order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=120)


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what kubectl would take for something else than text; PyYAML knows only its own rules."""


def _quoted_if_needed(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(_word(text), str) else "'"
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


def _as_read(dumper: yaml.SafeDumper, number: float) -> yaml.Node:
    """Write a whole float as the integer that it is read as."""
    value = plain(number)
    return dumper.represent_int(value) if isinstance(value, int) else dumper.represent_float(number)


_Dumper.add_representer(str, _quoted_if_needed)
_Dumper.add_representer(float, _as_read)


def _word(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    number = text if text[0] == "." else text.replace("_", "")
    if len(number) > _LONGEST:
        return text
    if found := _INTEGER.fullmatch(number):
        sign, *digits = found.groups()
        size = next(int(part, base) for part, base in zip(digits, _BASES, strict=True) if part is not None)
        whole = -size if sign == "-" else size
        if whole in _INT64 or (not sign and size < 2**64):
            return whole
    if _FLOAT.fullmatch(number) and math.isfinite(broken := float(number)):
        return broken
    return text


def _type(value: Scalar) -> str:
    kinds = {bool: "bool", int: "int", float: "float", str: "str"}
    return "null" if value is None else kinds[type(value)]


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if not found:
        return False
    year, month, day, *times = (int(part) for part in found.groups("0"))
    hour, minute, second = (max(pair) for pair in zip(times[:3], times[3:], strict=True))
    try:
        date(year or 4, month, day)  # Go has a year 0, which is a leap year
    except ValueError:
        return False
    return hour < 24 and minute < 60 and second < 60


def _binary(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ScalarError("this is no base64") from error
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in data.decode(errors="surrogateescape"))


def _short_float(value: float) -> str:
    """Return a float as the shortest text of 32 bits, as strconv.FormatFloat does it: what Go makes of such a key."""
    if not math.isfinite(value) or abs(value) > 3.4028235677973366e38:
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    short = struct.unpack("f", struct.pack("f", value))[0]
    texts = (f"{short:.{places}e}" for places in range(9))
    text = next(text for text in texts if struct.unpack("f", struct.pack("f", float(text)))[0] == short)
    digits, _, exponent = text.partition("e")
    if -4 <= int(exponent) < 6:
        places = max(len(digits.partition(".")[2]) - int(exponent), 0)
        return f"{float(text):.{places}f}"
    return text

"""Durations as Go and Kubernetes write them: ``90s``, ``1m30s``, ``250ms``; seconds inside Wavetank.

Loads, faults and lab files all carry durations that people write and that the API server checks with Go's rules, so
they are read here with the same rules: https://pkg.go.dev/time#ParseDuration.
"""

from __future__ import annotations

import re

from wavetank.errors import InputError

__all__ = ["format_duration", "parse_duration"]

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_LONGEST = 2**63 / 1e9
"""Seconds; Go counts nanoseconds in 64 bits."""
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|μs|ns)", re.ASCII)
_WHOLE = re.compile(rf"[+-]?(?:0|(?:{_PART.pattern})+)", re.ASCII)


def parse_duration(text: str, field: str = "duration") -> float:
    """Return ``text`` in seconds.

    Raises `InputError` naming ``field`` when it is not a duration. A sign is allowed, as in Go: whether a negative
    duration makes sense is the caller's to say.
    """
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise InputError(
            f"{field}: {str(text)[:40]!r} is not a duration",
            expected="a number with a unit, such as 90s, 1m30s, 250ms or 1h",
        )
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds > _LONGEST:
        raise InputError(f"{field}: {text[:40]!r} is too long a time", expected="less than 292 years, as in Go")
    return -seconds if text.startswith("-") else seconds


def format_duration(seconds: float) -> str:
    """Return ``seconds`` in Go's syntax, to the millisecond and without parts that are zero: ``1m30s``."""
    milliseconds = round(abs(seconds) * 1000)
    if milliseconds == 0:
        return "0s"
    sign = "-" if seconds < 0 else ""
    if milliseconds < 1000:
        return f"{sign}{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m")) if count]
    if rest:
        parts.append(f"{rest / 1000:g}s")
    return sign + "".join(parts)

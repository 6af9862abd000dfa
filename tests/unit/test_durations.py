"""Durations are read and written as Go does."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.anything import changed, printable

from wavetank.durations import format_duration, parse_duration
from wavetank.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("60s", 60),
        ("1m30s", 90),
        ("1h", 3600),
        ("1h0m1s", 3601),
        ("250ms", 0.25),
        ("1.5s", 1.5),
        (".5m", 30),
        ("1us", 1e-6),
        ("1µs", 1e-6),
        ("10ns", 1e-8),
        ("-2s", -2),
        ("+2s", 2),
    ],
)
def test_reads_what_go_reads(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "60", "s", "1 m", "1d", "1m 30s", "60S", "1e3s", ".s", "٣s", 60, None])
def test_refuses_what_go_refuses_and_names_the_field(text: object) -> None:
    with pytest.raises(InputError, match=r"spec\.timeout: .* is not a duration") as caught:
        parse_duration(text, "spec.timeout")  # type: ignore[arg-type]
    assert "1m30s" in caught.value.help.expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.25, "250ms"), (1.5, "1.5s"), (60, "1m"), (90, "1m30s"), (3600, "1h"), (3661.25, "1h1m1.25s")],
)
def test_writes_the_shortest_form(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(-4_000_000, 4_000_000))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@given(
    st.text(max_size=12)
    | changed([b"1m30s", b"250ms", b"1.5h"]).map(lambda text: text.decode("latin-1"))
    | st.lists(st.sampled_from(["1", "-", ".", "h", "m", "s", "µs"]), max_size=6).map("".join)
)
@example("9" * 400 + "s")
@example("9" * 5000 + "h")
def test_any_text_is_a_time_that_can_be_written_or_refused(text: str) -> None:
    with printable():
        format_duration(parse_duration(text))

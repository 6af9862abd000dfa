"""The format of HDR histograms, held to what another program wrote and read: the Python package hdrhistogram 0.10.8."""

from __future__ import annotations

import random
import zlib
from base64 import b64decode, b64encode

import pytest

from wavetank.traffic import hdr
from wavetank.traffic.histogram import Latencies

WRITTEN = "HISTFAAAADJ4nJNpmSzMwMAAwiDADKUZQcS1yUsY7D9ABZhuC7HN52XZm3eD5bAJ093ljEwA5KkKxw=="
"""1 us once, 1.2 ms three times, 2.05 ms twice, 250 ms three hundred times, 2.5 s once, and 4,000 s, told as an hour"""
READ = {0: 1e-06, 50: 0.250111, 90: 0.250111, 99: 0.250111, 99.9: 3600.809983, 100: 3600.809983}
VALUES = [(1e-06, 1), (0.0012, 3), (0.0020505, 2), (0.2500475, 300)]
NOTHING = "HISTFAAAABx4nJNpmSzMgADMUJoRRFybvITB/gNEAABQ2gSH"


def test_what_another_program_wrote_is_read_as_that_program_reads_it() -> None:
    read = Latencies.decode(WRITTEN)
    assert read.count == 308
    assert {percent: read.percentile(percent) for percent in READ} == pytest.approx(READ)
    assert list(read.values())[:4] == VALUES
    assert Latencies.decode(NOTHING).count == 0


@pytest.mark.parametrize("text", [WRITTEN, NOTHING])
def test_what_is_written_is_what_that_program_writes(text: str) -> None:
    # Not the text itself: another zlib may compress the same bytes otherwise.
    assert payload(hdr.encode(hdr.decode(text))) == payload(text)


def test_steps_lie_side_by_side_from_a_microsecond_to_an_hour() -> None:
    following = 1
    for step in range(1, hdr.step_of(hdr.LONGEST) + 1):
        least, greatest = hdr.bounds(step)
        assert least == following
        assert greatest - least <= least / 1000
        assert (hdr.step_of(least), hdr.step_of(greatest)) == (step, step)
        following = greatest + 1
    assert following > hdr.LONGEST


def test_counts_of_any_size_and_any_gap_come_back() -> None:
    dice = random.Random(3)
    for _ in range(50):
        steps = dice.sample(range(1, hdr.step_of(hdr.LONGEST) + 1), dice.randint(0, 40))
        counts = {step: dice.randint(1, 1 << dice.randint(1, 62)) for step in steps}
        assert hdr.decode(hdr.encode(counts)) == counts


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda inner: inner[:-1], id="cut off"),
        pytest.param(lambda inner: inner[:15] + b"\x02" + inner[16:], id="two digits"),
        pytest.param(lambda inner: b"\x00" + inner[1:], id="another cookie"),
        pytest.param(lambda inner: inner[:10], id="no header"),
        pytest.param(lambda inner: inner + bytes(2 << 20), id="too long"),
        pytest.param(lambda inner: lengthened(inner, b"\xff\xff\x7f\x02"), id="a step beyond the last"),
        pytest.param(lambda inner: lengthened(inner, b"\xff"), id="half a count"),
    ],
)
def test_what_is_no_histogram_of_this_layout_is_refused(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(ValueError):
        hdr.decode(wrapped(spoil(payload(WRITTEN))))


def payload(text: str) -> bytes:
    return zlib.decompress(b64decode(text)[hdr.OUTER.size :])


def wrapped(inner: bytes) -> str:
    compressed = zlib.compress(inner)
    return b64encode(hdr.OUTER.pack(hdr.COMPRESSED_COOKIE, len(compressed)) + compressed).decode()


def lengthened(inner: bytes, words: bytes) -> bytes:
    length = int.from_bytes(inner[4:8], "big") + len(words)
    return inner[:4] + length.to_bytes(4, "big") + inner[8:] + words

"""HDR histograms, as far as latencies need them: where a value is counted, and the text that other HDR programs read.

The format is http://hdrhistogram.org's V2 (Gil Tene). One layout is enough here: three significant digits from 1 to an
hour in microseconds. Below 2,048 each value has a step of its own; from there on 1,024 steps share each doubling.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping

__all__ = ["LONGEST", "bounds", "decode", "encode", "step_of"]

LONGEST = 3_600_000_000
"""The longest latency told apart, in microseconds: an hour, the longest load there is."""
DIGITS = 3
SHORTEST = 1
HALF_BITS = 10
"""1,024 steps in each doubling keep three decimal digits."""

OUTER = struct.Struct(">II")
"""Cookie, length of what follows."""
INNER = struct.Struct(">IIIIQQd")
"""Cookie, length of the counts, normalizing offset, digits, shortest, longest, ratio of integer to double."""
COMPRESSED_COOKIE, COOKIE = 0x1C849304 | 0x10, 0x1C849303 | 0x10
PLAIN = 1.0
LARGEST_TEXT = 1 << 20
"""More bytes than a count of nine bytes in every step would take; what claims to be longer is not read."""


def step_of(value: int) -> int:
    """Return the number of the step that counts ``value``, which is from 1 to `LONGEST`."""
    doubling = max(value.bit_length() - HALF_BITS - 1, 0)
    return (doubling << HALF_BITS) + (value >> doubling)


def bounds(step: int) -> tuple[int, int]:
    """Return the least and the greatest value that a step counts."""
    doubling = max((step >> HALF_BITS) - 1, 0)
    least = (step - (doubling << HALF_BITS)) << doubling
    return least, least + (1 << doubling) - 1


def encode(counts: Mapping[int, int]) -> str:
    """Return the counts of steps as base64 text."""
    words = b"".join(map(_word, _words(counts)))
    inner = INNER.pack(COOKIE, len(words), 0, DIGITS, SHORTEST, LONGEST, PLAIN) + words
    compressed = zlib.compress(inner)
    return b64encode(OUTER.pack(COMPRESSED_COOKIE, len(compressed)) + compressed).decode()


def decode(text: str) -> dict[int, int]:
    """Return the counts of steps that `encode` wrote, or another program in the same layout; raises `ValueError`."""
    content = b64decode(text, validate=True)
    if len(content) < OUTER.size or OUTER.unpack_from(content) != (COMPRESSED_COOKIE, len(content) - OUTER.size):
        raise ValueError("no compressed histogram of format V2")
    try:
        inner = zlib.decompressobj().decompress(content[OUTER.size :], LARGEST_TEXT)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    layout = (COOKIE, len(inner) - INNER.size, 0, DIGITS, SHORTEST, LONGEST, PLAIN)
    if len(inner) < INNER.size or INNER.unpack_from(inner) != layout:
        raise ValueError("a histogram of another layout")
    return dict(_counts(_read_words(inner[INNER.size :])))


# -- counts as words: a count, or minus the length of a run of steps that counted nothing -----------------------------


def _words(counts: Mapping[int, int]) -> Iterator[int]:
    following = 0
    for step in sorted(counts):
        if (empty := step - following) > 0:
            yield -empty
        yield counts[step]
        following = step + 1


def _counts(words: Iterator[int]) -> Iterator[tuple[int, int]]:
    step, last = 0, step_of(LONGEST)
    for word in words:
        if word > 0:
            yield step, word
        step += -word if word < 0 else 1
        if step > last + 1:
            raise ValueError("counts beyond the longest value")


# -- words as bytes: ZigZag, so that the sign is the last bit, then seven bits a byte, eight in a ninth ----------------


def _word(value: int) -> bytes:
    rest, out = (value << 1) ^ (value >> 63), bytearray()
    while rest >= 0x80 and len(out) < 8:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes((*out, rest))


def _read_words(content: bytes) -> Iterator[int]:
    rest, bits = 0, 0
    for byte in content:
        ninth = bits == 56
        rest |= (byte if ninth else byte & 0x7F) << bits
        bits += 7
        if ninth or byte < 0x80:
            yield (rest >> 1) ^ -(rest & 1)
            rest, bits = 0, 0
    if bits:
        raise ValueError("the last count is cut off")

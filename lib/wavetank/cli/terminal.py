"""What is printed, on whatever terminal: one that has no sign for something gets the nearest in ASCII."""

from __future__ import annotations

import codecs
import sys
from io import TextIOWrapper

__all__ = ["say_everything"]

_PLAIN = "wavetank_ascii"
_ERRORS = "wavetank.nearest"
_NEAREST = {
    **dict(zip("✓✗·–—’“”─│├└●▶×µ", '+x---\'""-||`*>xu', strict=True)),  # noqa: RUF001
    **{"…": "...", "→": "->", "≤": "<=", "≥": ">="},
}


def say_everything() -> None:
    """Have standard output and error raise for no character, in this process."""
    codecs.register_error(_ERRORS, _nearest)
    codecs.register(_plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # click takes ASCII for a mistake, and writes UTF-8 wherever it finds it by its own name.
            ascii_only = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_PLAIN if ascii_only else stream.encoding, errors=_ERRORS)


def _plain(name: str) -> codecs.CodecInfo | None:
    """Return ASCII under another name."""
    if name != _PLAIN:
        return None
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(
        known.encode,
        known.decode,
        known.streamreader,
        known.streamwriter,
        known.incrementalencoder,
        known.incrementaldecoder,
        name=_PLAIN,
    )


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """Give the signs in place of those that cannot be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_NEAREST.get(sign, sign.encode("ascii", "backslashreplace").decode()) for sign in lost), error.end

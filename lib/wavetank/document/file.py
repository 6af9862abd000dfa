"""From a file to its text: there, a file, not too large, in UTF-8, and without what no editor shows."""

from __future__ import annotations

import re
from pathlib import Path

from wavetank.errors import InputError

__all__ = ["MOST_BYTES", "checked", "read_text"]

MOST_BYTES = 8 * 2**20
"""More than any manifest there is; the API server takes 3 MiB for one object."""

_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""With what a file of another encoding begins; UTF-32 first, since one of its marks begins as one of UTF-16's."""

_AS_UTF8 = (
    "save it as UTF-8 in your editor; PowerShell's `>` writes UTF-16: use `| Out-File -Encoding utf8 FILE` instead"
)
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_text(path: Path) -> str:
    """Return the text of a file of at most `MOST_BYTES`, without a byte order mark, and with Unix's line ends.

    Raises `InputError`, with a line where there is one, for what is missing, a folder, too large, not UTF-8, or holds a
    character that no text has.
    """
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "no ordinary file"
            raise InputError(f"cannot read {path}: it is {what}", expected="a file that can be read")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", expected="a file that can be read") from error
    if len(data) > MOST_BYTES:
        raise _too_large(str(path))
    return checked(_decoded(data, str(path)), str(path))


def checked(text: str, source: str) -> str:
    """Return ``text`` without a byte order mark, with Unix's line ends; raises `InputError` for what no text has."""
    if len(text) > MOST_BYTES:
        raise _too_large(source)
    if found := _NOT_YAML.search(text):
        raise InputError(
            f"there is a control character, {_named(found[0])}",
            where=_place(source, text.count("\n", 0, found.start())),
            expected="text without control characters",
            hint="most editors do not show it: delete the line and write it anew",
        )
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _decoded(data: bytes, source: str) -> str:
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            raise _not_utf8(source, 0, f"it begins as {name} does")
    if b"\0" in data[:4]:  # no mark, but no text of UTF-8 either
        raise _not_utf8(source, 0, "it looks like UTF-16")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        seen = f"the byte 0x{data[error.start]:02x}, as in Latin-1 or Windows-1252"
        raise _not_utf8(source, data.count(b"\n", 0, error.start), seen) from error


def _not_utf8(source: str, lines: int, observed: str) -> InputError:
    return InputError(
        "not UTF-8 text", where=_place(source, lines), observed=observed, expected="a file in UTF-8", hint=_AS_UTF8
    )


def _too_large(source: str) -> InputError:
    most = f"{MOST_BYTES // 2**20} MiB"
    return InputError(f"{source} is larger than {most}", expected=f"a file that people write, of at most {most}")


def _named(character: str) -> str:
    return f"U+{ord(character):04X}"


def _place(source: str, lines: int) -> str:
    return f"{source}:{lines + 1}"

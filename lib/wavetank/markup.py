"""The one way in which HTML and SVG are made: a template, whose gaps are filled with text that is never read as markup.

    html('<li class="{}">{}</li>', tone, name)

A template is written in the source and nowhere else; whatever is put into a gap is escaped, unless `html` made it. So
who shows a name, an event or a line of a log cannot forget to escape it, and need not think of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup

__all__ = ["NOTHING", "Markup", "html", "joined", "visible"]

NOTHING = Markup()
MOST = 20_000
"""As many characters of one text are shown: a page does not stand still for a line of a megabyte."""

# What has no look of its own, and can change that of what stands beside it: controls but tab and line break, halves of
# characters (no message to the page can be written with one), and what turns the direction of writing round.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def html(template: str, *gaps: object) -> Markup:
    """Return ``template`` with ``gaps`` in the places of its ``{}``; they may have a format, as in `str.format`."""
    return Markup(template).format(*map(_filling, gaps))  # noqa: S704 - a test has all templates be written out


def joined(parts: Iterable[object], between: Markup = NOTHING) -> Markup:
    """Return ``parts``, which are escaped where `html` has not made them, with ``between`` between them."""
    return between.join(html("{}", part) for part in parts)


def visible(text: str) -> str:
    """Return ``text`` with a sign in place of each character that has no look of its own, cut to `MOST`."""
    shown = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))
    return shown if len(shown) <= MOST else f"{shown[:MOST]}… ({len(shown) - MOST:,} characters more)"


def _filling(gap: object) -> object:
    return visible(gap) if isinstance(gap, str) and not isinstance(gap, Markup) else gap

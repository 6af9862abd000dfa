"""Text as somebody would write it who wants a page to run it, and what a page makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from html.parser import HTMLParser
from typing import Any

import ipywidgets as ipw

from wavetank.widgets.view import View

BAD = (
    '<script>alert(1)</script>" onmouseover="x" \'><img src=x onerror=y><!--]]></style></svg>'
    "{0} {} %s &amp; \x00\x1b[31m\u202egnp.exe\u2066\x85\ud800\r\n"
)
LONG = BAD * 700
"""One line of 100 kB."""

# What views write themselves. Another tag, or another attribute, came from what they were given.
TAGS = {
    *("b", "br", "circle", "code", "dd", "div", "dl", "dt", "g", "h4", "h5", "i", "li", "ol", "p", "path", "polygon"),
    *("pre", "rect", "section", "span", "style", "svg", "table", "tbody", "td", "text", "th", "thead", "time", "tr"),
    "ul",
}
ATTRIBUTES = {
    *("aria-hidden", "aria-label", "aria-level", "aria-live", "class", "cx", "cy", "d", "datetime", "height", "points"),
    *("r", "role", "rx", "scope", "style", "tabindex", "transform", "viewbox", "width", "x", "y"),
}


@dataclass
class Page(HTMLParser):
    """What a browser finds in some HTML: tags, attributes, and the text that is neither."""

    tags: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    styles: list[str] = field(default_factory=list)
    words: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.words += " ".join(value or "" for name, value in attrs if name == "aria-label")
        self.styles += [value or "" for name, value in attrs if name in ("style", "class")]

    def handle_endtag(self, tag: str) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_comment(self, data: str) -> None:
        self.tags.add("comment")

    def handle_decl(self, decl: str) -> None:
        self.tags.add("declaration")

    def unknown_decl(self, data: str) -> None:
        self.tags.add("declaration")


def page_of(view: View) -> Page:
    """Return all HTML that a view shows, as a browser reads it."""
    page = Page()
    for widget in widgets(view.widget):
        if isinstance(widget, ipw.HTML):
            page.feed("".join(map(chr, map(ord, widget.value))))  # a plain text, which escapes nothing
    page.close()
    return page


def widgets(widget: ipw.Widget) -> Iterator[ipw.Widget]:
    """Yield a widget and all that are in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets(child)


def texts(value: Any) -> Iterator[str]:
    """Yield every text in the state of a widget."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in (*value, *value.values()):
            yield from texts(part)
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from texts(part)


def poisoned(value: Any, bad: str, keep: tuple[str, ...] = ()) -> Any:
    """Return a model with ``bad`` in the place of every text in it, but for the fields called as in ``keep``."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return bad
    if isinstance(value, Mapping):
        return {poisoned(key, bad, keep): poisoned(part, bad, keep) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(poisoned(part, bad, keep) for part in value))
    if isinstance(value, list | tuple):
        return type(value)(poisoned(part, bad, keep) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            one.name: poisoned(getattr(value, one.name), bad, keep)
            for one in fields(value)
            if one.init and one.name not in keep
        }
        return replace(value, **changed)
    return value

"""Controls a learner uses: labelled, operable by keyboard, and answering while a cell runs (`shells`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import ipywidgets as ipw

from wavetank.widgets.markup import visible
from wavetank.widgets.shells import at_once

__all__ = ["button", "choice", "listing", "number", "options", "row", "text_field", "toggle"]

_W = TypeVar("_W", bound=ipw.DOMWidget)


def button(words: str, pressed: Callable[[], object], *, css: str = "", explained: str = "") -> ipw.Button:
    """Return a button that calls ``pressed``; ``explained`` is shown when the pointer rests on it."""
    made = ipw.Button(description=visible(words), tooltip=visible(explained or words))
    if css:
        made.add_class(css)
    made.on_click(lambda _: pressed())
    return at_once(made)


def choice(label: str, options: Sequence[str], value: str | None = None, *, width: str = "300px") -> ipw.Dropdown:
    """Return a drop-down list."""
    made = ipw.Dropdown(options=list(options), description=label)
    made.value = value or made.value
    return at_once(_labelled(made, width))


def listing(label: str, *, lines: int = 6) -> ipw.Select:
    """Return a list of which ``lines`` are seen at once, empty at first; one entry is chosen, by arrow keys too."""
    made = ipw.Select(options=[], description=label, rows=lines)
    return at_once(_labelled(made, "100%"))


def options(texts: Sequence[str]) -> ipw.RadioButtons:
    """Return sentences one below the other, of which one can be chosen; at first none is."""
    made = ipw.RadioButtons(options=list(texts), value=None, layout=ipw.Layout(width="auto"))
    return at_once(made)


def number(label: str, value: float, least: float, most: float, *, whole: bool = True) -> ipw.BoundedIntText:
    """Return a field for a number from ``least`` to ``most``."""
    kind: Any = ipw.BoundedIntText if whole else ipw.BoundedFloatText
    made = kind(value=value, min=least, max=most, description=label, step=1 if whole else 0.05)
    return at_once(_labelled(made, "auto"))


def text_field(label: str, placeholder: str, *, width: str = "260px") -> ipw.Text:
    """Return a field for a line of text; ``placeholder`` is shown while it is empty.

    Its value is told when it is left: one that was told letter by letter would arrive after the click that follows it.
    """
    return at_once(_labelled(ipw.Text(description=label, placeholder=placeholder, continuous_update=False), width))


def toggle(words: str, changed: Callable[[], object]) -> ipw.Checkbox:
    """Return a box to tick, at first it is not; ``changed`` is called with every change."""
    made = ipw.Checkbox(value=False, description=words, indent=False)
    made.observe(lambda _: changed(), "value")
    return at_once(_labelled(made, "auto"))


def row(*children: ipw.Widget) -> ipw.HBox:
    """Return ``children`` side by side, wrapped where the page is narrow."""
    box = ipw.HBox(children)
    box.add_class("wt-controls")
    return box


def _labelled(made: _W, width: str) -> _W:
    made.style.description_width = "auto"
    made.layout.width = width
    return made

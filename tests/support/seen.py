"""What a learner would see of a view, and pressing its buttons, without a page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from wavetank.widgets.view import View


def seen(view: View) -> str:
    """Return all words a page would show, buttons and labels included, without their markup."""

    def walk(widget: object) -> Iterator[str]:
        for name in ("value", "description"):
            if isinstance(told := getattr(widget, name, None), str):
                yield html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", told, flags=re.DOTALL))
        for child in getattr(widget, "children", ()):
            yield from walk(child)

    return " ".join(" ".join(walk(view.widget)).split())


def press(view: View, words: str) -> None:
    """Press the button called ``words``."""

    def walk(widget: object) -> Iterator[object]:
        if getattr(widget, "description", None) == words and hasattr(widget, "click"):
            yield widget
        for child in getattr(widget, "children", ()):
            yield from walk(child)

    next(walk(view.widget)).click()  # type: ignore[attr-defined]

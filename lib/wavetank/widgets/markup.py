"""Places on the page for HTML, which take nothing but what `wavetank.markup` has made; and the style of all views."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import ipywidgets as ipw
from traitlets import TraitError, validate

from wavetank.markup import NOTHING, Markup, html, joined, visible

__all__ = ["NOTHING", "Html", "Markup", "html", "joined", "style_sheet", "visible"]


class Html(ipw.HTML):  # type: ignore[misc]
    """A place on the page for what `html` makes."""

    @validate("value")
    def _only_markup(self, proposal: Any) -> Any:
        if proposal["value"] and not isinstance(proposal["value"], Markup):
            raise TraitError("expected what wavetank.markup.html makes, not a plain text")
        return proposal["value"]


def style_sheet() -> Markup:
    """Return the style element that every view begins with."""
    rules = files("wavetank.widgets").joinpath("style.css").read_text(encoding="utf-8")
    return html("<style>{}</style>", Markup(rules))

"""A stacked bar: parts of one whole beside each other, told apart by their pattern as well as by their colour.

The numbers are the caller's to write beside it, as text.
"""

from __future__ import annotations

from collections.abc import Sequence

from wavetank.widgets.markup import Markup, html, joined

__all__ = ["stack", "stack_key"]


def stack(parts: Sequence[float], longest: float) -> Markup:
    """Return a bar of up to four ``parts``; one of ``longest`` together is as long as bars get."""
    drawn = joined(
        html('<i class="p{}" style="width:{:.2%}"></i>', number, part / longest)
        for number, part in enumerate(parts, 1)
        if part > 0 and longest > 0
    )
    return html('<span class="wt-stack" aria-hidden="true">{}</span>', drawn)


def stack_key(names: Sequence[str]) -> Markup:
    """Return the legend of such bars: a sample of each part's pattern, and its name."""
    keys = (
        html('<span class="wt-stack key" aria-hidden="true"><i class="p{}"></i></span>{}', number, name)
        for number, name in enumerate(names, 1)
    )
    return html("<p>{}</p>", joined(keys, html(" &nbsp; ")))

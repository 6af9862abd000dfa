"""A stacked bar: parts of one whole beside each other, told apart by their pattern as well as by their colour.

The numbers are the caller's to write beside it, as text.
"""

from __future__ import annotations

from collections.abc import Sequence

from wavetank.widgets.style import escape

__all__ = ["stack", "stack_key"]


def stack(parts: Sequence[float], longest: float) -> str:
    """Return a bar of up to four ``parts``; one of ``longest`` together is as long as bars get."""
    drawn = "".join(
        f'<i class="p{number}" style="width:{part / longest:.2%}"></i>'
        for number, part in enumerate(parts, 1)
        if part > 0 and longest > 0
    )
    return f'<span class="wt-stack" aria-hidden="true">{drawn}</span>'


def stack_key(names: Sequence[str]) -> str:
    """Return the legend of such bars: a sample of each part's pattern, and its name."""
    keys = (
        f'<span class="wt-stack key" aria-hidden="true"><i class="p{number}"></i></span>{escape(name)}'
        for number, name in enumerate(names, 1)
    )
    return f"<p>{' &nbsp; '.join(keys)}</p>"

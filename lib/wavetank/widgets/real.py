"""WhatIsReal: what this cluster can do and what it cannot, each with the reason, as its provider says."""

from __future__ import annotations

from wavetank.cluster import CAPABILITIES, Capability, Info, find_spec, info_of, load_spec
from wavetank.engine.kinds import KINDS
from wavetank.widgets.markup import NOTHING, Html, Markup, html
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import mark, table
from wavetank.widgets.view import View

__all__ = ["WhatIsReal"]


class WhatIsReal(View):
    """The capabilities of a cluster's provider, those it has first, and what of it differs from engine to engine.

    docs/what-is-real.md is the same for every provider.
    """

    def __init__(self, cluster: str = "kind") -> None:
        self._info: Info = info_of(load_spec(find_spec(cluster)).provider)
        super().__init__("What is real", f"on a cluster made by {self._info.name}")
        rows = (_row(words, self._info.capabilities[name]) for name, words in CAPABILITIES.items())
        self._table = Html(table(("what", "real", "why"), rows, caption="what is real here", words=(1, 2)))
        self.body.children = (self._table, Html(_by_engine(self._info)))

    def text(self) -> str:
        """Return one line for each, yes or no, with the reason."""
        said = ((words, self._info.capabilities[name]) for name, words in CAPABILITIES.items())
        return "\n".join(f"{'yes' if can.ok else 'no':<3}  {words}: {can.reason}" for words, can in said)


def _by_engine(info: Info) -> Markup:
    """Return a column for each kind of engine, of what is not the same everywhere."""
    differ = [name for name in CAPABILITIES if any(name in own for own in info.engines.values())]
    if not differ:
        return NOTHING
    head = ("what", *(KINDS[kind] for kind in info.engines))
    rows = ((CAPABILITIES[name], *(_own(own.get(name)) for own in info.engines.values())) for name in differ)
    return table(head, rows, caption="what differs by the engine", words=range(1, len(head)))


def _own(can: Capability | None) -> str:
    return html("{}: {}", _verdict(can), can.reason) if can else "as above"


def _row(words: str, can: Capability) -> tuple[str, str, str]:
    return words, _verdict(can), can.reason


def _verdict(can: Capability) -> Markup:
    return html("{}yes", mark(Tone.GOOD)) if can.ok else html("{}no", mark(Tone.GONE))

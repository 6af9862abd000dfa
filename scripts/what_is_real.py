"""Write docs/what-is-real.md: what each provider's clusters can do, from what the provider says of itself.

python scripts/what_is_real.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wavetank.cluster import CAPABILITIES, PROVIDERS, Capability, Info, info_of
from wavetank.engine.kinds import KINDS

PAGE = Path(__file__).parents[1] / "docs" / "what-is-real.md"

BEFORE = """\
# What is real

Every number that a lab shows was measured on your own cluster. What kind of cluster that is decides what the numbers
can tell you. So here is what each provider's clusters can do and what they cannot, each with the reason; in a notebook,
`WhatIsReal()` says the same. `make docs` makes this page from what the providers say of themselves.

"""

ENGINES = """\
Most of it is the same wherever the nodes' containers run. What differs is here; everything else is as above. In which
ways each kind of engine was tried, and what did not work, is in [engines.md](engines.md).

"""

AFTER = """
## Quicker than stock Kubernetes

A few settings in [clusters/kind.yaml](../clusters/kind.yaml) are more impatient than Kubernetes' own, so that a lesson
sees in seconds what would take minutes: a silent node is given up and its pods are replaced sooner, and the autoscaler
decides sooner. The mechanisms are the same, and so is the order in which things happen.

## What to take home from the numbers

That one way is slower than another, loses requests, or recovers by itself: yes, that carries over. The milliseconds do
not: they are those of this machine, where application, load and cluster share the same processors.
"""


def page(infos: Sequence[Info]) -> str:
    """Return the page, a column for each of ``infos``."""
    head = ["", *(info.name for info in infos)]
    rows = [[words, *(_cell(info, name) for info in infos)] for name, words in CAPABILITIES.items()]
    engines = "".join(by_engine(info) for info in infos if info.engines)
    return BEFORE + _table([head, *rows]) + engines + AFTER


def by_engine(info: Info) -> str:
    """Return what differs from engine to engine, a column for each kind; what is the same everywhere is left out."""
    differ = [name for name in CAPABILITIES if any(name in own for own in info.engines.values())]
    head = ["", *(KINDS[kind] for kind in info.engines)]
    rows = [[CAPABILITIES[name], *(_own(own.get(name)) for own in info.engines.values())] for name in differ]
    return f"\n## {info.name}, by engine\n\n{ENGINES}" + _table([head, *rows])


def every_provider() -> list[Info]:
    """Return what each provider that exists says of itself."""
    return [info_of(name) for name in PROVIDERS]


def _table(lines: Sequence[Sequence[str]]) -> str:
    ruled = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in ruled)


def _own(can: Capability | None) -> str:
    return _say(can) if can else "as above"


def _cell(info: Info, name: str) -> str:
    return _say(info.capabilities[name])


def _say(can: Capability) -> str:
    return f"**{'yes' if can.ok else 'no'}**: {can.reason}"


if __name__ == "__main__":
    PAGE.write_text(page(every_provider()))

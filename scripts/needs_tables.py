"""Write what clusters/needs.yaml says into README.md and docs/install.md, between the markers there.

python scripts/needs_tables.py     `make docs` does
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from wavetank.cluster.needs import Needs, load_needs
from wavetank.lesson import find_lab

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "install.md")
BEGIN, END = "<!-- needs: made by `make docs` from clusters/needs.yaml -->", "<!-- /needs -->"
UNKNOWN = "not measured"


def table(needs: Needs) -> str:
    """Return the machine's needs as Markdown: what should be free, the labs, and where that was measured."""
    free, opening, measured = needs.free, needs.jupyterlab, needs.measured
    rows = [
        ("from `make lab` to", "from nothing", "with a bundle", "memory of the idle cluster"),
        ("---", "---:", "---:", "---:"),
        ("JupyterLab, on the list of labs", _minutes(opening.from_nothing), _minutes(opening.with_bundle), "none yet"),
    ]
    for id_, lab in needs.labs.items():
        rows.append((_title(id_), _minutes(lab.from_nothing), _minutes(lab.with_bundle), _size(lab.memory)))
    sentences = [
        f"Measured on {measured.date}: {measured.machine}; {measured.how}.",
        f"A fixed Go build takes {measured.go_build:.0f} s there." if measured.go_build else "",
        f"The bundle is {_size(needs.bundle)}." if needs.bundle else "",
        '"From nothing" is a fresh clone with nothing cached and no image registry: all of it is built from source.',
    ]
    return (
        f"**{_size(free.memory)} of free memory; {_size(free.disk_bundle)} of free disk for a bundle that is pulled or "
        f"loaded,\n{_size(free.disk_source)} for one that is built from source.**\n\n"
        + "".join(f"| {' | '.join(row)} |\n" for row in rows)
        + "\n"
        + textwrap.fill(" ".join(filter(None, sentences)), width=120)
        + "\n"
    )


def filled(page: str, needs: Needs) -> str:
    """Return ``page`` with what stands between its markers made anew; raises `ValueError` when it has none."""
    before, begun, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"no {BEGIN} ... {END} in the page")
    return f"{before}{BEGIN}\n{table(needs)}{END}{after}"


def _title(id_: str) -> str:
    number = int(re.match(r"\d+", id_)[0])  # type: ignore[index]
    return f"the first checkpoint of Lab {number}, {find_lab(id_).title.partition(':')[0]}"


def _minutes(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f} min"


def _size(mib: int | None) -> str:
    if mib is None:
        return UNKNOWN
    return f"{mib} MiB" if mib < 1024 else f"{mib / 1024:.1f}".removesuffix(".0") + " GiB"


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(filled(path.read_text(), load_needs()))

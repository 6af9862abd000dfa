"""Write docs/troubles.md: what can go wrong while a bundle is pulled, and what the learner reads then.

python -m scripts.troubles
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.support.troubles import TROUBLES, read

PAGE = Path(__file__).parents[1] / "docs" / "troubles.md"

BEFORE = """\
# When a bundle cannot be pulled

Each of these was brought about on a private internet (`tests/support/internet.py`), and this is what Wavetank said.
What begins with `…` is shown while it goes on by itself. The rest ends the build, and the next `wavetank bundle build`
goes on with what has come. `make docs` makes this page.

| trouble | what you read |
|---|---|
"""


def row(title: str) -> str:
    """Return the line of the table for a trouble, which is brought about for it."""
    with tempfile.TemporaryDirectory() as folder:
        return f"| {title} | {_cell(read(title, Path(folder)))} |\n"


def _cell(told: str) -> str:
    """Return a text as one cell of a table, its first line in bold."""
    lines = [line.strip().replace("|", "\\|") for line in told.splitlines()]
    return "<br>".join([f"**{lines[0]}**", *lines[1:]])


if __name__ == "__main__":
    PAGE.write_text(BEFORE + "".join(map(row, TROUBLES)))

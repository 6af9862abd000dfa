"""The page on writing a lab shows a lab that is one, and names every check."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.harbour import WEB

from wavetank.lesson import find_lab
from wavetank.lesson.checks import CHECKS

PAGE = (Path(__file__).parents[3] / "docs" / "writing-a-lab.md").read_text()


def test_the_example_is_a_lab(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    folder = tmp_path / "labs" / "07-harbour"
    for place in ("manifests", "starters"):
        (folder / place).mkdir(parents=True)
        (folder / place / "web.yaml").write_text(WEB)
    (folder / "lab.yaml").write_text(example)
    lab = find_lab("07-harbour", tmp_path / "labs")
    (notebook,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for call, id_ in re.findall(r"lab\.(\w+)\(\"([\w-]+)\"", notebook):
        match call:
            case "goto":
                assert lab.up_to(id_)
            case "predict" | "outcome":
                assert lab.prediction(id_)
            case "load":
                assert lab.load(id_)
            case "fault":
                assert lab.fault(id_)
            case "ask":
                assert lab.ask(id_)
            case _:
                assert lab.exercise(id_)


def test_every_check_is_named() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == {*CHECKS, "python"}

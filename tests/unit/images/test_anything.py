"""Whatever stands in a pipeline's file, or is printed in a container: what it should be, or one sentence."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from tests.support.anything import as_json, broken, changed, printable

from wavetank.document import write_yaml
from wavetank.images.isolation import Comparison, Sight
from wavetank.images.pipeline import load_pipeline

GOOD: Any = {
    "image": "localhost:5001/tidewater/timetable",
    "build": {"context": ".", "dockerfile": "Dockerfile", "arguments": {"BASE": "python"}},
    "test": {"command": ["python3", "-m", "unittest"], "within": "30s"},
    "deploy": {"deployment": "timetable", "container": "timetable", "within": "1m30s"},
    "verify": {
        "load": {
            "target": {"service": "timetable"},
            "rate": 20,
            "duration": "10s",
            "profile": "ramp",
            "ramp": {"from": 1},
        },
        "failed_share": 0.01,
        "p95_below": "250ms",
    },
    "on_failure": "rollback",
    "promote": "stable",
}


def read(path: Path) -> None:
    (path.parent / "Dockerfile").touch()
    with printable():
        pipeline = load_pipeline(path)
        repr(pipeline).encode()
        pipeline.recipe_of("v2")


@given(broken(GOOD))
@settings(max_examples=200)
def test_any_pipeline_is_read_or_refused(tmp_path: Path, data: Any) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_bytes(as_json(data))
    read(path)


@given(changed([write_yaml(GOOD).encode(), as_json(GOOD)]))
def test_any_text_of_a_pipeline_is_read_or_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_bytes(text)
    read(path)


SIGHT = Sight(7, "web", "6.1", {"pid": "pid:[1]", "net": None}, 1, 0, "overlay", "0:51", 20, 64 << 20, 0.5)
HERE = Sight(1, "here", "6.1", {"pid": "pid:[2]"}, 90, 0, "ext4", "8:1", 40, None, None)


@given(
    broken(asdict(SIGHT)).map(json.dumps)
    | changed([json.dumps(asdict(SIGHT)).encode()]).map(lambda text: text.decode("latin-1"))
)
@settings(max_examples=200)
@example("")
@example("[]")
@example("7")
def test_anything_printed_in_a_container_is_a_sight_or_refused(output: str) -> None:
    try:
        seen = Sight.from_output(output)
    except ValueError:
        return
    repr(Comparison.of(HERE, seen)).encode()

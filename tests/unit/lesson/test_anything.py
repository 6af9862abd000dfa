"""Whatever stands in lab.yaml or in a progress file: a lab and a progress, or one sentence; never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from tests.support.anything import as_json, broken, changed, printable
from tests.support.harbour import LAB

from wavetank.document import read_documents, write_yaml
from wavetank.lesson.declared import declared
from wavetank.lesson.lab import Lab
from wavetank.lesson.predictions import judge
from wavetank.lesson.progress import ProgressFile
from wavetank.lesson.reading import load_lab
from wavetank.lesson.report import Asked, Report

DATA: Any = read_documents(LAB)[0].data
MORE: Any = {
    **DATA,
    "asks": {"who": {"from": "web", "url": "http://web", "times": 3, "timeout": "2s"}},
    "images": {"web": {"context": "manifests", "tag": "web:v1"}},
    "material": {"web": "manifests/web.yaml"},
    "loads": {
        "steady": {"target": {"service": "web"}, "rate": 20, "duration": "10s"},
        "trace": {
            "target": {"service": "web", "headers": {"a": "b"}, "port": 80},
            "rate": 20,
            "duration": "10s",
            "profile": "trace",
            "trace": [[0, 1], [5, 20]],
        },
        "spike": {
            "target": {"service": "web", "path": "/", "method": "GET"},
            "rate": 20,
            "duration": "10s",
            "profile": "spike",
            "spike": {"base": 1, "at": "1s", "for": "2s"},
        },
    },
}
PROGRESS = {
    "version": 1,
    "checkpoint": "afloat",
    "exercises": {"scale": {"passed": True, "hints": 2, "solution_shown": False}},
    "predictions": {
        "gap": {"answer": 3.0, "truth": 2.5, "right": True},
        "lost": {"answer": "Some", "truth": 12, "right": None},
    },
}


def use(path: Path) -> None:
    """Do with a lab's file what opening it and going somewhere in it begins with."""
    with printable():
        lab = load_lab(path)
        for checkpoint in lab.checkpoints:
            declared(lab, checkpoint.id)
        for load in lab.loads.values():
            assert load.requests <= 2000 * 3600
            json.dumps(load.to_spec(), allow_nan=False)


@given(broken(DATA) | broken(MORE))
@settings(max_examples=200)
def test_any_lab_is_read_or_refused(labs: Path, data: Any) -> None:
    path = labs / "09-sample" / "lab.yaml"
    path.write_bytes(as_json(data))
    use(path)


@given(changed([LAB.encode(), write_yaml(MORE).encode()]))
def test_any_text_of_a_lab_is_read_or_refused(labs: Path, text: bytes) -> None:
    path = labs / "09-sample" / "lab.yaml"
    path.write_bytes(text)
    use(path)


@given(broken(PROGRESS).map(as_json) | changed([as_json(PROGRESS)]))
@settings(max_examples=200)
@example(as_json({**PROGRESS, "predictions": {"gap": {"answer": 10**400, "truth": None, "right": None}}}))
@example(b"[" * 1_000_000)
@example(b'{"version": 1, "checkpoint": "' + b"a" * 1_000_000)
@example(as_json({**PROGRESS, "predictions": {"gap": {"answer": "Some", "truth": None, "right": None}}}))
def test_any_progress_is_taken_up_or_put_aside(lab: Lab, tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "09-sample.json"
    path.write_bytes(text)
    with printable():
        file = ProgressFile(path)
        progress = file.read()
        str(Report(lab, progress, file.notice)).encode()
        assert len(file.notice) < 2000
        for id_, known in progress.predictions.items():
            prediction = lab.prediction(id_)
            str(Asked(prediction, known.answer)).encode()
            with printable():
                str(judge(prediction, known.answer, 3.0)).encode()
        file.update(lambda progress: progress.at("afloat"))
        assert ProgressFile(path).read().checkpoint == "afloat"

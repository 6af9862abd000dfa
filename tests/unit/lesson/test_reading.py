"""A lab file that is wrong is refused with file, line and what was expected; one that is right says what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.harbour import LAB, write_lab

from wavetank.errors import InputError
from wavetank.lesson import find_lab, lab_ids
from wavetank.lesson.lab import Lab, Number


def test_a_lab_is_what_its_file_declares(lab: Lab) -> None:
    assert (lab.id, lab.title, lab.minutes, lab.namespace, lab.addons) == (
        "09-sample",
        "A sample",
        10,
        "tidewater",
        ("operator",),
    )
    assert [checkpoint.id for checkpoint in lab.up_to("afloat")] == ["empty", "afloat"]
    assert lab.loads["steady"].rate == 20
    assert lab.faults["slow"].parameters == {"ms": 300}
    exercise = lab.exercise("scale")
    assert [check.name for check in exercise.checks] == ["rollout", "ready", "available"]
    assert len(exercise.hints) == 3
    assert lab.prediction("gap").answers == Number("s", 2)


def test_an_exercise_has_its_file_in_three_places(lab: Lab, labs: Path) -> None:
    (file,) = lab.exercise("scale").files
    assert file.starter == labs / "09-sample/starters/web.yaml"
    assert file.learner == labs / "09-sample/exercises/web.yaml"
    assert file.solution == labs.parent / "solutions/09-sample/exercises/web.yaml"


def test_the_labs_are_found_in_the_order_they_are_taught(tmp_path: Path) -> None:
    for name in ("02-second", "01-first"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lab.yaml").touch()
    (tmp_path / "application").mkdir()
    assert lab_ids(tmp_path) == ["01-first", "02-second"]


def test_a_lab_that_is_not_there_is_answered_with_those_that_are(labs: Path) -> None:
    with pytest.raises(InputError, match="no lab '02-kubernets'") as error:
        find_lab("02-kubernets", labs)
    assert error.value.help.expected == "one of: 09-sample"


@pytest.mark.parametrize("asked", ["checkpoint", "exercise", "prediction", "load", "fault"])
def test_an_unknown_id_is_answered_with_the_known_ones(lab: Lab, asked: str) -> None:
    look_up = lab.up_to if asked == "checkpoint" else getattr(lab, asked)
    with pytest.raises(InputError, match=f"this lab has no {asked} 'x'") as error:
        look_up("x")
    assert error.value.help.expected.startswith("one of: ")


def _line(text: str) -> int:
    return LAB[: LAB.index(text)].count("\n") + 1


MISTAKES = [
    ("title: A sample\n", "", 1, "'title' is a required property", "title"),
    ("minutes: 10", "minutes: ten", _line("minutes"), "'ten' is not of type 'integer'", "in minutes"),
    ("minutes: 10", "minutes: 10\nminutes: 11", _line("minutes") + 1, "'minutes' is there twice", "line 3"),
    ("id: 09-sample", "id: 9_sample", 1, "'9_sample' does not match", "lower-case letters"),
    ("id: 09-sample", "id: 08-other", 1, "called '08-other', its folder '09-sample'", "the folder's name"),
    ("  addons: [operator]", "  addons: operator", _line("  addons"), "is not of type 'array'", "addons brought up"),
    ("cluster:", "clutser:", 1, "clutser", "everything about a lab"),
    ("    title: nothing runs", "    titel: nothing runs", _line("- id: empty"), "titel", "a known state"),
    (
        "- id: hidden",
        "- id: afloat",
        _line("- id: hidden"),
        "'afloat' is there twice",
        f"lab.yaml:{_line('- id: afloat')}",
    ),
    ("manifests/web.yaml", "manifests/wep.yaml", _line("manifests/web"), "no file manifests/wep.yaml", "a file in"),
    ("without: [Service/web]", "without: [web]", _line("without"), "'web' does not match", "Kind/name"),
    ("rate: 20", "rate: -1", _line("  steady:"), "-1 is less than or equal to the minimum", "more than 0"),
    (", duration: 10s}", "}", _line("  steady:"), "'duration' is a required property", "the spec of a Load"),
    ("duration: 10s", "duration: 2h", _line("  steady:"), "duration", "at most 1h"),
    ("duration: 10s", "duration: 10", _line("  steady:"), "10 is not of type 'string'", "30s"),
    ("kind: latency", "kind: lateness", _line("  slow:"), "faults/slow: kind is wrong", "one of pod-kill"),
    ("{ms: 300}", "{seconds: 3}", _line("  slow:"), "parameters.seconds", "latency takes ms"),
    ("{selector: {app: web}}, par", "{node: worker}, par", _line("  slow:"), "target is wrong", "target.selector"),
    ("number: {unit: s, close: 2}", "number: {unit: s}", _line("number:"), "'close' is a required", "is a number"),
    ("truth: {gap: {load: steady}}", "truth: {hole: {load: steady}}", _line("truth: {gap"), "hole", "where the truth"),
    ("gap: {load: steady}", "gap: {load: stedy}", _line("truth: {gap"), "no load 'stedy'", "one of: steady"),
    ("checkpoint: afloat", "checkpoint: aflot", _line("checkpoint: aflo"), "no checkpoint 'aflot'", "empty, afloat"),
    ("files: [web.yaml]", "files: [wep.yaml]", _line("files:"), "no file starters/wep.yaml", "a file in"),
    ("files: [web.yaml]", "files: [../web.yaml]", _line("files:"), "does not match", "without a folder"),
    (
        "- rollout: {deployment: web, within: 1s}",
        "- rolout: {deployment: web}",
        _line("- rollout"),
        "rolout",
        "{name: par",
    ),
    ("{deployment: web, within: 1s}", "{deployment: web, wthin: 1s}", _line("- rollout"), "wthin", "rolled out"),
    ("within: 1s}", "within: soon}", _line("- rollout"), "'soon' does not match", "a duration such as"),
    ("{load: steady}\n    hints", "{load: stedy}\n    hints", _line("- available"), "no load 'stedy'", "steady"),
    (
        "{load: steady}\n    hints",
        "{load: steady, during: {fault: slw}}\n    hints",
        _line("- available"),
        "no fault 'slw'",
        "one of: slow",
    ),
    ("- available: {load: steady}", "- python: checks:f", _line("- available"), "no file checks.py", "a file in"),
    ('at the replicas., "replicas: 2"]', "at the replicas.]", _line("hints:"), "is too short", "exactly three hints"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "said", "expected"), MISTAKES)
def test_a_mistake_is_told_with_line_and_what_was_expected(
    tmp_path: Path, right: str, wrong: str, line: int, said: str, expected: str
) -> None:
    assert LAB.count(right) >= 1, "the sample has what this case changes"
    labs = write_lab(tmp_path, LAB.replace(right, wrong, 1))
    with pytest.raises(InputError) as error:
        find_lab("09-sample", labs)
    assert error.value.where == f"{labs}/09-sample/lab.yaml:{line}"
    assert said in error.value.summary
    assert expected in error.value.help.expected


def test_what_is_not_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    labs = write_lab(tmp_path, "id: 09-sample\ntitle: [a\nminutes: 3\n")
    with pytest.raises(InputError, match="not valid YAML") as error:
        find_lab("09-sample", labs)
    assert error.value.where == f"{labs}/09-sample/lab.yaml:3"

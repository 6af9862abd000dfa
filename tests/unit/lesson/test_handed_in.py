"""A check first asks whether what it judges is what was handed in; the real API server is asked in tests/kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.harbour import NAMESPACE, WEB, Harbour

from wavetank.errors import InputError
from wavetank.kube import Kube
from wavetank.lesson import LabSession
from wavetank.lesson.files import lay_out
from wavetank.lesson.handed_in import not_handed_in, unreadable

TWO = WEB.replace("replicas: 1", "replicas: 2")


@pytest.fixture
def file(session: LabSession) -> Path:
    """The learner's file, at a checkpoint that is well by itself."""
    session.goto("afloat")
    (one,) = session.model.exercise("scale").files
    lay_out([one])
    return one.learner


def test_what_was_applied_is_judged(session: LabSession, harbour: Harbour, kube: Kube, file: Path) -> None:
    file.write_text(TWO)
    session.apply("scale")
    assert not_handed_in(kube, NAMESPACE, [file]) is None
    assert session.check("scale").passed


@pytest.mark.parametrize(
    ("text", "saw"),
    [
        (TWO, "Deployment/web: spec.replicas is 1, and would be 2"),
        (WEB.replace("port: 80", "port: 81"), "Service/web: spec.ports.0.port is 80, and would be 81"),
        (WEB.replace("name: web}\nspec: {sel", "name: other}\nspec: {sel"), "there is no Service/other"),
        ("", "there is no object in it"),
        ("kind: [", "not valid YAML"),
    ],
)
def test_what_was_not_applied_is_named_whatever_the_checkpoint_is_like(
    session: LabSession, harbour: Harbour, file: Path, text: str, saw: str
) -> None:
    file.write_text(WEB)
    session.apply("scale")
    file.write_text(text)
    result = session.check("scale")
    assert result.verdict == "not yet: web.yaml is applied"
    assert saw in result.saw
    assert str(file) in result.look


def test_a_file_that_is_gone_is_not_passed(session: LabSession, harbour: Harbour, file: Path) -> None:
    file.unlink()
    result = session.check("scale")
    assert not result.passed
    assert "web.yaml" in result.saw


def test_nothing_is_changed_by_looking(session: LabSession, harbour: Harbour, api: ApiServer, file: Path) -> None:
    file.write_text(TWO)
    session.check("scale")
    (web,) = api.objects("Deployment", NAMESPACE)
    assert web["spec"]["replicas"] == 1


def test_a_file_of_the_exercise_that_a_check_cannot_read_is_a_verdict_and_every_other_error_stays_one(
    tmp_path: Path,
) -> None:
    mine, other = tmp_path / "pipeline.yaml", tmp_path / "lab.yaml"
    error = InputError("on_failure: 'keep' is not one of ...", where=f"{mine}:18", expected="rollback or leave")
    result = unreadable(error, [mine])
    assert result.verdict == "not yet: pipeline.yaml can be read"
    assert (f"{mine}:18" in result.saw, result.expected, result.look) == (True, "rollback or leave", f"cat {mine}")
    with pytest.raises(InputError):
        unreadable(InputError("no such check", where=f"{other}:3"), [mine])

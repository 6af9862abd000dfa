"""A lab from its first cell to its last, and again after the kernel has died."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.definitions import definition
from tests.support.harbour import NAMESPACE, SERVICE, WEB, Harbour

from wavetank.errors import CheckFailedError, InputError
from wavetank.faults.virtualservice import VIRTUAL_SERVICE
from wavetank.kube import Kube
from wavetank.lesson import LabSession, open_lab
from wavetank.lesson import session as session_module
from wavetank.lesson.files import lay_out
from wavetank.lesson.lab import Lab
from wavetank.lesson.progress import ProgressFile
from wavetank.observe.analysis import Message
from wavetank.observe.wire import Wire
from wavetank.traffic import Answers

ROUTES = {
    "apiVersion": VIRTUAL_SERVICE[0],
    "kind": VIRTUAL_SERVICE[1],
    "spec": {"hosts": [f"web.{NAMESPACE}.svc.cluster.local"], "http": [{"route": [{"destination": {"host": "web"}}]}]},
}


@pytest.fixture(autouse=True)
def _files(lab: Lab) -> None:
    for exercise in lab.exercises:
        lay_out(exercise.files)


def reopened(session: LabSession, *, solved: bool = False) -> LabSession:
    """Return what a new kernel gets."""
    return LabSession(session.model, ProgressFile(session._progress.path), kube=session.kube, solved=solved)


def test_an_exercise_is_not_yet_on_its_starter_and_passes_on_its_solution(session: LabSession) -> None:
    session.goto("afloat")
    session.apply("scale")
    assert session.check("scale").verdict == "not yet: at least 2 pods of app=web are ready"
    assert not session.progress.progress.exercise("scale").passed
    session.solve("scale")
    assert str(session.apply("scale")) == "applied: Deployment/web, Service/web"
    assert session.check("scale").verdict == "passed: Two of them"
    assert session.progress.progress.exercise("scale").passed


def test_a_solved_session_applies_solutions_and_leaves_the_learners_file_alone(session: LabSession) -> None:
    solved = reopened(session, solved=True)
    solved.goto("afloat")
    solved.apply("scale")
    assert solved.check("scale").passed
    (file,) = session.model.exercise("scale").files
    assert file.learner.read_text() == WEB


def test_a_file_for_another_namespace_is_refused_with_its_line(session: LabSession, api: ApiServer) -> None:
    (file,) = session.model.exercise("scale").files
    elsewhere = WEB.replace("metadata: {name: web}", "metadata: {name: web, namespace: kube-system}")
    file.learner.write_text(elsewhere)
    with pytest.raises(InputError, match=r"is in the namespace kube-system\n.*expected: the namespace") as caught:
        session.apply("scale")
    assert caught.value.where.startswith(f"{file.learner}:")
    assert not api.objects("Deployment", "kube-system")


def test_a_solved_session_raises_when_a_check_does_not_pass(session: LabSession, harbour: Harbour) -> None:
    solved = reopened(session, solved=True)
    harbour.outcomes["steady"] = [{"503": 20}]
    solved.goto("afloat")
    solved.apply("scale")
    with pytest.raises(CheckFailedError, match="scale: not yet: under the load steady, no request fails") as error:
        solved.check("scale")
    assert error.value.help.observed.startswith("20 of 20 requests failed (503: 20)")


def test_reset_goes_to_the_first_checkpoint_and_later_to_the_last_one_reached(session: LabSession) -> None:
    assert str(session.reset()) == "at empty: nothing runs"
    session.goto("afloat")
    assert str(reopened(session).reset()) == "at afloat: web runs"


def test_hints_come_one_by_one_and_are_remembered(session: LabSession) -> None:
    assert str(session.hint("scale")) == "hint 1 of 3: Look at the pods."
    assert str(reopened(session).hint("scale")) == "hint 2 of 3: Look at the replicas."
    assert [session.hint("scale").number for _ in range(2)] == [3, 3]


def test_starting_an_exercise_over_keeps_the_learners_file(session: LabSession) -> None:
    (file,) = session.model.exercise("scale").files
    file.learner.write_text("mine")
    assert str(session.start_over("scale")) == "wrote web.yaml; yours is kept as web.yaml.mine"
    assert file.learner.read_text() == WEB


def test_solving_is_remembered(session: LabSession) -> None:
    assert str(session.solve("scale")) == "wrote web.yaml"
    assert session.progress.progress.exercise("scale").solution_shown


def test_a_load_and_a_fault_by_name_as_often_as_one_likes(session: LabSession, api: ApiServer) -> None:
    api.put(SERVICE)
    for _ in range(2):
        assert session.load("steady").summary().sent == 200
        assert session.fault("slow").status().phase == "Active"
    assert str(session.emergency_stop()) == f"ended: Fault {NAMESPACE}/slow"
    assert str(session.emergency_stop()) == "ended: nothing was on"


def test_a_prediction_is_asked_committed_to_and_held_against_the_truth(session: LabSession, api: ApiServer) -> None:
    asked = "How many requests are lost?\n  1 None\n  2 Some\n"
    assert str(session.predict("lost")) == asked + "  you have not answered yet"
    assert str(session.predict("lost", 2)) == asked + "  you said: Some"
    api.put(SERVICE)
    session.load("steady")
    outcome = reopened(session).outcome("lost")
    assert (outcome.answer, outcome.truth, outcome.right) == ("Some", "None (0)", False)
    assert session.predict("lost", 1).answer == "Some", "the truth is known: what was said stands"


def test_the_notebook_can_measure_the_truth_itself(session: LabSession) -> None:
    session.predict("gap", 3)
    assert session.outcome("gap", 4.5).right is True
    assert session.progress.right == 1


def test_the_truth_is_told_without_a_prediction_too(session: LabSession) -> None:
    assert session.outcome("gap", 4).right is None
    assert session.progress.right == 0


def test_progress_in_words(session: LabSession, api: ApiServer) -> None:
    assert str(session.progress).splitlines() == [
        "A sample: 0 of 1 exercises passed",
        "  not yet scale",
        "  0 of 2 predictions made, 0 right",
    ]
    session.hint("scale")
    session.solve("scale")
    session.apply("scale")
    session.check("scale")
    session.predict("gap", 3)
    session.outcome("gap", 3)
    assert str(reopened(session).progress).splitlines() == [
        "A sample: 1 of 1 exercises passed",
        "  passed  scale (1 of 3 hints, solution shown)",
        "  1 of 2 predictions made, 1 right",
    ]


def test_a_damaged_progress_file_is_told_with_the_progress(session: LabSession) -> None:
    session.hint("scale")
    session._progress.path.write_text("{")
    assert "  note: the progress file could not be read" in str(session.progress)


def test_ids_that_are_not_there_are_refused(session: LabSession) -> None:
    for call in (session.check, session.hint, session.apply, session.solve, session.start_over):
        with pytest.raises(InputError, match="this lab has no exercise 'x'"):
            call("x")


class TestOpening:
    @pytest.fixture(autouse=True)
    def _home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        monkeypatch.delenv("KUBECONFIG", raising=False)
        monkeypatch.setenv("PATH", "/usr/bin")

    def test_the_learners_files_are_laid_out_and_no_cluster_is_needed_yet(self, labs: Path) -> None:
        (labs / "09-sample/exercises/web.yaml").unlink()
        session = open_lab("09-sample", labs=labs)
        assert (labs / "09-sample/exercises/web.yaml").read_text() == WEB
        assert session.hint("scale").number == 1
        assert repr(session) == "09-sample: A sample (10 minutes)"

    def test_without_a_cluster_it_says_how_to_start_one(self, labs: Path) -> None:
        with pytest.raises(InputError, match="no cluster to connect to") as error:
            open_lab("09-sample", labs=labs).goto("afloat")
        assert "wavetank up" in error.value.help.hint

    def test_the_cluster_that_was_brought_up_is_found_and_kubectl_with_it(
        self, labs: Path, api: ApiServer, tmp_path: Path, harbour: Harbour
    ) -> None:
        own = tmp_path / "state/wavetank/clusters/wavetank"
        own.mkdir(parents=True)
        api.kubeconfig(own)
        session = open_lab("09-sample", labs=labs)
        assert session.kube.alive()
        assert os.environ["KUBECONFIG"] == str(own / "kubeconfig")
        assert os.environ["PATH"].endswith(f"{os.pathsep}/usr/bin")

    def test_the_learners_own_kubeconfig_comes_first(
        self, labs: Path, api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))
        assert open_lab("09-sample", labs=labs).kube.alive()
        assert os.environ["KUBECONFIG"] == str(tmp_path / "kubeconfig")

    def test_the_solved_lab_has_its_own_progress(self, labs: Path, kube: Kube, harbour: Harbour) -> None:
        solved = open_lab("09-sample", labs=labs, kube=kube, solved=True)
        solved.apply("scale")
        assert solved.check("scale").passed
        assert open_lab("09-sample", labs=labs, kube=kube).progress.passed == 0


class TestInTheMesh:
    """The sample lab with Istio, which is played here."""

    @pytest.fixture
    def meshed(self, session: LabSession, lab: Lab) -> LabSession:
        lab = replace(lab, addons=(*lab.addons, "istio"), material={"web": lab.folder / "manifests" / "web.yaml"})
        return LabSession(lab, ProgressFile(session._progress.path), kube=session.kube)

    def test_material_is_put_into_the_cluster_and_shown(self, meshed: LabSession, api: ApiServer) -> None:
        put = str(meshed.put("web"))
        assert put.startswith("applied: Deployment/web, Service/web\n\napiVersion: apps/v1")
        assert api.get("Service", "web", NAMESPACE)
        with pytest.raises(InputError, match="no material 'ferry'"):
            meshed.put("ferry")

    def test_a_change_is_waited_for_and_so_is_a_checkpoint(
        self, meshed: LabSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waited: list[str] = []

        @contextmanager
        def heard(kube: Kube) -> Iterator[None]:
            yield
            waited.append("heard")

        monkeypatch.setattr(session_module, "heard", heard)
        meshed.goto("afloat")
        meshed.put("web")
        meshed.apply("scale")
        assert waited == ["heard"] * 3

    @pytest.mark.parametrize("born", ["2026-11-01T00:00:00Z", "2036-11-01T00:00:00Z"], ids=["older", "younger"])
    def test_routes_that_nobody_goes_by_are_told_when_they_are_applied(
        self, meshed: LabSession, api: ApiServer, born: str
    ) -> None:
        api.put(definition(*VIRTUAL_SERVICE, "virtualservices"))
        api.put({**ROUTES, "metadata": {"name": "theirs", "namespace": "elsewhere", "creationTimestamp": born}})
        (file,) = meshed.model.exercise("scale").files
        mine = json.dumps({**ROUTES, "metadata": {"name": "mine"}})
        file.learner.write_text(f"{WEB}---\n{mine}\n")
        told = str(meshed.apply("scale")).splitlines()
        assert told[0] == "applied: Deployment/web, Service/web, VirtualService/mine"
        if born > "2036":
            assert told[1:] == []
        else:
            (note,) = told[1:]
            assert note.startswith(
                "  note: VirtualService mine changes nothing for web: Istio goes by one, and theirs in"
            )

    def test_a_red_check_says_what_istioctl_finds(self, meshed: LabSession, monkeypatch: pytest.MonkeyPatch) -> None:
        found = (Message("Error", "IST0101", "VirtualService tidewater/web", "Referenced host not found"),)
        monkeypatch.setattr(session_module, "analyze", lambda kube, namespace: found)
        meshed.goto("afloat")
        meshed.apply("scale")
        result = meshed.check("scale")
        assert not result.passed
        assert "istioctl: VirtualService tidewater/web: Referenced host not found (IST0101)" in result.saw

    def test_a_red_check_is_told_without_istioctl_too(
        self, meshed: LabSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        meshed.goto("afloat")
        meshed.apply("scale")
        assert "istioctl" not in meshed.check("scale").saw

    def test_the_wire_is_listened_to_while_the_question_is_asked(
        self, meshed: LabSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = threading.Event()
        wire = Wire("web-1", "worker", 8080, 4.0, 0, 0, 0)

        def listen(kube: Kube, namespace: str, workload: str, seconds: float) -> Wire:
            assert asked.wait(5), "nobody asks while somebody listens"
            return wire

        def ask(name: str) -> Answers:
            asked.set()
            return Answers()

        monkeypatch.setattr(session_module, "listen", listen)
        monkeypatch.setattr(meshed, "ask", ask)
        assert meshed.overhear("passengers", "web") is wire

"""A prediction is committed to in the question's terms, and held against what was measured."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.harbour import NAMESPACE, SERVICE, Harbour, container, pod, second

from wavetank.errors import InputError, KubeError
from wavetank.kube import Kube
from wavetank.lesson import Bench
from wavetank.lesson.lab import Choice, Named, Number, Prediction
from wavetank.lesson.predictions import judge, read_answer
from wavetank.lesson.truths import gap, read_truth
from wavetank.traffic import LoadRun

SECONDS = Prediction("gap", "How long?", Number("s", 2), Named("gap", {"load": "steady"}))
RANGES = (Choice("none", at_most=0), Choice("a few", at_least=1, at_most=30), Choice("many", at_least=31))
LOST = Prediction("lost", "How many?", RANGES, Named("failed", {"load": "steady"}))
WORDS = (Choice("killed", "OOMKilled"), Choice("evicted", "Evicted"))
FATE = Prediction("fate", "What happens?", WORDS, Named("state", {"selector": {"app": "web"}}))


def asking(name: str, parameters: Any) -> Prediction:
    return Prediction("it", "What?", Number("", 0), Named(name, parameters, "lab.yaml:7"))


@pytest.mark.parametrize(
    ("prediction", "answer", "committed"),
    [(SECONDS, 3, 3.0), (LOST, "a few", "a few"), (LOST, 3, "many")],
    ids=["a number", "a choice's text", "a choice's number"],
)
def test_an_answer_in_the_questions_terms(prediction: Prediction, answer: Any, committed: Any) -> None:
    assert read_answer(prediction, answer) == committed


@pytest.mark.parametrize(
    ("prediction", "answer", "expected"),
    [
        (SECONDS, "long", "a number of s"),
        (SECONDS, True, "a number of s"),
        (LOST, "some", "1 none; 2 a few; 3 many"),
        (LOST, 4, "3 many"),
        (LOST, 0, "1 none"),
        (LOST, True, "1 none"),
    ],
)
def test_another_answer_is_refused(prediction: Prediction, answer: Any, expected: str) -> None:
    with pytest.raises(InputError, match="is not an answer") as error:
        read_answer(prediction, answer)
    assert expected in error.value.help.expected


@pytest.mark.parametrize(("answer", "right"), [(3.0, True), (5.0, True), (5.5, False), (0.5, False)])
def test_a_number_is_right_when_it_is_close(answer: float, right: bool) -> None:
    outcome = judge(SECONDS, answer, 3)
    assert outcome.right is right
    assert (outcome.answer, outcome.truth) == (f"{answer:g} s", "3 s")


@pytest.mark.parametrize(("truth", "fits"), [(0, "none (0)"), (1, "a few (1)"), (30, "a few (30)"), (31, "many (31)")])
def test_a_choice_is_right_when_what_was_measured_lies_in_its_range(truth: int, fits: str) -> None:
    outcome = judge(LOST, "a few", truth)
    assert outcome.truth == fits
    assert outcome.right is fits.startswith("a few")


def test_a_choice_can_stand_for_a_word() -> None:
    assert judge(FATE, "killed", "OOMKilled").right is True
    assert judge(FATE, "evicted", "OOMKilled").right is False
    assert judge(FATE, "killed", "Error").truth == "none of the answers"


def test_without_a_prediction_the_truth_is_told_all_the_same() -> None:
    outcome = judge(SECONDS, None, 3)
    assert outcome.right is None
    assert str(outcome) == "How long?\n  measured: 3 s - you made no prediction"


def test_an_outcome_in_words() -> None:
    assert str(judge(LOST, "many", 0)) == "How many?\n  you said: many\n  measured: none (0) - not as you predicted"


def test_a_number_cannot_be_held_against_a_word() -> None:
    with pytest.raises(InputError, match="the truth of the prediction 'gap' is 'long'"):
        judge(SECONDS, 3.0, "long")


def test_the_gap_is_from_the_first_failure_to_the_end_of_the_last() -> None:
    outcomes = [{"200": 9}, {"503": 1, "200": 8}, {"200": 9}, {"reset": 1}, {"200": 9}]
    assert gap([second(t, outcome) for t, outcome in enumerate(outcomes)]) == 3
    assert gap([second(0, {"200": 9})]) == 0


class TestReading:
    @pytest.fixture
    def ran(self, bench: Bench, kube: Kube, harbour: Harbour) -> Bench:
        """A load has run, as the lab's cell would have it."""
        harbour.latency = 0.25
        harbour.outcomes["steady"] = [{"200": 20}, {"200": 15, "503": 5}, {"200": 20}, {"200": 20}]
        harbour.api.put(SERVICE)
        kube.create(bench.lab.load("steady").to_resource(NAMESPACE))
        return bench

    @pytest.mark.parametrize(
        ("name", "more", "truth"),
        [("failed", {}, 5), ("failed_share", {}, 5 / 80), ("gap", {}, 1), ("percentile", {"percentile": 50}, 250)],
    )
    def test_of_a_load(self, ran: Bench, name: str, more: Any, truth: float) -> None:
        assert read_truth(asking(name, {"load": "steady", **more}), ran) == pytest.approx(truth, rel=0.01)

    def test_of_a_load_that_has_not_run(self, bench: Bench) -> None:
        with pytest.raises(InputError, match="the load steady has not run yet") as error:
            read_truth(asking("failed", {"load": "steady"}), bench)
        assert "lab.load('steady')" in error.value.help.hint

    def test_of_a_load_that_stood_still_itself_there_is_none(self, bench: Bench, harbour: Harbour) -> None:
        harbour.still = 1.0
        harbour.api.put(SERVICE)
        bench.kube.create(bench.lab.load("steady").to_resource(NAMESPACE))
        with pytest.raises(KubeError, match="the load steady stood still for 10 s"):
            read_truth(asking("failed", {"load": "steady"}), bench)

    def test_of_a_load_waits_for_its_end(self, ran: Bench) -> None:
        status = LoadRun(ran.kube, "steady", NAMESPACE).status()
        assert status.ended
        assert read_truth(asking("failed", {"load": "steady"}), ran) == 5

    def test_of_pods(self, bench: Bench, harbour: Harbour) -> None:
        harbour.api.put(pod("web-1", containerStatuses=container(2)))
        harbour.api.put(pod("web-2", ready=False, containerStatuses=container(1)))
        assert read_truth(asking("restarts", {"selector": {"app": "web"}}), bench) == 3
        assert read_truth(asking("ready", {"selector": {"app": "web"}}), bench) == 1

    def test_of_a_state_picks_the_one_that_is_an_answer(self, bench: Bench, harbour: Harbour) -> None:
        states = {"state": {"waiting": {"reason": "Backing off"}}, "lastState": {"terminated": {"reason": "OOMKilled"}}}
        harbour.api.put(pod("web-1", containerStatuses=container(1, **states)))
        assert read_truth(FATE, bench) == "OOMKilled"

    def test_of_a_field(self, bench: Bench, harbour: Harbour) -> None:
        harbour.api.put({**SERVICE, "spec": {"type": "NodePort", "ports": [{"port": 80}]}})
        service = {"kind": "Service", "name": "web"}
        assert read_truth(asking("field", {**service, "path": ["spec", "type"]}), bench) == "NodePort"
        assert read_truth(asking("field", {**service, "path": ["spec", "ports", 0, "port"]}), bench) == 80
        with pytest.raises(InputError, match=r"None at spec\.none"):
            read_truth(asking("field", {**service, "path": ["spec", "none"]}), bench)

    def test_of_a_python_function(self, bench: Bench) -> None:
        (bench.lab.folder / "checks.py").write_text("def f(bench): return len(bench.namespace)")
        assert read_truth(asking("python", "checks:f"), bench) == len(NAMESPACE)

    def test_only_the_notebook_can_measure(self, bench: Bench) -> None:
        with pytest.raises(InputError, match="measured in the notebook: the new pod's name") as error:
            read_truth(asking("notebook", "the new pod's name"), bench)
        assert error.value.where == "lab.yaml:7"

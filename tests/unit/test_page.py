"""The list of labs: what can be begun, what is waited for, and what went wrong, as the page shows it."""

from __future__ import annotations

from wavetank.bootstrap.progress import Progress, StepSeen
from wavetank.bundle.stages import up_to
from wavetank.lesson.library import find_lab, lab_ids
from wavetank.lesson.readiness import readiness
from wavetank.page.model import describe

LABS = [find_lab(id_) for id_ in lab_ids()]
NOW = 1000.0


def states(ready: tuple[str, ...]) -> list[str]:
    told = describe(LABS, ready, None, "", NOW)  # type: ignore[arg-type]
    return [lab["state"] for lab in told["labs"]]


def test_labs_become_ready_in_the_order_they_are_taught() -> None:
    assert states(()) == ["waits"] * 5
    assert states(up_to("containers")) == ["begun", "begun", "waits", "waits", "waits"]
    assert states(up_to("kubernetes")) == ["ready", "ready", "ready", "waits", "waits"]
    assert states(up_to("mesh")) == ["ready", "ready", "ready", "ready", "waits"]
    assert states(up_to("functions")) == ["ready"] * 5


def test_a_lab_says_what_it_waits_for() -> None:
    assert str(readiness(find_lab("01-containers"), ())) == "waits for containers, images and a registry"
    assert str(readiness(find_lab("01-containers"), ("containers",))) == (
        "can be begun; later parts wait for Kubernetes"
    )
    assert str(readiness(find_lab("03-service-mesh"), ("containers",))) == "waits for the service mesh"
    assert str(readiness(find_lab("02-kubernetes"), up_to("kubernetes"))) == "ready"


def test_what_goes_on_is_shown_with_its_clock_and_what_is_left() -> None:
    steps = (StepSeen("build registry", 900.0, "done", 40.0), StepSeen("build kubernetes", 940.0))
    going = Progress(900.0, steps=steps, ready=("containers",), estimates={"kubernetes": 400.0})
    told = describe(LABS, going.ready, going, "", NOW)
    assert told["doing"] == "build kubernetes"
    assert [step["seconds"] for step in told["steps"]] == [40.0, 60.0]
    assert [stage["words"] for stage in told["stages"]] == [
        "ready",
        "on its way, made in about 5 min",
        "on its way",
        "on its way",
    ]


def test_without_anything_going_on_what_is_missing_is_said_to_be_missing() -> None:
    told = describe(LABS, ("containers",), None, "a port is taken", NOW)
    assert [stage["words"] for stage in told["stages"]] == ["ready", "not there", "not there", "not there"]
    assert (told["error"], told["doing"], told["steps"]) == ("a port is taken", "", [])

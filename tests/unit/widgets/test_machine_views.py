"""The views of a machine and its cluster, on a make-believe engine: it is examined, and a cluster comes up on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.basin import Basin
from tests.support.seen import press, seen
from tests.support.waiting import eventually

from wavetank import bootstrap
from wavetank.cluster import CAPABILITIES, find_spec, load_spec
from wavetank.errors import ClusterError
from wavetank.lesson.library import cluster_for, find_lab
from wavetank.widgets import ClusterUp, Doctor, WhatIsReal

IS_UP = "cluster basin is up: 3 nodes, addons metrics-server"


@pytest.fixture
def basin(tmp_path: Path) -> Iterator[Basin]:
    """A machine with a bundle, where `up` finds it."""
    with Basin(tmp_path) as basin:
        basin.keep_bundle()
        yield basin


@pytest.fixture
def comes_up(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], ClusterUp]]:
    """Make a view of the basin's cluster on its way up, for a lab that needs the metrics server."""
    monkeypatch.setattr(
        "wavetank.widgets.cluster_up.cluster_for",
        lambda lab, cluster: load_spec(find_spec(cluster)).with_addons(("metrics-server",)),
    )
    path = basin.write_spec()
    views: list[ClusterUp] = []

    def make() -> ClusterUp:
        views.append(ClusterUp("09-sample", str(path)))
        return views[-1]

    yield make
    bootstrap.end()
    for view in views:
        view.close()


def test_a_cluster_comes_up_step_by_step(comes_up: Callable[[], ClusterUp], basin: Basin) -> None:
    view = comes_up()
    assert repr(view) == "there is no cluster basin yet"
    view.start()
    assert repr(view.wait(60)) == repr(view) == IS_UP
    eventually(lambda: IS_UP in seen(view), "the page to say so")
    for step in ("node image", "nodes ready", "metrics-server"):
        assert f"{step} done " in seen(view)
    assert len(basin.engine.containers) == 3


def test_one_that_is_up_is_told_before_anything_is_done_and_left_as_it_is(
    comes_up: Callable[[], ClusterUp], basin: Basin
) -> None:
    comes_up().wait(60)
    eventually(lambda: not bootstrap.running(), "all of it to be done")
    made = {name: container["Id"] for name, container in basin.engine.containers.items()}
    again = comes_up()
    assert again._repr_mimebundle_()["text/plain"] == IS_UP
    assert str(again.wait(60)) == IS_UP
    assert {name: container["Id"] for name, container in basin.engine.containers.items()} == made
    assert "there already" in str(again.steps)


def test_while_it_comes_up_the_kernel_is_free_and_a_cell_that_is_run_again_looks_at_the_same(
    comes_up: Callable[[], ClusterUp], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_KIND", "hang")
    view = comes_up()
    view.start()
    eventually(lambda: "nodes under way" in seen(view), "the step that hangs, on the page")
    with pytest.raises(ClusterError, match=r"not up after 0\.1 s") as caught:
        view.wait(0.1)
    assert "under way: nodes" in caught.value.help.observed
    again = comes_up()
    assert repr(again) == repr(view)
    assert re.search("comes up: .* under way: nodes", repr(again))
    view.close()
    assert "comes up" in repr(again)


def test_a_step_that_fails_is_told_in_full_and_showing_it_again_goes_on(
    comes_up: Callable[[], ClusterUp], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_KIND", "write /var/lib: no space left on device")
    view = comes_up()
    view.start()
    with pytest.raises(ClusterError, match="nodes: the disk is full") as caught:
        view.wait(60)
    assert repr(view) == str(caught.value)
    eventually(lambda: "nodes failed" in seen(view), "the step on the page")
    for part in ("docker system prune", "last words:", "no space left on device"):
        eventually(lambda part=part: part in seen(view), "the error in full on the page")  # type: ignore[misc]
    monkeypatch.delenv("FAKE_KIND")
    assert str(comes_up().wait(60)) == IS_UP


def test_without_an_engine_it_says_so(comes_up: Callable[[], ClusterUp], basin: Basin) -> None:
    basin.engine.stop()
    view = comes_up()
    assert "no engine answers" in repr(view)
    view.start()
    eventually(lambda: "not up" in seen(view) and "no engine answers" in seen(view), "the page to say so")


@pytest.fixture
def doctor(basin: Basin) -> Iterator[Doctor]:
    doctor = Doctor(str(basin.write_spec()))
    yield doctor
    doctor.close()


def test_the_doctor_tells_what_there_is_and_looks_again_when_asked(doctor: Doctor, basin: Basin) -> None:
    assert "engine well Docker Engine" in seen(doctor)
    basin.engine.stop()
    press(doctor, "Look again")
    eventually(lambda: "engine in the way" in seen(doctor), "the engine to be missed")
    assert repr(doctor).startswith("in the way of a cluster:\n")
    assert "no engine answers" in repr(doctor)


def test_what_is_real_is_told_of_everything_with_its_reason() -> None:
    view = WhatIsReal()
    assert len(repr(view).splitlines()) == len(CAPABILITIES)
    assert "yes  A node that stops: a worker's container is frozen" in repr(view)
    assert "no   Load balancers: no cloud is there" in repr(view)
    assert "Several nodes yes every node is a container" in seen(view)
    assert "Load balancers no no cloud is there" in seen(view)
    assert "Limits of CPU and memory as above yes: on cgroup v2 only" in seen(view)
    view.close()


def test_what_comes_up_is_the_cluster_with_what_the_lab_needs(basin: Basin) -> None:
    assert cluster_for("00-start").addons == find_lab("00-start").addons
    view = ClusterUp("00-start")
    assert repr(view) == "there is no cluster wavetank yet"
    view.close()

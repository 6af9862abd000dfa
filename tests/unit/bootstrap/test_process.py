"""The process behind a lab, on a make-believe machine: started once, outliving who asked, telling what it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.basin import Basin
from tests.support.waiting import eventually

from wavetank import bootstrap
from wavetank.bootstrap.journal import folder
from wavetank.bootstrap.process import held
from wavetank.bundle.stages import up_to
from wavetank.cluster import kubeconfig_path, up
from wavetank.steps import StepEvent


@pytest.fixture
def basin(tmp_path: Path) -> Iterator[Basin]:
    """A machine with a bundle, where `up` finds it."""
    with Basin(tmp_path) as basin:
        basin.keep_bundle()
        yield basin
        bootstrap.end()


def holder() -> int:
    return int((folder() / "lock").read_text())


def ended() -> bool:
    return not bootstrap.running()


def test_it_brings_the_cluster_up_and_says_what_is_ready(basin: Basin) -> None:
    assert bootstrap.start(str(basin.write_spec()), ("metrics-server",))
    eventually(ended, "all of it", within=60)
    progress = bootstrap.read_progress()
    assert progress is not None
    assert (progress.error, progress.ended, progress.ready) == ("", True, up_to("kubernetes"))
    assert {"engine", "doctor", "nodes", "metrics-server"} <= set(progress.named("done"))
    assert set(basin.engine.containers) == set(basin.spec.node_names)


def test_it_outlives_who_asked_for_it_and_is_never_started_twice(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KIND", "hang")
    path = str(basin.write_spec())
    ask = f"from wavetank import bootstrap; print(bootstrap.start({path!r}))"
    asked = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True)
    assert asked.stdout == "True\n"
    first = holder()
    assert not bootstrap.start(path)
    assert bootstrap.running()
    assert holder() == first
    assert os.getsid(first) == first  # no terminal's end reaches it


def test_two_that_ask_at_the_same_time_start_one(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KIND", "hang")
    ask = f"from wavetank import bootstrap; print(bootstrap.start({str(basin.write_spec())!r}))"
    both = [subprocess.Popen([sys.executable, "-c", ask], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert "True\n" in [each.communicate(timeout=60)[0] for each in both]
    eventually(lambda: _processes() == [holder()], "one of them to be left")


def _processes() -> list[int]:
    found = subprocess.run(["pgrep", "-f", f"wavetank.bootstrap {folder().parents[2]}"], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def test_killed_it_leaves_no_process_and_the_next_goes_on(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KIND", "hang")
    path = str(basin.write_spec())
    bootstrap.start(path)
    eventually(lambda: "basin-control-plane" in basin.engine.containers, "kind to be at work", within=30)
    os.kill(holder(), signal.SIGKILL)
    eventually(ended, "its end")
    eventually(lambda: not _kinds(basin), "kind to end with it")
    monkeypatch.delenv("FAKE_KIND")
    assert bootstrap.start(path)
    eventually(ended, "all of it", within=60)
    assert set(basin.engine.containers) == set(basin.spec.node_names)


def _kinds(basin: Basin) -> str:
    found = subprocess.run(["pgrep", "-f", str(basin.folder / "bin" / "kind")], capture_output=True, text=True)
    return found.stdout


def test_to_end_it_is_to_leave_nothing_of_it(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KIND", "hang")
    bootstrap.start(str(basin.write_spec()))
    bootstrap.end()
    assert not bootstrap.running()
    assert not folder().exists()
    assert bootstrap.read_progress() is None


def test_what_goes_wrong_is_noted_in_full_and_mended_by_the_next(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KIND", "write /var/lib: no space left on device")
    path = str(basin.write_spec())
    bootstrap.start(path)
    eventually(ended, "its end", within=30)
    progress = bootstrap.read_progress()
    assert progress is not None
    assert "nodes: the disk is full" in progress.error
    assert "docker system prune" in bootstrap.behind(progress)
    monkeypatch.delenv("FAKE_KIND")
    bootstrap.start(path)
    eventually(ended, "all of it", within=60)
    assert (bootstrap.read_progress() or progress).error == ""


def test_whoever_follows_is_told_how_it_ended_even_if_it_looks_too_late(
    basin: Basin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_KIND", "write /var/lib: no space left on device")
    bootstrap.start(str(basin.write_spec()))
    eventually(ended, "its end", within=30)
    told: list[StepEvent] = []
    wrong: list[str] = []
    bootstrap.follow(told.append, over=lambda: True, complain=wrong.append)
    assert ("nodes", "failed") in [(event.step, event.state) for event in told]
    assert "the disk is full" in wrong[-1]


def test_looking_whether_it_runs_is_never_in_its_way(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    looking = threading.Thread(target=lambda: [bootstrap.running() for _ in iter(stop.is_set, True)], daemon=True)
    folder().mkdir(parents=True)
    (folder() / "lock").touch()
    looking.start()
    try:
        for _ in range(200):
            with held() as mine:
                assert mine
    finally:
        stop.set()
        looking.join()


def test_whoever_follows_is_told_every_step_from_the_first(basin: Basin) -> None:
    bootstrap.start(str(basin.write_spec()))
    told: list[StepEvent] = []
    bootstrap.follow(told.append, over=lambda: False)
    done = [event.step for event in told if event.state == "done"]
    assert done[:2] == ["engine", "doctor"]
    assert "nodes ready" in done


def test_before_there_are_nodes_what_needs_none_is_up(basin: Basin) -> None:
    spec = basin.spec.with_addons(("registry", "metrics-server"))
    basin.bundle.index = replace(basin.bundle.index, stages=up_to("containers"))
    up(spec, basin.bundle, report=lambda event: None)
    assert set(basin.engine.containers) == {"basin-registry"}
    assert not kubeconfig_path("basin").exists()
    basin.bundle.index = replace(basin.bundle.index, stages=up_to("kubernetes"))
    up(spec, basin.bundle, report=lambda event: None)
    assert set(basin.engine.containers) == {"basin-registry", *spec.node_names}

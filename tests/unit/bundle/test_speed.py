"""The machine's speed is measured once, by work that is not wasted, and remembered."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from wavetank.bundle import speed
from wavetank.bundle.speed import machine_speed


class Clock:
    """Time that passes only while something is compiled."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class CompilingGo:
    """A Go whose yardstick takes ``seconds``; ``stale`` packages of ten are yet to be compiled in its own cache."""

    version = "go1.26.4"
    architecture = "arm64"

    def __init__(self, clock: Clock, seconds: float, stale: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._stale = stale
        self.caches: list[Path | None] = []

    def stale(self, packages: object) -> tuple[int, int]:
        return self._stale, 10

    def compile_standard(self, packages: object, build_cache: Path | None = None) -> None:
        self.caches.append(build_cache)
        self._clock.now += self._seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def test_with_nothing_compiled_yet_it_is_measured_where_the_build_finds_it(clock: Clock, tmp_path: Path) -> None:
    go = CompilingGo(clock, seconds=17.0, stale=9)
    assert machine_speed(go, tmp_path / "speed.json") == 17.0  # type: ignore[arg-type]
    assert go.caches == [None]


def test_it_is_remembered(clock: Clock, tmp_path: Path) -> None:
    machine_speed(CompilingGo(clock, seconds=17.0, stale=9), tmp_path / "speed.json")  # type: ignore[arg-type]
    later = CompilingGo(clock, seconds=99.0, stale=0)
    assert machine_speed(later, tmp_path / "speed.json") == 17.0  # type: ignore[arg-type]
    assert later.caches == []


@pytest.mark.parametrize("stale", [0, 4])
def test_with_some_of_it_compiled_and_nothing_noted_it_is_measured_elsewhere(
    clock: Clock, tmp_path: Path, stale: int
) -> None:
    go = CompilingGo(clock, seconds=17.0, stale=stale)
    assert machine_speed(go, tmp_path / "speed.json") == 17.0  # type: ignore[arg-type]
    (cache,) = go.caches
    assert cache is not None
    assert not cache.exists(), "it is gone when it has been measured"


def test_another_number_of_cores_is_another_machine(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine_speed(CompilingGo(clock, seconds=17.0, stale=9), tmp_path / "speed.json")  # type: ignore[arg-type]
    monkeypatch.setattr(speed.os, "cpu_count", lambda: 64)
    assert machine_speed(CompilingGo(clock, seconds=3.0, stale=0), tmp_path / "speed.json") == 3.0  # type: ignore[arg-type]

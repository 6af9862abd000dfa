"""No finished step is done twice, no unfinished one is taken for finished."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial
from pathlib import Path

import pytest

from wavetank.bundle.cache import Cache, fingerprint
from wavetank.errors import BundleError

PATIENCE = 30.0


def build(cache: Path, made: Path, fatal: str = "") -> int:
    """Build three artifacts in a process of its own, each noted in ``made``; one may be fatal, like kill -9.

    Returns the process's exit code, negative for a signal.
    """
    child = os.fork()
    if child == 0:
        with Cache(cache).locked():
            for name in ("one", "two", "three"):
                Cache(cache).artifact(name, "key", partial(_make, name, made, fatal))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _make(name: str, made: Path, fatal: str, folder: Path) -> None:
    (folder / "half").write_text(name)
    if name == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / "whole").write_text(name)
    with made.open("a") as log:
        log.write(f"{name}\n")


@pytest.mark.parametrize(("fatal", "before"), [("one", 0), ("two", 1), ("three", 2)])
def test_killed_anywhere_and_run_again_each_step_is_finished_once(tmp_path: Path, fatal: str, before: int) -> None:
    cache, made = tmp_path / "cache", tmp_path / "made"
    made.touch()
    assert build(cache, made, fatal) == -signal.SIGKILL
    assert len(made.read_text().split()) == before
    assert build(cache, made) == 0
    assert made.read_text().split() == ["one", "two", "three"]
    assert {path.name for path in cache.iterdir()} == {"lock", "one-key", "two-key", "three-key"}
    assert (cache / f"{fatal}-key" / "whole").read_text() == fatal
    assert build(cache, made) == 0
    assert made.read_text().split() == ["one", "two", "three"]


def test_a_step_that_failed_is_done_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise BundleError("no")

    with pytest.raises(BundleError, match="no"):
        cache.artifact("image", "key", fail)
    folder, cached = cache.artifact("image", "key", lambda new: (new / "whole").touch())
    assert not cached
    assert [path.name for path in folder.iterdir()] == ["whole"]


def test_only_one_build_at_a_time(tmp_path: Path) -> None:
    entered = threading.Event()

    def second() -> None:
        with Cache(tmp_path).locked():
            entered.set()

    with Cache(tmp_path).locked():
        waiting = threading.Thread(target=second)
        waiting.start()
        assert not entered.wait(0.5)
    assert entered.wait(PATIENCE)
    waiting.join()


def test_what_a_build_no_longer_uses_is_removed(tmp_path: Path) -> None:
    old = Cache(tmp_path)
    for name in ("image-web", "image-web-admin"):
        old.artifact(name, "aaaa", lambda new: None)
    new = Cache(tmp_path)
    new.artifact("image-web", "bbbb", lambda new: None)
    new.drop_superseded(["image-web"])
    assert {path.name for path in tmp_path.iterdir()} == {"image-web-bbbb", "image-web-admin-aaaa"}


def test_a_fingerprint_changes_with_content_name_and_mode_but_not_with_time(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "run.py"
    file.parent.mkdir()
    file.write_text("one")
    first = fingerprint(tmp_path / "folder")
    os.utime(file, (1, 1))
    (file.parent / "__pycache__").mkdir()
    (file.parent / "__pycache__" / "run.pyc").touch()
    assert fingerprint(tmp_path / "folder") == first
    file.chmod(0o755)
    executable = fingerprint(tmp_path / "folder")
    file.write_text("two")
    changed = fingerprint(tmp_path / "folder")
    file.rename(file.with_name("go.py"))
    assert len({first, executable, changed, fingerprint(tmp_path / "folder")}) == 4


def test_a_fingerprint_changes_with_each_value() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})

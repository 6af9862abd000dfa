"""A checkout that is somebody else's, or that nobody can write to: labs opened there have a place of their own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.support.harbour import WEB, write_lab

from wavetank.errors import InputError
from wavetank.lesson import open_lab
from wavetank.lesson.library import LABS
from wavetank.lesson.place import furnish, place_for
from wavetank.lesson.progress import Progress, ProgressFile

ROOT = Path(__file__).parents[3]
SOMEBODY = 54321
"""A user who owns nothing here."""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user keeps data of their own, once anything is kept."""
    for name in ("DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / f"own {name}"))
    return tmp_path / "own DATA" / "wavetank"


@pytest.fixture
def foreign(labs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The labs of a checkout that belongs to somebody else, though everybody may write to it."""
    (labs / "09-sample" / "lab.ipynb").write_text("delivered")
    (labs / "tidewater").mkdir()
    (labs.parent / "docs").mkdir()
    real = os.geteuid
    monkeypatch.setattr(os, "geteuid", lambda: real() + 1)
    return labs


def test_in_a_checkout_of_ones_own_everything_stays_there(labs: Path, own: Path) -> None:
    assert furnish(labs) == place_for(labs) == labs
    open_lab("09-sample", labs=labs)
    assert (labs / "09-sample/exercises/web.yaml").read_text() == WEB
    assert not own.exists()


def test_in_somebody_elses_checkout_exercises_are_in_a_place_of_ones_own(foreign: Path, own: Path) -> None:
    session = open_lab("09-sample", labs=foreign)
    (file,) = session.model.exercise("scale").files
    assert file.learner == own / "labs/09-sample/exercises/web.yaml"
    assert file.learner.read_text() == WEB
    assert not (foreign / "09-sample/exercises").exists()
    assert repr(session).endswith(f"; your files are in {own}/labs/09-sample/exercises")
    file.learner.write_text("mine")
    session.solve("scale")
    assert (file.learner.with_name("web.yaml.mine")).read_text() == "mine"


def test_the_place_looks_like_the_checkout(foreign: Path, own: Path) -> None:
    furnish(foreign)
    lab = own / "labs/09-sample"
    assert (lab / "lab.ipynb").read_text() == "delivered"
    assert not (lab / "lab.ipynb").is_symlink()
    assert (lab / "lab.yaml").samefile(foreign / "09-sample/lab.yaml")
    assert (lab / "exercises/../../tidewater").samefile(foreign / "tidewater")
    assert (lab / "../../docs").samefile(foreign.parent / "docs")
    assert stat.S_IMODE((own / "labs").stat().st_mode) == 0o700


def test_a_notebook_that_was_run_makes_room_for_a_new_one_and_is_kept(foreign: Path, own: Path) -> None:
    furnish(foreign)
    mine = own / "labs/09-sample/lab.ipynb"
    mine.write_text("run")
    furnish(foreign)
    assert mine.read_text() == "run"
    (foreign / "09-sample/lab.ipynb").write_text("delivered anew")
    furnish(foreign)
    assert mine.read_text() == "delivered anew"
    assert mine.with_name("lab.mine.ipynb").read_text() == "run"
    (foreign / "09-sample/lab.ipynb").write_text("delivered a third time")
    furnish(foreign)
    assert sorted(path.name for path in mine.parent.glob("*.ipynb")) == ["lab.ipynb", "lab.mine.ipynb"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_what_was_written_in_the_checkout_before_is_brought_along(foreign: Path, own: Path) -> None:
    before = foreign / "09-sample/exercises"
    before.mkdir()
    (before / "web.yaml").write_text("mine")
    (before / "other.yaml").write_text("somebody else's")
    os.chown(before / "web.yaml", os.geteuid(), -1)
    furnish(foreign)
    assert (own / "labs/09-sample/exercises/web.yaml").read_text() == "mine"
    assert not (own / "labs/09-sample/exercises/other.yaml").exists()


def test_where_nothing_can_be_written_one_sentence_says_so(
    foreign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "no folder"))
    with pytest.raises(InputError, match="cannot be written") as caught:
        furnish(foreign)
    assert "XDG_DATA_HOME" in caught.value.help.hint
    with pytest.raises(InputError, match="cannot be written") as caught:
        ProgressFile(tmp_path / "no folder" / "09-sample.json").update(lambda progress: Progress("afloat"))
    assert caught.value.help.command == f"ls -ld '{tmp_path}/no folder'"


def test_recipes_and_pipelines_are_the_learners_own_and_their_paths_lead_into_the_checkout(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: LABS.stat().st_uid + 1)
    lab = open_lab("01-containers")
    mine = own / "labs/01-containers/exercises"
    assert mine / "Dockerfile" in [image.recipe.dockerfile for image in lab.model.images.values()]
    pipeline = lab.pipeline("pipeline.yaml")
    assert pipeline.recipe.context.samefile(LABS / "tidewater")


AT_WORK = """
import os
import sys
from pathlib import Path
from wavetank.lesson import find_lab, open_lab
find_lab("00-start")
user = int(sys.argv[3])  # who need not be able to read this Python, which is loaded by now
os.setgroups([]), os.setgid(user), os.setuid(user)
session = open_lab("09-sample", labs=Path(sys.argv[1]))
(file,) = session.model.exercise("scale").files
file.learner.write_text(sys.argv[2])
session.hint("scale")
print(file.learner)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be other users")
@pytest.mark.parametrize("mode", [0o755, 0o777], ids=["read-only", "everybody's"])
def test_two_users_of_one_checkout_do_not_write_into_each_others_files(mode: int) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are for one user alone
        labs = write_lab(Path(folder))
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(mode if path.is_dir() else mode & 0o666)
        places = [work_as(user, labs) for user in (SOMEBODY, SOMEBODY + 1)]
        assert [place.read_text() for place in places] == [f"of {SOMEBODY}", f"of {SOMEBODY + 1}"]
        assert not (labs / "09-sample/exercises").exists()


def work_as(user: int, labs: Path) -> Path:
    """Have ``user`` open the lab, edit a file and ask for a hint; return the file."""
    home = labs.parent / f"home of {user}"
    home.mkdir()
    os.chown(home, user, user)
    ran = subprocess.run(
        [sys.executable, "-c", AT_WORK, str(labs), f"of {user}", str(user)],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT / "lib")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return Path(ran.stdout.strip())

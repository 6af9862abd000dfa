import multiprocessing
import stat
from pathlib import Path

import pytest

from wavetank.cluster.state import Folder, clusters, only_one
from wavetank.errors import ClusterError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_a_kubeconfig_is_for_its_owner_alone_and_replaced_at_once() -> None:
    folder = Folder("basin")
    folder.write_kubeconfig("one")
    folder.write_kubeconfig("two")
    assert folder.kubeconfig.read_text() == "two"
    assert stat.S_IMODE(folder.kubeconfig.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert [path.name for path in folder.path.iterdir()] == ["kubeconfig"]


def test_removing_the_last_folder_leaves_nothing(home: Path) -> None:
    Folder("basin").create()
    Folder("basin").remove()
    assert list(home.rglob("*")) == []


def test_removing_one_folder_leaves_the_others() -> None:
    Folder("one").create()
    Folder("two").create()
    Folder("one").remove()
    assert [path.name for path in clusters().iterdir()] == ["two"]


def _try_to_be_alone(answers: "multiprocessing.Queue[str]") -> None:
    try:
        with only_one("testing"):
            answers.put("alone")
    except ClusterError as error:
        answers.put(error.summary)


def test_only_one_process_changes_clusters_at_a_time() -> None:
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = context.Queue()
    with only_one("bringing up 'basin'"):
        other = context.Process(target=_try_to_be_alone, args=(answers,))
        other.start()
        assert "another process" in answers.get(timeout=10)
        other.join(10)
    _try_to_be_alone(answers)
    assert answers.get(timeout=10) == "alone"


def test_an_error_of_what_is_done_meanwhile_stays_what_it_is() -> None:
    with pytest.raises(BlockingIOError, match="a pipe is full"), only_one("testing"):
        raise BlockingIOError("a pipe is full")

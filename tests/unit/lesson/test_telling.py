"""Labs on a cluster whose registry and nodes are called otherwise than labs are written."""

import json
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine

from wavetank.cluster import SHIPPED, Berth, Ports, kubeconfig_path
from wavetank.kube import Kube
from wavetank.kube.manifest import parse
from wavetank.lesson import LabSession, find_lab, lab_ids, open_lab
from wavetank.lesson.declared import declared
from wavetank.lesson.lab import Lab
from wavetank.lesson.library import LABS
from wavetank.lesson.progress import ProgressFile
from wavetank.lesson.workshop import Workshop, as_solved

MOVED = Berth(name="wavetank-2", ports=Ports(8090, 8091, 5011), owner="me")
AS_SHIPPED = re.compile(r"localhost:5001|wavetank-worker")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.delenv("KUBECONFIG", raising=False)


@pytest.mark.parametrize("id_", lab_ids())
def test_no_lab_names_another_registry_or_node_than_the_clusters(id_: str) -> None:
    lab = find_lab(id_, berth=MOVED)
    assert not AS_SHIPPED.search(repr(lab.document.data if lab.document else ""))
    files = [*lab.material.values(), *(path for step in lab.checkpoints for path in step.manifests)]
    files += [path for each in lab.exercises for file in each.files for path in (file.starter, file.solution)]
    assert [path for path in files if AS_SHIPPED.search(path.read_text())] == []
    assert find_lab(id_) == find_lab(id_, berth=Berth()), "as it is shipped it is used where it lies"


@pytest.mark.parametrize("id_", lab_ids())
def test_no_lab_names_another_namespace_than_the_one_it_is_told_in(id_: str) -> None:
    lab = find_lab(id_, namespace="elsewhere")
    assert lab.namespace == "elsewhere"
    files = [*lab.material.values(), *(path for step in lab.checkpoints for path in step.manifests)]
    files += [path for each in lab.exercises for file in each.files for path in (file.starter, file.solution)]
    texts = [repr(lab.document.data if lab.document else ""), *(path.read_text() for path in files)]
    named = re.compile(r".*(?:-n |/ns/|namespace: |eventing/|\b(?!cluster)[a-z]+\.)tidewater\b(?!\.example).*")
    assert [found[0] for text in texts if (found := named.search(text))] == []


def test_a_lab_is_done_in_the_namespace_that_a_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_lab("03-service-mesh").namespace == "tidewater"
    monkeypatch.setenv("WAVETANK_NAMESPACE", "annas")
    lab = open_lab("03-service-mesh")
    assert lab.namespace == "annas"
    (policy,) = lab.model.exercise("policy").files
    assert "cluster.local/ns/annas/sa/booking" in policy.solution.read_text()


def test_a_checkpoint_is_declared_with_the_clusters_names() -> None:
    deployment = next(
        obj for obj in declared(find_lab("01-containers", berth=MOVED), "overwritten") if obj["kind"] == "Deployment"
    )
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.startswith("localhost:5011/tidewater/timetable")


def test_a_lab_that_is_opened_before_its_cluster_has_a_berth_takes_it_over(tmp_path: Path) -> None:
    labs = tmp_path / "course" / "labs"
    shutil.copytree(LABS / "01-containers", labs / "01-containers", ignore=shutil.ignore_patterns("exercises"))
    shutil.copytree(LABS / "tidewater", labs / "tidewater")
    shutil.copytree(LABS.parent / "solutions" / "01-containers", labs.parent / "solutions" / "01-containers")
    session = open_lab("01-containers", labs=labs)
    mine = labs / "01-containers" / "exercises" / "roll.yaml"
    assert "localhost:5001/tidewater" in mine.read_text()
    mine.write_text(mine.read_text() + "# mine\n")
    assert (session.registry, session.site) == ("localhost:5001", "http://127.0.0.1:8080")

    MOVED.write()
    assert kubeconfig_path().parent.is_dir()
    assert (session.registry, session.site, session.gateway) == (
        "localhost:5011",
        "http://127.0.0.1:8090",
        "http://127.0.0.1:8091",
    )
    assert "the registry is localhost:5011" in repr(session)
    assert session.images.tag("v1") == "localhost:5011/tidewater/timetable:v1"
    assert "localhost:5011/tidewater" in mine.read_text()
    assert "localhost:5001" not in mine.read_text()
    assert mine.read_text().endswith("# mine\n")
    assert parse(mine)
    kept = session.start_over("roll")
    assert "localhost:5011" in mine.read_text()
    assert len(kept.kept) == 1


def test_a_trial_is_built_under_a_name_that_nobody_else_on_the_engine_has() -> None:
    lab, engine = find_lab("01-containers", berth=MOVED), FakeEngine()
    seen: list[str] = []
    engine.remove = seen.append  # type: ignore[method-assign]
    Workshop(lab, use=as_solved, say=lambda words: None, engine=engine).rebuild("mine", "timetable/main.py")
    assert seen == ["localhost:5011/tidewater/trial:latest"]


def test_a_session_without_any_cluster_uses_what_is_shipped(session: LabSession) -> None:
    assert session.registry == "localhost:5001"


def test_a_lab_that_was_changed_since_it_was_read_is_read_anew_only_for_other_names(
    lab: Lab, kube: Kube, tmp_path: Path
) -> None:
    session = LabSession(replace(lab, namespace="elsewhere"), ProgressFile(tmp_path / "progress.json"), kube=kube)
    (tmp_path / "berth.json").write_text(json.dumps(asdict(replace(SHIPPED, owner="somebody"))))
    assert session.kube.alive()
    assert session.model.namespace == "elsewhere"
    assert session.model.berth.owner == "somebody"

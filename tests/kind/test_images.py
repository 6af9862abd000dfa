"""Images on a real engine and a real registry: built the same twice, moved, refused in words, never half-tagged."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests.support.waiting import eventually

from wavetank.bundle import open_bundle
from wavetank.cluster import ClusterSpec
from wavetank.cluster.owner import BUILT
from wavetank.engine import connect
from wavetank.errors import ImageError
from wavetank.images import DockerEngine, Recipe
from wavetank.images.registry import Registry
from wavetank.kube import Kube

pytestmark = [pytest.mark.kind, pytest.mark.timeout(300)]

TIDEWATER = Path(__file__).parents[2] / "labs/tidewater"
BASE = "wavetank.dev/python:3.11"
NAME = "test/timetable"


def timetable(version: str) -> Recipe:
    return Recipe(TIDEWATER, TIDEWATER / "Dockerfile", {"BASE": BASE, "SERVICE": "timetable", "VERSION": version})


@pytest.fixture
def engine(kube: Kube) -> DockerEngine:
    return DockerEngine()


@pytest.fixture
def registry(kube: Kube, spec: ClusterSpec) -> Registry:
    return Registry(spec.registry)


@pytest.fixture
def tag(engine: DockerEngine, registry: Registry) -> Iterator[str]:
    """A tag in the cluster's registry that no lab uses."""
    tag = f"{registry.host}/{NAME}:v1"
    yield tag
    engine.remove(tag)


def recipe(folder: Path, text: str) -> Recipe:
    (folder / "Dockerfile").write_text(text)
    return Recipe(folder, folder / "Dockerfile")


def test_the_same_source_is_the_same_image_even_from_an_empty_cache(engine: DockerEngine, tag: str) -> None:
    first = engine.build(timetable("v1"), tag, fresh=True)
    pushed = engine.push(tag)
    second = engine.build(timetable("v1"), tag, fresh=True)
    assert len(second.rebuilt) > 5
    assert first.image.id == second.image.id
    assert engine.push(tag) == pushed
    assert engine.build(timetable("v2"), tag).image.id != first.image.id


def test_down_finds_what_was_built_even_when_its_tag_has_moved(engine: DockerEngine, tag: str) -> None:
    moved = engine.build(timetable("v1"), tag).image.id
    engine.build(timetable("v2"), tag)
    found = connect().images.list(all=True, filters={"label": BUILT})
    assert moved in {image.id for image in found}


def test_the_registry_tells_which_bytes_a_tag_means_and_forgets_what_is_deleted(
    engine: DockerEngine, registry: Registry, tag: str
) -> None:
    built = engine.build(timetable("v1"), tag)
    digest = engine.push(tag)
    assert registry.digest(NAME, "v1") == digest == engine.image(tag).digest_in(f"{registry.host}/{NAME}")
    assert NAME in registry.repositories()
    assert len(registry.stored(NAME, digest).layers) == len(built.image.layers)

    engine.build(timetable("v2"), tag)
    moved = engine.push(tag)
    assert registry.digest(NAME, "v1") == moved != digest
    registry.tag(NAME, digest, "v1")
    assert registry.digest(NAME, "v1") == digest
    assert engine.pull(f"{registry.host}/{NAME}@{digest}") == digest

    registry.delete(NAME, moved)
    with pytest.raises(ImageError, match="there is no such thing"):
        registry.digest(NAME, moved)
    with pytest.raises(ImageError, match="failed"):
        engine.pull(f"{registry.host}/{NAME}:v9")


def test_the_registry_tells_a_web_page_nothing_whatever_its_name_was_made_to_mean(
    registry: Registry, spec: ClusterSpec, tag: str
) -> None:
    if open_bundle().index.source == "registry":
        pytest.skip("the published registry has no such check (docs/security.md)")
    inside = connect().containers.get(f"{spec.name}-registry").attrs["NetworkSettings"]["Networks"].values()
    addresses = [("127.0.0.1", spec.ports.registry), *((one["IPAddress"], 5000) for one in inside)]
    pages = [{"Host": f"page.example:{port}"} for _, port in addresses]
    pages += [{"Host": "localhost.page.example"}, {"Host": registry.host, "Origin": "http://page.example"}]
    for host, port in addresses:
        for page in pages:
            connection = HTTPConnection(host, port, timeout=5)
            connection.request("GET", "/v2/_catalog", headers=page)
            answer = connection.getresponse()
            assert (answer.status, b"repositories" in answer.read()) == (421, False), (host, page)
            connection.close()


def test_a_push_waits_for_a_registry_that_comes_back_and_gives_up_on_one_that_does_not(
    engine: DockerEngine, registry: Registry, spec: ClusterSpec, tag: str
) -> None:
    engine.build(timetable("v1"), tag)
    container = connect().containers.get(f"{spec.name}-registry")
    said: list[str] = []
    try:
        container.stop(timeout=1)
        with pytest.raises(ImageError, match="the registry does not answer"):
            engine.push(tag, said.append)
        assert sum("trying again" in words for words in said) == 3
        threading.Timer(1.5, container.start).start()
        digest = engine.push(tag)
    finally:
        container.start()
    eventually(lambda: registry.digest(NAME, "v1") == digest, "the pushed image to be there", within=20)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("FROM nothing/such:v1\n", 1, "step 1 of 1 failed"),
        (f"FROM {BASE}\nCOPPY a b\n", 2, "cannot be read"),
        (f"FROM {BASE}\nWORKDIR /app\nRUN echo first && false\n", 3, "step 3 of 3 failed: RUN echo"),
        (f"FROM {BASE}\nCOPY absent /\n", 2, "step 2 of 2 failed: COPY absent"),
    ],
)
def test_a_recipe_that_does_not_build_names_the_line_and_leaves_the_tag(
    engine: DockerEngine, tag: str, tmp_path: Path, text: str, line: int, words: str
) -> None:
    before = engine.build(timetable("v1"), tag).image.id
    with pytest.raises(ImageError) as caught:
        engine.build(recipe(tmp_path, text), tag)
    assert caught.value.where == f"{tmp_path / 'Dockerfile'}:{line}"
    assert words in caught.value.summary
    assert engine.image(tag).id == before


def test_a_build_killed_in_the_middle_leaves_the_tag_and_no_container(
    engine: DockerEngine, tag: str, tmp_path: Path
) -> None:
    before = engine.build(timetable("v1"), tag).image.id
    recipe(tmp_path, f'FROM {BASE}\nRUN python3 -c "import time; time.sleep(60)"\n')
    program = (
        "from pathlib import Path; from wavetank.images import DockerEngine, Recipe; import sys;"
        "folder = Path(sys.argv[1]); DockerEngine().build(Recipe(folder, folder / 'Dockerfile'), sys.argv[2])"
    )
    client = connect()

    def building() -> list[str]:
        listed = client.containers.list(ignore_removed=True)
        return [each.id or "" for each in listed if "time.sleep(60)" in str(each.attrs["Config"]["Cmd"])]

    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path), tag])
    try:
        eventually(building, "the build to be under way", within=30)
    finally:
        process.kill()
        process.wait()
    eventually(lambda: not building(), "the engine to give the build up", within=30)
    assert engine.image(tag).id == before


def test_a_container_shows_its_limits_and_ends_with_its_last_words(engine: DockerEngine, tag: str) -> None:
    engine.build(timetable("v1"), tag)
    container = engine.run(tag, ["python3", "-c", "print('last words'); raise SystemExit(3)"], memory=64 << 20)
    try:
        ended = container.wait(20)
    finally:
        container.remove()
    assert (ended.code, ended.output.strip()) == (3, "last words")


def test_an_image_for_another_processor_is_refused_in_words(engine: DockerEngine, tag: str, tmp_path: Path) -> None:
    engine.build(timetable("v1"), tag)
    client, strange = connect(), tag.replace(":v1", ":strange")
    (tmp_path / "saved").mkdir()
    with tarfile.open(fileobj=io.BytesIO(b"".join(client.images.get(tag).save()))) as archive:
        archive.extractall(tmp_path / "saved", filter="data")
    (described,) = json.loads((tmp_path / "saved/manifest.json").read_text())
    config = tmp_path / "saved" / described["Config"]
    config.write_text(json.dumps({**json.loads(config.read_text()), "architecture": "s390x"}))
    (tmp_path / "saved/manifest.json").write_text(json.dumps([{**described, "RepoTags": [strange]}]))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(tmp_path / "saved", arcname=".")
    client.images.load(packed.getvalue())
    try:
        with pytest.raises(ImageError, match="another kind of processor") as caught:
            engine.run(strange)
        assert caught.value.help.observed == "s390x"
    finally:
        engine.remove(strange)


def test_a_pod_whose_image_is_not_there_says_so_in_words(kube: Kube, registry: Registry, namespace: str) -> None:
    image = f"{registry.host}/{NAME}:no-such-version"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "lost", "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }
    kube.create(pod)

    def why() -> str:
        return str(kube.explain_pod(kube.get("Pod", "lost", namespace)))

    eventually(lambda: "not found" in why() and image in why(), "the reason to be told", within=60)

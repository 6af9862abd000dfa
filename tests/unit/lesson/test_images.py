"""A lab's images, and what is checked of them, on an engine without Docker; the real one is tried in tests/kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.support.fake_engine import FakeEngine

from wavetank.errors import ImageError, InputError
from wavetank.images import Ended
from wavetank.lesson.bench import Bench
from wavetank.lesson.checks import images as image_checks
from wavetank.lesson.checks.images import Recipe, Running
from wavetank.lesson.reading import load_lab
from wavetank.lesson.workshop import Workshop, as_learned, as_solved

LAB = """\
id: 09-images
title: Images
minutes: 5
objectives: [Know a recipe.]
cluster: {addons: [registry]}
images:
  mine: {tag: "localhost:5001/mine:v1", context: service, dockerfile: exercises/Dockerfile}
  theirs: {tag: "localhost:5001/theirs:v1", context: service}
checkpoints:
  - {id: quay, title: it is in the registry, images: [theirs]}
exercises:
  - id: recipe
    title: A recipe
    checkpoint: quay
    task: Mend it.
    files: [Dockerfile]
    apply: []
    checks: [{recipe: {image: mine, unprivileged: true}}]
    hints: [one, two, three]
"""
POOR = "FROM wavetank.dev/base:3\nCOPY . /app\nRUN make\n"
GOOD = "FROM wavetank.dev/base:3\nCOPY shared.py /app/\nRUN make\nCOPY main.py /app/\nUSER 10001\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lab, solved = tmp_path / "labs/09-images", tmp_path / "solutions/09-images/exercises"
    for part in ("service", "starters", "exercises"):
        (lab / part).mkdir(parents=True)
    solved.mkdir(parents=True)
    (lab / "lab.yaml").write_text(LAB)
    for name in ("main.py", "shared.py"):
        (lab / "service" / name).write_text(name * 100)
    (lab / "service/Dockerfile").write_text(GOOD)
    (lab / "service/junk").write_text("5" * 5000)
    (solved / "Dockerfile").write_text(GOOD)
    for part in ("starters", "exercises"):
        (lab / part / "Dockerfile").write_text(POOR)
    return lab


Open = Callable[..., Bench]


@pytest.fixture
def opened(folder: Path) -> Open:
    """Open the bench of the lab, on an engine of the test's own."""

    def at(*, solved: bool, lab: str = LAB) -> Bench:
        (folder / "lab.yaml").write_text(lab)
        model, engine = load_lab(folder / "lab.yaml"), FakeEngine()
        workshop = Workshop(model, use=as_solved if solved else as_learned, say=lambda words: None, engine=engine)
        return Bench(lambda: pytest.fail("the cluster was asked"), model, images=workshop)

    return at


def test_a_learner_s_own_recipe_gives_way_to_the_solution(folder: Path, opened: Open) -> None:
    assert opened(solved=False).images.recipe("mine").dockerfile == folder / "exercises/Dockerfile"
    solution = folder.parent.parent / "solutions/09-images/exercises/Dockerfile"
    assert opened(solved=True).images.recipe("mine").dockerfile == solution
    assert opened(solved=True).images.recipe("theirs").dockerfile == folder / "service/Dockerfile"


def test_what_a_checkpoint_needs_is_built_and_pushed(opened: Open) -> None:
    images = opened(solved=False).images
    images.provide(["theirs"])
    assert "localhost:5001/theirs:v1" in images.engine.registry


def test_a_change_is_tried_on_a_copy(folder: Path, opened: Open) -> None:
    images = opened(solved=False).images
    before = images.build("theirs").image
    again = images.rebuild("theirs", "main.py")
    assert [step.instruction for step in again.layers_anew] == ["COPY main.py /app/"]
    assert images.image("theirs") == before
    assert (folder / "service/main.py").read_text() == "main.py" * 100
    with pytest.raises(ImageError, match=r"no file absent\.py"):
        images.rebuild("theirs", "absent.py")


@pytest.mark.parametrize(
    ("check", "saw"),
    [
        (Recipe("mine", rebuilds={"after_changing": "main.py", "at_most": 1}), "2 layers were made anew"),
        (Recipe("mine", unprivileged=True), "runs as user 0"),
        (Recipe("mine", adds_at_most=3000), "it adds 6."),
    ],
)
def test_what_is_asked_of_a_recipe_is_seen_on_the_starter_and_not_on_the_solution(
    opened: Open, check: Recipe, saw: str
) -> None:
    for solved in (False, True):
        bench = opened(solved=solved)
        user = "10001" if solved else "0"
        bench.images.engine.on_exec = lambda container, command, user=user: Ended(0, user)
        result = check.run(bench)
        assert result.passed is solved, str(result)
        if not solved:
            assert saw in result.saw
            assert result.expected
        assert bench.images.engine.containers == {}


def test_a_recipe_that_does_not_build_is_not_yet_one(opened: Open) -> None:
    bench = opened(solved=False)
    bench.images.engine.failing = "RUN"
    result = Recipe("mine", same_bytes=True).run(bench)
    assert not result.passed
    assert "RUN make" in result.saw


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("{id: quay, title: it is in the registry, images: [nobodys]}", "there is no image 'nobodys'"),
        ("{id: quay, title: it is in the registry, images: theirs}", "not of type 'array'"),
    ],
)
def test_an_image_that_is_not_declared_is_said_with_its_line(opened: Open, wrong: str, words: str) -> None:
    declared = "{id: quay, title: it is in the registry, images: [theirs]}"
    with pytest.raises(InputError, match=r"lab\.yaml:\d+: .*" + words):
        opened(solved=False, lab=LAB.replace(declared, wrong))


@pytest.mark.parametrize(
    ("running", "well"),
    [
        ("localhost:5001/mine@{pushed}", True),
        ("localhost:5001/theirs@{other}", False),
        ("localhost:5001/mine:v1", False),
        ("docker.io/mine@{pushed}", False),
    ],
)
def test_what_runs_is_held_against_the_build_by_its_bytes(
    opened: Open, monkeypatch: pytest.MonkeyPatch, running: str, well: bool
) -> None:
    bench = opened(solved=False)
    workshop, engine = bench.images, bench.images.engine
    workshop.build("mine")
    workshop.provide(["theirs"])
    pushed, other = workshop.push("mine"), engine.image("localhost:5001/theirs:v1").digest_in("localhost:5001/theirs")
    tag = workshop.tag("mine")
    # As on Podman: the engine calls what it has pushed by another digest than the registry.
    engine.images[tag] = replace(engine.images[tag], digests=("localhost:5001/mine@sha256:its-own",))
    seen = running.format(pushed=pushed, other=other)
    monkeypatch.setattr(image_checks, "Target", lambda *_: SimpleNamespace(running=lambda: seen))
    connection = SimpleNamespace(kubectl=lambda *words: " ".join(words))
    kube = SimpleNamespace(rollout=lambda *_, **__: None, connection=connection)
    asked = Bench(lambda: kube, bench.lab, images=workshop)
    result = Running("web", "mine").run(asked)
    assert result.passed is well
    assert seen in result.saw


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('theirs:v1", context: service', 'theirs:v1", context: ../../..'),
        ('theirs:v1", context: service', 'theirs:v1", context: /etc'),
        ("dockerfile: exercises/Dockerfile", "dockerfile: ../../../etc/passwd"),
        ('theirs:v1", context: service', 'theirs:v1", context: away'),
    ],
)
def test_what_a_lab_builds_from_is_in_the_labs(folder: Path, before: str, after: str) -> None:
    (folder / "away").symlink_to("/etc")
    assert before in LAB
    (folder / "lab.yaml").write_text(LAB.replace(before, after))
    with pytest.raises(InputError, match="is outside of the labs") as caught:
        load_lab(folder / "lab.yaml")
    assert f"{folder}/lab.yaml:" in str(caught.value)

"""The registry source has everything for each machine it may run on: a digest or a tag, an address, a platform."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from wavetank.bundle import registry
from wavetank.bundle.cache import Cache
from wavetank.bundle.distribution import ImageName
from wavetank.bundle.downloading import place_for
from wavetank.bundle.graph import Graph, image_artifact
from wavetank.bundle.index import Resolved
from wavetank.bundle.machine import Machine
from wavetank.bundle.registry import plan_registry
from wavetank.bundle.resolving import Resolver, Unpinned, unpinned
from wavetank.bundle.versions import Versions, load_versions
from wavetank.steps import Report

PROJECT = Path(__file__).parents[3]
DIGEST = f"sha256:{'0' * 64}"
MACHINES = [("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"), ("Darwin", "arm64")]
WORDS = {
    ("Linux", "x86_64"): {"linux-amd64", "any"},
    ("Linux", "aarch64"): {"linux-arm64", "any"},
    ("Darwin", "x86_64"): {"darwin-amd64", "osx-amd64", "any"},
    ("Darwin", "arm64"): {"darwin-arm64", "osx-arm64", "any"},
}


@pytest.fixture(scope="module")
def versions() -> Versions:
    return load_versions(PROJECT / "clusters" / "versions.yaml")


@pytest.mark.parametrize(("system", "machine"), MACHINES)
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_a_plan_has_everything_for_a_machine_and_its_engine(
    versions: Versions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    system: str,
    machine: str,
) -> None:
    monkeypatch.setattr(Machine, "here", lambda: Machine(system, machine, architecture))
    asked: list[Unpinned] = []

    def resolve(_: Resolver, wanted: Sequence[Unpinned], report: Report, accept: Collection[str]) -> list[Resolved]:
        asked.extend(wanted)
        return [Resolved(one.what, one.asked, DIGEST, "2026-11-30T09:00:00Z") for one in wanted]

    monkeypatch.setattr(Resolver, "resolve", resolve)
    cache = Cache(tmp_path)
    with cache.locked():
        graph = Graph(cache)
        plan = plan_registry(PROJECT, versions, graph, cache, lambda event: None)
    assert plan.architecture == architecture
    assert {image_artifact(image.ref) for image in plan.images} <= set(graph.artifacts)
    assert {file.artifact for file in plan.files} <= set(graph.artifacts)
    assert {"kind", "istioctl", "contour-crds", "istio", "knative-serving", "knative-eventing"} == {
        file.name for file in plan.files
    }
    for one in asked:
        assert one.asked.startswith("https://") if one.is_file else ImageName.parse(one.asked).reference
        assert "{" not in one.asked
    for row in versions.components.values():
        for file in row.files:
            for part in file.parts:
                assert place_for(file.name, part.digests, system, machine) in WORDS[system, machine]


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_wheels_are_for_the_images_python_and_architecture(architecture: str) -> None:
    told = registry._pip("3.11", architecture)
    word = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
    assert told[0] == "--python-version=3.11"
    assert [option.endswith(word) for option in told if option.startswith("--platform=")] == [True, True, True]


def test_what_is_on_no_record_is_only_this(versions: Versions) -> None:
    assert {one.asked.rpartition("/")[2] for one in unpinned(versions)} == {
        "contour:v1.33.8",
        "istioctl-1.31.1-linux-arm64.tar.gz",
        "istioctl-1.31.1-osx-amd64.tar.gz",
    }

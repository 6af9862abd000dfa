"""What a build will take is arithmetic: measured costs, this machine's speed, and the order of the steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wavetank.bundle.assembly import Assembly, Tools
from wavetank.bundle.cache import Cache
from wavetank.bundle.costs import Costs, load_costs
from wavetank.bundle.estimate import Work, estimate, play
from wavetank.bundle.graph import Artifact, Graph
from wavetank.bundle.plan import Plan, PlannedFile
from wavetank.bundle.recipe import load_recipes
from wavetank.bundle.stages import STAGES
from wavetank.bundle.versions import load_versions
from wavetank.errors import InputError

CLUSTERS = Path(__file__).parents[3] / "clusters"
COSTS = """\
measured: {when: "2026-11-30", go: go1.26.4, cores: 2, speed: 20.0}
seconds:
  programs-registry: 30
  programs-*: 100
  debian: 50
  bundle-*: 1
"""


@pytest.fixture
def costs(tmp_path: Path) -> Costs:
    (tmp_path / "costs.yaml").write_text(COSTS)
    return load_costs(tmp_path / "costs.yaml")


def test_the_first_pattern_that_fits_counts(costs: Costs) -> None:
    assert [costs.of(name) for name in ("programs-registry", "programs-web", "debian", "unheard-of")] == [
        30,
        100,
        50,
        0,
    ]


def test_a_mistake_in_the_costs_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "costs.yaml").write_text(COSTS.replace("debian: 50", "debian: long"))
    with pytest.raises(InputError, match=r"costs\.yaml:5: "):
        load_costs(tmp_path / "costs.yaml")


def test_go_builds_run_one_after_the_other_and_what_is_light_beside_them() -> None:
    works = [
        Work("one", 30, alone="go"),
        Work("two", 40, alone="go"),
        Work("light", 50),
        Work("image", 5, needs=("one", "light")),
    ]
    assert play(works, workers=2) == {"one": 30, "light": 50, "two": 70, "image": 55}


def test_no_more_steps_run_at_once_than_there_are_workers() -> None:
    works = [Work("a", 10), Work("b", 10), Work("c", 10)]
    assert play(works, workers=2) == {"a": 10, "b": 10, "c": 20}
    assert play(works, workers=3) == {"a": 10, "b": 10, "c": 10}


def test_what_can_never_run_is_refused() -> None:
    with pytest.raises(ValueError, match="a can never run: it needs b"):
        play([Work("a", 1, needs=("b",))], workers=1)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(Cache(tmp_path / "cache"))

    def make(folder: Path) -> None:
        pass

    graph.add(Artifact("programs-registry", "build registry", "1", make, alone="go"))
    graph.add(Artifact("programs-web", "build web", "1", make, alone="go"))
    graph.add(Artifact("debian", "Debian", "1", make))
    return graph


PLAN = Plan(
    "amd64",
    "",
    [],
    [
        PlannedFile("containers", "binary", "registry", "programs-registry", "registry"),
        PlannedFile("kubernetes", "binary", "web", "programs-web", "web"),
        PlannedFile("kubernetes", "binary", "root", "debian", "root"),
    ],
)


def test_stages_end_one_after_the_other(graph: Graph, costs: Costs) -> None:
    told = estimate(graph, PLAN, costs, speed=20.0, workers=2)
    assert told.stages == {"containers": 31.0, "kubernetes": 132.0, "mesh": 132.0, "functions": 132.0}
    assert told.seconds == 132.0


def test_a_machine_of_half_the_speed_takes_twice_as_long(graph: Graph, costs: Costs) -> None:
    assert estimate(graph, PLAN, costs, speed=40.0, workers=2).seconds == 264.0


def test_what_is_there_already_takes_no_time(graph: Graph, costs: Costs) -> None:
    graph.path("programs-web").mkdir(parents=True)
    assert estimate(graph, PLAN, costs, speed=20.0, workers=2).stages["kubernetes"] == 51.0
    for name in graph.artifacts:
        graph.path(name).mkdir(parents=True, exist_ok=True)
    assert estimate(graph, PLAN, costs, speed=20.0, workers=2).seconds == 0.0


def test_everything_of_this_project_that_takes_time_has_been_measured(tmp_path: Path) -> None:
    graph = Graph(Cache(tmp_path))
    recipes = load_recipes(CLUSTERS / "source", load_versions(CLUSTERS / "versions.yaml"))
    Assembly(graph, CLUSTERS.parent, recipes, Tools("amd64", go=AnyGo()))  # type: ignore[arg-type]
    costs = load_costs(CLUSTERS / "source" / "costs.yaml")
    names = [*graph.artifacts, *(f"bundle-{stage}" for stage in STAGES)]
    assert [name for name in names if costs.of(name) == 0] == []
    for pattern in costs.seconds:
        fitting = re.compile(re.escape(pattern).replace(r"\*", ".*"))
        assert any(fitting.fullmatch(name) for name in names), f"nothing is called {pattern} any more"


class AnyGo:
    """What tells the keys of a graph: nothing is built with it."""

    version = "go1.26.4"

"""The workflows of .github: they parse, name what exists, and may do no more than they need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from platformdirs.unix import Unix

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"^\s*(?:- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def steps(workflow: Any) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture
def workflow(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_it_may_only_read_and_no_job_may_more(workflow: Any) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert not [name for name, job in workflow["jobs"].items() if "permissions" in job]
    checkouts = [step for step in steps(workflow) if "actions/checkout@" in step.get("uses", "")]
    assert len(checkouts) == len(workflow["jobs"])
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert "pull_request_target" not in workflow[True]  # YAML 1.1 reads the key `on` as a truth


def test_every_job_ends_and_a_newer_push_takes_an_older_ones_place(workflow: Any) -> None:
    assert {name: job.get("timeout-minutes", 0) > 0 for name, job in workflow["jobs"].items()} == dict.fromkeys(
        workflow["jobs"], True
    )
    assert "github.ref" in workflow["concurrency"]["group"]


def test_every_action_is_pinned_to_a_commit_and_says_its_version(path: Path) -> None:
    uses = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    assert [line for line in uses if not PINNED.match(line)] == []


def test_every_target_that_is_made_exists(workflow: Any) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = [step["run"] for step in steps(workflow) if "run" in step]
    made = {word for command in commands for word in re.findall(r"\bmake ([a-z-]+)", command)}
    assert made
    assert made <= targets


def test_the_tests_run_on_both_architectures_and_the_labs_from_a_kept_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["runner"] == ["ubuntu-24.04", "ubuntu-24.04-arm"]
    (cache,) = [step["with"] for step in jobs["labs"]["steps"] if "actions/cache@" in step.get("uses", "")]
    made_of = ("clusters/**", "lib/wavetank/**", "labs/tidewater/**")
    assert all(f"'{path}'" in cache["key"] for path in made_of)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert Path(cache["path"]).expanduser() == Path(Unix("wavetank").user_cache_dir)
    assert "make test-kind FROM=registry" in [step.get("run") for step in jobs["labs"]["steps"]]

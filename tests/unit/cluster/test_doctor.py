from dataclasses import replace

import pytest

from wavetank.cluster.doctor import GIB, EngineFacts, Facts, Finding, judge, worst
from wavetank.errors import EngineError

WELL = Facts(
    engine=EngineFacts(version="28.1.0", cgroup_version="2", memory=16 * GIB, root="/var/lib/docker"),
    docker_command="/usr/bin/docker",
    kind_program="/usr/bin/kind",
    bundle="/home/me/.cache/wavetank/bundles/1",
    disk_free=80 * GIB,
    disk_path="/var/lib/docker",
    inotify={"max_user_instances": 8192, "max_user_watches": 524288},
    ports_taken={},
)


def trouble(facts: Facts) -> list[Finding]:
    return [finding for finding in judge(facts) if finding.level != "ok"]


def with_engine(**changes: object) -> Facts:
    assert isinstance(WELL.engine, EngineFacts)
    return replace(WELL, engine=replace(WELL.engine, **changes))


def test_a_machine_that_has_everything_is_well() -> None:
    assert trouble(WELL) == []


@pytest.mark.parametrize(
    ("facts", "name", "level", "mend"),
    [
        (with_engine(version="19.03.9"), "engine", "problem", "upgrade"),
        (with_engine(cgroup_version="1"), "cgroups", "warning", "unified_cgroup_hierarchy"),
        (with_engine(memory=2 * GIB), "memory", "problem", "free -h"),
        (with_engine(memory=4 * GIB), "memory", "warning", "free -h"),
        (replace(WELL, disk_free=2 * GIB), "disk", "problem", "docker system prune"),
        (replace(WELL, disk_free=9 * GIB), "disk", "warning", "docker system prune"),
        (replace(WELL, inotify={"max_user_instances": 128}), "inotify", "warning", "fs.inotify.max_user_instances=512"),
        (replace(WELL, ports_taken={8080: "nginx (process 7)"}), "port", "problem", "sport = :8080"),
        (replace(WELL, docker_command=None), "docker command", "problem", "docker-cli"),
        (replace(WELL, kind_program=None), "kind program", "problem", "wavetank bundle build"),
        (replace(WELL, bundle=None), "bundle", "warning", "wavetank bundle build"),
    ],
)
def test_what_is_lacking_is_found_with_the_command_that_mends_it(
    facts: Facts, name: str, level: str, mend: str
) -> None:
    (found,) = trouble(facts)
    assert (found.name, found.level) == (name, level)
    assert mend in found.mend
    assert found.mend in str(found)


def test_a_fresh_machine_is_no_problem_where_the_bundle_will_bring_what_is_lacking() -> None:
    findings = list(judge(replace(WELL, kind_program=None, bundle=None)))
    assert worst(findings) == "warning"


def test_who_has_a_port_is_told() -> None:
    (found,) = trouble(replace(WELL, ports_taken={8080: "nginx (process 7)"}))
    assert "8080" in found.seen
    assert "nginx (process 7)" in found.seen


def test_without_an_engine_nothing_is_said_about_its_memory() -> None:
    error = EngineError("no engine answers", observed="refused", command="docker info", hint="start it")
    findings = list(judge(replace(WELL, engine=error)))
    assert findings[0].level == "problem"
    assert "start it" in findings[0].mend
    assert not {"memory", "cgroups"} & {finding.name for finding in findings}


def test_the_worst_finding_counts() -> None:
    ok, warning, problem = (Finding("x", level, "") for level in ("ok", "warning", "problem"))
    assert worst([]) == "ok"
    assert worst([ok, warning]) == "warning"
    assert worst([problem, ok, warning]) == "problem"

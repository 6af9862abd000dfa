"""What the doctor makes of recorded facts: those of each kind of engine, and what may be lacking on each."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wavetank.cluster.administrator import script
from wavetank.cluster.doctor import GIB, Facts, Finding, judge, worst
from wavetank.cluster.needs import Thresholds
from wavetank.engine import About
from wavetank.engine.machine import Machine
from wavetank.errors import EngineError

DOCKER = About(
    family="docker",
    product="Docker Engine",
    version="28.1.0",
    rootless=False,
    machine=False,
    cgroup_version="2",
    cgroup_driver="systemd",
    memory=16 * GIB,
    root="/var/lib/docker",
)
PODMAN = replace(DOCKER, family="podman", product="Podman", version="5.4.0", root="/var/lib/containers/storage")
LAPTOP = Machine(
    system="linux",
    distribution="debian",
    kernel=(6, 12),
    user="me",
    root=False,
    settings={
        "fs/inotify/max_user_instances": 8192,
        "fs/inotify/max_user_watches": 524288,
        "kernel/keys/maxkeys": 2000,
        "net/ipv4/ip_unprivileged_port_start": 1024,
        "user/max_user_namespaces": 60000,
    },
    controllers=frozenset({"cpu", "cpuset", "io", "memory", "pids"}),
    subordinate_users=65536,
    subordinate_groups=65536,
    maps_ids=True,
)
WELL = Facts(
    engine=DOCKER,
    machine=LAPTOP,
    command="/usr/bin/docker",
    installed=True,
    kind_program="/usr/bin/kind",
    bundle="/home/me/.cache/wavetank/bundles/1",
    disk_free=80 * GIB,
    disk_path="/var/lib/docker",
    ports_taken={},
    limits=Thresholds(least_memory=3 * GIB, good_memory=6 * GIB, least_disk=5 * GIB, good_disk=15 * GIB),
    ports=(8080, 8081, 5001),
)
NONE = EngineError("no engine answers", observed="refused", command="docker info", hint="start it")


def trouble(facts: Facts) -> list[Finding]:
    return [finding for finding in judge(facts) if finding.level != "ok"]


def with_engine(about: About = DOCKER, **changes: Any) -> Facts:
    return replace(WELL, engine=replace(about, **changes))


def without_root(about: About = DOCKER, settings: dict[str, int] | None = None, **machine: Any) -> Facts:
    changed = replace(LAPTOP, **machine, settings={**LAPTOP.settings, **(settings or {})})
    return replace(WELL, engine=replace(about, rootless=True), machine=changed)


def with_inotify(**values: int) -> Facts:
    settings = {f"fs/inotify/{name}": value for name, value in values.items()}
    return replace(WELL, machine=replace(LAPTOP, settings=settings))


@pytest.mark.parametrize(
    "facts",
    [
        WELL,
        with_engine(PODMAN),
        without_root(),
        without_root(PODMAN),
        with_engine(product="Colima", machine=True),
    ],
)
def test_a_machine_that_has_everything_is_well(facts: Facts) -> None:
    assert trouble(facts) == []
    assert script(list(judge(facts))) == ""


@pytest.mark.parametrize(
    ("facts", "name", "level", "mend"),
    [
        (with_engine(version="19.03.9"), "engine", "problem", "newer"),
        (with_engine(PODMAN, version="3.4.4"), "engine", "problem", "newer"),
        (replace(WELL, elsewhere=True), "engine", "problem", "docker context use default"),
        (with_engine(cgroup_version="1"), "cgroups", "warning", "unified_cgroup_hierarchy"),
        (with_engine(no_limits=("memory",)), "limits", "warning", "cgroup.controllers"),
        (with_engine(memory=2 * GIB), "memory", "problem", "free -h"),
        (with_engine(memory=4 * GIB), "memory", "warning", "free -h"),
        (with_engine(product="Colima", machine=True, memory=2 * GIB), "memory", "problem", "colima start --memory"),
        (with_engine(product="OrbStack", machine=True, memory=2 * GIB), "memory", "problem", "orb config"),
        (replace(WELL, disk_free=2 * GIB), "disk", "problem", "docker system prune"),
        (replace(WELL, disk_free=9 * GIB), "disk", "warning", "docker system prune"),
        (with_inotify(max_user_instances=128), "inotify", "warning", "fs.inotify.max_user_instances=512"),
        (replace(WELL, ports_taken={8080: "nginx (process 7)"}), "port", "problem", "sport = :8080"),
        (replace(WELL, command=None), "docker command", "problem", "docker-cli"),
        (replace(with_engine(PODMAN), command=None), "podman command", "problem", "install podman"),
        (replace(WELL, kind_program=None), "kind program", "problem", "wavetank bundle build"),
        (replace(WELL, bundle=None), "bundle", "warning", "wavetank bundle build"),
        (without_root(controllers=frozenset({"memory", "pids"})), "delegation", "problem", "--script"),
        (without_root(controllers=frozenset({"cpu", "memory", "pids"})), "delegation", "warning", "--script"),
        (without_root(controllers=None), "delegation", "problem", "--script"),
        (without_root(subordinate_users=0), "ids", "problem", "usermod --add-subuids"),
        (without_root(subordinate_groups=1000), "ids", "problem", "usermod --add-subgids"),
        (without_root(maps_ids=False), "ids", "problem", "uidmap"),
        (without_root(maps_ids=False, distribution="suse"), "ids", "problem", "shadow"),
        (
            without_root(settings={"kernel/apparmor_restrict_unprivileged_userns": 1}),
            "user namespaces",
            "warning",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            without_root(settings={"kernel/unprivileged_userns_clone": 0}),
            "user namespaces",
            "warning",
            "kernel.unprivileged_userns_clone=1",
        ),
        (without_root(modules_lacking=("xt_owner", "nf_nat")), "kernel modules", "warning", "modprobe -a xt_owner"),
        (without_root(kernel=(5, 10)), "kernel", "problem", "5.13"),
        (without_root(settings={"kernel/keys/maxkeys": 200}), "keys", "warning", "kernel.keys.maxkeys=1000"),
        (without_root(settings={"net/ipv4/neigh/default/proxy_delay": 80}), "pod network", "warning", "proxy_delay=0"),
        (replace(without_root(), ports=(80, 8081)), "ports", "problem", "`ports`"),
    ],
)
def test_what_is_lacking_is_found_with_the_command_that_mends_it(
    facts: Facts, name: str, level: str, mend: str
) -> None:
    (found,) = trouble(facts)
    assert (found.name, found.level) == (name, level)
    assert mend in found.mend
    assert found.mend in str(found)


def test_without_root_version_1_of_control_groups_is_in_the_way() -> None:
    facts = without_root(controllers=None)
    assert isinstance(facts.engine, About)
    found = {
        finding.name: finding for finding in trouble(replace(facts, engine=replace(facts.engine, cgroup_version="1")))
    }
    assert found["cgroups"].level == "problem"


def test_with_root_nobody_is_asked_for_what_only_others_need() -> None:
    lacking = replace(LAPTOP, controllers=None, subordinate_users=0, maps_ids=False, modules_lacking=("xt_owner",))
    assert trouble(replace(WELL, machine=lacking)) == []


def test_of_an_engine_in_a_machine_of_its_own_this_machines_kernel_is_not_judged() -> None:
    lacking = replace(LAPTOP, settings={"fs/inotify/max_user_instances": 1}, modules_lacking=("xt_owner",))
    facts = with_engine(product="Docker Desktop", machine=True, rootless=True)
    assert trouble(replace(facts, machine=lacking)) == []


def test_a_fresh_machine_is_no_problem_where_the_bundle_will_bring_what_is_lacking() -> None:
    findings = list(judge(replace(WELL, kind_program=None, bundle=None)))
    assert worst(findings) == "warning"


def test_who_has_a_port_is_told() -> None:
    (found,) = trouble(replace(WELL, ports_taken={8080: "nginx (process 7)"}))
    assert "8080" in found.seen
    assert "nginx (process 7)" in found.seen


def test_without_an_engine_nothing_is_said_about_its_memory() -> None:
    findings = list(judge(replace(WELL, engine=NONE)))
    assert findings[0].level == "problem"
    assert "start it" in findings[0].mend
    assert not {"memory", "cgroups"} & {finding.name for finding in findings}


@pytest.mark.parametrize(
    ("distribution", "engine"), [("debian", "docker.io"), ("fedora", "podman"), ("arch", "docker"), ("suse", "docker")]
)
def test_where_no_engine_is_installed_the_distributions_own_is_named(distribution: str, engine: str) -> None:
    facts = replace(WELL, engine=NONE, installed=False, machine=replace(LAPTOP, distribution=distribution))
    (found, *_) = trouble(facts)
    assert engine in found.mend
    assert engine in script([found])


def test_where_the_system_is_not_known_the_hint_of_the_engine_stays() -> None:
    (found, *_) = trouble(replace(WELL, engine=NONE, installed=False, machine=replace(LAPTOP, distribution="")))
    assert "start it" in found.mend


def test_the_worst_finding_counts() -> None:
    ok, warning, problem = (Finding("x", level, "") for level in ("ok", "warning", "problem"))
    assert worst([]) == "ok"
    assert worst([ok, warning]) == "warning"
    assert worst([problem, ok, warning]) == "problem"


def test_the_administrators_script_has_what_is_lacking_and_nothing_else(tmp_path: Path) -> None:
    facts = without_root(
        settings={"kernel/keys/maxkeys": 200},
        controllers=frozenset({"memory", "pids"}),
        subordinate_users=0,
        modules_lacking=("xt_owner", "nf_nat"),
    )
    text = script(list(judge(facts)))
    assert "Delegate=cpu cpuset io memory pids" in text
    assert "usermod --add-subuids" in text
    assert "modprobe -a xt_owner nf_nat" in text
    assert "setting kernel.keys.maxkeys=1000" in text
    assert "apparmor" not in text
    assert "subgids" not in text
    file = tmp_path / "mend.sh"
    file.write_text(text)
    shell = shutil.which("sh")
    assert shell
    checked = subprocess.run([shell, "-n", file], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")

"""Is this machine fit for a cluster? Facts are gathered at the edge; what they mean is judged by pure functions.

Here is what every machine needs. What an engine without root needs besides is judged in `rootless`, and what an
administrator has to do about it is put together in `administrator`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path

from platformdirs import user_cache_path

from wavetank import engine
from wavetank.cluster import rootless
from wavetank.cluster.berth import choose, settled
from wavetank.cluster.findings import Finding, Level
from wavetank.cluster.needs import Thresholds, load_needs
from wavetank.cluster.ports import taken_by
from wavetank.cluster.provider import provider_for
from wavetank.cluster.spec import ClusterSpec
from wavetank.engine.machine import Machine, look
from wavetank.errors import BundleError, ClusterError, EngineError, WavetankError

__all__ = ["Facts", "Finding", "Level", "examine", "gather", "judge", "worst"]

GIB = 1 << 30
INOTIFY = {"max_user_instances": 512, "max_user_watches": 262144}
"""Every node runs an init system, a kubelet and a container runtime, and each of them watches files."""

GIVE_MEMORY: Mapping[str, str] = {
    "Docker Desktop": "Docker Desktop: Settings, Resources, Memory",
    "Colima": "colima stop && colima start --memory 8",
    "Rancher Desktop": "Rancher Desktop: Preferences, Virtual Machine, Memory",
    "OrbStack": "orb config set memory_mib 8192",
    "Podman machine": "podman machine stop && podman machine set --memory 8192 && podman machine start",
}
"""How the products that keep the engine in a virtual machine are given more memory."""

INSTALL_ENGINE: Mapping[str, str] = {
    "debian": "apt-get update && apt-get install -y docker.io && systemctl enable --now docker",
    "fedora": "dnf install -y podman && systemctl enable --now podman.socket",
    "arch": "pacman -S --noconfirm docker && systemctl enable --now docker",
    "suse": "zypper --non-interactive install docker && systemctl enable --now docker",
}
"""The engine that each distribution has, installed and started; `scripts/engine.sh` does the same."""

INSTALL_CLIENT: Mapping[str, Mapping[str, str]] = {
    "docker": {
        "debian": "sudo apt-get install docker-cli   # docker.io on Debian 12 and Ubuntu",
        "fedora": "sudo dnf install docker-cli",
        "arch": "sudo pacman -S docker",
        "suse": "sudo zypper install docker",
        "": "install Docker's command line; `brew install docker` on macOS",
    },
    "podman": {
        "debian": "sudo apt-get install podman",
        "fedora": "sudo dnf install podman",
        "arch": "sudo pacman -S podman",
        "suse": "sudo zypper install podman",
        "": "install Podman's command line; `brew install podman` on macOS",
    },
}
"""By the program that kind works with, and by the distribution: how it is installed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found, and the ``limits`` it is held against. Sizes are in bytes; None is what could not be found.

    ``installed`` tells whether the program of any engine is on the PATH, ``instead`` which port `up` takes for
    one that is taken, ``elsewhere`` whether the engine that answers is another machine's.
    """

    engine: engine.About | EngineError
    machine: Machine
    command: str | None
    installed: bool
    kind_program: str | None
    bundle: str | None
    disk_free: int
    disk_path: str
    ports_taken: Mapping[int, str]
    limits: Thresholds
    ports: tuple[int, ...] = ()
    instead: Mapping[int, int] = field(default_factory=dict)
    elsewhere: bool = False


def examine(spec: ClusterSpec) -> list[Finding]:
    """Look at this machine and judge whether ``spec`` can be brought up on it; raises nothing, changes nothing."""
    return list(judge(gather(spec)))


# -- the edge: what is there ----------------------------------------------------------------------------------------


def gather(spec: ClusterSpec) -> Facts:
    """Find out what `judge` wants to know."""
    about, elsewhere = _ask_engine()
    cache = user_cache_path("wavetank")
    disk = Path(about.root) if isinstance(about, engine.About) and Path(about.root).is_dir() else _existing(cache)
    bundle, kind = _find_bundle()
    taken, instead = _look_at_ports(spec)
    return Facts(
        engine=about,
        machine=look(),
        command=shutil.which(about.command if isinstance(about, engine.About) else "docker"),
        installed=any(map(shutil.which, ("dockerd", "podman"))),
        kind_program=shutil.which("kind") or kind,
        bundle=bundle,
        disk_free=shutil.disk_usage(disk).free,
        disk_path=str(disk),
        ports_taken=taken,
        limits=load_needs().thresholds(),
        ports=astuple(settled(spec).ports),
        instead=instead,
        elsewhere=elsewhere,
    )


def _ask_engine() -> tuple[engine.About | EngineError, bool]:
    """Return what the engine is, and whether it is another machine's."""
    try:
        address = engine.find_engine()
        return engine.about(engine.connect(address)), address.elsewhere
    except EngineError as error:
        return error, False


def _look_at_ports(spec: ClusterSpec) -> tuple[dict[int, str], dict[int, int]]:
    """Return who has those of the ports that are taken, and which ones `up` takes instead, if it may."""
    try:
        provider = provider_for(spec)
        if spec.name in provider.list():
            return {}, {}  # they are taken by right
        holder = provider.holder(spec)
    except WavetankError:  # there may be no engine yet
        holder = taken_by
    taken = {port: who for port in astuple(spec.ports) if (who := holder(port)) is not None}
    try:
        _, free = choose(spec.with_addons(("registry",)), (), holder)
    except ClusterError:
        return taken, {}
    return taken, {port: other for port, other in zip(astuple(spec.ports), astuple(free), strict=True) if port != other}


def _find_bundle() -> tuple[str | None, str | None]:
    """Return the bundle and the kind program in it; one that is not whole yet is none."""
    from wavetank.bundle import STAGES, open_bundle

    try:
        bundle = open_bundle(None)
    except BundleError:
        return None, None
    if bundle.stages != STAGES:
        return None, None
    kind = bundle.binary("kind")
    return str(bundle.path), str(kind) if kind else None


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


# -- what it means ----------------------------------------------------------------------------------------------------


def judge(facts: Facts) -> Iterator[Finding]:
    """Yield a finding for everything a cluster needs, the most basic first."""
    yield from _judge_engine(facts)
    yield _judge_disk(facts.disk_free, facts.disk_path, facts.limits)
    if not (isinstance(facts.engine, engine.About) and facts.engine.machine):  # else it is that machine's kernel
        yield from _judge_inotify(facts.machine)
    for port, who in facts.ports_taken.items():
        seen = f"{port} on 127.0.0.1 is taken" + (f" by {who}" if who else "")
        if other := facts.instead.get(port):
            yield Finding("port", "warning", f"{seen}: `wavetank up` takes {other}")
            continue
        yield Finding("port", "problem", seen, f"ss -ltnp 'sport = :{port}'   # end it, or change `ports` in the spec")
    if not facts.ports_taken:
        yield Finding("ports", "ok", "free, or in use by this cluster")
    yield _judge_command(facts)
    if facts.bundle:
        yield _judge_program("kind program", facts.kind_program, "wavetank bundle build")
        yield Finding("bundle", "ok", facts.bundle)
    else:
        yield Finding("kind program", "ok", facts.kind_program or "comes with the bundle")
        yield Finding("bundle", "warning", "none yet, or not whole; `wavetank up` makes one", "wavetank bundle build")


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level there is."""
    levels: tuple[Level, ...] = ("ok", "warning", "problem")
    return max((finding.level for finding in findings), key=levels.index, default="ok")


def _judge_engine(facts: Facts) -> Iterator[Finding]:
    about = facts.engine
    if isinstance(about, EngineError):
        told = about.help
        if not facts.installed and (way := INSTALL_ENGINE.get(facts.machine.distribution)):
            yield Finding("engine", "problem", f"{about.summary}, and none is installed", f"sudo sh -c '{way}'", way)
            return
        yield Finding("engine", "problem", f"{about.summary}: {told.observed}", f"{told.command}   # {told.hint}")
        return
    if about.too_old:
        seen = f"{about.title} is older than {about.least}"
        yield Finding("engine", "problem", seen, "install a newer one; then `wavetank doctor`")
    elif facts.elsewhere:
        seen = f"{about.title} on another machine: a cluster's ports are on 127.0.0.1 there, not here"
        yield Finding("engine", "problem", seen, "docker context use default   # or run Wavetank on that machine")
    else:
        yield Finding("engine", "ok", about.title)
    yield from _judge_groups(about, facts.machine)
    if about.rootless and not about.machine:
        yield from rootless.judge(about, facts.machine, facts.ports)
    yield _judge_memory(about, facts.limits)


def _judge_groups(about: engine.About, machine: Machine) -> Iterator[Finding]:
    if about.cgroup_version == "1":
        unfit = "an engine without root can limit nothing there, and kind refuses it"
        seen = "cgroup v1: " + (unfit if about.rootless else "works, but Kubernetes is about to drop it")
        yield Finding("cgroups", "problem" if about.rootless else "warning", seen, **_boot_into_v2(machine))
    else:
        yield Finding("cgroups", "ok", f"cgroup v{about.cgroup_version}")
    if about.no_limits:
        seen = f"the engine cannot limit {' and '.join(about.no_limits)}: limits in labs would mean nothing"
        mend = "cat /sys/fs/cgroup/cgroup.controllers   # what the kernel has; then look at the engine's own warnings"
        yield Finding("limits", "warning", seen, mend)


def _boot_into_v2(machine: Machine) -> dict[str, str]:
    """Return how a machine is made to use version 2 of control groups: all of these have it by default since 2021."""
    argument = "systemd.unified_cgroup_hierarchy=1"
    grub = f"echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX {argument}\"' > /etc/default/grub.d/cgroup.cfg"
    ways = {
        "debian": f"{grub}\nupdate-grub",
        "suse": f"pbl --add-option {argument} --config",
        "fedora": f"grubby --update-kernel=ALL --args={argument}",
    }
    way = ways.get(machine.distribution, "")
    boot = f"boot the kernel with {argument}" + (": `wavetank doctor --script` says how" if way else "")
    return {"mend": boot, "script": f"{way}   # takes effect with the next boot" if way else ""}


def _judge_memory(about: engine.About, limits: Thresholds) -> Finding:
    seen = f"{about.memory / GIB:.1f} GiB for the engine"
    give = GIVE_MEMORY.get(about.product, "free -h   # end what you do not need")
    if about.memory < limits.least_memory:
        return Finding("memory", "problem", f"{seen}; three nodes need {limits.least_memory / GIB:.1f}", give)
    if about.memory < limits.good_memory:
        return Finding("memory", "warning", f"{seen}; the larger labs need {limits.good_memory / GIB:.1f}", give)
    return Finding("memory", "ok", seen)


def _judge_disk(free: int, path: str, limits: Thresholds) -> Finding:
    seen = f"{free / GIB:.0f} GiB free under {path}"
    if free < limits.least_disk:
        needed = f"{limits.least_disk / GIB:.1f}"
        return Finding("disk", "problem", f"{seen}; a cluster needs {needed}", "docker system prune")
    if free < limits.good_disk:
        needed = f"{limits.good_disk / GIB:.1f}"
        return Finding("disk", "warning", f"{seen}; building a bundle needs {needed}", "docker system prune")
    return Finding("disk", "ok", seen)


def _judge_inotify(machine: Machine) -> Iterator[Finding]:
    for name, wanted in INOTIFY.items():
        value = machine.settings.get(f"fs/inotify/{name}")
        if value is None:  # no Linux, no limits of this kind
            continue
        if value >= wanted:
            yield Finding("inotify", "ok", f"{name} is {value}")
            continue
        seen = f'{name} is {value}: the nodes\' programs may fail with "too many open files"'
        setting = f"fs.inotify.{name}={wanted}"
        yield Finding("inotify", "warning", seen, f"sudo sysctl {setting}", f"setting {setting}")


def _judge_command(facts: Facts) -> Finding:
    name = facts.engine.command if isinstance(facts.engine, engine.About) else "docker"
    ways = INSTALL_CLIENT[name]
    return _judge_program(f"{name} command", facts.command, ways.get(facts.machine.distribution, ways[""]))


def _judge_program(name: str, found: str | None, mend: str) -> Finding:
    return Finding(name, "ok", found) if found else Finding(name, "problem", "not found on the PATH", mend)

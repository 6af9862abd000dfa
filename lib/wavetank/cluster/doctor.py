"""Is this machine fit for a cluster? Facts are gathered at the edge; what they mean is judged by pure functions."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_cache_path

from wavetank import engine
from wavetank.cluster.beside import OWNER
from wavetank.cluster.ports import is_taken, listener
from wavetank.cluster.spec import ClusterSpec
from wavetank.errors import BundleError, EngineError

__all__ = ["EngineFacts", "Facts", "Finding", "Level", "examine", "gather", "judge", "worst"]

Level = Literal["ok", "warning", "problem"]

GIB = 1 << 30
LEAST_ENGINE = (20, 10)
LEAST_MEMORY, GOOD_MEMORY = 3 * GIB, 6 * GIB
LEAST_DISK, GOOD_DISK = 5 * GIB, 15 * GIB
INOTIFY = {"max_user_instances": 512, "max_user_watches": 262144}
"""Every node runs an init system, a kubelet and a container runtime, and each of them watches files."""

GIVE_MEMORY = "free -h   # end what you do not need, or give Docker Desktop more (Settings, Resources)"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the Docker Engine says of itself. ``memory`` is in bytes."""

    version: str
    cgroup_version: str
    memory: int
    root: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found. Sizes are in bytes; None is what could not be found, or cannot be told on this machine."""

    engine: EngineFacts | EngineError
    docker_command: str | None
    kind_program: str | None
    bundle: str | None
    disk_free: int
    disk_path: str
    inotify: Mapping[str, int]
    ports_taken: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was seen, and the command that mends it when it is not well."""

    name: str
    level: Level
    seen: str
    mend: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "warning": "!", "problem": "✗"}[self.level]
        told = f"{mark} {self.level:<8} {self.name:<16} {self.seen}"
        return f"{told}\n{'':<28}mend it with: {self.mend}" if self.mend else told

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def examine(spec: ClusterSpec) -> list[Finding]:
    """Look at this machine and judge whether ``spec`` can be brought up on it; raises nothing, changes nothing."""
    return list(judge(gather(spec)))


# -- the edge: what is there ----------------------------------------------------------------------------------------


def gather(spec: ClusterSpec) -> Facts:
    """Find out what `judge` wants to know."""
    about, names = _ask_engine(spec)
    cache = user_cache_path("wavetank")
    disk = Path(about.root) if isinstance(about, EngineFacts) and Path(about.root).is_dir() else _existing(cache)
    bundle, kind = _find_bundle()
    ports = () if spec.name in names else astuple(spec.ports)
    return Facts(
        engine=about,
        docker_command=shutil.which("docker"),
        kind_program=shutil.which("kind") or kind,
        bundle=bundle,
        disk_free=shutil.disk_usage(disk).free,
        disk_path=str(disk),
        inotify=_inotify(),
        ports_taken={port: listener(port) for port in ports if is_taken(port)},
    )


def _ask_engine(spec: ClusterSpec) -> tuple[EngineFacts | EngineError, list[str]]:
    """Return what the engine is, and the clusters of ours on it: their ports are taken by right."""
    try:
        client = engine.connect()
        with engine.telling("asking the engine about itself"):
            info = client.info()
            networks = client.networks.list(filters={"label": OWNER})
        about = EngineFacts(
            info["ServerVersion"], str(info.get("CgroupVersion", "")), info["MemTotal"], info["DockerRootDir"]
        )
        return about, [str(network.name) for network in networks]
    except EngineError as error:
        return error, []


def _find_bundle() -> tuple[str | None, str | None]:
    from wavetank.bundle import open_bundle

    try:
        bundle = open_bundle(None)
    except BundleError:
        return None, None
    kind = bundle.binary("kind")
    return str(bundle.path), str(kind) if kind else None


def _inotify() -> dict[str, int]:
    limits = {}
    for name in INOTIFY:
        with suppress(OSError):  # no Linux, no limits of this kind
            limits[name] = int(Path("/proc/sys/fs/inotify", name).read_text())
    return limits


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


# -- what it means ----------------------------------------------------------------------------------------------------


def judge(facts: Facts) -> Iterator[Finding]:
    """Yield a finding for everything a cluster needs, the most basic first."""
    yield from _judge_engine(facts.engine)
    yield _judge_disk(facts.disk_free, facts.disk_path)
    for name, value in facts.inotify.items():
        yield _judge_inotify(name, value)
    for port, who in facts.ports_taken.items():
        seen = f"{port} on 127.0.0.1 is taken" + (f" by {who}" if who else "")
        yield Finding("port", "problem", seen, f"ss -ltnp 'sport = :{port}'   # end it, or change `ports` in the spec")
    if not facts.ports_taken:
        yield Finding("ports", "ok", "free, or in use by this cluster")
    yield _judge_program("docker command", facts.docker_command, "sudo apt-get install docker-cli")
    if facts.bundle:
        yield _judge_program("kind program", facts.kind_program, "wavetank bundle build")
        yield Finding("bundle", "ok", facts.bundle)
    else:
        yield Finding("kind program", "ok", facts.kind_program or "comes with the bundle")
        yield Finding("bundle", "warning", "none yet; `wavetank up` makes one", "wavetank bundle build")


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level there is."""
    levels: tuple[Level, ...] = ("ok", "warning", "problem")
    return max((finding.level for finding in findings), key=levels.index, default="ok")


def _judge_engine(about: EngineFacts | EngineError) -> Iterator[Finding]:
    if isinstance(about, EngineError):
        told = about.help
        yield Finding("engine", "problem", f"{about.summary}: {told.observed}", f"{told.command}   # {told.hint}")
        return
    if _version(about.version) < LEAST_ENGINE:
        yield Finding("engine", "problem", f"Docker Engine {about.version} is older than 20.10", "upgrade the engine")
    else:
        yield Finding("engine", "ok", f"Docker Engine {about.version}")
    if about.cgroup_version == "1":
        seen = "cgroup v1: works, but Kubernetes is about to drop it"
        mend = "sudo grubby --update-kernel=ALL --args=systemd.unified_cgroup_hierarchy=1   # then reboot"
        yield Finding("cgroups", "warning", seen, mend)
    else:
        yield Finding("cgroups", "ok", f"cgroup v{about.cgroup_version}")
    yield _judge_memory(about.memory)


def _judge_memory(memory: int) -> Finding:
    seen = f"{memory / GIB:.1f} GiB for the engine"
    if memory < LEAST_MEMORY:
        return Finding("memory", "problem", f"{seen}; three nodes need {LEAST_MEMORY // GIB}", GIVE_MEMORY)
    if memory < GOOD_MEMORY:
        return Finding("memory", "warning", f"{seen}; the larger labs need {GOOD_MEMORY // GIB}", GIVE_MEMORY)
    return Finding("memory", "ok", seen)


def _judge_disk(free: int, path: str) -> Finding:
    seen = f"{free / GIB:.0f} GiB free under {path}"
    if free < LEAST_DISK:
        return Finding("disk", "problem", f"{seen}; a cluster needs {LEAST_DISK // GIB}", "docker system prune")
    if free < GOOD_DISK:
        return Finding("disk", "warning", f"{seen}; building a bundle needs {GOOD_DISK // GIB}", "docker system prune")
    return Finding("disk", "ok", seen)


def _judge_inotify(name: str, value: int) -> Finding:
    wanted = INOTIFY[name]
    if value >= wanted:
        return Finding("inotify", "ok", f"{name} is {value}")
    seen = f'{name} is {value}: the nodes\' programs may fail with "too many open files"'
    return Finding("inotify", "warning", seen, f"sudo sysctl fs.inotify.{name}={wanted}")


def _judge_program(name: str, found: str | None, mend: str) -> Finding:
    return Finding(name, "ok", found) if found else Finding(name, "problem", "not found on the PATH", mend)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])

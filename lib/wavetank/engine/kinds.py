"""What kind of engine answers, and everything in which kinds differ for us.

Docker's API is spoken by all of them. What they are, they say in what they answer to ``/version`` and ``/info``: Podman
calls a component of its version "Podman Engine"; an engine without root has "name=rootless" among its security
options; those in a virtual machine have its name. Pure: `client.about` asks, this module judges.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wavetank.engine.finding import Address

__all__ = ["About", "Family", "about_from"]

Family = Literal["docker", "podman"]

PODMAN = "Podman Engine"
LEAST: Mapping[Family, tuple[int, int]] = {"docker": (20, 10), "podman": (4, 0)}
"""The oldest version of each that does what we ask. Podman before 4.0 does not say which controllers it has."""

_MACHINES = (
    ("Docker Desktop", "OperatingSystem", "docker desktop"),
    ("OrbStack", "OperatingSystem", "orbstack"),
    ("Rancher Desktop", "OperatingSystem", "rancher desktop"),
    ("Rancher Desktop", "Name", "lima-rancher-desktop"),
    ("Colima", "Name", "colima"),
    ("Podman machine", "OperatingSystem", "fedora coreos"),
)
"""Products that keep the engine in a virtual machine: the field of ``/info`` that says so, and how it begins."""


@dataclass(frozen=True, slots=True)
class About:
    """An engine, as it says itself. ``memory`` is in bytes; ``product`` is what its users call it.

    ``machine`` tells whether it runs in a virtual machine of its own, whose kernel and files are not this machine's.
    """

    family: Family
    product: str
    version: str
    rootless: bool
    machine: bool
    cgroup_version: str
    cgroup_driver: str
    memory: int
    root: str
    no_limits: tuple[str, ...] = ()
    """What it says it cannot limit: of "memory", "cpu" and "pids"."""

    @property
    def title(self) -> str:
        """What it is called in a sentence, with its version."""
        return f"{self.product} {self.version}" + (" without root" if self.rootless else "")

    @property
    def kind(self) -> str:
        """The kind of engine, as in `KINDS`: what it can do is told by kind."""
        if self.machine:
            return "machine"
        return f"{self.family}-rootless" if self.rootless else self.family

    @property
    def too_old(self) -> bool:
        """Whether it is older than the oldest that is known to work."""
        numbers = tuple(int(part) for part in re.findall(r"\d+", self.version)[:2])
        return numbers < LEAST[self.family]

    @property
    def least(self) -> str:
        """The oldest version that is known to work."""
        return ".".join(map(str, LEAST[self.family]))

    # -- in what they differ ------------------------------------------------------------------------------------------

    def environment_of_kind(self, address: Address, network: str, uid: int = -1) -> dict[str, str]:
        """Return what tells the kind program to work with the engine at ``address``, on ``network``."""
        family = self.family.upper()
        said = {"KIND_EXPERIMENTAL_PROVIDER": self.family, f"KIND_EXPERIMENTAL_{family}_NETWORK": network}
        if self.family == "docker":
            return {**said, **address.environment}
        # The podman command works with its user's own containers, and asks nobody for them. It is told of another's.
        own = not self.machine and self.rootless == ((os.getuid() if uid < 0 else uid) != 0)
        return said if own else {**said, "CONTAINER_HOST": address.host}

    @property
    def command(self) -> Family:
        """The program that kind works with, and that a learner can type."""
        return self.family

    @property
    def trusts_loopback(self) -> bool:
        """Whether it speaks plain HTTP with a registry on loopback without being told."""
        return self.family == "docker"

    @property
    def restart_policy(self) -> str:
        """The policy by which what stands beside the nodes comes back with the engine.

        Podman brings back after a boot only what has "always" (containers/podman#20418, mended in 5.8).
        """
        return "always" if self.family == "podman" else "unless-stopped"

    @property
    def heeds_arguments(self) -> bool:
        """Whether a build with other arguments takes no step from the cache that theirs would change."""
        return self.family == "docker"

    @property
    def named_volumes(self) -> bool:
        """Whether kind has made the nodes' volumes by name, so that they do not go with the containers."""
        return self.family == "podman"

    def socket_seen_by_containers(self, path: str | None) -> str:
        """Return the path of the engine's socket on the engine's own machine, where this machine has it at ``path``."""
        if path and not self.machine:
            return path
        return "/run/podman/podman.sock" if self.family == "podman" else "/var/run/docker.sock"


KINDS: Mapping[str, str] = {
    "docker": "Docker Engine",
    "docker-rootless": "Docker without root",
    "podman": "Podman",
    "podman-rootless": "Podman without root",
    "machine": "in a virtual machine (Docker Desktop, Colima, Rancher Desktop, OrbStack, Podman machine)",
}
"""The kinds of engines, in a reader's words."""


def about_from(version: Mapping[str, Any], info: Mapping[str, Any], platform: str = sys.platform) -> About:
    """Read what an engine has answered to ``/version`` and ``/info``; ``platform`` is this machine's."""
    components = [str(each.get("Name")) for each in version.get("Components") or ()]
    family: Family = "podman" if PODMAN in components else "docker"
    product = next((name for name, key, start in _MACHINES if str(info.get(key, "")).lower().startswith(start)), None)
    if product == "Podman machine" and (family == "docker" or platform == "linux"):
        product = None  # Fedora CoreOS is also the system of real machines
    options = " ".join(info.get("SecurityOptions") or ())
    limits = {"memory": info.get("MemoryLimit"), "cpu": info.get("CpuCfsQuota"), "pids": info.get("PidsLimit")}
    return About(
        family=family,
        product=product or ("Podman" if family == "podman" else "Docker Engine"),
        version=str(info.get("ServerVersion") or version.get("Version") or ""),
        rootless="name=rootless" in options or bool(info.get("Rootless")),
        machine=product is not None or platform != "linux",
        cgroup_version=str(info.get("CgroupVersion") or "").removeprefix("v"),
        cgroup_driver=str(info.get("CgroupDriver") or ""),
        memory=int(info.get("MemTotal") or 0),
        root=str(info.get("DockerRootDir") or ""),
        no_limits=tuple(name for name, able in limits.items() if able is False),
    )

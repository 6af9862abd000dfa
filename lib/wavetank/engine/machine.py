"""What an engine needs of the machine it runs on, found by reading files; what it means is judged elsewhere.

Where the files are, and what an engine without root needs: kind's page on rootless and rootlesscontaine.rs (cgroup v2,
delegation, subordinate ids, AppArmor), Istio's page on platform requirements (kernel modules), man 5 proc and man 7
user_namespaces and keyrings. Everything is None or empty where it cannot be told, as on another system than Linux.
"""

from __future__ import annotations

import os
import platform
import pwd
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["MODULES", "Machine", "look"]

MODULES = (
    "overlay",
    "bridge",
    "veth",
    "tun",
    "br_netfilter",
    "nf_conntrack",
    "nf_nat",
    "ip_tables",
    "iptable_nat",
    "iptable_mangle",
    "iptable_filter",
    "ip6_tables",
    "ip6table_nat",
    "nf_tables",
    "nft_compat",
    "nft_chain_nat",
    "nft_reject_ipv4",
    "ipt_REJECT",
    "xt_addrtype",
    "xt_comment",
    "xt_conntrack",
    "xt_connmark",
    "xt_mark",
    "xt_MASQUERADE",
    "xt_multiport",
    "xt_nat",
    "xt_owner",
    "xt_REDIRECT",
    "xt_statistic",
    "xt_tcpudp",
)
"""Modules of the kernel that an engine without root, a node's kube-proxy, its network and istio-init use, with either
kind of iptables.

The kernel loads them by itself when a process with the machine's own CAP_NET_ADMIN asks. Root in a user namespace has
none of the machine's.
"""

SETTINGS = (
    "fs/inotify/max_user_instances",
    "fs/inotify/max_user_watches",
    "kernel/apparmor_restrict_unprivileged_userns",
    "kernel/unprivileged_userns_clone",
    "kernel/keys/maxkeys",
    "net/ipv4/ip_unprivileged_port_start",
    "net/ipv4/neigh/default/proxy_delay",
    "user/max_user_namespaces",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine. ``settings`` are by their path below /proc/sys; those that do not exist are missing.

    ``controllers`` are the control groups' controllers that systemd has handed to this user, None where there is no
    systemd for them. ``modules_lacking`` are those of `MODULES` that the kernel could load and has not.
    """

    system: str
    distribution: str
    kernel: tuple[int, ...]
    user: str
    root: bool
    settings: Mapping[str, int] = field(default_factory=dict)
    controllers: frozenset[str] | None = None
    subordinate_users: int = 0
    subordinate_groups: int = 0
    maps_ids: bool = False
    modules_lacking: tuple[str, ...] = ()


def look(root: Path = Path("/"), uid: int | None = None) -> Machine:
    """Read what there is below ``root``, for the user ``uid`` (this process's by default)."""
    uid = os.getuid() if uid is None else uid
    user = _name(uid)
    return Machine(
        system=sys.platform,
        distribution=_distribution(root / "etc/os-release"),
        kernel=tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2] if part.isdigit()),
        user=user,
        root=uid == 0,
        settings=_settings(root / "proc/sys"),
        controllers=_controllers(root / "sys/fs/cgroup", uid),
        subordinate_users=_subordinates(root / "etc/subuid", uid, user),
        subordinate_groups=_subordinates(root / "etc/subgid", uid, user),
        maps_ids=bool(shutil.which("newuidmap") and shutil.which("newgidmap")),
        modules_lacking=_modules_lacking(root),
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _distribution(release: Path) -> str:
    """Return the family it belongs to: debian, fedora, arch or suse; "" for any other."""
    said = dict(line.partition("=")[::2] for line in _lines(release))
    words = f"{said.get('ID', '')} {said.get('ID_LIKE', '')}".replace('"', "").lower().split()
    families = {
        "debian": "debian",
        "ubuntu": "debian",
        "fedora": "fedora",
        "rhel": "fedora",
        "arch": "arch",
        "suse": "suse",
        "opensuse": "suse",
    }
    return next((families[word] for word in words if word in families), "")


def _settings(folder: Path) -> dict[str, int]:
    found = {}
    for name in SETTINGS:
        with suppress(OSError, ValueError):
            found[name] = int((folder / name).read_text(encoding="utf-8"))
    return found


def _controllers(groups: Path, uid: int) -> frozenset[str] | None:
    """Read what user@.service has; on version 1 of control groups nothing can be handed to a user."""
    file = groups / f"user.slice/user-{uid}.slice/user@{uid}.service/cgroup.controllers"
    try:
        return frozenset(file.read_text(encoding="utf-8").split())
    except OSError:
        return None


def _subordinates(file: Path, uid: int, user: str) -> int:
    """Return how many ids a user may give away (man 5 subuid): ``name:first:count`` a line."""
    ranges = [line.split(":") for line in _lines(file)]
    counts = [int(each[2]) for each in ranges if len(each) == 3 and each[0] in (user, str(uid)) and each[2].isdigit()]
    return sum(counts)


def _modules_lacking(root: Path) -> tuple[str, ...]:
    """Return which modules could be loaded (modules.dep has them) and are neither loaded nor built in."""
    there = {line.split()[0] for line in _lines(root / "proc/modules") if line.split()}
    known = root / "lib/modules" / platform.release()
    loadable = {Path(line.partition(":")[0]).name.partition(".")[0] for line in _lines(known / "modules.dep")}
    return tuple(name for name in MODULES if name in loadable and name not in there)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []

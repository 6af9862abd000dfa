"""What an engine without root needs of the machine besides. Pure: recorded facts in, findings out.

Nodes are then containers in a user namespace: root in them is an ordinary user of the machine, who has only what the
machine has given that user. Sources: kind's page on rootless, rootlesscontaine.rs, Docker's page on rootless mode,
Istio's page on platform requirements.
"""

from __future__ import annotations

from collections.abc import Iterator

from wavetank.cluster.findings import Finding
from wavetank.engine import About
from wavetank.engine.machine import Machine

__all__ = ["judge"]

CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")
NEEDED = {"cpu", "memory", "pids"}
"""Without these kind refuses to make a cluster; the others are what the kubelet would like to have."""
SUBORDINATES = 65536
"""Ids that a user must be able to give away: images have users up to 65535."""
FIRST_SUBORDINATE = 231072
"""Where a range begins that the tools of the distributions would not have given to anybody yet."""
KEYS = 1000
"""Keys that one user may have: every container takes one, and all containers of all nodes are one user's here."""
LEAST_KERNEL = (5, 11)
"""The first kernel in which overlayfs may be mounted in a user namespace."""

DELEGATE = "/etc/systemd/system/user@.service.d/delegate.conf"
MODULES_FILE = "/etc/modules-load.d/wavetank.conf"
ID_TOOLS = {"debian": "apt-get install -y uidmap", "fedora": "dnf install -y shadow-utils"}


def judge(about: About, machine: Machine, ports: tuple[int, ...] = ()) -> Iterator[Finding]:
    """Yield a finding for everything that an engine without root needs; those that are well are one line together."""
    found = [*_controllers(machine), *_ids(machine), *_namespaces(machine), *_kernel(machine), *_ports(machine, ports)]
    if not found:
        found = [Finding("without root", "ok", "controllers, ids, user namespaces and kernel modules are there")]
    yield from found


def _controllers(machine: Machine) -> Iterator[Finding]:
    lacking = [name for name in CONTROLLERS if name not in (machine.controllers or ())]
    if not lacking:
        return
    without = "there is no user@.service of systemd" if machine.controllers is None else "lacks " + ", ".join(lacking)
    seen = f"control groups of this user: {without}"
    yield Finding(
        "delegation",
        "problem" if NEEDED & set(lacking) else "warning",
        seen,
        "wavetank doctor --script   # what an administrator runs; then log out and in again",
        f"mkdir -p {DELEGATE.rpartition('/')[0]}\n"
        f"printf '[Service]\\nDelegate={' '.join(CONTROLLERS)}\\n' > {DELEGATE}\n"
        "systemctl daemon-reload   # takes effect with the user's next login",
    )


def _ids(machine: Machine) -> Iterator[Finding]:
    for what, count, option in (
        ("users", machine.subordinate_users, "--add-subuids"),
        ("groups", machine.subordinate_groups, "--add-subgids"),
    ):
        if count < SUBORDINATES:
            ids = f"{FIRST_SUBORDINATE}-{FIRST_SUBORDINATE + SUBORDINATES - 1}"
            add = f"usermod {option} {ids} {machine.user}"
            seen = f"{machine.user} may give away {count} ids of {what}; a node needs {SUBORDINATES}"
            yield Finding("ids", "problem", seen, f"sudo {add}", f"{add}   # see that nobody has these in /etc/sub*id")
    if not machine.maps_ids:
        install = ID_TOOLS.get(machine.distribution, "")
        mend = f"sudo {install}" if install else "install newuidmap and newgidmap (the package shadow or uidmap)"
        yield Finding("ids", "problem", "newuidmap and newgidmap are not on the PATH", mend, install)


def _namespaces(machine: Machine) -> Iterator[Finding]:
    settings = machine.settings
    for name, bad, good, seen in (
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            settings.get("kernel/apparmor_restrict_unprivileged_userns", 0) != 0,
            0,
            "AppArmor keeps programs without a profile from using user namespaces",
        ),
        (
            "kernel/unprivileged_userns_clone",
            settings.get("kernel/unprivileged_userns_clone", 1) == 0,
            1,
            "user namespaces are switched off for everybody but root",
        ),
        (
            "user/max_user_namespaces",
            settings.get("user/max_user_namespaces", KEYS) < 100,
            28633,
            f"a user may have {settings.get('user/max_user_namespaces')} user namespaces",
        ),
    ):
        if bad:
            setting = f"{name.replace('/', '.')}={good}"
            # Where the engine answers, it has a profile of its own: then it is only the nodes' own that may miss one.
            yield Finding("user namespaces", "warning", seen, f"sudo sysctl {setting}", f"setting {setting}")


def _kernel(machine: Machine) -> Iterator[Finding]:
    if machine.kernel and machine.kernel < LEAST_KERNEL:
        seen = f"Linux {'.'.join(map(str, machine.kernel))} mounts no overlayfs in a user namespace"
        yield Finding("kernel", "problem", seen, "use Linux 5.13 or newer, or an engine with root")
    if machine.modules_lacking:
        names = " ".join(machine.modules_lacking)
        seen = f"the nodes cannot load what they may need themselves: {', '.join(machine.modules_lacking)}"
        yield Finding(
            "kernel modules",
            "warning",
            seen,
            f"sudo modprobe -a {names}",
            f"printf '%s\\n' {names} > {MODULES_FILE}\nmodprobe -a {names}",
        )
    keys = machine.settings.get("kernel/keys/maxkeys")
    if keys is not None and keys < KEYS:
        seen = f'a user may have {keys} keys: with many pods containers fail with "disk quota exceeded"'
        script = f"setting kernel.keys.maxkeys={KEYS}\nsetting kernel.keys.maxbytes={KEYS * 25}"
        yield Finding("keys", "warning", seen, f"sudo sysctl kernel.keys.maxkeys={KEYS}", script)
    if machine.settings.get("net/ipv4/neigh/default/proxy_delay", 0) > 0:
        # Nodes answer for their pods by proxy ARP, and cannot change this setting in a user namespace.
        setting = "net.ipv4.neigh.default.proxy_delay=0"
        seen = "the first packet to a pod on another node waits up to 0.8 s"
        yield Finding("pod network", "warning", seen, f"sudo sysctl {setting}", f"setting {setting}")


def _ports(machine: Machine, ports: tuple[int, ...]) -> Iterator[Finding]:
    first = machine.settings.get("net/ipv4/ip_unprivileged_port_start", 0)
    if low := [port for port in ports if port < first]:
        setting = f"net.ipv4.ip_unprivileged_port_start={min(low)}"
        seen = f"ports below {first} are root's: {', '.join(map(str, low))}"
        yield Finding(
            "ports", "problem", seen, "choose others under `ports` in the cluster's file", f"setting {setting}"
        )

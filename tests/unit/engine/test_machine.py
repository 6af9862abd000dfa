import platform
from pathlib import Path

import pytest

from wavetank.engine.machine import look


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine as Debian 13 with systemd is, for the user 1234."""
    files = {
        "etc/os-release": 'PRETTY_NAME="Ubuntu 24.04"\nID=ubuntu\nID_LIKE=debian\n',
        "etc/subuid": "somebody:100000:65536\n1234:165536:65536\n",
        "etc/subgid": "1234:165536:1000\n",
        "proc/sys/fs/inotify/max_user_instances": "128\n",
        "proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
        "proc/modules": "nf_nat 57344 2 iptable_nat,xt_nat, Live 0x0000000000000000\n",
        f"lib/modules/{platform.release()}/modules.dep": (
            "kernel/net/netfilter/nf_nat.ko.zst: kernel/net/netfilter/nf_conntrack.ko.zst\n"
            "kernel/net/netfilter/xt_owner.ko.zst:\nkernel/fs/overlayfs/overlay.ko:\nkernel/drivers/net/dummy.ko:\n"
        ),
        "sys/fs/cgroup/user.slice/user-1234.slice/user@1234.service/cgroup.controllers": "memory pids\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_machine_is_read_from_its_files(root: Path) -> None:
    found = look(root, 1234)
    assert (found.distribution, found.user, found.root) == ("debian", "1234", False)
    assert found.controllers == {"memory", "pids"}
    assert (found.subordinate_users, found.subordinate_groups) == (65536, 1000)
    assert found.settings == {"fs/inotify/max_user_instances": 128, "kernel/apparmor_restrict_unprivileged_userns": 1}


def test_a_module_is_lacking_when_the_kernel_has_it_and_has_not_loaded_it(root: Path) -> None:
    assert look(root, 1234).modules_lacking == ("overlay", "xt_owner")


def test_where_nothing_can_be_read_nothing_is_said(tmp_path: Path) -> None:
    found = look(tmp_path, 0)
    assert found.root
    assert found.controllers is None
    assert (found.distribution, found.settings, found.modules_lacking) == ("", {}, ())

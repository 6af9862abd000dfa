"""A Debian root file system: what the node image is made on, and where its programs' libraries come from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from wavetank.bundle.programs import run
from wavetank.errors import BundleError

__all__ = ["ensure_debootstrap", "make_root"]

BOOTSTRAP_SECONDS = 1800.0
INSTALL_SECONDS = 600.0
NETWORK_HINT = "the network is needed to fetch Debian packages the first time"


def ensure_debootstrap() -> str:
    """Make sure that a root can be made here; as root on Debian, debootstrap is installed where it is missing.

    Returns a note for the step; raises `BundleError` with the command to run where that cannot be.
    """
    if os.geteuid() != 0:
        raise BundleError(
            "only root can make the node image from Debian packages",
            observed=f"user id {os.geteuid()}",
            expected="user id 0, or a bundle from elsewhere",
            command="wavetank bundle build --from registry",
            hint="run the build as root, or `wavetank bundle load FILE` what was built on another machine",
        )
    if shutil.which("debootstrap"):
        return "there already"
    if not shutil.which("apt-get"):
        raise BundleError(
            "debootstrap is not on this machine",
            expected="debootstrap, which makes a Debian root file system",
            hint="install it with this machine's package manager and run the same command again",
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=quiet, timeout=INSTALL_SECONDS, hint=NETWORK_HINT)
    run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap"],
        env=quiet,
        timeout=INSTALL_SECONDS,
        hint=NETWORK_HINT,
    )
    return "installed by apt-get"


def make_root(target: Path, suite: str, packages: Sequence[str], architecture: str) -> None:
    """Make a minimal Debian system of that ``suite`` with ``packages`` on top in ``target``/root.

    It runs in namespaces of its own: what it mounts goes with it, and a kill leaves nothing running.
    """
    run(
        [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("debootstrap", "--variant=minbase", f"--arch={architecture}", f"--include={','.join(packages)}"),
            *(suite, target / "root"),
        ],
        timeout=BOOTSTRAP_SECONDS,
        hint=NETWORK_HINT,
    )
    shutil.rmtree(target / "root" / "var" / "cache" / "apt", ignore_errors=True)

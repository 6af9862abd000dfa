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
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""What Debian signs its archive with. Without it debootstrap would go on with packages that nobody vouches for."""
TOOLS = ("debootstrap", "gpgv")
NETWORK_HINT = "the network is needed to fetch Debian packages the first time"


def ensure_debootstrap() -> str:
    """Make sure that a root can be made here, and checked; as root on Debian, what is missing for it is installed.

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
    if _all_there():
        return "there already"
    if not shutil.which("apt-get"):
        raise _missing("install them with this machine's package manager and run the same command again")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=quiet, timeout=INSTALL_SECONDS, hint=NETWORK_HINT)
    run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *TOOLS, "debian-archive-keyring"],
        env=quiet,
        timeout=INSTALL_SECONDS,
        hint=NETWORK_HINT,
    )
    if not _all_there():
        raise _missing("apt-get has installed them elsewhere, or not at all")
    return "installed by apt-get"


def _all_there() -> bool:
    return KEYRING.is_file() and all(map(shutil.which, TOOLS))


def _missing(hint: str) -> BundleError:
    missing = [tool for tool in TOOLS if not shutil.which(tool)] + ([] if KEYRING.is_file() else [str(KEYRING)])
    return BundleError(
        "what makes a Debian root file system, and checks who has signed it, is not on this machine",
        observed=f"missing: {', '.join(missing)}",
        expected="debootstrap, gpgv and debian-archive-keyring",
        hint=hint,
    )


def make_root(target: Path, suite: str, packages: Sequence[str], architecture: str) -> None:
    """Make a minimal Debian system of that ``suite`` with ``packages`` on top in ``target``/root.

    The suite has to be signed by Debian. It runs in namespaces of its own: what it mounts goes with it, and a kill
    leaves nothing running.
    """
    run(
        [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *(
                "debootstrap",
                f"--keyring={KEYRING}",
                "--force-check-gpg",
                "--variant=minbase",
                f"--arch={architecture}",
                f"--include={','.join(packages)}",
            ),
            *(suite, target / "root"),
        ],
        timeout=BOOTSTRAP_SECONDS,
        hint=NETWORK_HINT,
    )
    shutil.rmtree(target / "root" / "var" / "cache" / "apt", ignore_errors=True)

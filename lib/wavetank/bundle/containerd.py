"""containerd's own store, filled with images before a node first starts.

The containerd that was just built is run here for a moment, with nothing but its content store and its database, and
`ctr` imports the images. What it leaves in its root folder is what a node's /var/lib/containerd starts with.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from wavetank.bundle.programs import run
from wavetank.errors import BundleError

__all__ = ["fill_store"]

READY_SECONDS = 20.0
IMPORT_SECONDS = 300.0
SETTINGS = """version = 3
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"]
"""


def fill_store(binaries: Path, archive: Path, root: Path) -> None:
    """Import the images of ``archive`` into an empty store at ``root`` with the programs in ``binaries``."""
    with tempfile.TemporaryDirectory(prefix="wavetank-containerd-") as folder:
        place = Path(folder)
        socket = place / "containerd.sock"
        (place / "config.toml").write_text(SETTINGS, encoding="utf-8")
        log = place / "log"
        with log.open("wb") as words:
            server = subprocess.Popen(
                [str(binaries / "containerd"), *_options(place, root)],
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
            )
        try:
            _wait_for(socket, server, log)
            ctr: list[str | Path] = [binaries / "ctr", f"--address={socket}", "--namespace=k8s.io"]
            # Unpacked on the node: which snapshotter that uses is only known there.
            run(
                [*ctr, "images", "import", "--local", "--no-unpack", "--all-platforms", archive], timeout=IMPORT_SECONDS
            )
        finally:
            server.terminate()
            server.wait(timeout=READY_SECONDS)


def _options(place: Path, root: Path) -> list[str]:
    socket, state = place / "containerd.sock", place / "state"
    return [f"--config={place / 'config.toml'}", f"--address={socket}", f"--root={root}", f"--state={state}"]


def _wait_for(socket: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not socket.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise BundleError(
                "containerd did not start",
                observed=f"exit code {server.poll()}"
                if server.poll() is not None
                else f"no socket in {READY_SECONDS} s",
                logs=log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:],
            )
        time.sleep(0.05)

"""Manifests that a program writes, when the program comes in an image: run by the engine, without a network.

The engine may be in a machine of its own, so nothing of this one is mounted: what the program reads is copied in.
"""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Mapping
from pathlib import Path

import docker
import requests
from docker.models.containers import Container
from docker.types import LogConfig

from wavetank.bundle.assembly import MANIFEST_SECONDS
from wavetank.bundle.pulling import pull_image
from wavetank.bundle.recipe import Generated
from wavetank.engine import telling
from wavetank.errors import BundleError

__all__ = ["generate"]

LAST_WORDS = 15
LOG = LogConfig(type=LogConfig.types.JSON)
"""Not the engine's default, which may be journald: that one drops lines that come too fast."""


def generate(client: docker.DockerClient, pinned: str, architecture: str, made: Generated, folder: Path) -> bytes:
    """Return what the program of the image ``pinned`` (name@digest) writes when it is given the arguments of ``made``.

    The program is the image's entrypoint. Of ``folder``, the component's, it finds the files that its arguments name.
    Raises as `pull_image` does, and `BundleError` with the program's last words when it fails or takes too long.
    """
    image = pull_image(client, pinned, architecture)
    with telling(f"running {made.program} of {pinned}"):
        container = client.containers.create(
            image, list(made.arguments), working_dir="/", network_mode="none", log_config=LOG
        )
        try:
            container.put_archive("/", _tar(made.files(folder)))
            container.start()
            if ended := _failure(container):
                raise BundleError(
                    f"`{made.program}` of {pinned} failed",
                    observed=ended,
                    expected=f"it to write a manifest and end well within {MANIFEST_SECONDS:.0f} s",
                    logs=container.logs(tail=LAST_WORDS).decode(errors="replace").splitlines(),
                    command=_pasted(pinned, made, folder),
                    hint=f"what it was given stands in {folder}: does it fit this release of {made.program}?",
                )
            written: bytes = container.logs(stdout=True, stderr=False)
            return written
        finally:
            container.remove(force=True, v=True)


def _failure(container: Container) -> str:
    """Wait for the program's end, no longer than `MANIFEST_SECONDS`; return what is wrong with it, if anything."""
    try:
        code = container.wait(timeout=MANIFEST_SECONDS)["StatusCode"]
    except (requests.ReadTimeout, requests.ConnectionError):
        container.reload()  # which fails when it is the engine that is gone
        if container.status != "running":
            raise
        return f"still running after {MANIFEST_SECONDS:.0f} s"
    return f"exit code {code}" if code else ""


def _tar(files: Mapping[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, path in files.items():
            content = path.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _pasted(pinned: str, made: Generated, folder: Path) -> str:
    command = ["docker", "run", "--rm", "--network=none", f"--volume={folder}:/given", "--workdir=/given", pinned]
    return shlex.join([*command, *made.arguments])

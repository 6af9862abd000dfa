"""What has come from the network and is not yet used, or is used by several: blobs on their way, and layers.

A blob that broke off is kept, so that the next try, in this build or in the next, goes on behind it. Layers are kept
unpacked as long as an image uses them: images share them by hard links, and each comes once.
"""

from __future__ import annotations

import gzip
import shutil
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from wavetank.bundle import troubles
from wavetank.bundle.layout import LAYER, Layout, sha256_file
from wavetank.errors import BundleError

__all__ = ["Downloads"]

KEPT_SECONDS = 7 * 24 * 3600.0
"""How long a blob that broke off is kept."""
GZIP = b"\x1f\x8b"
CHUNK = 1 << 20

Fetch = Callable[[Path], None]
"""Fetches into a file, going on behind what is there."""
Refusal = Callable[[str], BundleError]
"""From the digest that came to the error that says so."""


class Downloads:
    """A folder of its own; usable by several threads."""

    def __init__(self, path: Path) -> None:
        self._blobs = path / "blobs"
        self.layers = Layout(path / "layers")
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def start(self) -> None:
        """Make the folder, and remove from it what no image uses any more and what broke off long ago."""
        self._blobs.mkdir(parents=True, exist_ok=True)
        if not self.layers.path.exists():
            self.layers.start()
        for leftover in self.layers.path.glob("blobs/writing-*"):
            leftover.unlink()
        for layer in self.layers.path.glob("blobs/sha256/*"):
            if layer.stat().st_nlink == 1:
                layer.unlink()
        for blob in self._blobs.iterdir():
            if time.time() - blob.stat().st_mtime > KEPT_SECONDS:
                blob.unlink()

    def blob(self, digest: str, fetch: Fetch, refusal: Refusal) -> Path:
        """Return the file with that digest, which ``fetch`` brings if it is not there; the caller removes it.

        What comes with another digest is removed, and ``refusal`` raised.
        """
        whole = self._blobs / digest.removeprefix("sha256:")
        if whole.exists():
            return whole
        part = whole.with_suffix(".part")
        resumed = part.exists()
        fetch(part)
        if (observed := sha256_file(part)) != digest and resumed:
            # Its beginning may be of something else: once from the start.
            part.unlink()
            fetch(part)
            observed = sha256_file(part)
        if observed != digest:
            part.unlink()
            raise refusal(observed)
        return part.rename(whole)

    def unknown(self, name: str, fetch: Fetch) -> str:
        """Have ``fetch`` bring something whose digest nobody knows, keep it for `blob`, and return its digest."""
        part = self._blobs / f"{name}.part"
        fetch(part)
        digest = sha256_file(part)
        part.rename(self._blobs / digest.removeprefix("sha256:"))
        return digest

    def layer(self, digest: str, diff_id: str, fetch: Fetch, refusal: Refusal) -> bool:
        """Have the layer ``diff_id`` in `layers`, unpacked from the blob ``digest``; return whether it had to come.

        Raises ``refusal`` when the blob, or what it unpacks to, has another digest.
        """
        with self._guard:
            lock = self._locks[diff_id]
        with lock:
            if self.layers.blob(diff_id).exists():
                return False
            blob = self.blob(digest, fetch, refusal)
            try:
                layer = self.layers.add(lambda sink: _unpack(blob, sink), LAYER)
            except (zlib.error, gzip.BadGzipFile, EOFError) as error:
                blob.unlink()
                raise refusal(f"a damaged archive ({error})") from error
            except OSError as error:
                if troubles.is_disk_full(error):
                    raise troubles.disk_full("a layer", self.layers.path, error) from error
                raise
            blob.unlink()
            if layer.digest != diff_id:
                self.layers.blob(layer.digest).unlink()
                raise refusal(layer.digest)
            return True


def _unpack(blob: Path, sink: BinaryIO) -> None:
    with blob.open("rb") as source:
        compressed = source.read(2) == GZIP
        source.seek(0)
        if compressed:
            with gzip.open(source) as content:
                shutil.copyfileobj(content, sink, CHUNK)
        else:
            shutil.copyfileobj(source, sink, CHUNK)

"""What an engine can do with images and containers. The Docker Engine is one; another may do without Docker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from wavetank.images.model import Build, BuildStep, Ended, Image, Recipe, Say

__all__ = ["Container", "Engine"]


class Container(Protocol):
    """A container that was started."""

    @property
    def name(self) -> str:
        """Its name on the engine."""

    def address(self, port: int) -> str:
        """Return ``127.0.0.1:<port>``, under which a port of the container answers on this machine."""

    def exec(self, command: Sequence[str]) -> Ended:
        """Run a command, no shell, inside the container."""

    def logs(self) -> str:
        """Return what the container has printed."""

    def wait(self, seconds: float) -> Ended:
        """Wait until the container has ended; raises `WaitTimeoutError` with its last words after ``seconds``."""

    def restart(self) -> None:
        """Stop the container and start the same one again: what it has written to its own files is still there."""

    def remove(self) -> None:
        """End the container if it runs, and remove it with everything it has written."""


class Engine(Protocol):
    """Builds, keeps, moves and runs images. Raises `ImageError` for what goes wrong with an image."""

    def build(
        self, recipe: Recipe, tag: str, *, fresh: bool = False, report: Callable[[BuildStep], None] = lambda step: None
    ) -> Build:
        """Build a recipe and call the result ``tag``; ``fresh`` reuses nothing of earlier builds.

        The same recipe and files make the same image, digest and all. ``report`` is told each step as it ends. The tag
        is given last: a build that fails or is killed leaves the tag where it was.
        """

    def image(self, ref: str) -> Image:
        """Return the image that a tag, an id or ``repository@digest`` names."""

    def tag(self, ref: str, tag: str) -> None:
        """Give an image one more name."""

    def push(self, tag: str, say: Say = lambda words: None) -> str:
        """Send a tag to the registry in its name and return the digest it has there.

        Layers that are there already are not sent again. A registry that is away is tried again for some seconds.
        """

    def pull(self, ref: str, say: Say = lambda words: None) -> str:
        """Fetch an image from the registry in its name and return its digest."""

    def remove(self, ref: str) -> None:
        """Take a name off an image; the image goes with its last name. A missing one is fine."""

    def run(
        self,
        ref: str,
        command: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
        ports: Sequence[int] = (),
        memory: int | None = None,
        cpus: float | None = None,
    ) -> Container:
        """Start a container of an image the engine has. ``memory`` is a limit in bytes, ``cpus`` one in cores.

        Ports are published on 127.0.0.1, each under a free number.
        """

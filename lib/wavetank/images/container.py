"""A container of the Docker Engine as a `Container`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import docker
import requests
from docker.models.containers import Container

from wavetank.engine import telling
from wavetank.errors import ImageError, WaitTimeoutError
from wavetank.images.model import Ended

__all__ = ["DockerContainer"]

_STOP_SECONDS = 5
_LAST_WORDS = 10


class DockerContainer:
    """One container, by its id: it can be asked after whatever has happened to it."""

    def __init__(self, container: Container) -> None:
        self._container = container

    @property
    def name(self) -> str:
        """See `Container.name`."""
        return str(self._container.name)

    def address(self, port: int) -> str:
        """See `Container.address`."""
        with telling(f"inspecting {self.name}"):
            self._container.reload()
        published = (self._container.attrs["NetworkSettings"]["Ports"] or {}).get(f"{port}/tcp")
        if not published:
            raise ImageError(
                f"the port {port} of {self.name} is not published",
                observed=f"the container is {self._container.status}",
                logs=self._last_words(),
                command=f"docker ps -a --filter name={self.name}",
                hint="a container that has ended listens nowhere: read its last words",
            )
        return f"127.0.0.1:{published[0]['HostPort']}"

    def exec(self, command: Sequence[str]) -> Ended:
        """See `Container.exec`."""
        with telling(f"running {command[0]} in {self.name}"):
            ended: Any = self._container.exec_run(list(command))
        return Ended(int(ended.exit_code), ended.output.decode(errors="replace"))

    def logs(self) -> str:
        """See `Container.logs`."""
        with telling(f"reading the log of {self.name}"):
            return self._container.logs().decode(errors="replace")

    def wait(self, seconds: float) -> Ended:
        """See `Container.wait`."""
        with telling(f"waiting for {self.name}"):
            try:
                code = self._container.wait(timeout=seconds)["StatusCode"]
            except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError) as error:
                self._container.reload()
                if self._container.status != "running":
                    raise
                raise WaitTimeoutError(
                    f"{self.name} has not ended within {seconds:g} s",
                    observed=f"it is {self._container.status}",
                    logs=self._last_words(),
                    command=f"docker logs {self.name}",
                ) from error
        return Ended(int(code), self.logs())

    def restart(self) -> None:
        """See `Container.restart`."""
        with telling(f"restarting {self.name}"):
            self._container.restart(timeout=_STOP_SECONDS)

    def remove(self) -> None:
        """See `Container.remove`."""
        with telling(f"removing {self.name}"), suppress(docker.errors.NotFound):
            self._container.remove(force=True, v=True)

    def _last_words(self) -> tuple[str, ...]:
        return tuple(self.logs().splitlines()[-_LAST_WORDS:])

"""What the kinds of engines answer differently about images, said in one way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import docker

__all__ = ["load", "push"]


def load(client: docker.DockerClient, archive: BinaryIO) -> None:
    """Have the engine take in an archive of images (``docker save``).

    The SDK's own ``images.load`` looks each loaded image up by the name the engine tells. Podman tells all the names
    in one line, separated by commas, and names nothing of an image that has no tag; so only failures are read here.
    """
    api: Any = client.api
    for message in api.load_image(archive):
        # A refusal of the whole request has "message"; the SDK does not look at the status of this one.
        if said := message.get("error") or message.get("message"):
            raise docker.errors.APIError(str(said), explanation=str(said))


def push(
    client: docker.DockerClient, repository: str, tag: str, parameters: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Push an image and yield the engine's messages; ``parameters`` are asked for besides (`About.pushes_plain`).

    The SDK's own ``push`` has no way to ask for anything that Docker does not know.
    """
    api: Any = client.api  # what is used here is what its own `push` is made of
    address = api._url("/images/{0}/push", repository)
    answer = api._post(address, params={"tag": tag, **parameters}, headers={"X-Registry-Auth": "e30="}, stream=True)
    api._raise_for_status(answer)
    yield from api._stream_helper(answer, decode=True)

"""What the kinds of engines do differently with images, in one way: taken in, pushed, pulled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import docker

from wavetank.engine.client import about

__all__ = ["load", "pull", "push"]

Messages = Iterator[Mapping[str, Any]]

_LOOPBACK = ("localhost:", "127.", "[::1]:")
_PLAIN = {"tlsVerify": "false"}
"""What Podman's API has to be asked for where a registry speaks plain HTTP."""


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


def push(client: docker.DockerClient, repository: str, tag: str) -> Messages:
    """Push an image and yield the engine's messages."""
    if not _has_to_be_told(client, repository):
        yield from client.api.push(repository, tag=tag, stream=True, decode=True)
        return
    api: Any = client.api  # the SDK's `push` cannot ask for what Docker does not know: these are its parts
    address = api._url("/images/{0}/push", repository)
    headers = {"X-Registry-Auth": "e30="}  # an empty object: nobody asks for a name here
    yield from _stream(api, address, {"tag": tag, **_PLAIN}, headers)


def pull(client: docker.DockerClient, repository: str, tag: str) -> Messages:
    """Pull an image and yield the engine's messages."""
    if not _has_to_be_told(client, repository):
        yield from client.api.pull(repository, tag=tag, stream=True, decode=True)
        return
    api: Any = client.api
    ref = f"{repository}@{tag}" if tag.startswith("sha256:") else f"{repository}:{tag}"
    # Podman's Docker-like API has no way to ask for it here; its own has.
    yield from _stream(api, f"{api.base_url}/v4.0.0/libpod/images/pull", {"reference": ref, **_PLAIN}, {})
    for each in client.images.get(ref).attrs.get("RepoDigests") or ():
        if each.startswith(f"{repository}@"):
            yield {"status": f"Digest: {each.partition('@')[2]}"}


def _has_to_be_told(client: docker.DockerClient, repository: str) -> bool:
    return repository.startswith(_LOOPBACK) and not about(client).trusts_loopback


def _stream(api: Any, address: str, parameters: Mapping[str, str], headers: Mapping[str, str]) -> Messages:
    answer = api._post(address, params=parameters, headers=headers, stream=True)
    api._raise_for_status(answer)
    yield from api._stream_helper(answer, decode=True)

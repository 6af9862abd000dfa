"""What a registry holds: which tags there are, and which bytes each of them means (OCI distribution API)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import requests
from dxf import DXF, DXFBase
from dxf.exceptions import DXFError

from wavetank.errors import ImageError
from wavetank.proxies import Session

__all__ = ["Registry", "Stored"]

_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Stored:
    """An image as a registry stores it: its digest, and its layers' digests and sizes in bytes as they are moved."""

    digest: str
    layers: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """How many bytes a machine that has nothing yet must fetch."""
        return sum(size for _, size in self.layers)


class Registry:
    """The registry at ``host`` (``localhost:5001``), which speaks plain HTTP and asks for no password."""

    def __init__(self, host: str) -> None:
        self.host = host

    def repositories(self) -> list[str]:
        """Return the names of all repositories, without the host."""
        with _telling(f"listing the repositories of {self.host}"):
            registry = DXFBase(self.host, insecure=True, timeout=_ANSWER_SECONDS)
            with _straight(registry):
                return sorted(registry.list_repos())

    def tags(self, repository: str) -> list[str]:
        """Return a repository's tags. Raises `ImageError` when there is no such repository."""
        with self._open(repository, "listing the tags of") as found:
            return sorted(found.list_aliases())

    def digest(self, repository: str, tag: str) -> str:
        """Return the digest that a tag means now: it can be moved to other bytes, a digest cannot."""
        with self._open(repository, f"looking up {tag} in") as found:
            digest = found.head_manifest_and_response(tag)[0]
        return str(digest)

    def stored(self, repository: str, reference: str) -> Stored:
        """Return what a tag or a digest stands for; every byte of the answer is held against its digest."""
        with self._open(repository, f"reading {reference} in") as found:
            layers = cast(list[tuple[str, int]], found.get_alias(reference, sizes=True))
            digest = found.head_manifest_and_response(reference)[0]
        return Stored(str(digest), tuple(layers))

    def tag(self, repository: str, digest: str, tag: str) -> None:
        """Let ``tag`` mean ``digest``, whatever it meant before; no layer is moved."""
        with self._open(repository, f"calling {digest} {tag} in") as found:
            _, answer = found.get_manifest_and_response(digest)
            found.set_manifest(tag, answer.content.decode())

    def delete(self, repository: str, reference: str) -> None:
        """Delete what a tag or a digest stands for, under every tag that means it."""
        with self._open(repository, f"deleting {reference} in") as found:
            found.del_alias(reference)

    @contextmanager
    def _open(self, repository: str, doing: str) -> Iterator[DXF]:
        with _telling(f"{doing} {self.host}/{repository}"):
            registry = DXF(self.host, repository, insecure=True, timeout=_ANSWER_SECONDS)
            with _straight(registry):
                yield registry


@contextmanager
def _straight(registry: DXFBase) -> Iterator[None]:
    """Let the library work with a session of ours: its own asks the environment for proxies to this machine too."""
    with Session() as session:
        registry._sessions.insert(0, session)
        yield


@contextmanager
def _telling(doing: str) -> Iterator[None]:
    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code
        raise ImageError(
            f"{doing} failed: {'there is no such thing' if status == 404 else f'the registry answered {status}'}",
            observed=_reasons(error.response),
            expected="the name of a repository and a tag that were pushed",
            hint="list what there is: Registry.repositories(), Registry.tags(name)",
        ) from error
    except requests.RequestException as error:
        raise ImageError(
            f"{doing} failed: the registry does not answer",
            observed=str(error),
            command="docker ps --all --filter name=registry",
            hint="`wavetank up --for LAB`, with the lab you are in, starts it",
        ) from error
    except DXFError as error:
        raise ImageError(
            f"{doing} failed: the answer is not what its digest says",
            observed=f"{type(error).__name__}: {error}",
            hint="push the image again",
        ) from error


def _reasons(answer: requests.Response) -> str:
    """Return what the registry says, in words where it has any (OCI distribution: an object with ``errors``)."""
    try:
        errors = answer.json()["errors"]
        return "; ".join(f"{error['code']}: {error.get('message', '')}" for error in errors)
    except (json.JSONDecodeError, requests.JSONDecodeError, KeyError, TypeError):
        return answer.text[:200] or f"status {answer.status_code}"

"""Moving an image to or from a registry: the engine's messages to words, a registry that is away tried again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import docker

from wavetank.engine import telling
from wavetank.errors import ImageError
from wavetank.images.model import Say

__all__ = ["transfer"]

_PAUSES = (1.0, 2.0, 4.0)
"""Seconds between tries: a registry that was restarted is back within them."""
_AWAY = ("connection refused", "connection reset", "EOF", "i/o timeout", "502 ", "503 ", "no such host")
_DIGEST = re.compile(r"[Dd]igest: (sha256:[0-9a-f]{64})")


def transfer(
    doing: str,
    start: Callable[[], Iterator[Mapping[str, Any]]],
    say: Say,
    *,
    pauses: tuple[float, ...] = _PAUSES,
) -> str:
    """Let the engine move an image and return its digest in the registry.

    Layers that have arrived are not moved again, neither by another try nor by another call. Raises `ImageError` when
    the registry refuses, and when it is still away after the last try.
    """
    for pause in (*pauses, None):
        with telling(doing):
            digest, said = _try(doing, start, say)
        if digest:
            return digest
        if pause is None or not any(words in said for words in _AWAY):
            break
        say(f"{doing}: the registry does not answer, trying again in {pause:g} s")
        time.sleep(pause)  # nothing tells that a registry is back
    raise _refused(doing, said, tries=len(pauses) + 1)


def _try(doing: str, start: Callable[[], Iterator[Mapping[str, Any]]], say: Say) -> tuple[str, str]:
    """Return the digest that came of it, or why none did."""
    try:
        for message in start():
            if "error" in message:
                return "", str(message["error"]).strip()
            if found := _digest(message):
                return found, ""
            if message.get("status") in ("Pushed", "Layer already exists", "Pull complete", "Already exists"):
                say(f"{doing}: layer {message.get('id', '')} {str(message['status']).lower()}")
    except docker.errors.APIError as error:  # refused before anything was moved
        return "", str(error.explanation or error)
    return "", "the engine ended without a digest"


def _digest(message: Mapping[str, Any]) -> str:
    aux = message.get("aux") or {}
    told = _DIGEST.search(str(message.get("status", "")))
    return str(aux.get("Digest") or (told[1] if told else ""))


def _refused(doing: str, said: str, *, tries: int) -> ImageError:
    if any(words in said for words in _AWAY):
        return ImageError(
            f"{doing} failed: the registry does not answer",
            observed=said,
            expected=f"an answer in one of {tries} tries",
            command="docker ps --all --filter name=registry",
            hint="`wavetank up --for LAB` starts it; then do the same once more: what has arrived is not sent again",
        )
    return ImageError(
        f"{doing} failed",
        observed=said,
        expected="a digest",
        hint="does the registry have that name and tag? Mind every letter",
    )

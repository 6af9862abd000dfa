"""Which instruction made which layer: reading an image's history. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wavetank.images.model import Layer

__all__ = ["layers_of"]

_NO_COMMAND = re.compile(r"^/bin/sh -c #\(nop\)\s+")
_SHELL = re.compile(r"^/bin/sh -c (?!#)")
_MAKES_A_LAYER = ("ADD ", "COPY ", "RUN ", "WORKDIR ")
BASE = "part of the base image"


def layers_of(digests: Sequence[str], history: Sequence[Mapping[str, Any]]) -> tuple[Layer, ...]:
    """Return the layers, the lowest first, each with the instruction that made it.

    ``history`` is the engine's (GET /images/NAME/history), the newest entry first. It also tells instructions that made
    no layer and does not say which; the words tell. What is left over at the bottom is the base's own.
    """
    telling = [(_words(entry), int(entry.get("Size") or 0)) for entry in history]
    makers = [(words, size) for words, size in telling if size or words.upper().startswith(_MAKES_A_LAYER)]
    # A WORKDIR makes a layer only where the folder was not there before.
    spare = [maker for maker in makers if maker[0].upper().startswith("WORKDIR ") and not maker[1]]
    for maker in spare[: max(0, len(makers) - len(digests))]:
        makers.remove(maker)
    layers = []
    for number, digest in enumerate(reversed(digests)):
        words, size = makers[number] if number < len(makers) else (BASE, 0)
        layers.append(Layer(digest, size, words))
    return tuple(reversed(layers))


def _words(entry: Mapping[str, Any]) -> str:
    """Return an entry as the Dockerfile has it: engines tell some instructions as the shell command they are not."""
    said = str(entry.get("CreatedBy") or "").removesuffix(" # buildkit")
    return _SHELL.sub("RUN ", _NO_COMMAND.sub("", said)).strip() or BASE

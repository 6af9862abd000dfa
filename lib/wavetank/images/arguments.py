"""Whether a build has heeded its arguments: Podman may not.

Buildah finds a step in its cache by the step's text alone: where the value of an ARG goes only into an ENV or a LABEL,
it takes what was built with another value (containers/buildah#5501, #5575). What came out tells.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping

from wavetank.bundle.dockerfile import Instruction

__all__ = ["heeds"]

_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def heeds(instructions: Iterable[Instruction], arguments: Mapping[str, str], config: Mapping[str, object]) -> bool:
    """Tell whether an image has what the ENV and LABEL ``instructions`` of its recipe make of ``arguments``.

    ``config`` is the image's, as the engine tells it: ``Env`` and ``Labels``. What an instruction takes from elsewhere
    too is not judged, and of two that set the same the last counts.
    """
    environment, labels = config.get("Env") or (), config.get("Labels") or {}
    has = {
        "ENV": dict(each.split("=", 1) for each in environment if "=" in each) if isinstance(environment, list) else {},
        "LABEL": dict(labels) if isinstance(labels, Mapping) else {},
    }
    wanted: dict[tuple[str, str], str | None] = {}
    for instruction in instructions:
        if instruction.word in has:
            for name, text in _pairs(instruction.rest):
                wanted[instruction.word, name] = _value(text, arguments)
    return all(value is None or has[kind].get(name) == value for (kind, name), value in wanted.items())


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    try:
        words = shlex.split(text)
    except ValueError:  # not for us to judge
        return
    yield from ((name, value) for name, equals, value in (word.partition("=") for word in words) if equals)


def _value(text: str, arguments: Mapping[str, str]) -> str | None:
    """Return what ``text`` becomes; None where nothing of it is an argument, or something is not."""
    names = [braced or bare for braced, bare in _REFERENCE.findall(text)]
    if not names or "${" in _REFERENCE.sub("", text) or any(name not in arguments for name in names):
        return None
    return _REFERENCE.sub(lambda found: arguments[found[1] or found[2]], text)

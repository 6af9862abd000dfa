"""From the messages of a build to its steps. Pure, but for the clock.

The messages are those of the Docker Engine's own builder (POST /build of the Engine API): ``Step 3/9 : USER 10001``,
then ``---> Using cache`` or ``---> Running in ...`` and what the instruction prints, then ``---> <image>``. Podman's
are ``STEP 3/9: USER 10001``, which count anew in each stage, ``--> Using cache <image>`` and ``--> <image>``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wavetank.bundle.dockerfile import Instruction
from wavetank.engine import refusal
from wavetank.errors import ImageError, WavetankError
from wavetank.images.model import BuildStep

__all__ = ["StepReader"]

_STEP = re.compile(r"(?:\[\d+/\d+\] )?S(?:tep|TEP) \d+/(\d+) ?: (.*)")
_ARROW = re.compile(r"(?: -)?--> ([0-9a-f]{11,12})$")
_CACHED = (" ---> Using cache", "--> Using cache ")
_NOISE = re.compile(r" ---> Running in|Removing intermediate|Success|COMMIT|[0-9a-f]{64}$")
_LAST_WORDS = 10


class StepReader:
    """Reads the messages of one build. ``instructions`` are those of its Dockerfile, in order."""

    def __init__(
        self, dockerfile: Path, instructions: Sequence[Instruction], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._dockerfile, self._instructions, self._clock = dockerfile, instructions, clock
        self._number = self._total = 0
        self._began = 0.0
        self._text = self._image = ""
        self._cached = False
        self._output: list[str] = []
        self.id = ""
        """The id of the image that was built; empty until then."""

    def read(self, messages: Iterator[Mapping[str, Any]]) -> Iterator[BuildStep]:
        """Yield each step as it ends. Raises `ImageError` naming the step that failed and its line."""
        for message in messages:
            if "error" in message:
                raise self.failure(str(message["error"]).strip())
            if "aux" in message and "ID" in message["aux"]:
                self.id = message["aux"]["ID"]
            for line in str(message.get("stream", "")).splitlines():
                if begun := _STEP.match(line):
                    yield from self._end()
                    self._begin(int(begun[1]), begun[2])
                elif arrow := _ARROW.match(line):
                    self._image = arrow[1]
                elif line.startswith(_CACHED):
                    self._cached = True
                elif line.strip() and not _NOISE.match(line):
                    self._output.append(line)
        yield from self._end()

    def failure(self, said: str) -> WavetankError:
        """Return the error for what the engine ``said`` at the step under way, or before the first one."""
        if "no space left on device" in said.lower():
            return refusal(f"step {self._number} of building {self._dockerfile}", said, self._output[-_LAST_WORDS:])
        if not self._number:
            return _unreadable(self._dockerfile, said)
        base = self._text.upper().startswith("FROM ")
        return ImageError(
            f"step {self._number} of {len(self._instructions) or self._total} failed: {self._text}",
            where=f"{self._dockerfile}:{self._line}",
            observed=said,
            expected="a base image that the engine has, or can pull" if base else "the instruction to succeed",
            logs=tuple(self._output[-_LAST_WORDS:]),
            command="docker image ls" if base else "",
            hint="name a base that is on the list" if base else f"mend line {self._line} and build again",
        )

    @property
    def _line(self) -> int:
        return self._instructions[self._number - 1].line if self._number <= len(self._instructions) else 1

    def _begin(self, total: int, text: str) -> None:
        self._number += 1
        if text.upper().startswith("FROM "):  # Podman counts no ARG that stands before it
            while self._number <= len(self._instructions) and self._instructions[self._number - 1].word == "ARG":
                self._number += 1
        self._total, self._text, self._began = total, text, self._clock()
        self._cached, self._image, self._output = False, "", []

    def _end(self) -> Iterator[BuildStep]:
        if self._number:
            base = self._text.upper().startswith(("FROM ", "ARG ")) and not self._output
            yield BuildStep(
                self._number,
                len(self._instructions) or self._total,
                self._text,
                self._line,
                self._cached or base,
                self._clock() - self._began,
                self._image,
                tuple(self._output),
            )


def _unreadable(dockerfile: Path, said: str) -> ImageError:
    line = re.search(r"line (\d+)", said)
    return ImageError(
        "the Dockerfile cannot be read",
        where=f"{dockerfile}:{line[1] if line else 1}",
        observed=said,
        expected="instructions such as FROM, COPY, RUN, USER and CMD, one a line",
        hint="mend that line and build again",
    )

"""One exception tree: every error a person may meet, and what each must tell them.

    WavetankError
    ├── InputError            a file or a value a person wrote is wrong: file, line, what was expected
    ├── CheckFailedError      a solved exercise does not do what its checks ask for
    ├── NotSupportedError     this cluster cannot do that, and why
    ├── EngineError           the Docker Engine is missing, refuses, or went away
    ├── ImageError            an image could not be built, found, pushed or pulled
    ├── BundleError           the bundle is incomplete, damaged or cannot be built
    ├── ClusterError          the cluster does not exist, is somebody else's, or did not come up
    │   └── StepError         one named step of `up` failed
    └── KubeError             the Kubernetes API refused, or could not be reached
        ├── NotFoundError     no such object
        ├── UnreachableError  the API server does not answer
        └── WaitTimeoutError  a condition was not met in time: what was last seen instead

An error is part of the product. It says what was observed and what was expected, shows the last words of what failed,
gives the command that shows more, and the next thing to try. The parts are attributes, so that a widget can show them
as it likes; ``str(error)`` is all of them as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

__all__ = [
    "BundleError",
    "CheckFailedError",
    "ClusterError",
    "EngineError",
    "Help",
    "ImageError",
    "InputError",
    "KubeError",
    "NotFoundError",
    "NotSupportedError",
    "StepError",
    "UnreachableError",
    "WaitTimeoutError",
    "WavetankError",
]


@dataclass(frozen=True, slots=True)
class Help:
    """What an error offers beyond its one-line summary.

    ``logs`` are the last lines of what failed; ``command`` can be pasted into a shell; ``hint`` says what to try next.
    """

    observed: str = ""
    expected: str = ""
    logs: Sequence[str] = ()
    command: str = ""
    hint: str = ""

    def parts(self) -> Parts:
        """Return it as what another error may be raised with."""
        return Parts(
            observed=self.observed, expected=self.expected, logs=self.logs, command=self.command, hint=self.hint
        )

    def lines(self) -> list[str]:
        """Return the parts that are there, one labelled line each (log lines indented under theirs)."""
        told = [
            f"  {label}: {text}" for label, text in (("observed", self.observed), ("expected", self.expected)) if text
        ]
        if self.logs:
            told += ["  last words:", *(f"    | {line}" for line in self.logs)]
        told += [f"  {label}: {text}" for label, text in (("see more", self.command), ("try", self.hint)) if text]
        return told


class Parts(TypedDict, total=False):
    """What may be said beside the summary when an error is raised; `Help` says what each part is."""

    observed: str
    expected: str
    logs: Sequence[str]
    command: str
    hint: str


class WavetankError(Exception):
    """The root: anything Wavetank reports to a person on purpose. ``summary`` is one line."""

    def __init__(self, summary: str, **parts: Unpack[Parts]) -> None:
        super().__init__(summary)
        self.summary = summary
        self.help = Help(**parts)

    def __str__(self) -> str:
        return "\n".join([self.summary, *self.help.lines()])

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows of it, and nbval of a cell that fails: as in a terminal, the words alone."""
        return str(self).splitlines()


class InputError(WavetankError):
    """A file or a value a person wrote is wrong. ``where`` is ``file:line`` when it came from a file."""

    def __init__(self, summary: str, *, where: str = "", **parts: Unpack[Parts]) -> None:
        super().__init__(f"{where}: {summary}" if where else summary, **parts)
        self.where = where


class CheckFailedError(WavetankError):
    """A solved exercise does not do what its checks ask for; a learner's own attempt is only "not yet"."""


class NotSupportedError(WavetankError):
    """This cluster cannot do that; ``observed`` says why."""


class EngineError(WavetankError):
    """The Docker Engine is missing, refuses, or went away."""


class ImageError(WavetankError):
    """An image could not be built, found, pushed or pulled. ``where`` is ``file:line`` of the Dockerfile, if known."""

    def __init__(self, summary: str, *, where: str = "", **parts: Unpack[Parts]) -> None:
        super().__init__(f"{where}: {summary}" if where else summary, **parts)
        self.where = where


class BundleError(WavetankError):
    """The bundle is incomplete, damaged or cannot be built; the summary names the image or file."""


class ClusterError(WavetankError):
    """The cluster does not exist, is somebody else's, or did not come up."""


class StepError(ClusterError):
    """One named step of ``up`` failed; running ``up`` again continues there."""


class KubeError(WavetankError):
    """The Kubernetes API refused. ``status`` is the HTTP status, 0 when there was none."""

    def __init__(self, summary: str, *, status: int = 0, **parts: Unpack[Parts]) -> None:
        super().__init__(summary, **parts)
        self.status = status


class NotFoundError(KubeError):
    """No such object."""


class UnreachableError(KubeError):
    """The API server does not answer."""


class WaitTimeoutError(KubeError):
    """A condition was not met in time; ``observed`` says what was last seen instead."""

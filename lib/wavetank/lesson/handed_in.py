"""Whether what is in the cluster is what was handed in: a verdict on anything else would teach nothing.

A checkpoint may be well by itself, and a file that was refused, or never applied, has nothing to do with that.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from wavetank.errors import InputError, KubeError, UnreachableError
from wavetank.kube import Kube
from wavetank.lesson.result import CheckResult

__all__ = ["not_handed_in", "unreadable"]


def unreadable(error: InputError, files: Iterable[Path]) -> CheckResult:
    """Return "not yet" for an error in one of the learner's ``files``; raise every other one."""
    for file in files:
        if str(file) in error.summary:
            said = "; ".join(filter(None, (error.summary, error.help.observed)))
            return CheckResult(False, f"{file.name} can be read", said, error.help.expected, f"cat {quote(str(file))}")
    raise error


def not_handed_in(kube: Kube, namespace: str, files: Iterable[Path]) -> CheckResult | None:
    """Return "not yet" for the first of ``files`` that cannot be applied, or is not what the cluster has; else None.

    Raises `UnreachableError` when nobody can say.
    """
    for file in files:
        claim = f"{file.name} is applied"
        look = kube.connection.kubectl(
            "-n", namespace, "diff", "--server-side", "--field-manager=wavetank", "-f", str(file)
        )
        try:
            change = next(iter(kube.pending(file, namespace=namespace, enforce_namespace=True)), None)
        except UnreachableError:
            raise
        except (InputError, KubeError) as error:
            said = "; ".join(filter(None, (error.summary, error.help.observed)))
            return CheckResult(False, claim, said, error.help.expected or "a file that the cluster takes", look)
        if change is not None:
            return CheckResult(False, claim, str(change), "what the file says: Apply, then Check", look)
    return None

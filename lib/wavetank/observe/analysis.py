"""What Istio's own analysis says of a namespace: `istioctl analyze` knows the mistakes that people make with it.

A route to a version that nobody has defined, a gateway that selects no pod, two services that want the same name: the
program reads what is in the cluster and names them, with a code that is documented (istio.io, "Analysis messages").
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from wavetank.document import read_json
from wavetank.errors import KubeError, NotFoundError
from wavetank.kube import Kube
from wavetank.pasted import pasted

__all__ = ["Message", "analyze", "messages_of"]

_SECONDS = 20
_WORTH_SAYING = ("Error", "Warning")


@dataclass(frozen=True, slots=True)
class Message:
    """One finding: how bad (Error, Warning), its code, about which object, in Istio's words."""

    level: str
    code: str
    about: str
    words: str

    def __str__(self) -> str:
        return f"{self.about}: {self.words} ({self.code})"


def messages_of(answer: str) -> tuple[Message, ...]:
    """Read what `istioctl analyze --output json` writes, without mere hints; no finding is an empty answer.

    Raises `ValueError` for what is no such answer.
    """
    try:
        told = [
            Message(one["level"], one["code"], one.get("origin", ""), one["message"])
            for one in read_json(answer or "[]")
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a finding without {error}") from error
    return tuple(message for message in told if message.level in _WORTH_SAYING)


def analyze(kube: Kube, namespace: str) -> tuple[Message, ...]:
    """Let istioctl look at ``namespace``. Raises `NotFoundError` without istioctl, `KubeError` when it cannot look."""
    program = shutil.which("istioctl")
    if program is None:
        raise NotFoundError("istioctl is not on the PATH", status=404, hint="it is in the bundle: wavetank bundle ls")
    about = ["--namespace", namespace, "--output", "json", "--timeout", f"{_SECONDS}s"]
    command = [program, "analyze", *kube.connection.flags(), *about]
    try:
        ran = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=2 * _SECONDS, check=False
        )
        return messages_of(ran.stdout)  # its exit code says whether it has found an error, not whether it could look
    except (subprocess.TimeoutExpired, ValueError) as error:
        said = ran.stderr.splitlines()[-3:] if isinstance(error, ValueError) else []
        raise KubeError("istioctl could not look at the namespace", logs=said, command=pasted(*command)) from error

"""What a server has refused, and what a connection has died of, in words."""

from __future__ import annotations

from urllib3.exceptions import MaxRetryError, NewConnectionError, ReadTimeoutError

from wavetank.document import read_json
from wavetank.errors import KubeError, NotFoundError

__all__ = ["hangs", "innermost", "reason", "refusal"]


def refusal(status: int, body: bytes) -> KubeError:
    """Return the error that a Kubernetes ``Status`` (or whatever else was answered) stands for."""
    try:
        told = read_json(body)
        message = str(told.get("message") or told["reason"])
        causes = (told.get("details") or {}).get("causes") or []
        observed = "; ".join(f"{cause.get('field', '')}: {cause.get('message', '')}".strip(": ") for cause in causes)
    except (ValueError, KeyError, TypeError, AttributeError):
        message, observed = body.decode(errors="replace").strip() or f"HTTP {status}", ""
    kind = NotFoundError if status == 404 else KubeError
    return kind(message, status=status, observed="" if observed in message else observed)


def hangs(error: KubeError) -> bool:
    """Tell whether the server took the request and was silent (it may also have refused it, or not been reached)."""
    return error.__cause__ is not None and isinstance(innermost(error.__cause__), ReadTimeoutError)


def innermost(error: BaseException) -> BaseException:
    """Return what an error that says only that tries have run out stands for."""
    return error.reason if isinstance(error, MaxRetryError) and error.reason else error


def reason(error: BaseException) -> str:
    """Return the core of an error that may have been wrapped several times."""
    if isinstance(error, ReadTimeoutError):
        return "no answer in time"
    if isinstance(error, NewConnectionError) and isinstance(error.__cause__, OSError):
        error = error.__cause__
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error.args[0] if error.args else error)

"""Envoy's response flags in words: why a proxy answered by itself, gave up, or took its time.

The abbreviations are those of Envoy's access log (docs/root/configuration/observability/access_log/usage.rst); its
tracer puts the same into the tag ``response_flags``.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["DELAY", "flag_words"]

DELAY = "DI"
"""The proxy held the request back, because a fault asks for a delay."""

_WORDS = {
    DELAY: "a delay was injected",
    "FI": "an error was injected",
    "DC": "the caller hung up",
    "DF": "the name could not be resolved",
    "DPE": "the caller broke the protocol",
    "DT": "the connection had lasted too long",
    "IH": "a header was refused",
    "LH": "the service failed its health check",
    "LR": "the proxy reset the connection",
    "NC": "there is no such destination",
    "NR": "no route fits",
    "OM": "the proxy is overloaded",
    "RL": "the rate limit was reached",
    "RLSE": "the rate limit could not be asked for",
    "SI": "nothing moved for too long",
    "UAEX": "authorization was denied",
    "UC": "the service closed the connection",
    "UF": "the service could not be reached",
    "UH": "no healthy pod is left",
    "UMSDR": "the request had lasted too long",
    "UO": "the circuit breaker was open",
    "UPE": "the service broke the protocol",
    "UR": "the service reset the connection",
    "URX": "all retries were used up",
    "UT": "the service took longer than its time-out",
}


def flag_words(flags: Iterable[str]) -> str:
    """Return what ``flags`` say, such as ``the caller hung up (DC)``; one that is not known stands for itself."""
    return ", ".join(f"{_WORDS[flag]} ({flag})" if flag in _WORDS else flag for flag in flags)

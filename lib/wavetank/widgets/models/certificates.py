"""Who is who in a mesh, and who speaks with whom under mutual TLS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wavetank.observe.identity import Held, Identity
from wavetank.widgets.models.tone import Tone

__all__ = ["CertificatesPicture", "Talk", "expires", "issuer"]

_SOON = 600.0
"""Seconds; a sidecar has renewed its certificate long before."""


@dataclass(frozen=True, slots=True)
class Talk:
    """That ``source`` has spoken to ``destination``; ``mtls`` is None where it is not known how."""

    source: str
    destination: str
    mtls: bool | None

    @property
    def tone(self) -> Tone:
        """Whether it is as a mesh wants it."""
        return {True: Tone.GOOD, False: Tone.WARN, None: Tone.WAIT}[self.mtls]

    @property
    def words(self) -> str:
        """How they speak."""
        return {True: "mutual TLS", False: "in the open", None: "not known"}[self.mtls]


@dataclass(frozen=True, slots=True)
class CertificatesPicture:
    """What each pod holds, and who has spoken to whom."""

    held: tuple[Held, ...] = ()
    talks: tuple[Talk, ...] = ()

    @classmethod
    def of(cls, held: Iterable[Held], talks: Iterable[tuple[str, str, bool | None]]) -> CertificatesPicture:
        """Return the picture of rows as they are read; those who talk are sorted by name."""
        return cls(tuple(held), tuple(Talk(*row) for row in sorted(talks, key=lambda row: row[:2])))

    def summary(self) -> str:
        """Return in a line how many pods have a certificate."""
        return f"{sum(one.identity is not None for one in self.held)} of {_pods(len(self.held))} have a certificate"

    def text(self) -> str:
        """Return who there is and who speaks to whom, in words; the same whatever the pods are called."""
        known = Counter(one.identity.uri for one in self.held if one.identity)
        lacking = Counter(one.trouble.replace(f"pod {one.pod}", "the pod") for one in self.held if not one.identity)
        lines = [f"  {uri}: {_pods(count)}" for uri, count in sorted(known.items())]
        lines += [f"  {trouble}: {_pods(count)}" for trouble, count in sorted(lacking.items())]
        lines += [f"  {talk.source} to {talk.destination}: {talk.words}" for talk in self.talks]
        return "\n".join([self.summary(), *lines])


def expires(identity: Identity, now: datetime) -> tuple[Tone, str]:
    """Return how long a certificate is still valid at ``now``, and whether that is well."""
    left = identity.time_left(now)
    if left <= 0:
        return Tone.BAD, f"expired {_span(-left)} ago"
    return (Tone.WARN if left < _SOON else Tone.GOOD), f"in {_span(left)}"


def issuer(identity: Identity) -> str:
    """Return which roots the holder trusts, and so who may have issued its certificate; Envoy tells their serials."""
    return ", ".join(f"root {root.serial[:8]}, until {root.valid_until:%Y-%m-%d}" for root in identity.roots) or "-"


def _pods(count: int) -> str:
    return f"{count} pod" if count == 1 else f"{count} pods"


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{int(seconds)} s"
    hours, rest = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    return f"{days} d {hours_left} h" if days else f"{hours} h {rest} min" if hours else f"{minutes} min"

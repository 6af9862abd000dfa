"""The Fault: what a person asks for, as a Python value and as the custom resource ``wavetank.dev/v1alpha1`` Fault.

A `Fault` that exists is valid: every rule the API server checks (clusters/manifests/crd-fault.yaml) is checked here
too, so that a mistake is told at once, by the name of its field, wherever the fault comes from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wavetank import waves
from wavetank.durations import format_duration, parse_duration
from wavetank.errors import InputError
from wavetank.faults.catalogue import CATALOGUE, TARGETS, Kind, Parameter, TargetKind
from wavetank.kube import Obj
from wavetank.waves import MAX_DURATION, manifest, require

__all__ = [
    "ENDED",
    "MAX_DURATION",
    "Fault",
    "FaultStatus",
    "Obj",
    "Target",
    "from_rfc3339",
    "to_rfc3339",
]

ENDED = waves.ENDED["Fault"]
"""The phases of a Fault that is over."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Target:
    """What a fault is aimed at: pods by their ``labels`` (``what`` is "selector"), or one object by its ``name``."""

    what: TargetKind
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_spec(cls, spec: object) -> Target:
        """Read ``spec.target``. Raises `InputError` naming the field."""
        expected = f"exactly one of {', '.join(TARGETS)}"
        if not isinstance(spec, Mapping) or len(spec) != 1 or not set(spec) <= set(TARGETS):
            raise InputError("target is wrong", observed=f"{spec!r}", expected=expected)
        ((what, value),) = spec.items()
        if what == "selector":
            require(isinstance(value, Mapping) and bool(value), "target.selector", value, "labels, such as {app: web}")
            return cls("selector", labels={str(key): str(label) for key, label in value.items()})
        require(isinstance(value, str) and bool(_NAME.fullmatch(value)), f"target.{what}", value, "the name of one")
        return cls(what, name=value)

    def to_spec(self) -> Obj:
        """Return what `from_spec` reads back as this target."""
        return {self.what: dict(self.labels) if self.what == "selector" else self.name}

    def __str__(self) -> str:
        """Say it in words: ``deployment booking``, ``pods app=web``."""
        if self.what == "selector":
            return "pods " + ",".join(f"{key}={value}" for key, value in self.labels.items())
        return f"{self.what} {self.name}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Trouble of one ``kind`` (a name in `CATALOGUE`) at ``target`` for ``duration`` seconds.

    ``parameters`` are those given; `settings` has them all. Raises `InputError` naming the field that is wrong.
    """

    name: str
    kind: str
    target: Target
    duration: float
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require(bool(_NAME.fullmatch(self.name)), "name", self.name, "lower case letters, digits, - and .")
        require(self.kind in CATALOGUE, "kind", self.kind, f"one of {', '.join(CATALOGUE)}")
        kind = self.described
        fits = f"{self.kind} needs {' or '.join(f'target.{one}' for one in kind.targets)}"
        require(self.target.what in kind.targets, "target", self.target, fits)
        expected = f"more than 0 and at most {format_duration(MAX_DURATION)}: every fault ends by itself"
        require(0 < self.duration <= MAX_DURATION, "duration", format_duration(self.duration), expected)
        takes = {parameter.name: parameter for parameter in kind.parameters}
        for name, value in self.parameters.items():
            known = f"{self.kind} takes {', '.join(takes) or 'no parameters'}"
            require(name in takes, f"parameters.{name}", value, known)
            _require_fits(takes[name], value)

    @property
    def described(self) -> Kind:
        """What the catalogue says of this kind of fault."""
        return CATALOGUE[self.kind]

    @property
    def settings(self) -> dict[str, float]:
        """Every parameter's value: the one given, else its default."""
        return {**self.described.defaults, **self.parameters}

    @classmethod
    def from_spec(cls, name: str, spec: Mapping[str, Any]) -> Fault:
        """Read the ``spec`` of a Fault resource, or of a fault in a lab file. Raises `InputError` naming the field."""
        for required, expected in (
            ("kind", f"one of {', '.join(CATALOGUE)}"),
            ("target", f"exactly one of {', '.join(TARGETS)}"),
            ("duration", "how long, such as 30s: every fault ends by itself"),
        ):
            require(required in spec, required, "nothing", expected)
        return cls(
            name=name,
            kind=spec["kind"],
            target=Target.from_spec(spec["target"]),
            duration=parse_duration(spec["duration"], "duration"),
            parameters=dict(spec.get("parameters") or {}),
        )

    @classmethod
    def from_resource(cls, resource: Obj) -> Fault:
        """Read a Fault resource as the API returns it. Raises `InputError` naming the field."""
        return cls.from_spec(resource["metadata"]["name"], resource["spec"])

    def to_spec(self) -> Obj:
        """Return the ``spec`` that `from_spec` reads back as this fault."""
        return {
            "kind": self.kind,
            "target": self.target.to_spec(),
            "parameters": dict(self.parameters),
            "duration": format_duration(self.duration),
        }

    def to_resource(self, namespace: str) -> Obj:
        """Return the custom resource to create in ``namespace``."""
        return manifest("Fault", self.name, namespace, self.to_spec())

    def __str__(self) -> str:
        """Say it in words: ``latency at deployment booking (ms 400, jitterMs 0)``."""
        settings = ", ".join(f"{name} {value:g}" for name, value in self.settings.items())
        return f"{self.kind} at {self.target}" + (f" ({settings})" if settings else "")


@dataclass(frozen=True, slots=True)
class FaultStatus:
    """A Fault as the cluster last reported it. ``affected`` names the pods it is or was in, or what it broke."""

    name: str
    namespace: str
    kind: str
    target: str
    phase: str
    started_at: datetime | None
    ends_at: datetime | None
    affected: tuple[str, ...]
    message: str

    @classmethod
    def from_resource(cls, resource: Obj) -> FaultStatus:
        """Read a Fault resource; the parts of its status that are not there yet are ``Pending``, None and empty."""
        metadata, spec, status = resource["metadata"], resource["spec"], resource.get("status", {})
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            kind=spec["kind"],
            target=str(Target.from_spec(spec["target"])),
            phase=status.get("phase", "Pending"),
            started_at=from_rfc3339(status.get("startedAt")),
            ends_at=from_rfc3339(status.get("endsAt")),
            affected=tuple(status.get("affected", ())),
            message=status.get("message", ""),
        )

    @property
    def ended(self) -> bool:
        """Whether the fault is over."""
        return self.phase in ENDED

    def time_left(self, now: datetime | None = None) -> float:
        """Return the seconds until it ends by itself; 0 when it is over or has not begun."""
        if self.ended or self.ends_at is None:
            return 0.0
        return max(0.0, (self.ends_at - (now or datetime.now(UTC))).total_seconds())


def to_rfc3339(moment: datetime) -> str:
    """Return ``moment`` as Kubernetes writes times, to the second: ``2026-11-23T17:40:00Z``."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def from_rfc3339(text: str | None) -> datetime | None:
    """Return the moment ``text`` names, None for None."""
    return None if text is None else datetime.fromisoformat(text)


def _require_fits(parameter: Parameter, value: object) -> None:
    expected = f"{'a whole number' if parameter.whole else 'a number'} from {parameter.least:g} to {parameter.most:g}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = not parameter.whole or (isinstance(value, int | float) and value == int(value))
    fits = number and whole and parameter.least <= value <= parameter.most  # type: ignore[operator]
    require(fits, f"parameters.{parameter.name}", value, f"{expected} ({parameter.unit})")

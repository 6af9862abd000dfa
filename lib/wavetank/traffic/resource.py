"""The Load: what a person asks for, as a Python value and as the custom resource ``wavetank.dev/v1alpha1`` Load.

A `Load` that exists is valid: every rule the API server checks (clusters/manifests/crd-load.yaml) is checked here
too, so that a mistake is told at once, by the name of its field, wherever the load comes from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any

from wavetank import waves
from wavetank.durations import format_duration, parse_duration
from wavetank.errors import InputError
from wavetank.kube import Obj
from wavetank.traffic.profile import PROFILES, Curve, Profile, Ramp, Spike, Steady, Trace, arrivals
from wavetank.waves import API_VERSION, MAX_DURATION, manifest, require

__all__ = ["API_VERSION", "ENDED", "MAX_DURATION", "MAX_RATE", "MAX_TIMEOUT", "Load", "LoadStatus", "Target"]

MAX_RATE = 2000.0
"""Requests per second: beyond it a load would measure this machine, not the target."""
MAX_TIMEOUT = 60.0
ENDED = waves.ENDED["Load"]
"""The phases of a Load that is over."""

_TOO_LARGE = 1e300
_REQUIRED = {
    "target": "the Service to ask",
    "rate": "requests a second",
    "duration": "how long, such as 60s: every load ends by itself",
}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked: a Service of the load's own namespace, and the request it gets."""

    service: str
    port: int = 80
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def __post_init__(self) -> None:
        require(bool(_DNS_LABEL.fullmatch(self.service)), "target.service", self.service, "the name of a Service")
        require(0 < self.port < 65536, "target.port", self.port, "a port from 1 to 65535")
        require(self.path.startswith("/"), "target.path", self.path, "a path that begins with /")
        require(self.method in _METHODS, "target.method", self.method, f"one of {', '.join(_METHODS)}")
        for name, value in self.headers.items():
            fits = bool(_HEADER_NAME.fullmatch(name)) and not set("\r\n\0") & set(value)
            require(fits, "target.headers", f"{name}: {value!r}", "names and values of one line, as HTTP has them")

    @property
    def url(self) -> str:
        """The URL as a pod of the same namespace sees it."""
        return f"http://{self.service}:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class Load:
    """Requests to ``target`` along ``profile``, never above ``rate`` per second, for ``duration`` seconds.

    ``timeout`` (seconds) is how long one request may take. Raises `InputError` naming the field that is wrong.
    """

    name: str
    target: Target
    rate: float
    duration: float
    profile: Profile = field(default_factory=Steady)
    timeout: float = 2.0

    def __post_init__(self) -> None:
        require(bool(_DNS_LABEL.fullmatch(self.name)), "name", self.name, "lower case letters, digits and -")
        require(0 < self.rate <= MAX_RATE, "rate", self.rate, f"more than 0 and at most {MAX_RATE:g} requests a second")
        _require_seconds("duration", self.duration, MAX_DURATION)
        _require_seconds("timeout", self.timeout, MAX_TIMEOUT)
        match self.profile:
            case Ramp(start):
                _require_rate("ramp.from", start, self.rate)
            case Spike(base, at, length):
                _require_rate("spike.base", 0 if base is None else base, self.rate)
                for name, seconds in (("spike.at", at), ("spike.for", length)):
                    if seconds is not None:
                        _require_seconds(name, seconds, self.duration)
            case Trace(points):
                _require_trace(points, self.rate)

    @property
    def curve(self) -> Curve:
        """The wanted rate over time."""
        return self.profile.curve(self.rate, self.duration)

    @property
    def requests(self) -> int:
        """How many requests are sent in all."""
        return sum(1 for _ in arrivals(self.curve))

    @classmethod
    def from_spec(cls, name: str, spec: Mapping[str, Any]) -> Load:
        """Read the ``spec`` of a Load resource, or of a load in a lab file. Raises `InputError` naming the field."""
        for required, expected in _REQUIRED.items():
            require(required in spec, required, "nothing", expected)
        _require_number("rate", spec["rate"])
        return cls(
            name=name,
            target=_target(spec["target"]),
            rate=float(spec["rate"]),
            duration=parse_duration(spec["duration"], "duration"),
            profile=_profile(spec),
            timeout=parse_duration(spec.get("timeout", "2s"), "timeout"),
        )

    @classmethod
    def from_resource(cls, resource: Obj) -> Load:
        """Read a Load resource as the API returns it. Raises `InputError` naming the field."""
        return cls.from_spec(resource["metadata"]["name"], resource["spec"])

    def to_spec(self) -> Obj:
        """Return the ``spec`` that `from_spec` reads back as this load."""
        target = self.target
        spec: Obj = {
            "target": {
                "service": target.service,
                "port": target.port,
                "path": target.path,
                "method": target.method,
                "headers": dict(target.headers),
                "body": target.body,
            },
            "profile": self.profile.name,
            "rate": self.rate,
            "duration": format_duration(self.duration),
            "timeout": format_duration(self.timeout),
        }
        match self.profile:
            case Ramp(start):
                spec["ramp"] = {"from": start}
            case Spike(base, at, length):
                wanted = {
                    "base": base,
                    "at": None if at is None else format_duration(at),
                    "for": None if length is None else format_duration(length),
                }
                spec["spike"] = {key: value for key, value in wanted.items() if value is not None}
            case Trace(points):
                spec["trace"] = [list(point) for point in points]
        return spec

    def to_resource(self, namespace: str) -> Obj:
        """Return the custom resource to create in ``namespace``."""
        return manifest("Load", self.name, namespace, self.to_spec())


@dataclass(frozen=True, slots=True)
class LoadStatus:
    """A Load as the cluster last reported it."""

    name: str
    namespace: str
    service: str
    profile: str
    rate: float
    duration: str
    phase: str
    sent: int | None
    failed: int | None
    message: str

    @classmethod
    def from_resource(cls, resource: Obj) -> LoadStatus:
        """Read a Load resource; the parts of its status that are not there yet are ``Pending``, None and empty."""
        metadata, spec, status = resource["metadata"], resource["spec"], resource.get("status", {})
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            service=spec["target"]["service"],
            profile=spec.get("profile", Steady.name),
            rate=float(spec["rate"]),
            duration=spec["duration"],
            phase=status.get("phase", "Pending"),
            sent=status.get("sent"),
            failed=status.get("failed"),
            message=status.get("message", ""),
        )

    @property
    def ended(self) -> bool:
        """Whether the load is over."""
        return self.phase in ENDED


def _target(spec: object) -> Target:
    spec = _mapping("target", spec)
    require("service" in spec, "target.service", "nothing", "the name of a Service")
    known = {one.name for one in fields(Target)}
    for key, value in spec.items():
        require(key in known, f"target.{key}", value, f"only {', '.join(sorted(known))}")
        if key == "port":
            require(type(value) is int, "target.port", value, "a port from 1 to 65535")
        elif key == "headers":
            texts = all(isinstance(header, str) for header in _mapping("target.headers", value).values())
            require(texts, "target.headers", value, "a text for each header")
        else:
            require(isinstance(value, str), f"target.{key}", value, "a text")
    return Target(**spec)


def _profile(spec: Mapping[str, Any]) -> Profile:
    name = spec.get("profile", Steady.name)
    require(isinstance(name, str) and name in PROFILES, "profile", name, f"one of {', '.join(PROFILES)}")
    for other in ("ramp", "spike", "trace"):
        require(other == name or other not in spec, other, spec.get(other), f"only with profile {other}, not {name}")
    if name == Ramp.name:
        start = _mapping("ramp", spec.get("ramp", {})).get("from", 0)
        _require_number("ramp.from", start)
        return Ramp(float(start))
    if name == Spike.name:
        spike = _mapping("spike", spec.get("spike", {}))
        if "base" in spike:
            _require_number("spike.base", spike["base"])
        return Spike(
            base=float(spike["base"]) if "base" in spike else None,
            at=parse_duration(spike["at"], "spike.at") if "at" in spike else None,
            length=parse_duration(spike["for"], "spike.for") if "for" in spike else None,
        )
    if name == Trace.name:
        return Trace(_points(spec.get("trace")))
    return PROFILES[name]()


def _points(trace: object) -> Curve:
    expected = "a list of [second, requests per second]"
    if not isinstance(trace, Sequence) or isinstance(trace, str):
        raise InputError("trace is wrong", observed=repr(trace), expected=expected)
    points = []
    for index, point in enumerate(trace):
        pair = isinstance(point, Sequence) and not isinstance(point, str) and len(point) == 2
        require(pair, f"trace[{index}]", point, expected)
        for number in point:
            _require_number(f"trace[{index}]", number)
        points.append((float(point[0]), float(point[1])))
    return tuple(points)


def _require_trace(points: Curve, rate: float) -> None:
    require(len(points) > 0, "trace", "no points", "at least one [second, requests per second]")
    for index, (second, wanted) in enumerate(points):
        require(second >= 0, f"trace[{index}]", second, "a second that is not negative")
        _require_rate(f"trace[{index}]", wanted, rate)
    for index, ((before, _), (second, _)) in enumerate(pairwise(points), start=1):
        require(before <= second, f"trace[{index}]", second, "seconds in order of time")


def _require_rate(name: str, rate: float, most: float) -> None:
    require(0 <= rate <= most, name, rate, f"from 0 to the load's rate of {most:g} requests a second")


def _require_seconds(name: str, seconds: float, most: float) -> None:
    expected = f"more than 0 and at most {format_duration(most)}"
    require(0 < seconds <= most, name, format_duration(seconds), expected)


def _require_number(name: str, value: object) -> None:
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _TOO_LARGE
    require(is_one, name, value, "a number")


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is wrong", observed=str(value), expected="keys with values")
    return value

"""Breaking a manifest and putting it back: pure functions from an object as it is to the object as it shall be.

Each of these faults changes exactly one value of one object. What it was and what it became make up a `Break`, which
the operator writes into the Fault's status before it changes anything, so whoever comes after a crash knows what to do.
A value is put back only while it is still as the fault left it: what a learner repaired meanwhile stays repaired.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from wavetank.errors import InputError
from wavetank.faults.resource import Fault, to_rfc3339
from wavetank.kube import Obj, application_container
from wavetank.kube.application import ports_of_service
from wavetank.kube.power import POWER_OFF_UNTIL

__all__ = ["BREAKERS", "Break", "Breaker", "becomes", "read", "write"]

_ITEM = re.compile(r"\[(\w+)=(.+)\]")

Path = tuple[str, ...]
"""Where a value is: keys, and ``[name=web]`` for the item of a list that has this name."""


@dataclass(frozen=True, slots=True)
class Break:
    """One value of one object: where it is, what it ``was``, what it ``became`` (None where there was nothing)."""

    kind: str
    name: str
    path: Path
    was: Any
    became: Any

    @classmethod
    def from_status(cls, original: Mapping[str, Any]) -> Break:
        """Read what `to_status` wrote."""
        path = tuple(part.replace("~1", "/").replace("~0", "~") for part in original["path"].split("/")[1:])
        return cls(original["kind"], original["name"], path, original.get("was"), original["became"])

    def to_status(self) -> Obj:
        """Return it as ``status.original`` keeps it; the path as a JSON pointer, so that a person can read it too."""
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in self.path)
        kept = {"kind": self.kind, "name": self.name, "path": pointer, "became": self.became}
        return kept if self.was is None else {**kept, "was": self.was}

    def broken(self, obj: Obj) -> Obj | None:
        """Return ``obj`` broken, or None when its value is not what it was when the fault was planned."""
        return write(obj, self.path, self.became) if read(obj, self.path) == self.was else None

    def restored(self, obj: Obj) -> Obj | None:
        """Return ``obj`` with its value put back, or None when it is not as this fault left it."""
        return write(obj, self.path, self.was) if read(obj, self.path) == self.became else None

    def is_on(self, obj: Obj) -> bool:
        """Tell whether ``obj`` is as this fault left it."""
        return bool(read(obj, self.path) == self.became)

    def meets(self, original: Mapping[str, Any]) -> bool:
        """Tell whether a fault that remembers ``original`` has changed the same value."""
        if "path" not in original:
            return False
        held = Break.from_status(original)
        return (held.kind, held.name, held.path) == (self.kind, self.name, self.path)

    def __str__(self) -> str:
        """Say where it is: ``/spec/selector/app of Service web``."""
        return f"{self.to_status()['path']} of {self.kind} {self.name}"


class Breaker(Protocol):
    """How one kind of fault breaks an object."""

    def __call__(self, target: Obj, /, fault: Fault, ends_at: datetime, services: Sequence[Obj] = ()) -> Break:
        """Return what will be changed in ``target`` as it is; ``services`` are those of its namespace.

        Raises `InputError` when nothing can be, or nobody would notice.
        """


def bad_image(deployment: Obj, fault: Fault, ends_at: datetime, services: Sequence[Obj] = ()) -> Break:
    """Ask for a tag that does not exist, of the image that does."""
    path, container = _application(deployment, services)
    return _break(deployment, (*path, "image"), container["image"], fault, ends_at)


def config_missing(deployment: Obj, fault: Fault, ends_at: datetime, services: Sequence[Obj] = ()) -> Break:
    """Read settings from a ConfigMap that nobody has made."""
    path, container = _application(deployment, services)
    return _break(deployment, (*path, "envFrom"), container.get("envFrom"), fault, ends_at)


def selector_mismatch(service: Obj, fault: Fault, ends_at: datetime, services: Sequence[Obj] = ()) -> Break:
    """Look for a label value that no pod has."""
    label, value = next(iter(_selector(service).items()))
    return _break(service, ("spec", "selector", label), value, fault, ends_at)


def wrong_port(service: Obj, fault: Fault, ends_at: datetime, services: Sequence[Obj] = ()) -> Break:
    """Send connections to another port of the pods."""
    _selector(service)
    name, ports = service["metadata"]["name"], ports_of_service(service)
    if service["spec"].get("clusterIP") == "None":
        raise InputError(
            f"the Service {name} is headless, so its target port sends nobody anywhere",
            observed="its clusterIP is None: its name leads to the pods themselves, at their own ports",
            expected="a Service with an address",
        )
    if not ports:
        raise InputError(f"Service {name} has no ports", expected="at least one")
    port = ports[0]
    path: Path = ("spec", "ports", f"[port={port['port']}]")
    was = port.get("targetPort")
    if was == int(fault.settings["port"]):
        raise InputError(
            "parameters.port is wrong",
            observed=f"Service {service['metadata']['name']} points at port {was} already",
            expected="another port",
        )
    return _break(service, (*path, "targetPort"), was, fault, ends_at)


def node_stop(node: Obj, fault: Fault, ends_at: datetime, services: Sequence[Obj] = ()) -> Break:
    """Ask for the node's power to be off; the power agent keeps the deadline even if the API is gone by then."""
    was = (node["metadata"].get("annotations") or {}).get(POWER_OFF_UNTIL)
    return _break(node, ("metadata", "annotations", POWER_OFF_UNTIL), was, fault, ends_at)


BREAKERS: Mapping[str, Breaker] = {
    "bad-image": bad_image,
    "config-missing": config_missing,
    "selector-mismatch": selector_mismatch,
    "wrong-port": wrong_port,
    "node-stop": node_stop,
}
"""How each kind of fault that breaks an object does it."""


def becomes(was: Any, fault: Fault, ends_at: datetime) -> Any:
    """Return what a value becomes that ``was`` there before ``fault``, which breaks an object until ``ends_at``."""
    match fault.kind:
        case "bad-image":
            return f"{_repository(str(was))}:no-such-version"
        case "config-missing":
            return [*(was or []), {"configMapRef": {"name": f"{fault.target.name}-settings-v2"}}]
        case "selector-mismatch":
            return f"{was}-service"
        case "wrong-port":
            return int(fault.settings["port"])
        case _:
            return to_rfc3339(ends_at)


def _repository(image: str) -> str:
    """Return an image's name without its tag and digest."""
    repository = image.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:  # a colon before the last slash is a registry's port
        repository = repository.rpartition(":")[0]
    return repository


def read(obj: Obj, path: Path) -> Any:
    """Return the value at ``path``, None when there is nothing."""
    here: Any = obj
    for part in path:
        if item := _ITEM.fullmatch(part):
            here = next((one for one in here or [] if str(one.get(item[1])) == item[2]), None)
        else:
            here = (here or {}).get(part)
    return here


def write(obj: Obj, path: Path, value: Any) -> Obj:
    """Return a copy of ``obj`` with ``value`` at ``path``, or with nothing there if ``value`` is None."""
    changed = copy.deepcopy(obj)
    *parents, last = path
    here: Any = changed
    for part in parents:
        if item := _ITEM.fullmatch(part):
            here = next(one for one in here if str(one.get(item[1])) == item[2])
        else:
            here = here.setdefault(part, {})
    if value is None:
        here.pop(last, None)
    else:
        here[last] = value
    return changed


def _application(deployment: Obj, services: Sequence[Obj]) -> tuple[Path, Obj]:
    """Return where the application's container of a Deployment is, and the container."""
    name, spec = deployment["metadata"]["name"], deployment["spec"]
    if spec.get("paused"):
        raise InputError(
            f"the Deployment {name} is paused, so nothing of it is rolled out",
            expected="one that is not",
            hint=f"kubectl -n {deployment['metadata']['namespace']} rollout resume deployment/{name}",
        )
    container = application_container(spec["template"], services)
    return ("spec", "template", "spec", "containers", f"[name={container['name']}]"), container


def _selector(service: Obj) -> Obj:
    """Return the selector of a Service."""
    selector: Obj = service["spec"].get("selector") or {}
    if not selector:
        raise InputError(
            "the Service selects no pods",
            observed=f"Service {service['metadata']['name']} has no selector",
            expected="a Service with a selector, by which it finds the pods that it sends requests to",
        )
    return selector


def _break(obj: Obj, path: Path, was: Any, fault: Fault, ends_at: datetime) -> Break:
    return Break(obj["kind"], obj["metadata"]["name"], path, was, becomes(was, fault, ends_at))

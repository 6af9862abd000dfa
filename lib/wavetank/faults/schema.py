"""What the catalogue says, in the words of a CRD: the schema of the parameters, and rules in the API's own language.

``clusters/manifests/crd-fault.yaml`` is written by hand so that it can be read; a test holds it to what is made here.
The rules are CEL: https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

from wavetank.faults.catalogue import CATALOGUE, Parameter, TargetKind

__all__ = ["kind_rules", "parameter_properties"]

Rule = dict[str, str]
Key = TypeVar("Key", bound=Hashable)


def parameter_properties() -> dict[str, dict[str, Any]]:
    """Return the schema of each parameter of ``spec.parameters``, by name, as wide as the widest kind takes it."""
    properties: dict[str, dict[str, Any]] = {}
    for parameter, kinds in _takers().items():
        described = _property(parameter, kinds)
        if other := properties.get(parameter.name):  # with another default, or other bounds, for other kinds
            described["description"] = f"{other['description']}; {described['description']}"
            described["minimum"] = min(other["minimum"], described["minimum"])
            described["maximum"] = max(other["maximum"], described["maximum"])
        properties[parameter.name] = described
    return properties


def kind_rules() -> list[Rule]:
    """Return the rules of ``spec`` that tie targets and parameters to kinds, each with its message."""
    targets = _grouped((kind.targets, kind.name) for kind in CATALOGUE.values())
    names = _grouped((parameter.name, kind.name) for kind in CATALOGUE.values() for parameter in kind.parameters)
    return [
        *(_target_rule(fitting, kinds) for fitting, kinds in targets.items()),
        *(_parameter_rule(name, kinds) for name, kinds in names.items()),
        *_bound_rules(),
    ]


def _takers() -> dict[Parameter, list[str]]:
    return _grouped((parameter, kind.name) for kind in CATALOGUE.values() for parameter in kind.parameters)


def _property(parameter: Parameter, kinds: list[str]) -> dict[str, Any]:
    number = int if parameter.whole else float
    return {
        "description": f"{_listed(kinds)}: {parameter.words} ({parameter.unit}, {parameter.default:g} by default)",
        "type": "integer" if parameter.whole else "number",
        "minimum": number(parameter.least),
        "maximum": number(parameter.most),
    }


def _target_rule(targets: tuple[TargetKind, ...], kinds: list[str]) -> Rule:
    fits = " || ".join(f"has(self.target.{target})" for target in targets)
    words = " or ".join(f"target.{target}" for target in targets)
    return {"rule": f"!(self.kind in {kinds}) || {fits}", "messageExpression": f"self.kind + ' needs {words}'"}


def _parameter_rule(name: str, kinds: list[str]) -> Rule:
    return {
        "rule": f"!has(self.parameters.{name}) || self.kind in {kinds}",
        "messageExpression": f"self.kind + ' does not take the parameter {name}: only {_listed(kinds)}'",
    }


def _bound_rules() -> list[Rule]:
    """Return a rule for each parameter that some kinds take less far than others do."""
    widest, rules = parameter_properties(), []
    for parameter, kinds in _takers().items():
        own, name = _property(parameter, kinds), parameter.name
        least, most = own["minimum"], own["maximum"]
        if (least, most) != (widest[name]["minimum"], widest[name]["maximum"]):
            within = f"(self.parameters.{name} >= {least} && self.parameters.{name} <= {most})"
            rule = f"!(self.kind in {kinds}) || !has(self.parameters.{name}) || {within}"
            message = f"self.kind + ' takes {name} from {least} to {most}'"
            rules.append({"rule": rule, "messageExpression": message})
    return rules


def _listed(kinds: list[str]) -> str:
    return " and ".join([", ".join(kinds[:-1]), kinds[-1]]) if len(kinds) > 1 else kinds[0]


def _grouped(pairs: Iterable[tuple[Key, str]]) -> dict[Key, list[str]]:
    groups: dict[Key, list[str]] = {}
    for key, name in pairs:
        groups.setdefault(key, []).append(name)
    return groups

"""The catalogue says everything about every kind, and the CRD says what the catalogue says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from wavetank.faults import CATALOGUE, TARGETS, Kind, Parameter
from wavetank.faults.resource import ENDED
from wavetank.faults.schema import kind_rules, parameter_properties
from wavetank.kube import Obj

CRD = Path(__file__).parents[3] / "clusters/manifests/crd-fault.yaml"
KINDS = list(CATALOGUE.values())
PARAMETERS = [pytest.param(kind, one, id=f"{kind.name} {one.name}") for kind in KINDS for one in kind.parameters]


@pytest.fixture(scope="module")
def version() -> Obj:
    """The one version of the CRD."""
    versions = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    assert [one["name"] for one in versions] == ["v1alpha1"]
    return versions[0]


@pytest.fixture(scope="module")
def spec(version: Obj) -> Obj:
    """The schema of a Fault's spec."""
    return version["schema"]["openAPIV3Schema"]["properties"]["spec"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_described_for_a_learner(kind: Kind) -> None:
    for words in (kind.does, kind.watch, kind.reverts):
        assert len(words.split()) >= 3
    assert kind.targets
    assert set(kind.targets) <= set(TARGETS)


@pytest.mark.parametrize(("kind", "parameter"), PARAMETERS)
def test_every_default_is_within_its_bounds(kind: Kind, parameter: Parameter) -> None:
    assert parameter.least <= parameter.default <= parameter.most
    if parameter.whole:
        assert all(value == int(value) for value in (parameter.least, parameter.default, parameter.most))


def test_a_parameter_is_the_same_number_of_the_same_thing_in_every_kind() -> None:
    meanings: dict[str, set[tuple[str, bool]]] = {}
    for kind in KINDS:
        for parameter in kind.parameters:
            meanings.setdefault(parameter.name, set()).add((parameter.unit, parameter.whole))
    assert {name: len(found) for name, found in meanings.items() if len(found) > 1} == {}


def test_the_crd_knows_the_kinds_of_the_catalogue(spec: Obj) -> None:
    assert spec["properties"]["kind"]["enum"] == list(CATALOGUE)


def test_the_crd_knows_the_targets_of_the_catalogue(spec: Obj) -> None:
    assert set(spec["properties"]["target"]["properties"]) == set(TARGETS)


def test_the_crd_has_the_parameters_of_the_catalogue(spec: Obj) -> None:
    assert spec["properties"]["parameters"]["properties"] == parameter_properties()


@pytest.mark.parametrize(("kind", "parameter"), PARAMETERS)
def test_the_crd_takes_a_parameter_as_far_as_the_kind_does(spec: Obj, kind: Kind, parameter: Parameter) -> None:
    widest = spec["properties"]["parameters"]["properties"][parameter.name]
    narrower = (widest["minimum"], widest["maximum"]) != (parameter.least, parameter.most)
    told = f"self.kind + ' takes {parameter.name} from {parameter.least:g} to {parameter.most:g}'"
    rules = [rule["rule"] for rule in spec["x-kubernetes-validations"] if rule.get("messageExpression") == told]
    assert any(f"'{kind.name}'" in rule for rule in rules) is narrower


def test_the_crd_ties_targets_and_parameters_to_kinds(spec: Obj) -> None:
    made = [rule for rule in spec["x-kubernetes-validations"] if "messageExpression" in rule]
    assert made == kind_rules()


def test_the_crd_demands_an_end(spec: Obj) -> None:
    assert spec["required"] == ["kind", "target", "duration"]


def test_the_crd_has_the_phases_of_the_operator(version: Obj) -> None:
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
    assert set(status["phase"]["enum"]) == {"Pending", "Active"} | ENDED
    assert status["original"]["x-kubernetes-preserve-unknown-fields"] is True
    assert version["subresources"] == {"status": {}}

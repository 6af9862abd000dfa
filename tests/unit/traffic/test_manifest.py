"""The load pod: ends by itself, runs what was asked, and has no rights it does not need."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wavetank.errors import InputError
from wavetank.traffic import Load, Spike, Target
from wavetank.traffic.manifest import LOAD_LABEL, load_pod

LOAD = Load("rush-hour", Target("web", path="/api/sailings"), rate=50, duration=90, profile=Spike(), timeout=3)


def stored(load: Load) -> dict[str, Any]:
    resource = load.to_resource("tidewater")
    resource["metadata"]["uid"] = "0f3c9a2e-5f6b-4b7e-9a51-3d1f0c9e7b11"
    return resource


def test_the_pod_runs_the_load_that_was_asked_for() -> None:
    container = load_pod(stored(LOAD))["spec"]["containers"][0]
    environment = {variable["name"]: variable["value"] for variable in container["env"]}

    assert container["args"] == ["load-pod"]
    assert Load.from_spec("rush-hour", json.loads(environment["WAVETANK_LOAD"])) == LOAD


def test_the_pod_belongs_to_the_load() -> None:
    metadata = load_pod(stored(LOAD))["metadata"]
    owner = metadata["ownerReferences"][0]

    assert metadata["namespace"] == "tidewater"
    assert metadata["name"] == "load-rush-hour-0f3c9"
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Load", "rush-hour", stored(LOAD)["metadata"]["uid"])
    assert metadata["labels"][LOAD_LABEL] == "rush-hour"


def test_the_pod_ends_by_itself_after_the_load_and_never_runs_again() -> None:
    spec = load_pod(stored(LOAD))["spec"]

    assert 90 + 3 < spec["activeDeadlineSeconds"] <= 90 + 3 + 60
    assert spec["restartPolicy"] == "Never"
    assert spec["terminationGracePeriodSeconds"] == 2


def test_the_pod_has_no_rights_and_stays_off_the_nodes_that_faults_stop() -> None:
    spec = load_pod(stored(LOAD))["spec"]

    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["nodeSelector"] == {"node-role.kubernetes.io/control-plane": ""}
    assert spec["tolerations"][0]["key"] == "node-role.kubernetes.io/control-plane"


def test_a_node_that_was_away_for_a_moment_takes_no_record_with_it() -> None:
    tolerated = {one["key"] for one in load_pod(stored(LOAD))["spec"]["tolerations"] if one["effect"] == "NoExecute"}

    assert tolerated == {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}


def test_a_long_name_still_makes_a_valid_pod_name() -> None:
    name = "x" * 63

    assert len(load_pod(stored(Load(name, Target("web"), rate=1, duration=1)))["metadata"]["name"]) <= 253


def test_a_resource_that_is_wrong_is_told_by_its_field() -> None:
    resource = stored(LOAD)
    resource["spec"]["rate"] = -1

    with pytest.raises(InputError, match=r"^rate"):
        load_pod(resource)

"""A Load is valid or does not exist; as a resource it reads back as itself and keeps to its CRD."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from wavetank.errors import InputError
from wavetank.traffic import Day, Load, LoadStatus, Profile, Ramp, Spike, Steady, Target, Trace
from wavetank.traffic.resource import API_VERSION, ENDED, MAX_RATE

CRD = yaml.safe_load((Path(__file__).parents[3] / "clusters/manifests/crd-load.yaml").read_text())
SCHEMA = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]

SPEC: dict[str, Any] = {"target": {"service": "web"}, "rate": 20, "duration": "60s"}

PROFILES: list[Profile] = [
    Steady(),
    Ramp(),
    Ramp(start=2.5),
    Spike(),
    Spike(base=1, at=10, length=5.5),
    Day(),
    Trace(((0, 1), (30, 20))),
]


def test_the_least_there_is_to_say() -> None:
    load = Load.from_spec("steady", SPEC)

    assert load == Load("steady", Target("web"), rate=20, duration=60)
    assert load.target.url == "http://web:80/"
    assert (load.profile, load.timeout) == (Steady(), 2)


@pytest.mark.parametrize("profile", PROFILES, ids=str)
def test_a_load_survives_its_resource(profile: Profile) -> None:
    target = Target("booking", 8080, "/api/bookings", "POST", {"X-Day": "1"}, "{}")
    load = Load("game-day", target, rate=20, duration=90.5, profile=profile, timeout=0.25)
    resource = load.to_resource("tidewater")

    assert Load.from_resource(resource) == load
    assert (resource["apiVersion"], resource["kind"]) == (API_VERSION, "Load")
    assert resource["metadata"]["namespace"] == "tidewater"


def unknown(value: Any, schema: Any) -> Iterator[str]:
    """Yield the keys of ``value`` that the API server would drop because ``schema`` does not name them."""
    if isinstance(value, dict) and "properties" in schema:
        for key, deeper in value.items():
            if key in schema["properties"]:
                yield from unknown(deeper, schema["properties"][key])
            else:
                yield key


@pytest.mark.parametrize("profile", PROFILES, ids=str)
def test_what_is_written_is_in_the_crd(profile: Profile) -> None:
    spec = Load("steady", Target("web"), rate=20, duration=60, profile=profile).to_spec()

    assert set(unknown(spec, SCHEMA["spec"])) == set()
    assert spec["profile"] in SCHEMA["spec"]["properties"]["profile"]["enum"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"duration": None}, "duration"),
        ({"duration": "60"}, "duration"),
        ({"duration": "0s"}, "duration"),
        ({"duration": "-5s"}, "duration"),
        ({"duration": "61m"}, "duration"),
        ({"rate": None}, "rate"),
        ({"rate": 0}, "rate"),
        ({"rate": -1}, "rate"),
        ({"rate": MAX_RATE + 1}, "rate"),
        ({"rate": "20"}, "rate"),
        ({"rate": float("nan")}, "rate"),
        ({"timeout": "2m"}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
        ({"target": None}, "target"),
        ({"target": {}}, "target.service"),
        ({"target": {"service": "http://web"}}, "target.service"),
        ({"target": {"service": "web", "port": 0}}, "target.port"),
        ({"target": {"service": "web", "path": "api"}}, "target.path"),
        ({"target": {"service": "web", "method": "get"}}, "target.method"),
        ({"target": {"service": "web", "host": "x"}}, "target.host"),
        ({"target": {"service": "web", "headers": {"X-Day": "1\r\nX-Night: 2"}}}, "target.headers"),
        ({"target": {"service": "web", "headers": {"X Day": "1"}}}, "target.headers"),
        ({"profile": "tsunami"}, "profile"),
        ({"profile": "ramp", "ramp": {"from": 21}}, "ramp.from"),
        ({"profile": "ramp", "ramp": {"from": "1"}}, "ramp.from"),
        ({"profile": "spike", "spike": {"base": 30}}, "spike.base"),
        ({"profile": "spike", "spike": {"at": "soon"}}, "spike.at"),
        ({"profile": "spike", "spike": {"at": "61s"}}, "spike.at"),
        ({"profile": "spike", "spike": {"for": "0s"}}, "spike.for"),
        ({"ramp": {"from": 1}}, "ramp"),
        ({"trace": [[0, 1]]}, "trace"),
        ({"profile": "trace"}, "trace"),
        ({"profile": "trace", "trace": []}, "trace"),
        ({"profile": "trace", "trace": [[0, 1], 5]}, r"trace\[1\]"),
        ({"profile": "trace", "trace": [[0, 1], [5, "x"]]}, r"trace\[1\]"),
        ({"profile": "trace", "trace": [[0, 1], [5, 21]]}, r"trace\[1\]"),
        ({"profile": "trace", "trace": [[5, 1], [0, 1]]}, r"trace\[1\]"),
        ({"profile": "trace", "trace": [[-1, 1]]}, r"trace\[0\]"),
    ],
    ids=str,
)
def test_a_mistake_is_told_by_the_name_of_its_field(change: dict[str, Any], field: str) -> None:
    spec = {key: value for key, value in {**SPEC, **change}.items() if value is not None}

    with pytest.raises(InputError, match=rf"^{field}(:| is wrong)") as caught:
        Load.from_spec("steady", spec)
    assert caught.value.help.expected


@pytest.mark.parametrize("name", ["", "Steady", "a_b", "-a", "x" * 64])
def test_a_name_must_be_one_the_api_takes(name: str) -> None:
    with pytest.raises(InputError, match=r"^name"):
        Load.from_spec(name, SPEC)


def test_a_new_load_is_pending() -> None:
    status = LoadStatus.from_resource(Load.from_spec("steady", SPEC).to_resource("tidewater"))

    assert (status.phase, status.ended, status.sent, status.message) == ("Pending", False, None, "")


@pytest.mark.parametrize("phase", SCHEMA["status"]["properties"]["phase"]["enum"])
def test_a_load_is_over_in_three_of_the_crds_phases(phase: str) -> None:
    resource = Load.from_spec("steady", SPEC).to_resource("tidewater") | {"status": {"phase": phase, "sent": 7}}
    status = LoadStatus.from_resource(resource)

    assert status.ended == (phase in ENDED) == (phase not in ("Pending", "Running"))
    assert status.sent == 7

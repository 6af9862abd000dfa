"""Events become boarding passes: in both modes of CloudEvents, once each however often they come."""

import base64
import json

import pytest
from tests.support.tidewater import running

BOOKED = {
    "ce-specversion": "1.0",
    "ce-id": "b1",
    "ce-source": "/tidewater/booking",
    "ce-type": "ferries.booking.created",
}
BOOKING = {"reference": "T1-00001", "payment": 1, "sailing": "T1"}
UPLOADED = {**BOOKED, "ce-id": "m1", "ce-type": "ferries.manifest.uploaded", "Content-Type": "text/csv; charset=utf-8"}


@pytest.fixture
def boarding_pass():
    with running("boarding-pass") as service:
        yield service


def metrics(service) -> str:
    return service.ask("GET", "/metrics").text


def test_a_booking_becomes_a_pass_and_the_answer_is_an_event(boarding_pass):
    answer = boarding_pass.ask("POST", "/", BOOKING, BOOKED)
    assert answer.status == 200
    assert answer.headers["ce-type"] == "ferries.boarding-pass.issued"
    assert answer.headers["ce-specversion"] == "1.0"
    assert answer.headers["ce-source"] == "/tidewater/boarding-pass"
    assert answer.headers["content-type"] == "application/json"
    (issued,) = answer.json["passes"]
    assert issued["code"] == f"M1FOOT PASSENGER      ET1-00001    TWFT1  {issued['deck']}"
    assert boarding_pass.ask("GET", "/passes").json["passes"] == [issued]


def test_both_modes_make_the_same_of_an_event(boarding_pass):
    attributes = {name.removeprefix("ce-"): value for name, value in BOOKED.items()}
    media = {"Content-Type": "application/cloudevents+json; charset=UTF-8"}
    as_object = json.dumps({**attributes, "datacontenttype": "application/json", "data": BOOKING})
    as_bytes = json.dumps({**attributes, "data_base64": base64.b64encode(json.dumps(BOOKING).encode()).decode()})
    passes = [
        boarding_pass.ask("POST", "/", BOOKING, BOOKED).json,
        boarding_pass.ask("POST", "/", as_object, media).json,
        boarding_pass.ask("POST", "/", as_bytes, media).json,
    ]
    assert passes[0] == passes[1] == passes[2]
    assert "events_duplicate_total" in metrics(boarding_pass)


def test_an_uploaded_file_becomes_a_pass_for_each_passenger(boarding_pass):
    answer = boarding_pass.ask("POST", "/", "sailing,name\nT2,Ada Ferris\nT3,Grace Pier\n", UPLOADED)
    assert [(one["name"], one["sailing"]) for one in answer.json["passes"]] == [
        ("Ada Ferris", "T2"),
        ("Grace Pier", "T3"),
    ]
    assert len({one["reference"] for one in answer.json["passes"]}) == 2
    assert 'boarding_passes_issued_total{service="boarding-pass",version="v1"} 2' in metrics(boarding_pass)


def test_an_event_that_comes_again_is_answered_again_and_counted_once(boarding_pass):
    first = boarding_pass.ask("POST", "/", BOOKING, BOOKED)
    again = boarding_pass.ask("POST", "/", BOOKING, BOOKED)
    other = boarding_pass.ask("POST", "/", BOOKING, {**BOOKED, "ce-source": "/elsewhere"})
    assert (again.json, again.headers["ce-id"]) == (first.json, first.headers["ce-id"])
    assert other.headers["ce-id"] != first.headers["ce-id"]
    assert 'events_duplicate_total{service="boarding-pass",version="v1"} 1' in metrics(boarding_pass)
    assert 'boarding_passes_issued_total{service="boarding-pass",version="v1"} 2' in metrics(boarding_pass)


def test_another_instance_makes_the_same_pass():
    with running("boarding-pass") as one, running("boarding-pass") as other:
        assert one.ask("POST", "/", BOOKING, BOOKED).json == other.ask("POST", "/", BOOKING, BOOKED).json


def test_attributes_may_hold_anything_a_header_may_not(boarding_pass):
    strange = {**BOOKED, "ce-id": "%E2%9B%B4%20no.%0D%0A%251"}
    answer = boarding_pass.ask("POST", "/", BOOKING, strange)
    assert answer.headers["ce-subject"] == "%E2%9B%B4%20no.%0D%0A%251"
    quoted = boarding_pass.ask("POST", "/", BOOKING, {**BOOKED, "ce-id": r'"a \"b\""'})
    assert quoted.headers["ce-subject"] == "a%20%22b%22"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, "{}", 400),  # no event at all
        ({**BOOKED, "ce-specversion": "0.3"}, BOOKING, 400),
        ({**BOOKED, "ce-id": ""}, BOOKING, 400),
        ({**BOOKED, "ce-id": "%C0%A0"}, BOOKING, 400),  # not UTF-8
        ({**BOOKED, "ce-no_name": "x"}, BOOKING, 400),
        ({**BOOKED, "ce-type": "ferries.storm.coming"}, BOOKING, 400),
        (BOOKED, "not json", 400),
        (BOOKED, {"reference": "T1-00001"}, 400),
        (UPLOADED, "", 400),
        (UPLOADED, "name,sailing\nAda Ferris\n", 400),
        ({**UPLOADED, "Content-Type": "application/pdf"}, "name,sailing\nAda,T1\n", 400),
        ({"Content-Type": "application/cloudevents+json"}, "[]", 400),
        ({"Content-Type": "application/cloudevents+json"}, {"id": "1", "data_base64": "?"}, 400),
        ({"Content-Type": "application/cloudevents-batch+json"}, "[]", 415),
    ],
)
def test_what_no_pass_can_be_made_of_is_refused_for_good(boarding_pass, headers, body, status):
    """Knative tries 404, 408, 409, 429 and 5xx again, and nothing else."""
    answer = boarding_pass.ask("POST", "/", body, headers)
    assert answer.status == status
    assert answer.json["error"]
    assert 'events_refused_total{service="boarding-pass",version="v1"} 1' in metrics(boarding_pass)
    assert boarding_pass.ask("GET", "/passes").json == {"passes": []}


def test_a_consumer_fails_on_demand_and_what_failed_can_come_again(boarding_pass):
    boarding_pass.switch("POST", "/faults", {"kind": "errors", "share": 1, "status": 503, "seconds": 30})
    assert boarding_pass.ask("POST", "/", BOOKING, BOOKED).status == 503
    boarding_pass.switch("DELETE", "/faults")
    assert boarding_pass.ask("POST", "/", BOOKING, BOOKED).status == 200
    assert "events_duplicate_total" not in metrics(boarding_pass)

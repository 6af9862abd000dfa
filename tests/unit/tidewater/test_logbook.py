"""The logbook: every event once, however often it came, and dead letters with the reason."""

import base64

import pytest
from tests.support.tidewater import running

EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/here", "ce-type": "ferries.storm.coming"}


@pytest.fixture
def logbook():
    with running("logbook") as service:
        yield service


def test_counts_what_came_by_type_and_what_was_different(logbook):
    for id in ("1", "2", "2"):
        answer = logbook.ask("POST", "/", {"wind": 9}, {**EVENT, "ce-id": id})
        assert (answer.status, answer.text) == (202, "")  # Knative takes a body for an answering event
    logbook.ask("POST", "/", "", {**EVENT, "ce-type": "ferries.storm.over"})  # the same id and source: the same event
    book = logbook.ask("GET", "/events").json
    assert (book["received"], book["different"]) == (4, 2)
    assert book["by_type"] == {
        "ferries.storm.coming": {"received": 2, "different": 1},
        "ferries.storm.over": {"received": 2, "different": 1},
    }
    assert [(event["id"], event["times"], event["data"]) for event in book["events"]] == [
        ("2", 2, '{"wind": 9}'),
        ("1", 2, ""),
    ]
    assert logbook.ask("GET", "/events?most=1").json["events"] == book["events"][-1:]


def test_dead_letters_are_a_book_of_their_own_and_say_why(logbook):
    reason = base64.b64encode(b'{"error": "the manifest has no passengers"}').decode()
    logbook.ask(
        "POST",
        "/dead-letters",
        "",
        {**EVENT, "ce-knativeerrorcode": "400", "ce-knativeerrordest": "http://x/", "ce-knativeerrordata": reason},
    )
    (letter,) = logbook.ask("GET", "/dead-letters").json["events"]
    assert (letter["knativeerrorcode"], letter["knativeerrordest"]) == ("400", "http://x/")
    assert letter["knativeerrordata"] == '{"error": "the manifest has no passengers"}'
    assert logbook.ask("GET", "/events").json["received"] == 0


def test_keeps_the_latest_thousands_and_forgets_on_demand(logbook):
    connection = logbook.connect()
    for number in range(5001):
        connection.request("POST", "/", b"", {**EVENT, "ce-id": str(number)})
        connection.getresponse().read()
    book = logbook.ask("GET", "/events?most=5000").json
    assert (book["received"], book["different"], book["events"][0]["id"]) == (5001, 5000, "1")
    assert logbook.ask("DELETE", "/events").json == {"received": 0, "different": 0, "by_type": {}, "events": []}


def test_what_is_no_event_is_not_written_down(logbook):
    assert logbook.ask("POST", "/", "{}").status == 400
    assert logbook.ask("GET", "/events").json["received"] == 0

"""The bank's webhook: forged, late and replayed deliveries are told from good ones, and a good one counts once."""

import base64
import hashlib
import hmac
import json
import threading
import time

import pytest
from tests.support.tidewater import running
from tests.support.waiting import eventually

KEY = b"twenty-four bytes, or more of them"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = json.dumps({"type": "payment.settled", "data": {"reference": "T1-00001", "amount": 12.5}})


def signed(id: str = "pay1", body: str = BODY, *, ago: float = 0, key: bytes = KEY) -> dict[str, str]:
    """The headers of a delivery, made by a bank that shares no code with us."""
    seconds = str(int(time.time() - ago))
    signature = base64.b64encode(hmac.new(key, f"{id}.{seconds}.{body}".encode(), hashlib.sha256).digest()).decode()
    return {"webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"}


@pytest.fixture
def webhook():
    with running("payment-webhook", WEBHOOK_SECRET=SECRET) as service:
        yield service


def outcomes(service) -> dict[str, int]:
    lines = service.ask("GET", "/metrics").text.splitlines()
    counted = [line for line in lines if line.startswith("webhook_deliveries_total")]
    return {line.split('outcome="')[1].split('"')[0]: int(line.split()[-1]) for line in counted}


def test_a_genuine_delivery_is_taken_once(webhook):
    assert webhook.ask("POST", "/payments", BODY, signed()).json == {"id": "pay1", "replayed": False}
    assert webhook.ask("POST", "/payments", BODY, signed()).json == {"id": "pay1", "replayed": True}
    assert webhook.ask("POST", "/payments", BODY, signed("pay2")).json == {"id": "pay2", "replayed": False}
    taken = webhook.ask("GET", "/payments").json["payments"]
    assert taken == [{"id": id, "reference": "T1-00001", "amount": 12.5} for id in ("pay1", "pay2")]
    assert outcomes(webhook) == {"taken": 2, "replayed": 1}


def test_a_forgery_is_refused_whatever_was_changed(webhook):
    good = signed()
    forgeries = [
        (BODY, {}),
        (BODY, signed(key=b"another key")),
        (BODY.replace("12.5", "0.5"), good),
        (BODY, {**good, "webhook-id": "pay9"}),
        (BODY, {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}),
        (BODY, {**good, "webhook-signature": good["webhook-signature"].removeprefix("v1,")}),
        (BODY, {**good, "webhook-signature": "v1, v1a,abc"}),
    ]
    assert [webhook.ask("POST", "/payments", body, headers).status for body, headers in forgeries] == [403] * 7
    assert outcomes(webhook) == {"forged": 7}
    assert webhook.ask("GET", "/payments").json == {"payments": []}


@pytest.mark.parametrize("ago", [400, -400])
def test_a_delivery_out_of_its_time_is_refused(webhook, ago):
    answer = webhook.ask("POST", "/payments", BODY, signed(ago=ago))
    assert (answer.status, outcomes(webhook)) == (400, {"late": 1})
    assert webhook.ask("POST", "/payments", BODY, signed(ago=ago / 2)).status == 200


def test_one_good_signature_among_several_is_enough(webhook):
    old, new = signed(key=b"an older secret"), signed()
    both = {**new, "webhook-signature": f"{old['webhook-signature']} {new['webhook-signature']}"}
    assert webhook.ask("POST", "/payments", BODY, both).status == 200


@pytest.mark.parametrize(("body", "status"), [("not json", 400), ('{"type": "payment.lost", "data": {}}', 422)])
def test_a_genuine_delivery_that_says_nothing_is_refused(webhook, body, status):
    assert webhook.ask("POST", "/payments", body, signed(body=body)).status == status
    assert webhook.ask("POST", "/payments", BODY, signed(id="with.dot")).status == 400
    assert outcomes(webhook) == {"refused": 2}


def test_without_a_secret_nothing_is_believed():
    with running("payment-webhook") as webhook:
        assert webhook.ask("POST", "/payments", BODY, signed(key=b"")).status == 503


def test_a_payment_is_handed_on_under_the_banks_id():
    with (
        running("logbook") as logbook,
        running("payment-webhook", WEBHOOK_SECRET=SECRET, K_SINK=logbook.url) as webhook,
    ):
        for id in ("pay1", "pay1", "pay2"):
            webhook.ask("POST", "/payments", BODY, signed(id))
        book = logbook.ask("GET", "/events").json
    assert book["by_type"] == {"ferries.payment.settled": {"received": 2, "different": 2}}
    assert [(event["source"], event["id"]) for event in book["events"]] == [("/bank", "pay1"), ("/bank", "pay2")]


def test_what_the_broker_did_not_take_is_not_taken_and_may_come_again():
    with (
        running("logbook") as logbook,
        running("payment-webhook", WEBHOOK_SECRET=SECRET, K_SINK=logbook.url) as webhook,
    ):
        logbook.switch("POST", "/faults", {"kind": "errors", "share": 1, "seconds": 30})
        assert webhook.ask("POST", "/payments", BODY, signed()).status == 503
        logbook.switch("DELETE", "/faults")
        assert webhook.ask("POST", "/payments", BODY, signed()).json == {"id": "pay1", "replayed": False}
        assert outcomes(webhook) == {"failed": 1, "taken": 1}


def test_the_same_delivery_twice_at_a_time_is_not_promised_before_it_is_taken():
    """Were the second told 200, and the first then failed, the payment would be lost."""
    with (
        running("logbook") as logbook,
        running("payment-webhook", WEBHOOK_SECRET=SECRET, K_SINK=logbook.url) as webhook,
    ):
        logbook.switch("POST", "/faults", {"kind": "latency", "ms": 1000, "seconds": 30})
        replies = []
        first = threading.Thread(target=lambda: replies.append(webhook.ask("POST", "/payments", BODY, signed())))
        first.start()
        gauge = 'http_requests_in_flight{service="logbook",version="v1"} 2'  # the delivery, and this question
        eventually(lambda: gauge in logbook.ask("GET", "/metrics").text, "the first to be handed on")
        assert webhook.ask("POST", "/payments", BODY, signed()).status == 409
        first.join()
        assert replies[0].status == 200
        assert logbook.ask("GET", "/events").json["received"] == 1

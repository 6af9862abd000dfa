"""What the manifests of the functions say of events is what the code says: a type misspelt would just never arrive."""

import yaml
from tests.support.tidewater import TIDEWATER

FUNCTIONS = TIDEWATER / "manifests" / "functions"


def objects(kind: str) -> list[dict]:
    every = [one for file in FUNCTIONS.glob("*.yaml") for one in yaml.safe_load_all(file.read_text())]
    return [one for one in every if one["kind"] == kind]


def test_every_type_a_trigger_waits_for_is_spoken_by_the_code():
    code = "".join(main.read_text() for main in TIDEWATER.glob("*/main.py"))
    types = [trigger["spec"]["filter"]["attributes"]["type"] for trigger in objects("Trigger")]
    assert types
    assert [type for type in types if f'"{type}"' not in code] == []


def test_every_subscriber_and_sink_is_among_the_manifests():
    here = {
        (one["apiVersion"], one["kind"], one["metadata"]["name"])
        for kind in ("Service", "Broker")
        for one in objects(kind)
    }
    refs = [trigger["spec"]["subscriber"]["ref"] for trigger in objects("Trigger")]
    refs += [binding["spec"]["sink"]["ref"] for binding in objects("SinkBinding")]
    refs += [broker["spec"]["delivery"]["deadLetterSink"]["ref"] for broker in objects("Broker")]
    assert {(ref["apiVersion"], ref["kind"], ref["name"]) for ref in refs} <= here


def test_dead_letters_go_where_the_logbook_keeps_them():
    paths = [broker["spec"]["delivery"]["deadLetterSink"]["uri"] for broker in objects("Broker")]
    assert paths
    assert all(f'keep("{path}"' in (TIDEWATER / "logbook" / "main.py").read_text() for path in paths)

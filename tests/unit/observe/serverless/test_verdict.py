"""Waiting for what Knative says of a change, told by the tests' own API server."""

from __future__ import annotations

import threading

import pytest
from tests.support.knative import NAMESPACE, Knative, service
from tests.support.waiting import eventually

from wavetank.observe.serverless import await_verdict

OLD, NEW = "tides-00001", "tides-00002"


@pytest.mark.parametrize("ready", ["True", "False"])
def test_what_was_said_of_an_earlier_generation_is_no_verdict(knative: Knative, ready: str) -> None:
    changed = service("tides", OLD, OLD)
    knative.put({**changed, "status": {**changed["status"], "observedGeneration": 1}})
    waiting = threading.Thread(target=await_verdict, args=(knative.kube, "tides", NAMESPACE), daemon=True)
    waiting.start()
    eventually(lambda: any("watch=true" in path for _, path in knative.api.requests), "the watch")
    knative.put(service("tides", NEW, OLD, Ready="Unknown"))
    assert waiting.is_alive()
    knative.put(service("tides", NEW, NEW, Ready=ready))
    waiting.join(10)
    assert not waiting.is_alive()


def test_one_that_is_tried_for_ever_is_not_waited_for_as_long(knative: Knative) -> None:
    knative.put(service("tides", NEW, OLD, Ready="Unknown"))
    await_verdict(knative.kube, "tides", NAMESPACE, timeout=0.3)

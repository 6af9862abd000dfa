"""An addon is up when what it is for can be done; else the last that was seen is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.basin import Basin

from wavetank.cluster import answers
from wavetank.cluster.answers import creatable
from wavetank.errors import KubeError, WaitTimeoutError

AWAY = 'failed calling webhook "webhook.serving.knative.dev": no endpoints available for service "webhook"'
BROKER = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": {"name": "p", "namespace": "default"}}


class Api:
    """A server that answers one request after the other with the next of ``said``, the last again and again."""

    def __init__(self, *said: KubeError | None) -> None:
        self.said = list(said)
        self.asked: list[tuple[Any, ...]] = []
        self.connection = SimpleNamespace(call=self.call)

    def resource_of(self, obj: dict[str, Any]) -> Any:
        return SimpleNamespace(path=lambda namespace: f"/{namespace}/{obj['kind']}")

    def call(self, method: str, path: str, *, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((method, path, query, body))
        if error := self.said.pop(0) if len(self.said) > 1 else self.said[0]:
            raise error
        return body


def test_a_webhook_is_waited_for_and_nothing_is_kept(basin: Basin) -> None:
    api = Api(KubeError(AWAY, status=500), None)
    creatable(BROKER, webhook="knative-eventing/eventing-webhook")(api, basin.spec)  # type: ignore[arg-type]
    assert api.asked == [("POST", "/default/Broker", {"dryRun": "All"}, BROKER)] * 2


def test_a_webhook_that_stays_away_is_told_with_its_own_words(basin: Basin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "ANSWER_SECONDS", 0.3)
    api = Api(KubeError(AWAY, status=500))
    with pytest.raises(WaitTimeoutError, match=r"no Broker of eventing\.knative\.dev/v1 can be created") as caught:
        creatable(BROKER, webhook="knative-eventing/eventing-webhook")(api, basin.spec)  # type: ignore[arg-type]
    assert caught.value.help.observed == AWAY
    assert caught.value.help.command == "kubectl -n knative-eventing logs deployment/eventing-webhook --tail 20"

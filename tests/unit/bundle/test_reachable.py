"""The registries answer, or they do not; what stands in their place is no answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.internet import KUBERNETES, Act, Answer, Internet, busy, portal

from wavetank.bundle import registries_answer


@pytest.fixture
def internet(tmp_path: Path) -> object:
    with Internet(tmp_path) as internet:
        yield internet


def to_plain_http(handler: object, _: Answer) -> None:
    """Lead to a login page, as networks do that cannot answer in TLS."""
    handler.send(Answer(302, {"Location": "http://127.0.0.1:9/login"}))  # type: ignore[attr-defined]


def asking_for_a_token(handler: object, _: Answer) -> None:
    handler.send(handler.challenge("registry:catalog:*"))  # type: ignore[attr-defined]


def test_a_registry_that_answers(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    internet.reach(monkeypatch)
    assert registries_answer()
    assert [(asked.host, asked.path) for asked in internet.asked] == [(KUBERNETES, "/v2/")]


def test_one_that_wants_a_token_is_one(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    internet.reach(monkeypatch)
    internet.trouble(asking_for_a_token)
    assert registries_answer()


@pytest.mark.parametrize("act", [portal, to_plain_http, busy(503), busy(403), busy(511)])
def test_what_stands_in_its_place_is_no_answer(internet: Internet, monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    internet.reach(monkeypatch)
    internet.trouble(act)
    assert not registries_answer()


@pytest.mark.parametrize("reach", [{"trusted": False}, {"known": False}])
def test_who_is_not_trusted_or_not_known_is_no_answer(
    internet: Internet, monkeypatch: pytest.MonkeyPatch, reach: dict[str, bool]
) -> None:
    internet.reach(monkeypatch, **reach)
    assert not registries_answer()

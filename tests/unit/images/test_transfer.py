"""Moving images: a registry that is away is tried again, a refusal is not, and the digest is what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from wavetank.errors import ImageError
from wavetank.images.transfer import transfer

DIGEST = "sha256:" + "1" * 64
AWAY = {"error": 'Get "http://localhost:5001/v2/": dial tcp 127.0.0.1:5001: connect: connection refused'}
DONE = {"progressDetail": {}, "aux": {"Tag": "v1", "Digest": DIGEST, "Size": 1234}}
PULLED = {"status": f"Digest: {DIGEST}"}


def moving(*tries: list[Mapping[str, Any]], pauses: tuple[float, ...] = (0, 0)) -> tuple[str, list[str]]:
    left, said = list(tries), []

    def start() -> Iterator[Mapping[str, Any]]:
        return iter(left.pop(0))

    return transfer("pushing web:v1", start, said.append, pauses=pauses), said


@pytest.mark.parametrize("last", [DONE, PULLED])
def test_the_digest_comes_out_and_layers_are_told(last: Mapping[str, Any]) -> None:
    digest, said = moving([{"status": "Pushed", "id": "abc"}, {"status": "Layer already exists", "id": "def"}, last])
    assert digest == DIGEST
    assert said == ["pushing web:v1: layer abc pushed", "pushing web:v1: layer def layer already exists"]


def test_a_registry_that_comes_back_is_found() -> None:
    digest, said = moving([AWAY], [AWAY], [DONE])
    assert digest == DIGEST
    assert sum("trying again" in words for words in said) == 2


def test_a_registry_that_stays_away_ends_in_one_clear_message() -> None:
    with pytest.raises(ImageError) as caught:
        moving([AWAY], [AWAY], [AWAY])
    assert "the registry does not answer" in caught.value.summary
    assert "connection refused" in caught.value.help.observed
    assert "what has arrived is not sent again" in caught.value.help.hint


def test_a_refusal_is_not_tried_again() -> None:
    with pytest.raises(ImageError, match="pushing web:v1 failed") as caught:
        moving([{"error": "manifest for localhost:5001/web:v9 not found: manifest unknown"}])
    assert "manifest unknown" in caught.value.help.observed

"""The docker command goes by its settings, but hands no proxy on."""

import json
from pathlib import Path

import pytest
from tests.support.proxied import docker_settings

from wavetank.engine import settings_without_proxies


def test_settings_that_name_a_proxy_are_replaced_by_the_same_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = docker_settings(monkeypatch, tmp_path)
    settings = json.loads((own / "config.json").read_text()) | {"currentContext": "colima"}
    (own / "config.json").write_text(json.dumps(settings))
    (own / "contexts" / "meta").mkdir(parents=True)
    (own / "contexts" / "meta" / "it").write_text("here")
    for _ in range(2):
        assert settings_without_proxies(tmp_path / "made") == {"DOCKER_CONFIG": str(tmp_path / "made")}
    assert json.loads((tmp_path / "made" / "config.json").read_text()) == {"currentContext": "colima"}
    assert (tmp_path / "made" / "contexts" / "meta" / "it").read_text() == "here"


def test_the_settings_of_the_home_are_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker_settings(monkeypatch, tmp_path).rename(tmp_path / ".docker")
    assert settings_without_proxies(tmp_path / "made", {"HOME": str(tmp_path)})


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"proxies": {}}', '{"auths": {}}'])
def test_settings_that_name_none_are_left_as_they_are(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    assert settings_without_proxies(tmp_path / "made", {"DOCKER_CONFIG": str(tmp_path)}) == {}
    assert not (tmp_path / "made").exists()

"""Images in and out of an engine, of either kind: what is asked of it, and what is made of its answers."""

import io
from collections.abc import Iterator

import docker
import pytest
from tests.support.engine import Engine

from wavetank.engine import connect, load
from wavetank.engine.images import pull, push

REGISTRY = "localhost:5001/web"


@pytest.fixture
def podman() -> Iterator[Engine]:
    with Engine(version={"ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}) as engine:
        yield engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def test_podman_is_told_that_a_registry_on_loopback_has_no_certificate(podman: Engine) -> None:
    podman.says["/images/localhost:5001/web/push"] = [{"aux": {"Digest": "sha256:1"}}]
    podman.says["/libpod/images/pull"] = [{"stream": "Writing manifest\n"}, {"images": ["2"], "id": "2"}]
    podman.images[f"{REGISTRY}:v1"] = "sha256:2"
    podman.digests["sha256:2"] = ["localhost:9/other@sha256:3", f"{REGISTRY}@sha256:1"]
    client = connect(podman.host)
    assert list(push(client, REGISTRY, "v1")) == [{"aux": {"Digest": "sha256:1"}}]
    assert list(pull(client, REGISTRY, "v1"))[-1] == {"status": "Digest: sha256:1"}
    assert {"tag": "v1", "tlsVerify": "false"} in podman.queries
    assert {"reference": f"{REGISTRY}:v1", "tlsVerify": "false"} in podman.queries


def test_docker_is_asked_for_nothing_that_it_does_not_know(engine: Engine) -> None:
    engine.says["/images/localhost:5001/web/push"] = [{"status": "v1: digest: sha256:1 size: 2"}]
    assert list(push(connect(engine.host), REGISTRY, "v1"))
    assert not any("tlsVerify" in query for query in engine.queries)


def test_a_registry_elsewhere_has_to_have_a_certificate(podman: Engine) -> None:
    podman.says["/images/quay.io/web/push"] = [{"aux": {"Digest": "sha256:1"}}]
    assert list(push(connect(podman.host), "quay.io/web", "v1"))
    assert not any("tlsVerify" in query for query in podman.queries)


@pytest.mark.parametrize("said", [{"error": "no space left on device"}, {"message": "no space left", "cause": "disk"}])
def test_an_archive_that_is_not_taken_in_is_an_error(engine: Engine, said: dict[str, str]) -> None:
    engine.says["/images/load"] = [said]
    with pytest.raises(docker.errors.APIError, match="no space left"):
        load(connect(engine.host), io.BytesIO(b"archive"))


def test_podmans_one_line_of_many_names_is_no_error(podman: Engine) -> None:
    podman.says["/images/load"] = [{"stream": "Loaded image: localhost/a:v1,localhost/b:v1\n"}]
    load(connect(podman.host), io.BytesIO(b"archive"))

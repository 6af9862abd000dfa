"""The current bundle's images are what a real Docker Engine makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import docker
import pytest

from wavetank.bundle import Bundle, open_bundle
from wavetank.engine import connect
from wavetank.errors import BundleError, EngineError

pytestmark = pytest.mark.engine

PYTHON = "wavetank.dev/python:3.11"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    try:
        return open_bundle()
    except BundleError as error:
        pytest.skip(error.summary)


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Iterator[docker.DockerClient]:
    """An engine into which the Python image was loaded."""
    try:
        client = connect()
    except EngineError as error:
        pytest.skip(error.summary)
    archive = BytesIO()
    bundle.write_docker_archive([PYTHON], archive)
    archive.seek(0)
    client.images.load(archive)
    yield client
    client.close()


def test_the_engine_gives_an_image_the_id_that_the_bundle_tells(engine: docker.DockerClient, bundle: Bundle) -> None:
    assert engine.images.get(PYTHON).id == bundle.image(PYTHON).config_digest


def test_python_in_its_image_has_all_it_needs(engine: docker.DockerClient) -> None:
    program = (
        "import ssl, sqlite3, ctypes, lzma, bz2, zlib, threading, http.client; print(ssl.create_default_context())"
    )
    said = engine.containers.run(PYTHON, ["python3", "-c", program], remove=True, user="10001")
    assert b"SSLContext" in said


def test_python_starts_from_modules_compiled_beforehand(engine: docker.DockerClient) -> None:
    said = engine.containers.run(
        PYTHON, ["python3", "-v", "-c", "import json"], remove=True, stderr=True, stdout=False, user="10001"
    )
    used = [line for line in said.splitlines() if b" matches " in line]
    assert any(b"/json/__pycache__/__init__" in line for line in used)
    assert b"# wrote" not in said


def test_wavetanks_own_image_runs_as_nobody_in_particular(engine: docker.DockerClient, bundle: Bundle) -> None:
    ref = next(image.ref for image in bundle.images if image.ref.startswith("wavetank.dev/wavetank:"))
    archive = BytesIO()
    bundle.write_docker_archive([ref], archive)
    archive.seek(0)
    engine.images.load(archive)
    program = "import os, kopf, kubernetes, cryptography.x509, wavetank.errors; print(os.getuid())"
    assert engine.containers.run(ref, ["-c", program], entrypoint="python3", remove=True) == b"65532\n"

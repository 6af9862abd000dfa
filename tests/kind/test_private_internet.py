"""The registry source, all the way, where no registry can be reached: from a private internet to a solved lab.

It serves what was built from source under the official names, so that the bundle is pulled as a learner's is, troubles
included, by a `wavetank` that knows of nothing. The cluster that other tests share has to go for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from tests.support.internet import GOOGLE, HOSTS, HUB_BLOBS, KUBERNETES_MIRROR, Internet, busy, cut_after
from tests.support.publishing import PULLED_LAB, cannot_be_published, publish_bundle, to_publish

from wavetank.bundle import Bundle, open_bundle, verify
from wavetank.cluster import down, find_spec, kubeconfig_path, load_spec, up
from wavetank.lesson import find_lab
from wavetank.lesson.progress import ProgressFile, progress_path

pytestmark = [pytest.mark.kind, pytest.mark.timeout(1500)]

ROOT = Path(__file__).parents[2]
ADDRESS = ("127.0.0.2", 443)
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that is removed: it is several GB large."""
    with tempfile.TemporaryDirectory(prefix="wavetank-internet-") as path:
        yield Path(path)


@pytest.fixture(scope="module")
def built() -> Bundle:
    if why_not := cannot_be_published():
        pytest.skip(why_not)
    found = to_publish()
    assert found
    return found


@pytest.fixture(scope="module")
def project(folder: Path) -> Path:
    """A checkout of its own, since the digests in its versions.yaml become others."""
    for name in ("lib", "clusters", "labs"):
        shutil.copytree(ROOT / name, folder / "project" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "project"


@pytest.fixture(scope="module")
def internet(folder: Path, project: Path, built: Bundle) -> Iterator[Internet]:
    (folder / "packed").mkdir()
    with Internet(folder / "internet", ADDRESS) as internet:
        publish_bundle(built, internet, project / "clusters" / "versions.yaml", folder / "packed")
        yield internet


@pytest.fixture(scope="module")
def pulled(folder: Path, project: Path, internet: Internet) -> tuple[Bundle, str]:
    """The bundle that was pulled, some troubles on the way, and what the build said."""
    internet.trouble(busy(429, wait=2), f"{GOOGLE}/v2/", times=1)
    internet.trouble(busy(503), f"{KUBERNETES_MIRROR}/v2/", times=1)
    internet.trouble(cut_after(2_000_000), f"{HUB_BLOBS}/blobs/", times=3)
    trusted = folder / "trusted.pem"
    known = [Path(certifi.where()), *[path for path in (SYSTEM,) if path.is_file()]]
    trusted.write_text("".join(path.read_text() for path in (*known, internet.authority)))
    environment = {
        **os.environ,
        "PYTHONPATH": str(project / "lib"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "SSL_CERT_FILE": str(trusted),
        "DOCKER_CONFIG": str(folder / "no-login"),
        "NO_PROXY": ",".join([*HOSTS, os.environ.get("NO_PROXY", "")]).rstrip(","),
    }
    command = internet.command([sys.executable, "-m", "wavetank", "bundle", "build", "--from", "registry"])
    ran = subprocess.run(command, env=environment, cwd=project, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stderr[-8000:]
    return open_bundle(folder / "cache" / "wavetank" / "bundles" / "current"), ran.stderr


def test_the_bundle_is_what_was_published(pulled: tuple[Bundle, str], built: Bundle, internet: Internet) -> None:
    bundle, told = pulled
    assert bundle.index.source == "registry"
    assert verify(bundle) > 0
    for image in bundle.images:
        if image.ref.startswith("wavetank.dev/") or image.ref == bundle.node_image:
            continue
        assert image.config_digest == built.image(image.ref).config_digest
    assert bundle.image(bundle.node_image).config_digest == built.image(built.node_image).config_digest
    assert [one.what.partition(":")[0] for one in bundle.index.resolved] == ["ghcr.io/projectcontour/contour"]
    assert any(asked.begins for asked in internet.asked), "no layer was gone on with"
    assert "MB/s" in told


def test_a_cluster_comes_up_from_it_and_lab_2_is_solved_there(
    pulled: tuple[Bundle, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = find_lab(PULLED_LAB)
    spec = load_spec(find_spec("kind")).with_addons(lab.addons)
    down(spec)
    try:
        up(spec, pulled[0])
        tools = Path(sys.executable).parent
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig_path(spec.name)),
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "XDG_STATE_HOME": str(folder / "state"),
        }
        notebook = ROOT / "solutions" / PULLED_LAB / "lab.ipynb"
        words = ["-m", "pytest", "--nbval-lax", "--timeout=400", "-p", "no:cacheprovider", str(notebook)]
        ran = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=850
        )
        assert ran.returncode == 0, ran.stdout[-8000:]
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        progress = ProgressFile(progress_path(f"{PULLED_LAB}-solved")).read()
        assert {id_ for id_, one in progress.exercises.items() if one.passed} == {one.id for one in lab.exercises}
    finally:
        monkeypatch.undo()
        down(spec)

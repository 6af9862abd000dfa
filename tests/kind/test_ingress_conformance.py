"""Knative's own conformance tests for whoever implements its Ingress, against our networking layer.

The tests and the images they deploy are built from the Go module that Knative Serving requires, by the go.mod in
``conformance/``: minutes the first time, seconds from then on. What they ask for is in their README:
https://github.com/knative/networking/tree/main/test/conformance/ingress
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from wavetank.cluster import ClusterSpec, kubeconfig_path, owner
from wavetank.engine import connect
from wavetank.kube import Kube
from wavetank.kube.manifest import parse
from wavetank.netlayer.spec import CLASS

pytestmark = [pytest.mark.kind, pytest.mark.timeout(2400)]

STABLE = {
    "basics",
    "basics/http2",
    "dispatch/path",
    "dispatch/path_and_percentage",
    "dispatch/percentage",
    "dispatch/rule",
    "grpc",
    "grpc/split",
    "headers/post-split",
    "headers/pre-split",
    "headers/probe",
    "hosts/multiple",
    "ingressclass",
    "retry",
    "timeout",
    "tls",
    "update",
    "visibility",
    "visibility/path",
    "visibility/split",
    "websocket",
    "websocket/split",
}
BETA = {"headers/tags", "host-rewrite"}
ALPHA = {"httpoption"}
ALPHA_FAILING: set[str] = set()
"""Those of `ALPHA` that are known not to pass."""

SOURCE = Path(__file__).with_name("conformance")
TLS = Path(__file__).parents[2] / "clusters/manifests/netlayer-tls.yaml"
PACKAGE = "knative.dev/networking/test"
IMAGES = ("grpc-ping", "httpproxy", "retry", "runtime", "timeout", "wsserver")
NAMESPACE = "serving-tests"
AT_ONCE = 6
"""Most of what a test does is to wait; each has up to eleven pods."""

RESULT = re.compile(r"^ {4}--- (PASS|FAIL|SKIP): TestIngressConformance/(\S+)", re.MULTILINE)


def build(*arguments: str) -> None:
    go = shutil.which("go")
    assert go, "the tests are Go, to be built with the Go on the PATH"
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    subprocess.run([go, *arguments], cwd=SOURCE, env={**os.environ, **settings}, check=True, timeout=1500)


@pytest.fixture(scope="module")
def built() -> Path:
    """The folder with the tests' binary, and one for each program that they deploy."""
    folder = platformdirs.user_cache_path("wavetank") / "conformance"
    folder.mkdir(parents=True, exist_ok=True)
    build("test", "-c", "-trimpath", "-tags=e2e", "-o", f"{folder}/tests", f"{PACKAGE}/conformance/ingress")
    for name in IMAGES:
        (folder / name).mkdir(parents=True, exist_ok=True)
        build("build", "-trimpath", "-o", f"{folder}/{name}/program", f"{PACKAGE}/test_images/{name}")
    return folder


@pytest.fixture(scope="module")
def repository(knative_kube: Kube, spec: ClusterSpec, built: Path) -> tuple[str, str]:
    """Where the images are in the cluster's registry, and their tag: another one for other modules."""
    engine = connect()
    place, tag = f"{spec.registry}/conformance", hashlib.sha256((SOURCE / "go.sum").read_bytes()).hexdigest()[:12]
    made_here = owner.built(spec.name)
    for name in IMAGES:
        (built / name / "Dockerfile").write_text('FROM scratch\nCOPY program /program\nENTRYPOINT ["/program"]\n')
        engine.images.build(path=str(built / name), tag=f"{place}/{name}:{tag}", labels=made_here, rm=True)
        for said in engine.images.push(f"{place}/{name}", tag=tag, stream=True, decode=True):
            assert "error" not in said, said
    return place, tag


@pytest.fixture(scope="module")
def namespace(knative_kube: Kube) -> Iterator[None]:
    """The namespace whose name the tests take for granted."""
    labels = {"app.kubernetes.io/managed-by": "wavetank"}
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    knative_kube.delete(made, wait=90)
    knative_kube.apply(made)
    rights = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "wavetank-netlayer-certificates"}
    lets_in = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "wavetank-netlayer", "namespace": NAMESPACE},
        "roleRef": rights,
        "subjects": [{"kind": "ServiceAccount", "name": "netlayer", "namespace": "knative-serving"}],
    }
    knative_kube.apply([*parse(TLS), lets_in])
    yield
    knative_kube.delete(TLS)
    knative_kube.delete(made, wait=90)


@pytest.fixture
def results(
    knative_kube: Kube, spec: ClusterSpec, built: Path, repository: tuple[str, str], namespace: None
) -> dict[str, str]:
    """PASS, FAIL or SKIP of every test."""
    place, tag = repository
    addresses = knative_kube.get("Node", spec.control_plane)["status"]["addresses"]
    node = next(address["address"] for address in addresses if address["type"] == "InternalIP")
    ran = subprocess.run(
        [
            built / "tests",
            "-test.v",
            "-test.timeout=30m",
            f"-test.parallel={AT_ONCE}",
            f"-kubeconfig={kubeconfig_path(spec.name)}",
            f"-ingressClass={CLASS}",
            f"-ingressendpoint={node}",
            f"-dockerrepo={place}",
            f"-tag={tag}",
            "-enable-beta",
            "-enable-alpha",
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(Path.home()), "SYSTEM_NAMESPACE": NAMESPACE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2000,
    )
    print(ran.stdout)  # shown with whatever fails
    told = {name: result for result, name in RESULT.findall(ran.stdout)}
    assert told, "the tests have ended before the first of them"
    return told


def test_every_test_passes_but_the_alpha_ones_that_are_named(results: dict[str, str]) -> None:
    assert results == {name: "FAIL" if name in ALPHA_FAILING else "PASS" for name in STABLE | BETA | ALPHA}

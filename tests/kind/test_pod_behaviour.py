"""The behaviour suite of running pods on the real cluster, which holds the tests' own API server to it."""

import pytest
from tests.support.waiting import eventually

from wavetank.kube import Kube

pytest.register_assert_rewrite("tests.support.pod_behaviour")

from tests.support.pod_behaviour import *  # noqa: E402, F403
from tests.support.pod_behaviour import APPLICATION  # noqa: E402

pytestmark = pytest.mark.kind

IMAGE = "wavetank.dev/tidewater/web:v1"


@pytest.fixture
def web(kube: Kube, namespace: str) -> str:
    container = {"name": "main", "image": IMAGE, "command": ["python3", "-c", APPLICATION, "8080"]}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}, namespace=namespace)
    kube.wait_for("Pod", "web", namespace, "Ready", timeout=30)
    eventually(lambda: "8080" in kube.logs("web", namespace), "the application to listen")
    return "web"

"""The wire on the real cluster: what is sent in the open between two nodes is read on the way, and nothing is left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from wavetank.kube import Kube, Obj
from wavetank.observe.wire import listen

pytestmark = pytest.mark.kind

IMAGE = "wavetank.dev/tidewater/web:v1"
SERVE = "import http.server as h; h.HTTPServer(('', 8080), h.SimpleHTTPRequestHandler).serve_forever()"
SEND = """
import http.client, sys, time

for _ in range(40):
    connection = http.client.HTTPConnection(sys.argv[1], 8080, timeout=20)
    connection.request("POST", "/payments", '{"amount": 12}')
    connection.getresponse().read()
    connection.close()
    time.sleep(0.25)
"""


def pod(name: str, node: str, code: str) -> Obj:
    container = {"name": "main", "image": IMAGE, "command": ["python3", "-c", code], "workingDir": "/tmp"}
    spec = {"nodeName": node, "terminationGracePeriodSeconds": 1, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def workers(kube: Kube) -> list[str]:
    names = (node["metadata"]["name"] for node in kube.list("Node"))
    return sorted(name for name in names if not name.endswith("control-plane"))


@pytest.mark.parametrize("client_on", [0, 1], ids=["on the same node", "from another node"])
def test_what_is_sent_in_the_open_is_read_on_the_node(kube: Kube, namespace: str, client_on: int) -> None:
    nodes = workers(kube)
    kube.apply(pod("payment", nodes[0], SERVE), namespace=namespace)
    kube.apply(pod("booking", nodes[client_on], "import time; time.sleep(600)"), namespace=namespace)
    payment = kube.wait_for("Pod", "payment", namespace, "Ready", timeout=30)
    kube.wait_for("Pod", "booking", namespace, "Ready", timeout=30)
    with ThreadPoolExecutor(1) as pool:
        command = ["python3", "-c", SEND, payment["status"]["podIP"]]
        sending = pool.submit(kube.exec, "booking", namespace, command)
        wire = listen(kube, namespace, "payment", seconds=3)
        assert sending.result().exit_code == 0
    assert str(wire) == ('plain HTTP: anyone on the node reads it\n  POST /payments HTTP/1.1\n  {"amount": 12}')
    assert 10 <= wire.segments <= 40, "two segments a request, each told once"
    assert (wire.readable, wire.encrypted) == (wire.segments, 0)
    assert [one["metadata"]["name"] for one in kube.list("Pod", namespace)] == ["booking", "payment"]


def test_silence_is_said(kube: Kube, namespace: str) -> None:
    kube.apply(pod("payment", workers(kube)[0], SERVE), namespace=namespace)
    kube.wait_for("Pod", "payment", namespace, "Ready", timeout=30)
    assert str(listen(kube, namespace, "payment", seconds=1)) == "nothing was sent in 1 s"

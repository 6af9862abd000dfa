"""Pods reach each other, Services and the outside from every worker, under their own addresses."""

from __future__ import annotations

import ipaddress
import json

import pytest
from tests.support.waiting import eventually

from wavetank.kube import Kube

pytestmark = pytest.mark.kind

IMAGE = "wavetank.dev/tidewater/web:v1"

# Answers with the address that the question came from.
SERVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Mirror(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode())
HTTPServer(("", 8080), Mirror).serve_forever()
"""
ASK = """
import json, sys, urllib.request
seen = {place: urllib.request.urlopen(f"http://{place}", timeout=5).read().decode() for place in sys.argv[1:]}
print(json.dumps(seen))
"""


@pytest.fixture
def pods(kube: Kube, namespace: str) -> dict[str, str]:
    """One pod on each worker that says who asks, behind one Service: pod name to address."""
    labels = {"app": "mirror"}
    container = {
        "name": "mirror",
        "image": IMAGE,
        "command": ["python3", "-c", SERVER],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    kube.apply(
        [
            {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "metadata": {"name": "mirror"},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {
                            "terminationGracePeriodSeconds": 0,
                            "containers": [container],
                        },
                    },
                },
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "mirror"},
                "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
            },
        ],
        namespace=namespace,
    )
    nodes = len(kube.list("Node", selector="!node-role.kubernetes.io/control-plane"))
    kube.wait_for(
        ("apps/v1", "DaemonSet"),
        "mirror",
        namespace,
        lambda found: bool(found and found.get("status", {}).get("numberReady") == nodes),
        timeout=60,
        waiting_for="a pod on every worker to be ready",
    )
    return {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in kube.list("Pod", namespace, "app=mirror")}


def test_every_pod_reaches_every_other_under_its_own_address(kube: Kube, namespace: str, pods: dict[str, str]) -> None:
    places = [f"{address}:8080" for address in pods.values()]
    for name, address in pods.items():
        seen = json.loads(kube.exec(name, namespace, ["python3", "-c", ASK, *places], timeout=30).stdout)
        assert {place: asker for place, asker in seen.items() if asker not in (address, "127.0.0.1")} == {}


def test_every_pod_reaches_a_service_by_its_name(kube: Kube, namespace: str, pods: dict[str, str]) -> None:
    for name in pods:
        eventually(  # a node that has not heard of the Service yet refuses it
            lambda name=name: kube.exec(name, namespace, ["python3", "-c", ASK, "mirror"], timeout=30).exit_code == 0,
            f"{name} to reach the Service",
            within=20,
        )


def test_the_address_of_no_service_is_refused_on_the_node(kube: Kube, namespace: str, pods: dict[str, str]) -> None:
    """It must not leave the cluster by the default route, where a stranger might answer."""
    taken = {service["spec"].get("clusterIP") for service in kube.list("Service")}
    subnet = ipaddress.ip_network(kube.list("ServiceCIDR")[0]["spec"]["cidrs"][0])
    free = next(str(address) for address in reversed(list(subnet.hosts())) if str(address) not in taken)
    for name in pods:
        answer = kube.exec(name, namespace, ["python3", "-c", ASK, free], timeout=30)
        assert "Connection refused" in answer.stderr

"""The behaviour suite of running pods on the tests' own API server; the pod's container is this machine."""

import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from tests.support.apiserver import Answer, ApiServer, Request

pytest.register_assert_rewrite("tests.support.pod_behaviour")

from tests.support.pod_behaviour import *  # noqa: E402, F403
from tests.support.pod_behaviour import APPLICATION  # noqa: E402


@pytest.fixture
def web(api: ApiServer, namespace: str) -> Iterator[str]:
    command = [sys.executable, "-c", APPLICATION, "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())

        def pass_on(request: Request) -> Answer:
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request(request.method, request.path, request.body, dict(request.headers))
            response = connection.getresponse()
            return response.status, {"X-Tide": response.headers["X-Tide"]}, response.read()

        api.answer("pod:web:8080", pass_on, namespace)
        api.program("web", _run, namespace, container="main")
        pod = {"nodeName": "worker", "containers": [{"name": "main"}]}
        api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": namespace}, "spec": pod})
        yield "web"
        process.kill()


def _run(command: list[str]) -> tuple[int, bytes, bytes]:
    assert command[0] == "python3"
    done = subprocess.run([sys.executable, *command[1:]], capture_output=True)
    return done.returncode, done.stdout, done.stderr

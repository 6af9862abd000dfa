"""What `wavetank.kube` and a running pod say to each other: one suite, on the tests' own server and a real cluster.

Each test takes the fixtures ``kube`` and ``namespace``, and ``web``: the name of a pod in it with one container, in
which `APPLICATION` runs.
"""

import pytest

from wavetank.errors import KubeError, WaitTimeoutError
from wavetank.kube import Kube

# Listens on loopback only: nobody reaches it over the pod's network.
APPLICATION = """
import http.server, json, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path == "/gone":
            return
        if self.path == "/silent":
            time.sleep(2)
        told = {"method": self.command, "path": self.path, "body": asked, "ship": self.headers.get("X-Ship")}
        answer = b"~" * 300_000 if self.path == "/sea" else json.dumps(told).encode()
        self.send_response(404 if self.path == "/absent" else 200)
        self.send_header("X-Tide", "low")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def test_an_application_that_listens_on_loopback_alone_is_reached(kube: Kube, namespace: str, web: str) -> None:
    answer = kube.request(
        f"pod:{web}:8080", "/sailings?to=b&full=", namespace, method="POST", body="{}", headers={"X-Ship": "Heron"}
    )
    assert (answer.status, answer.headers["x-tide"]) == (200, "low")
    assert answer.json() == {"method": "POST", "path": "/sailings?to=b&full=", "body": "{}", "ship": "Heron"}
    assert kube.request(f"pod:{web}:8080", "/a place", namespace, method="DELETE").json()["path"] == "/a%20place"
    assert kube.request(f"pod:{web}:8080", "/absent", namespace).status == 404


def test_a_long_answer_arrives_whole(kube: Kube, namespace: str, web: str) -> None:
    assert kube.request(f"pod:{web}:8080", "/sea", namespace).body == b"~" * 300_000


def test_a_port_that_nobody_listens_at_is_said(kube: Kube, namespace: str, web: str) -> None:
    with pytest.raises(KubeError, match=f"no connection to port 9 of the pod {web}") as caught:
        kube.request(f"pod:{web}:9", "/", namespace, method="POST", body="{}")
    assert caught.value.status == 503
    assert "connection refused" in caught.value.help.observed


def test_an_application_that_is_silent_is_waited_for_no_longer_than_asked(kube: Kube, namespace: str, web: str) -> None:
    with pytest.raises(KubeError, match=rf"pod:{web}:8080 gave no answer to GET /silent within 0\.7 s") as caught:
        kube.request(f"pod:{web}:8080", "/silent", namespace, timeout=0.7)
    assert caught.value.status == 504


def test_an_application_that_hangs_up_has_not_answered(kube: Kube, namespace: str, web: str) -> None:
    with pytest.raises(KubeError, match=f"pod:{web}:8080 broke off its answer to GET /gone") as caught:
        kube.request(f"pod:{web}:8080", "/gone", namespace)
    assert caught.value.status == 502


def test_a_command_tells_what_it_writes_and_how_it_ends(kube: Kube, namespace: str, web: str) -> None:
    code = "import sys; print('aye'); sys.exit('\\u2693')"
    done = kube.exec(web, namespace, ["python3", "-c", code])
    assert (done.exit_code, done.stdout, done.stderr) == (1, "aye\n", "\N{ANCHOR}\n")
    waves = kube.exec(web, namespace, ["python3", "-c", "print('\\u223f' * 100_000)"])
    assert (waves.exit_code, waves.stdout, waves.stderr) == (0, "\N{SINE WAVE}" * 100_000 + "\n", "")


def test_a_command_is_waited_for_no_longer_than_asked(kube: Kube, namespace: str, web: str) -> None:
    with pytest.raises(WaitTimeoutError, match=r"waited 0\.7 s for python3 -c import time; time\.sleep\(2\) to end"):
        kube.exec(web, namespace, ["python3", "-c", "import time; time.sleep(2)"], timeout=0.7)


def test_a_container_that_is_not_there_is_said(kube: Kube, namespace: str, web: str) -> None:
    with pytest.raises(KubeError, match=f"container istio-proxy is not valid for pod {web}") as caught:
        kube.exec(web, namespace, ["true"], container="istio-proxy")
    assert caught.value.status == 400

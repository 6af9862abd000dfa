"""The kubelet hears that the process is there at once, and that it is ready when it leads and knows all there is."""

from __future__ import annotations

import threading

import urllib3
from tests.support.waiting import eventually

from wavetank.kube import Kube
from wavetank.netlayer.health import serve
from wavetank.netlayer.leader import Lease
from wavetank.netlayer.main import LEASE_NAME, LEASE_NAMESPACE, run


def test_it_is_there_before_it_leads_and_ready_once_it_does(kube: Kube) -> None:
    stop, ready = threading.Event(), threading.Event()
    other = Lease(kube, LEASE_NAMESPACE, LEASE_NAME, "other")
    assert other.acquire(stop)
    port = serve(ready, 0).server_port
    thread = threading.Thread(target=run, args=(kube, stop, "pod-1", ready), daemon=True)
    thread.start()

    def status(path: str) -> int:
        return urllib3.request("GET", f"http://127.0.0.1:{port}{path}").status

    assert (status("/healthz"), status("/readyz"), status("/elsewhere")) == (200, 503, 404)
    other.release()
    eventually(lambda: status("/readyz") == 200, "it to be ready")
    stop.set()
    thread.join(10)

"""The whole operator in a thread, against the tests' own API server; leaving the block ends it as SIGTERM does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import kopf

from wavetank.kube import Kube
from wavetank.operator import admission, handlers


@contextmanager
def operating(kube: Kube, webhook_port: int | None = None) -> Iterator[None]:
    """Run the operator over ``kube`` until the block ends."""
    registry = kopf.OperatorRegistry()
    handlers.register(registry, kube)
    if webhook_port is not None:
        admission.register(registry, kube, webhook_port)
    ready, stop = threading.Event(), threading.Event()

    def run() -> None:
        asyncio.run(
            kopf.operator(registry=registry, clusterwide=True, standalone=True, ready_flag=ready, stop_flag=stop)
        )

    thread = threading.Thread(target=run, name="operator", daemon=True)
    thread.start()
    assert ready.wait(10), "the operator did not start"
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive(), "the operator did not end"

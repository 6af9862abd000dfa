"""The networking layer's process: ``python -m wavetank netlayer``."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import warnings
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from urllib3.exceptions import InsecureRequestWarning

from wavetank.errors import ClusterError, KubeError
from wavetank.kube import Kind, Kube, Obj
from wavetank.netlayer.claims import rivals
from wavetank.netlayer.doors import NAMESPACE
from wavetank.netlayer.health import serve
from wavetank.netlayer.leader import LeadershipLostError, Lease
from wavetank.netlayer.reconcile import Key, Reconciler
from wavetank.netlayer.spec import INGRESS, is_ours
from wavetank.netlayer.store import Store
from wavetank.netlayer.translate import OWNED, OWNER
from wavetank.netlayer.workqueue import WorkQueue

__all__ = ["main", "run"]

LEASE_NAMESPACE, LEASE_NAME = "knative-serving", "wavetank-netlayer"
_VIRTUAL_SERVICE: Kind = ("networking.istio.io/v1", "VirtualService")
_GATEWAY: Kind = ("networking.istio.io/v1", "Gateway")
_SECRET: Kind = ("v1", "Secret")
_WORKERS = 4
_THREADS = 16
"""At least the workers, a watch for each store, and who renews the Lease: each takes one for good."""
_FIRST_RETRY, _LONGEST_RETRY = 0.1, 30.0

log = logging.getLogger(__name__)


def main() -> None:
    """Run until SIGTERM, in the cluster it runs in or the one ``$KUBECONFIG`` names.

    Exits with 1, to be started anew, when it is no longer the leader, the API server refuses what it needs, or the
    cluster is not Wavetank's. Raises `InputError` when there is no cluster.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    warnings.simplefilter("ignore", InsecureRequestWarning)
    stop, ready = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        kube = Kube.connect()
        serve(ready)
        run(kube, stop, f"{socket.gethostname()}_{os.getpid()}", ready)
    except (LeadershipLostError, KubeError, ClusterError) as error:
        log.error("%s", error)
        logging.shutdown()
        # What still waits for an answer of the API server is not to go on when it comes.
        os._exit(1)
    sys.exit(0)


def run(kube: Kube, stop: threading.Event, identity: str, ready: threading.Event) -> None:
    """Work while this process, called ``identity``, holds the Lease, until ``stop`` is set.

    ``ready`` is set once it does and knows all there is.
    Raises `LeadershipLostError`, or `KubeError` when the API server refuses to be watched.
    """
    lease = Lease(kube, LEASE_NAMESPACE, LEASE_NAME, identity)
    log.info("%s waits for the Lease", identity)
    if not lease.acquire(stop):
        return
    log.info("%s leads", identity)
    work = _Work(kube, stop, ready)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="netlayer")

    def keep() -> None:
        try:
            lease.keep(stop)
        finally:
            work.end()

    running = [threads.submit(keep), *work.start(threads)]
    ended, _ = wait(running, return_when=FIRST_EXCEPTION)  # without one, all end once `stop` is set
    stop.set()
    failed = [error for future in ended if (error := future.exception())]
    threads.shutdown(wait=not failed)
    if failed:
        raise failed[0]
    lease.release()


class _Work:
    """Stores that watch, a queue of what has changed, and workers that look at it."""

    def __init__(self, kube: Kube, stop: threading.Event, ready: threading.Event) -> None:
        made_here = ",".join(f"{name}={value}" for name, value in OWNED.items())
        self._stop, self._ready = stop, ready
        self._queue: WorkQueue[Key] = WorkQueue()
        self._failures: dict[Key, int] = {}
        self._ingresses = Store(kube, INGRESS, self._ingress_changed)
        self._owned = [
            Store(kube, _VIRTUAL_SERVICE, self._owned_changed, selector=made_here),
            Store(kube, _GATEWAY, self._owned_changed, selector=made_here),
            # Without clusters/manifests/netlayer-tls.yaml it may see no Secret, and there is no TLS.
            Store(kube, _SECRET, self._owned_changed, selector=made_here, namespace=NAMESPACE, optional=True),
        ]
        self._reconciler = Reconciler(kube, self._ingresses, self._owned)

    def start(self, threads: ThreadPoolExecutor) -> list[Future[None]]:
        """Begin to watch, and to work once everything is known."""
        stores = [self._ingresses, *self._owned]
        watching = [threads.submit(store.follow, self._stop) for store in stores]
        return [*watching, *(threads.submit(self._work, stores) for _ in range(_WORKERS))]

    def end(self) -> None:
        """Let the workers go home."""
        self._queue.close()

    def _work(self, stores: list[Store]) -> None:
        for store in stores:  # to a store that is not filled yet everything seems to be gone
            while not store.synced.wait(0.1):
                if self._stop.is_set():
                    return
        self._ready.set()
        while (key := self._queue.take()) is not None:
            try:
                again = self._reconciler.look(key)
                self._failures.pop(key, None)
            except KubeError as error:
                again = self._retry(key, error.summary)
            except Exception:
                log.exception("%s/%s: a mistake of this program", *key)
                again = self._retry(key, "")
            self._queue.done(key)
            if again is not None:
                self._queue.add(key, again)

    def _retry(self, key: Key, why: str) -> float:
        """Return the seconds until the next try, twice as many each time."""
        self._failures[key] = self._failures.get(key, 0) + 1
        pause = min(_FIRST_RETRY * 2.0 ** (self._failures[key] - 1), _LONGEST_RETRY)
        log.info("%s/%s: again in %g s: %s", *key, pause, why)
        return float(pause)

    def _ingress_changed(self, ingress: Obj) -> None:
        """Look at it, and at those that may have lost a host to it."""
        for each in (ingress, *rivals(ingress, filter(is_ours, self._ingresses.all()))):
            self._queue.add((each["metadata"]["namespace"], each["metadata"]["name"]))

    def _owned_changed(self, obj: Obj) -> None:
        """Look at the Ingress for which ``obj`` says that it was made, and at the one that owns it."""
        metadata = obj["metadata"]
        namespace, _, name = (metadata.get("annotations") or {}).get(OWNER, "").partition("/")
        names = {(namespace, name)} if name else set()
        owners = metadata.get("ownerReferences") or ()
        names |= {(metadata["namespace"], owner["name"]) for owner in owners if owner["kind"] == INGRESS[1]}
        for key in names:
            self._queue.add(key)

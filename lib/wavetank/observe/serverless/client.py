"""Looking at Knative in a cluster: its objects and its metrics, through the Kubernetes API."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from wavetank.errors import NotFoundError, NotSupportedError
from wavetank.kube import Kube, Obj
from wavetank.kube.bringing import bring
from wavetank.observe.serverless import autoscaler
from wavetank.observe.serverless.autoscaler import Windows, windows_of
from wavetank.observe.serverless.events import BROKER, SUBSCRIPTION, TRIGGER, BrokerState, broker_of
from wavetank.observe.serverless.revisions import (
    POD_AUTOSCALER,
    REVISION,
    ROUTE,
    SERVICE,
    SERVICE_LABEL,
    Found,
    Serving,
    serving_of,
)
from wavetank.observe.serverless.scrape import scrape, untold
from wavetank.observe.serverless.tallies import Ledger, entered, since, tally_of

__all__ = ["EventWatch", "look", "read_windows", "watch_events"]

_EVENTING = "knative-eventing"
_COUNTERS = (
    ("eventing.knative.dev/brokerRole=ingress", 9092),
    ("eventing.knative.dev/brokerRole=filter", 9092),
    ("messaging.knative.dev/role=dispatcher", 9090),
)
"""Who counts events, and the port at which each tells it."""
_LAB = "04-serverless"


def look(kube: Kube, namespace: str, service: str) -> Serving:
    """Return the Knative Service ``service`` as it is now. Raises `NotSupportedError` when there is no Knative."""
    own = f"{SERVICE_LABEL}={service}"
    with ThreadPoolExecutor(5) as pool:
        found, route = (pool.submit(_find, kube, kind, service, namespace) for kind in (SERVICE, ROUTE))
        listed = [pool.submit(kube.list, kind, namespace, own) for kind in (REVISION, POD_AUTOSCALER, "Pod")]
        try:
            revisions, autoscalers, pods = (each.result() for each in listed)
            return serving_of(service, namespace, Found(found.result(), route.result(), revisions, autoscalers, pods))
        except NotFoundError as error:
            raise _no_knative(kube, error) from error


def read_windows(kube: Kube, namespace: str, revision: str) -> Windows:
    """Return the windows over which the autoscaler of a revision averages."""
    config = kube.find("ConfigMap", "config-autoscaler", autoscaler.NAMESPACE) or {}
    return windows_of(kube.find(POD_AUTOSCALER, revision, namespace), config.get("data") or {})


def watch_events(kube: Kube, namespace: str, broker: str) -> EventWatch:
    """Return the events of a broker, counted from the beginning of Knative's pods until `EventWatch.mark`."""
    return EventWatch(kube, namespace, broker)


class EventWatch:
    """What becomes of the events of one broker. Safe to use from several threads.

    Nothing happens between two calls: whoever asks looks. The counts are exact whenever no event is on its way; a pod
    of Knative that ends takes along what it has counted since the last look.
    """

    def __init__(self, kube: Kube, namespace: str, broker: str) -> None:
        self._kube, self._namespace, self._broker = kube, namespace, broker
        self._lock = threading.Lock()
        self._ledger = self._mark = Ledger()

    def mark(self) -> None:
        """Look, and count from here. Raises as `look` does, and when Knative does not tell what it has counted."""
        with self._lock:
            if not self._count():
                raise untold(self._kube, _EVENTING, "Knative Eventing")
            self._mark = self._ledger

    def look(self) -> BrokerState:
        """Look, and return everything since `mark`; without counts where Knative does not tell them.

        Raises `NotSupportedError` when there is no Knative Eventing.
        """
        with self._lock, ThreadPoolExecutor(4) as pool:
            broker = pool.submit(_find, self._kube, BROKER, self._broker, self._namespace)
            listed = [pool.submit(self._kube.list, kind, self._namespace) for kind in (TRIGGER, SUBSCRIPTION)]
            counted = self._count()
            try:
                triggers, subscriptions = (each.result() for each in listed)
                found = broker.result()
            except NotFoundError as error:
                raise _no_knative(self._kube, error) from error
            tally = since(self._mark, self._ledger) if counted else None
            return broker_of(self._broker, self._namespace, found, triggers, subscriptions, tally)

    def _count(self) -> bool:
        """Ask everybody who counts, and tell whether anybody has ever said anything."""
        scraped = [one for selector, port in _COUNTERS for one in scrape(self._kube, _EVENTING, selector, port)]
        self._ledger = entered(self._ledger, {one.uid: tally_of(one.text) for one in scraped})
        return bool(self._ledger.latest)


def _find(kube: Kube, kind: tuple[str, str], name: str, namespace: str) -> Obj | None:
    """Return one object, None when there is none. Raises `NotFoundError` when the cluster has no such kind."""
    return next(iter(kube.list(kind, namespace, fields=f"metadata.name={name}")), None)


def _no_knative(kube: Kube, error: NotFoundError) -> NotSupportedError:
    hint = bring(kube.connection, "Knative", _LAB)
    return NotSupportedError("this cluster has no Knative", observed=error.summary, hint=hint)

"""Reading traces from a notebook: through the API server, so that no port is opened anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

from wavetank.errors import KubeError, NotFoundError, WaitTimeoutError
from wavetank.kube import HttpAnswer, Kube
from wavetank.kube.bringing import bring
from wavetank.observe.traces.query import Query
from wavetank.observe.traces.store import Stats
from wavetank.observe.traces.trace import Trace
from wavetank.observe.traces.why import MESH_NAMESPACE, Why, explain
from wavetank.observe.traces.zipkin import read_spans

__all__ = ["find_trace", "find_traces", "read_stats", "wait_for_traces", "why_no_trace"]

_NAMESPACE = "wavetank-system"
_NAME = "wavetank-traces"
_TARGET = f"service:{_NAME}:9411"
_LAB = "03-service-mesh"
_PAUSE = 0.5
_ANSWER_WITHIN = 10.0


def find_traces(kube: Kube, query: Query) -> list[Trace]:
    """Return the traces that ``query`` asks for, as far as their spans have arrived; none when there are none.

    Raises `NotFoundError` when the cluster has no collector, `KubeError` when it does not answer.
    """
    told = _ask(kube, f"/api/v2/traces?{query.write(datetime.now(UTC))}").json()
    return [Trace.of(read_spans(spans).spans) for spans in told]


def find_trace(kube: Kube, trace_id: str) -> Trace:
    """Return one trace. Raises `NotFoundError` when it is not there (any more), else as `find_traces` does."""
    return Trace.of(read_spans(_ask(kube, f"/api/v2/trace/{quote(trace_id, safe='')}").json()).spans)


def read_stats(kube: Kube) -> Stats:
    """Return what the collector has counted. Raises as `find_traces` does."""
    return Stats(**_ask(kube, "/stats").json())


def why_no_trace(kube: Kube, service: str) -> Why:
    """Return why there is no trace of ``service``, such as ``payment.tidewater``. Raises as `find_traces` does."""
    app, _, namespace = service.partition(".")
    try:
        telemetries = [each for where in {namespace, MESH_NAMESPACE} for each in kube.list("Telemetry", where)]
    except NotFoundError:
        telemetries = []
    return explain(app, namespace, kube.list("Pod", namespace, f"app={app}"), telemetries, read_stats(kube))


def wait_for_traces(
    kube: Kube,
    query: Query,
    condition: Callable[[Trace], bool] = lambda trace: not trace.lost,
    *,
    count: int = 1,
    timeout: float = 30.0,
) -> list[Trace]:
    """Return the traces of ``query`` that meet ``condition``, as soon as there are ``count`` of them.

    By default a trace has to be without gaps. It arrives in pieces, because each proxy sends its spans when it has five
    of them or five seconds are over. Whoever needs a hop asks for it: ``lambda trace: "payment" in trace.services``.

    Raises `WaitTimeoutError` after ``timeout`` seconds, `NotFoundError` at once when there is no collector.
    """
    deadline = time.monotonic() + timeout
    while True:
        trouble, found = "", list[Trace]()
        try:
            found = find_traces(kube, query)
        except NotFoundError:
            raise
        except KubeError as error:  # it may be on its way back
            trouble = error.summary
        met = [trace for trace in found if condition(trace)]
        if len(met) >= count:
            return met
        if time.monotonic() >= deadline:
            raise _timed_out(kube, query, trouble, found, len(met), count, timeout)
        time.sleep(_PAUSE)  # the collector cannot be watched


def _timed_out(
    kube: Kube, query: Query, trouble: str, found: list[Trace], met: int, count: int, timeout: float
) -> WaitTimeoutError:
    """Return the error that says what was there instead."""
    what = f"{count} trace{'s' if count > 1 else ''} of {query.service or 'any service'}"
    observed, hint = trouble, ""
    if found:
        observed = f"{met} of {len(found)} are as they should be; the first: {found[0].summary}"
        hint = found[0].gaps
    elif not trouble:
        why = why_no_trace(kube, query.service) if query.service else None
        observed, hint = (why.observed, why.hint) if why else (str(read_stats(kube)), "")
    return WaitTimeoutError(f"waited {timeout:g} s for {what}", observed=observed, command=_get_pods(kube), hint=hint)


def _ask(kube: Kube, path: str) -> HttpAnswer:
    try:
        answer = kube.request(_TARGET, path, _NAMESPACE, timeout=_ANSWER_WITHIN)
    except NotFoundError as error:
        raise NotFoundError(
            "this cluster has no trace collector",
            status=404,
            observed=error.summary,
            command=kube.connection.kubectl("-n", _NAMESPACE, "get", "deployments"),
            hint=bring(kube.connection, "the trace collector", _LAB),
        ) from error
    except KubeError as error:
        if error.status < 500:
            raise
        raise KubeError(
            "the trace collector does not answer",
            status=error.status,
            observed=error.summary,
            command=_get_pods(kube),
            hint="when it is back, send new requests: it keeps traces in memory only",
        ) from error
    if answer.status == 404:
        raise NotFoundError("there is no such trace", status=404, observed=answer.text)
    if answer.status >= 400:
        raise KubeError("the trace collector refused the question", status=answer.status, observed=answer.text)
    return answer


def _get_pods(kube: Kube) -> str:
    return kube.connection.kubectl("-n", _NAMESPACE, "get", "pods", "-l", f"app.kubernetes.io/name={_NAME}")

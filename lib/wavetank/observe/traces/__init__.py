"""Traces: one request on its way through all services, put together from what each proxy noted of it.

The sidecars of a mesh send a span for every request that comes in or goes out. A small collector in the cluster keeps
the latest of them; `find_traces` reads them from a notebook as `Trace`, each a waterfall that knows its slowest hop.

Read in this order: `span` (what a proxy noted, with `flags`, Envoy's abbreviations), `zipkin` (spans as JSON), `trace`
(spans put together), all pure; `query` and `store` (what is kept, and how it is asked for), `collector` (the process in
the cluster); `why` (why there is no trace) and `client` (the notebook's side).

It never traces by itself: who is not in the mesh is in no trace. It never keeps a proxy waiting, never keeps more than
its bounds, and counts what it refuses and what it lets go of.
"""

from __future__ import annotations

from wavetank.observe.traces.client import find_trace, find_traces, read_stats, wait_for_traces, why_no_trace
from wavetank.observe.traces.query import Query
from wavetank.observe.traces.span import Span
from wavetank.observe.traces.store import Stats
from wavetank.observe.traces.trace import Hop, Trace
from wavetank.observe.traces.why import Why

__all__ = [
    "Hop",
    "Query",
    "Span",
    "Stats",
    "Trace",
    "Why",
    "find_trace",
    "find_traces",
    "read_stats",
    "wait_for_traces",
    "why_no_trace",
]

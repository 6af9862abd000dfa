"""Observing: what the application in the cluster did, told by those who saw it.

    from wavetank.observe import watch
    mesh = watch(kube, "tidewater")
    mesh.topology()                     # who called whom just now: how often, how fast, with which failures
    mesh.mark(); ...; mesh.since_mark() # the same, counted from a moment on

Sidecars count every request twice, where it leaves and where it arrives. The topology of a mesh is made of these counts
alone: Envoy's own statistics, read through the Kubernetes API. `traces` shows one request on its way through all
services, `wire` what somebody on a node reads of it, `identity` who is who, and `billing` what a replayed day costs,
paid by use or always on.

Read in this order: `stats` (a proxy's statistics as text), `signals` (what their difference says), `roster` (the pods,
gateways and services of a namespace), `scrape` (reading all of them), `ledger` (totals that survive restarts),
`injected` (which call an injected fault belongs to), `topology` (nodes and edges), `reasons` (why it is empty), `mesh`
(looking again and again), `cost` (what the sidecars take). `serverless` is Knative: revisions, cold starts, events.

It never changes what it observes, never asks the application to do more than it does anyway, and never touches the
cluster except through the Kubernetes API.
"""

from wavetank.observe.mesh import Mesh, watch
from wavetank.observe.signals import Mtls, Signals
from wavetank.observe.topology import Edge, Node, Topology

__all__ = ["Edge", "Mesh", "Mtls", "Node", "Signals", "Topology", "watch"]

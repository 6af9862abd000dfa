"""What a mesh costs: the CPU and memory of its sidecars beside the applications', and what it adds to each request."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from wavetank.errors import KubeError, NotFoundError, NotSupportedError, WaitTimeoutError
from wavetank.kube import Kube, Obj
from wavetank.kube.bringing import bring
from wavetank.kube.quantity import quantity
from wavetank.kube.sidecar import SIDECAR
from wavetank.observe.columns import columns
from wavetank.observe.roster import MeshPod, Role, read_pods

__all__ = ["Cost", "Row", "Usage", "compare_loads", "cost", "cost_of"]

_READING_WITHIN = 60.0
"""Seconds until a metrics server has read every pod: it reads each 15 s, and needs two readings of a new one."""
_PAUSE = 1.0
_MIB = 2.0**20
_LAB = "03-service-mesh"


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU in thousandths of a core, memory in MiB."""

    cpu: float = 0.0
    memory: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.cpu + other.cpu, self.memory + other.memory)


@dataclass(frozen=True, slots=True)
class Row:
    """One workload: so many pods were measured, this is what their proxies and what their applications take."""

    workload: str
    pods: int = 0
    proxies: Usage = Usage()
    applications: Usage = Usage()


@dataclass(frozen=True, slots=True, repr=False)
class Cost:
    """What sidecars take in a namespace, by workload; printed, it is a table."""

    namespace: str
    rows: tuple[Row, ...]

    @property
    def proxies(self) -> Usage:
        """What all sidecars take together."""
        return sum((row.proxies for row in self.rows), Usage())

    @property
    def applications(self) -> Usage:
        """What all applications take together."""
        return sum((row.applications for row in self.rows), Usage())

    def __repr__(self) -> str:
        head = ("workload", "pods", "proxies mCPU", "applications mCPU", "proxies MiB", "applications MiB")
        together = Row("together", sum(row.pods for row in self.rows), self.proxies, self.applications)
        return columns(head, [_cells(row) for row in (*self.rows, together)], words=(0,))


def cost(kube: Kube, namespace: str) -> Cost:
    """Return what the sidecars of ``namespace`` take now, as the metrics server has read it last.

    Waits up to 60 s until every running pod was read. Raises `NotSupportedError` when there is no metrics server,
    `WaitTimeoutError` when it has not read them in time.
    """
    deadline = time.monotonic() + _READING_WITHIN
    while True:
        pods = [pod for pod in read_pods(kube.list("Pod", namespace)) if pod.role is Role.WORKLOAD]
        readings = {reading["metadata"]["name"]: reading for reading in _readings(kube, namespace)}
        missing = sorted({pod.name for pod in pods} - readings.keys())
        if pods and not missing:
            return cost_of(namespace, pods, readings)
        if time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"waited {_READING_WITHIN:g} s for the metrics server to read every pod of {namespace}",
                observed=f"no reading of {', '.join(missing)}" if pods else "there are no pods",
                expected="a reading of each, every fifteen seconds",
                command=kube.connection.kubectl("-n", namespace, "top", "pods", "--containers"),
                hint="a pod that has just started is read after half a minute; one that keeps ending never is",
            )
        time.sleep(_PAUSE)  # measurements cannot be watched


def cost_of(namespace: str, pods: Iterable[MeshPod], readings: Mapping[str, Obj]) -> Cost:
    """Return the cost from PodMetrics (metrics.k8s.io/v1beta1) by the pod's name."""
    rows: dict[str, Row] = {}
    for pod in pods:
        proxy, application = Usage(), Usage()
        for container in readings[pod.name]["containers"]:
            usage = Usage(quantity(container["usage"]["cpu"]) * 1000, quantity(container["usage"]["memory"]) / _MIB)
            if container["name"] == SIDECAR:
                proxy += usage
            else:
                application += usage
        row = rows.get(pod.workload, Row(pod.workload))
        rows[pod.workload] = Row(row.workload, row.pods + 1, row.proxies + proxy, row.applications + application)
    return Cost(namespace, tuple(rows[name] for name in sorted(rows)))


class Latencies(Protocol):
    """Latencies in seconds, as `wavetank.traffic.histogram` keeps them."""

    def percentile(self, percent: float) -> float | None:
        """Return the latency in seconds that ``percent`` per cent do not exceed; None when nothing was counted."""
        ...


class Measured(Protocol):
    """What a load has measured: a `wavetank.traffic.Summary` is one."""

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        ...

    @property
    def error_share(self) -> float:
        """The failed share of them, 0 to 1."""
        ...

    @property
    def latencies(self) -> Latencies:
        """The latencies of the answers."""
        ...


def compare_loads(without: Measured, with_mesh: Measured) -> str:
    """Return two runs of the same load beside each other, and what the mesh has added, as a table."""
    runs = (without, with_mesh)
    rows = [
        ("requests sent", *(f"{run.sent}" for run in runs), ""),
        ("failed", *(f"{run.error_share:.1%}" for run in runs), ""),
    ]
    for percent in (50, 95, 99):
        before, after = (run.latencies.percentile(percent) for run in runs)
        added = "-" if before is None or after is None else f"{(after - before) * 1000:+.1f}"
        rows.append((f"p{percent} ms", _ms(before), _ms(after), added))
    return columns(("", "without mesh", "with mesh", "added"), rows, words=(0,))


def _readings(kube: Kube, namespace: str) -> list[Obj]:
    """Return what the metrics server has read of each pod, nothing while it starts."""
    try:
        return kube.list(("metrics.k8s.io/v1beta1", "PodMetrics"), namespace)
    except NotFoundError as error:
        raise NotSupportedError(
            "nobody measures what the pods of this cluster take",
            observed="the cluster does not serve metrics.k8s.io",
            expected="a metrics server",
            hint=bring(kube.connection, "a metrics server", _LAB),
        ) from error
    except KubeError as error:
        if error.status == 503:  # its API is registered, and it does not answer yet
            return []
        raise


def _cells(row: Row) -> tuple[str, ...]:
    cpu, memory = (
        (f"{row.proxies.cpu:.0f}", f"{row.applications.cpu:.0f}"),
        (row.proxies.memory, row.applications.memory),
    )
    return (row.workload, f"{row.pods}", *cpu, *(f"{mib:.0f}" for mib in memory))


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}"

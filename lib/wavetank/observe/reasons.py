"""Why a topology is empty, or lacks somebody: in words, each with the command that mends it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wavetank.kube.bringing import way_to_bring
from wavetank.observe.roster import MeshPod, Role, Roster
from wavetank.observe.scrape import CONTROL_PLANE, Look

__all__ = ["Reason", "no_traffic", "reasons"]

_LAB = "03-service-mesh"
_TAKE_PART = '{"spec":{"template":{"metadata":{"labels":{"sidecar.istio.io/inject":"true"}}}}}'


@dataclass(frozen=True, slots=True)
class Reason:
    """What is the matter, and a command to paste that mends it or shows more (empty when there is none)."""

    words: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.words}\n  {self.command}" if self.command else self.words


def reasons(look: Look) -> list[Reason]:
    """Return what keeps the mesh from being seen, or from being seen whole; what has to be mended first comes first."""
    roster = look.roster
    if not roster.has_istio:
        return [_no_istio(adopted=roster.adopted)]
    if not roster.own:
        return [Reason(f"There are no pods in namespace {roster.namespace}.", f"kubectl -n {roster.namespace} get all")]
    return [*_unlabelled(roster), *_without_sidecar(roster), *_not_ready(roster), *_silent(look), *_not_included(look)]


def no_traffic(namespace: str, seconds: float) -> Reason:
    """Return the reason that is left when everything is in place."""
    return Reason(
        f"Nobody has called anybody in the last {seconds:.0f} s.", f"kubectl -n {namespace} get loads.wavetank.dev"
    )


def _no_istio(*, adopted: bool) -> Reason:
    words, way = "There is no Istio in this cluster", way_to_bring("Istio", _LAB, adopted=adopted)
    return Reason(f"{words}: {way}.") if adopted else Reason(f"{words}.", way)


def _unlabelled(roster: Roster) -> Iterator[Reason]:
    if not roster.is_labelled and not all(pod.has_proxy for pod in roster.own):
        yield Reason(
            f"Namespace {roster.namespace} is not labelled for the mesh: its pods get no sidecar.",
            f"kubectl label namespace {roster.namespace} istio-injection=enabled",
        )


def _without_sidecar(roster: Roster) -> Iterator[Reason]:
    for pod, names in _by_workload(pod for pod in roster.own if not pod.has_proxy):
        why = "have opted out" if pod.opted_out else "are older than the namespace's label, or istiod was away"
        yield Reason(
            f"{pod.workload} has no sidecar in {names}: what reaches it is only known from its callers. "
            f"Such pods {why}.",
            _with_sidecar(pod),
        )


def _with_sidecar(pod: MeshPod) -> str:
    """Return the command that gives a workload new pods with a sidecar."""
    kubectl = f"kubectl -n {pod.namespace}"
    if not pod.owner:
        return f"{kubectl} get pod {pod.name} -o yaml | {kubectl} replace --force -f -"
    if pod.opted_out:
        return f"{kubectl} patch {pod.owner} -p '{_TAKE_PART}'"
    return f"{kubectl} rollout restart {pod.owner}"


def _not_ready(roster: Roster) -> Iterator[Reason]:
    waiting = (pod for pod in roster.pods if pod.has_proxy and not pod.proxy_ready and pod.role is not Role.LOAD)
    for pod, names in _by_workload(waiting):
        yield Reason(
            f"The proxy of {pod.workload} is not ready in {names}.",
            f"kubectl -n {pod.namespace} logs {pod.name} -c istio-proxy --tail 20",
        )


def _silent(look: Look) -> Iterator[Reason]:
    """Tell of proxies that did not answer, all those with the same excuse together: they may be many for a moment."""
    excuses: defaultdict[str, list[MeshPod]] = defaultdict(list)
    for pod in look.roster.pods:
        if pod.proxy_ready and pod.uid in look.silent and pod.role is not Role.LOAD:  # a load's pod is gone any moment
            excuses[look.silent[pod.uid]].append(pod)
    for why, pods in sorted(excuses.items()):
        yield Reason(
            f"The proxies of {_names(pods)} did not say what they have counted: {why}.",
            f"kubectl -n {pods[0].namespace} describe pod {pods[0].name}",
        )


def _not_included(look: Look) -> Iterator[Reason]:
    mute = (pod for pod in look.roster.pods if pod.uid in look.stats and not look.stats[pod.uid].included)
    shown = f"kubectl -n {CONTROL_PLANE} get configmap istio"
    for pod, names in _by_workload(mute):
        restart = f" && kubectl -n {pod.namespace} rollout restart {pod.owner}" if pod.owner else ""
        yield Reason(
            f"The proxy of {pod.workload} keeps no statistics of calls in {names}: the mesh's proxyStatsMatcher does "
            f"not include them, or did not when the pod was made (`{shown}`).",
            f"{shown} -o yaml" if look.roster.adopted else f"{way_to_bring('', _LAB, adopted=False)}{restart}",
        )


def _by_workload(pods: Iterable[MeshPod]) -> list[tuple[MeshPod, str]]:
    """Return a pod of each workload, and the names of all of ``pods`` that belong to it."""
    grouped: defaultdict[str, list[MeshPod]] = defaultdict(list)
    for pod in pods:
        grouped[pod.workload].append(pod)
    return [(group[0], _names(group)) for _, group in sorted(grouped.items())]


def _names(pods: Sequence[MeshPod]) -> str:
    return ", ".join(sorted(pod.name for pod in pods))

"""What this lab looks at that lab.yaml's own words do not cover: one behaviour, and one truth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from wavetank.errors import KubeError, NotFoundError
from wavetank.kube import Obj
from wavetank.kube.pods import is_ready
from wavetank.lesson import Bench, CheckResult
from wavetank.lesson.rivals import budgets_of

COUNTED_WITHIN = 10.0  # seconds for a budget's controller to see pods that are ready already
EVICTED_WITHIN = 45.0  # seconds: the grace of the pod that goes, and a new one's start
TOO_MANY_REQUESTS = 429  # what the API answers when a budget does not allow an eviction


def evictions_take_turns(bench: Bench) -> CheckResult:
    """Evict all of web's pods at once, as a drain would: some may go, the others as soon as those are replaced."""
    result = partial(
        CheckResult,
        claim="a drain may take web's pods, one after the other, but never all at once",
        look=bench.kubectl("describe", "pdb"),
    )
    _until_budgets_count(bench)
    pods = [pod for pod in bench.kube.list("Pod", bench.namespace, "app=web") if is_ready(pod)]
    if several := budgets_of(bench.kube, bench.namespace, pods):
        saw = f"{' and '.join(several)} are both for web's pods"
        return result(False, saw=saw, expected="one budget: the API evicts no pod that has two")
    waiting = [name for name in (pod["metadata"]["name"] for pod in pods) if not _evict(bench, name)]
    allowed = len(pods) - len(waiting)
    saw = f"of {len(pods)} pods asked to leave at once, {allowed} may and {len(waiting)} must wait"
    if not 0 < allowed < len(pods):
        return result(False, saw=saw, expected="at least one may, and at least one must wait")
    if not _evict_in_time(bench, waiting[0]):  # when one that had to wait may leave, so may the next one after it
        trouble = bench.trouble({"app": "web"})
        saw = f"{saw}; {waiting[0]} still has to, {EVICTED_WITHIN:.0f} s later" + (f": {trouble}" if trouble else "")
        return result(False, saw=saw, expected="that it may leave when those that have left are replaced")
    return result(True, saw=f"{saw} until those are replaced")


def when_the_notice_is_shown(bench: Bench) -> str:
    """Say whether web shows what its ConfigMap says now, or will only with new pods."""
    notice = bench.kube.get("ConfigMap", "web", bench.namespace)["data"]["NOTICE"]
    shown = bench.kube.request("service:web:80", "/api/sailings", bench.namespace).json()["notice"]
    return "at once" if shown == notice else "with new pods"


def _until_budgets_count(bench: Bench) -> None:
    """Return when the budgets know the pods that they are for: one that was changed just now allows nothing."""

    def counted(budgets: Sequence[Obj]) -> bool:
        return all(
            (status := budget.get("status", {})).get("observedGeneration") == budget["metadata"].get("generation")
            and status.get("currentHealthy", 0) >= status.get("expectedPods", 0)
            for budget in budgets
        )

    words = "the disruption budgets to have counted their pods"
    bench.until("PodDisruptionBudget", counted, COUNTED_WITHIN, waiting_for=words)


def _evict_in_time(bench: Bench, pod: str) -> bool:
    """Ask for one pod to leave as a drain does, again whenever the budgets have changed; tell whether it may."""
    words = f"{pod} to be allowed to leave"
    gone: list[bool] = []

    def may(_: Sequence[Obj]) -> bool:
        gone.append(_evict(bench, pod))
        return gone[-1]

    bench.until("PodDisruptionBudget", may, EVICTED_WITHIN, waiting_for=words)
    return gone[-1]


def _evict(bench: Bench, pod: str) -> bool:
    """Ask for one pod to leave; tell whether it may."""
    try:
        bench.kube.evict(pod, bench.namespace)
    except NotFoundError:  # it has gone by itself
        return True
    except KubeError as refused:
        if refused.status == TOO_MANY_REQUESTS:
            return False
        raise
    return True

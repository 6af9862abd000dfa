"""What this lab looks at that lab.yaml's own words do not cover: two behaviours, and one truth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from wavetank.errors import KubeError, NotFoundError
from wavetank.kube import Obj
from wavetank.kube.pods import is_ready
from wavetank.lesson import Bench, CheckResult
from wavetank.lesson.rivals import budgets_of, scalers_of

SCALED = ("booking", "web")
FEWEST = 2
GROWS_WITHIN = 75.0  # seconds: the autoscaler looks every 2 s, at measurements up to 15 s old
SHRINKS_WITHIN = 120.0  # seconds: measurements have to fall first, and papers are held for ten seconds
COUNTED_WITHIN = 10.0  # seconds for a budget's controller to see pods that are ready already
EVICTED_WITHIN = 45.0  # seconds: the grace of the pod that goes, and a new one's start
NOTICED_WITHIN = 40.0  # seconds: a probe that says no more than that it is one asks three times, ten seconds apart
TOO_MANY_REQUESTS = 429  # what the API answers when a budget does not allow an eviction


def grow_and_shrink(bench: Bench) -> CheckResult:
    """One rush hour makes both web and booking grow; when it is over, both come back."""
    result = partial(
        CheckResult,
        claim="web and booking grow with the load, and shrink after it",
        look=bench.kubectl("describe", "hpa"),
    )
    scalers = {name: scalers_of(bench.kube, bench.namespace, name) for name in SCALED}
    expected = "a HorizontalPodAutoscaler for web, and one for booking"
    if missing := [name for name, found in scalers.items() if not found]:
        return result(False, saw=f"nothing scales {' or '.join(missing)}", expected=expected)
    if several := [f"{name} is scaled by {' and '.join(found)}" for name, found in scalers.items() if len(found) > 1]:
        return result(False, saw=f"{', '.join(several)}, each undoing what the other does", expected=expected)

    rush_hour = bench.load("rush-hour")
    peak = _highest(bench, GROWS_WITHIN)
    grew = f"up to {peak['web']} pods of web and {peak['booking']} of booking in the rush hour"
    if min(peak.values()) <= FEWEST:
        rush_hour.to_the_end()
        return result(False, saw=grew, expected=f"more than {FEWEST} of each")

    rush_hour.cancel()
    left = _ready_replicas(
        bench.until(
            "Deployment",
            lambda deployments: max(_ready_replicas(deployments).values()) == FEWEST,
            SHRINKS_WITHIN,
            waiting_for="web and booking to come back to two pods",
        )
    )
    shrank = f"{left['web']} and {left['booking']} after it"
    expected = f"{FEWEST} of each within {SHRINKS_WITHIN:.0f} s"
    return result(max(left.values()) == FEWEST, saw=f"{grew}, {shrank}", expected=expected)


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


def who_is_not_ready_is_left_alone(bench: Bench) -> CheckResult:
    """Let one pod of booking say that it is not ready, and see whether it is taken from those that get requests."""
    result = partial(
        CheckResult,
        claim="a pod of booking that says it is not ready gets no requests",
        look=bench.kubectl("describe", "pods", "-l", "app=booking"),
    )
    expected = "a readiness probe that asks the program, so that the pod is taken from the Service's endpoints"
    booking = {"app": "booking"}
    if not any(one.get("readinessProbe") for pod in bench.pods(booking) for one in pod["spec"]["containers"]):
        return result(False, saw="nobody asks booking's pods whether they are ready", expected=expected)
    bench.fault("not-ready-booking")
    pods = bench.until_pods(
        booking,
        lambda pods: not all(map(is_ready, pods)),
        NOTICED_WITHIN,
        waiting_for="the pod that says it is not ready to be left alone",
    )
    if all(map(is_ready, pods)):
        saw = f"a pod has said for {NOTICED_WITHIN:.0f} s that it is not ready, and is asked on"
        return result(False, saw=saw, expected=expected)
    return result(True, saw="it was taken from the endpoints")


def when_the_notice_is_shown(bench: Bench) -> str:
    """Say whether web shows what its ConfigMap says now, or will only with new pods."""
    notice = bench.kube.get("ConfigMap", "web", bench.namespace)["data"]["NOTICE"]
    shown = bench.kube.request("service:web:80", "/api/sailings", bench.namespace).json()["notice"]
    return "at once" if shown == notice else "with new pods"


def _highest(bench: Bench, within: float) -> dict[str, int]:
    """Return the most ready pods each Deployment had, as soon as all of them have grown."""
    peak = dict.fromkeys(SCALED, 0)

    def grown(deployments: Sequence[Obj]) -> bool:
        for name, ready in _ready_replicas(deployments).items():
            peak[name] = max(peak[name], ready)
        return min(peak.values()) > FEWEST

    bench.until("Deployment", grown, within, waiting_for=f"more than {FEWEST} ready pods of web, and of booking")
    return peak


def _ready_replicas(deployments: Sequence[Obj]) -> dict[str, int]:
    found = {deployment["metadata"]["name"]: deployment for deployment in deployments}
    return {name: found.get(name, {}).get("status", {}).get("readyReplicas", 0) for name in SCALED}


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

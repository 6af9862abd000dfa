"""What this lab looks at that lab.yaml's own words do not cover: one behaviour, and one truth."""

from __future__ import annotations

from functools import partial

from wavetank.errors import KubeError
from wavetank.kube.pods import is_ready
from wavetank.lesson import Bench, CheckResult
from wavetank.lesson.rivals import budgets_of

TOO_MANY_REQUESTS = 429  # what the API answers when a budget does not allow an eviction


def evictions_take_turns(bench: Bench) -> CheckResult:
    """Evict all of web's pods at once, as a drain would: some may go, some must wait."""
    result = partial(
        CheckResult, claim="a drain may take web's pods, but never all at once", look=bench.kubectl("get", "pdb")
    )
    pods = [pod for pod in bench.kube.list("Pod", bench.namespace, "app=web") if is_ready(pod)]
    if several := budgets_of(bench.kube, bench.namespace, pods):
        saw = f"{' and '.join(several)} are both for web's pods"
        return result(False, saw=saw, expected="one budget: the API evicts no pod that has two")
    allowed = sum(_evict(bench, pod["metadata"]["name"]) for pod in pods)
    saw = f"of {len(pods)} pods asked to leave at once, {allowed} may and {len(pods) - allowed} must wait"
    expected = "at least one may, and at least one must wait"
    return result(0 < allowed < len(pods), saw=saw, expected=expected)


def when_the_notice_is_shown(bench: Bench) -> str:
    """Say whether web shows what its ConfigMap says now, or will only with new pods."""
    notice = bench.kube.get("ConfigMap", "web", bench.namespace)["data"]["NOTICE"]
    shown = bench.kube.request("service:web:80", "/api/sailings", bench.namespace).json()["notice"]
    return "at once" if shown == notice else "with new pods"


def _evict(bench: Bench, pod: str) -> bool:
    """Ask for one pod to leave; tell whether it may."""
    try:
        bench.kube.evict(pod, bench.namespace)
    except KubeError as refused:
        if refused.status == TOO_MANY_REQUESTS:
            return False
        raise
    return True

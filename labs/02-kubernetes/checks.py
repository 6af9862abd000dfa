"""The two behaviours of this lab that lab.yaml's own words do not cover."""

from __future__ import annotations

from collections.abc import Sequence

from wavetank.errors import KubeError
from wavetank.kube import Obj, is_ready
from wavetank.lesson import Bench, CheckResult

SCALED = ("booking", "web")
FEWEST = 2
GROWS_WITHIN = 75.0  # seconds: the autoscaler looks every 2 s, at measurements up to 15 s old
SHRINKS_WITHIN = 120.0  # seconds: measurements have to fall first, and papers are held for ten seconds
TOO_MANY_REQUESTS = 429  # what the API answers when a budget does not allow an eviction


def grow_and_shrink(bench: Bench) -> CheckResult:
    """One rush hour makes both web and booking grow; when it is over, both come back."""
    claim = "web and booking grow with the load, and shrink after it"
    scaled = {
        scaler["spec"]["scaleTargetRef"]["name"]
        for scaler in bench.kube.list("HorizontalPodAutoscaler", bench.namespace)
    }
    if missing := sorted(set(SCALED) - scaled):
        return CheckResult(
            False,
            claim,
            saw=f"no autoscaler scales {' or '.join(missing)}",
            expected="one HorizontalPodAutoscaler for each of web and booking",
            look=bench.kubectl("get", "hpa"),
        )
    wave = bench.wave("rush-hour")
    peak = dict.fromkeys(SCALED, 0)

    def grown(deployments: Sequence[Obj]) -> bool:
        for name, ready in _ready_replicas(deployments).items():
            peak[name] = max(peak[name], ready)
        return min(peak.values()) > FEWEST

    bench.until("Deployment", grown, GROWS_WITHIN, waiting_for="more than two ready pods of web, and of booking")
    wave.to_the_end()
    if min(peak.values()) <= FEWEST:
        return CheckResult(
            False,
            claim,
            saw=f"at most {peak['web']} pods of web and {peak['booking']} of booking during the rush hour",
            expected=f"more than {FEWEST} of each",
            look=bench.kubectl("describe", "hpa"),
        )
    left = _ready_replicas(
        bench.until(
            "Deployment",
            lambda deployments: max(_ready_replicas(deployments).values()) == FEWEST,
            SHRINKS_WITHIN,
            waiting_for="both to come back to two pods",
        )
    )
    return CheckResult(
        max(left.values()) == FEWEST,
        claim,
        saw=f"up to {peak['web']} pods of web and {peak['booking']} of booking, then {left['web']} and {left['booking']}",
        expected=f"{FEWEST} of each, {SHRINKS_WITHIN:.0f} s after the rush hour",
        look=bench.kubectl("describe", "hpa"),
    )


def evictions_take_turns(bench: Bench) -> CheckResult:
    """Evict all of web's pods at once, as a drain would: some may go, some must wait."""
    pods = [pod["metadata"]["name"] for pod in bench.kube.list("Pod", bench.namespace, "app=web") if is_ready(pod)]
    allowed = sum(_evict(bench, pod) for pod in pods)
    return CheckResult(
        0 < allowed < len(pods),
        "a drain may take web's pods, but never all at once",
        saw=f"of {len(pods)} pods asked to leave at once, {allowed} may and {len(pods) - allowed} must wait",
        expected="at least one may, and at least one must wait",
        look=bench.kubectl("get", "pdb"),
    )


def _ready_replicas(deployments: Sequence[Obj]) -> dict[str, int]:
    found = {deployment["metadata"]["name"]: deployment for deployment in deployments}
    return {name: found.get(name, {}).get("status", {}).get("readyReplicas", 0) for name in SCALED}


def _evict(bench: Bench, pod: str) -> bool:
    try:
        bench.kube.evict(pod, bench.namespace)
    except KubeError as refused:
        if refused.status == TOO_MANY_REQUESTS:
            return False
        raise
    return True

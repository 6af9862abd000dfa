"""What Lab 4 says of Knative Serving, counted over real traffic on real Knative.

Every test has a function of its own: a pod that has to go takes half a minute, and nobody waits for another's. Each is
`tides` under another name. The logbook is there for asking from: it has a pod, always.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.waiting import eventually

from wavetank.cluster import ClusterSpec
from wavetank.errors import KubeError
from wavetank.kube import Kube, Obj
from wavetank.observe.serverless import Serving, figures, look, measure
from wavetank.observe.serverless.revisions import SERVICE
from wavetank.traffic import Answers, Load, Question, Target, ask, start_load
from wavetank.waves import let_operator_in

pytestmark = pytest.mark.kind

FUNCTIONS = Path(__file__).parents[2] / "labs/tidewater/manifests/functions"
NAMESPACE = "test-knative"
SLEEPERS = ("sleeper-1", "sleeper-2", "sleeper-3", "sleeper-4")
OTHERS = ("burst", "idle", "leaving", "long", "rolling", "split", "stuck")
AT_ONCE = 10
MOST_PODS = 5


class Knative:
    """The functions of this file, and what is asked of them."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube

    def apply(self, name: str, version: str = "v1", **changes: Any) -> None:
        self.kube.apply(function(name, version, **changes), namespace=NAMESPACE)

    def serve(self, name: str, version: str, number: int, **changes: Any) -> None:
        """Apply, and wait until the revision ``number`` serves as told."""
        self.apply(name, version, **changes)
        self.await_ready(name, number)

    def await_ready(self, name: str, number: int) -> None:
        def serves(service: Obj | None) -> bool:
            status = (service or {}).get("status") or {}
            ready = any(told["type"] == "Ready" and told["status"] == "True" for told in status.get("conditions") or ())
            looked = status.get("observedGeneration") == (service or {})["metadata"]["generation"]
            return ready and looked and status.get("latestReadyRevisionName") == revision(name, number)

        waiting_for = f"{revision(name, number)} to serve"
        self.kube.wait_for(SERVICE, name, NAMESPACE, serves, timeout=60, waiting_for=waiting_for)

    def ask(self, name: str, path: str = "/version", **how: Any) -> Answers:
        return ask(self.kube, NAMESPACE, "logbook", Question(f"http://{name}.{NAMESPACE}{path}", **how))

    def look(self, name: str) -> Serving:
        return look(self.kube, NAMESPACE, name)

    def pods(self, name: str) -> list[Obj]:
        """Return the pods that are not told to leave."""
        return [pod for pod in self._pods(name) if not leaves(pod)]

    def _pods(self, name: str) -> list[Obj]:
        return self.kube.list("Pod", NAMESPACE, f"serving.knative.dev/service={name}")

    def counted(self, name: str, metric: str) -> dict[str, int]:
        """Return what each pod has counted itself, by its name; one that is not up yet or gone meanwhile tells nothing.

        Whether it is ready is not looked at: the activator probes by itself, and sends requests before the API knows.
        """
        told = {}
        for pod in self._pods(name):
            with suppress(KubeError):
                told[pod["metadata"]["name"]] = self._counted(pod["metadata"]["name"], metric)
        return told

    def _counted(self, pod: str, metric: str) -> int:
        text = self.kube.request(f"pod:{pod}:8080", "/metrics", NAMESPACE, timeout=20).text
        return sum(map(int, re.findall(rf"^{metric}\{{.*\}} (\d+)$", text, re.MULTILINE)))

    @contextmanager
    def asking(self, name: str, path: str) -> Iterator[Future[Answers]]:
        """Ask a function that nobody has asked before, and go on when its pod is at it."""
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(self.ask, name, path, timeout=30)
            begun = "http_requests_handled_at_once_max"
            self.until(lambda: 1 in self.counted(name, begun).values(), f"a request at {name}")
            yield asked

    def queued(self, name: str) -> int:
        """Return how many requests wait in the activator for the first revision."""
        told = figures(self.kube, NAMESPACE).get(revision(name, 1))
        return told.queued if told else 0

    def until(self, holds: Callable[[], bool], waiting_for: str) -> None:
        eventually(holds, waiting_for, within=60, every=0.2)


@pytest.fixture(scope="module")
def knative(knative_kube: Kube) -> Iterator[Knative]:
    labels = {"app.kubernetes.io/managed-by": "wavetank"}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    knative_kube.delete(space, wait=120)
    knative_kube.apply(space)
    let_operator_in(knative_kube, NAMESPACE)
    made = Knative(knative_kube)
    knative_kube.apply(FUNCTIONS / "logbook.yaml", namespace=NAMESPACE)
    for name in (*SLEEPERS, *OTHERS):
        made.apply(name)
    made.apply("queue", concurrency=1, most=1)
    for name in (*SLEEPERS, *OTHERS, "queue"):
        made.await_ready(name, 1)
    knative_kube.rollout("logbook", NAMESPACE)
    yield made
    knative_kube.delete(space)


def function(
    name: str,
    version: str = "v1",
    *,
    image: str = "wavetank.dev/tidewater/tides:v1",
    concurrency: int = AT_ONCE,
    most: int = MOST_PODS,
    traffic: tuple[Mapping[str, Any], ...] = (),
) -> Obj:
    """Return the lab's own tides under another name, telling another version."""
    made: Obj = yaml.safe_load((FUNCTIONS / "tides.yaml").read_text())
    template = made["spec"]["template"]
    made["metadata"] = {"name": name}
    template["metadata"]["annotations"]["autoscaling.knative.dev/max-scale"] = f"{most}"
    template["spec"]["containerConcurrency"] = concurrency
    # Until an answer begins it may take 15 seconds, if nothing is said: a cold start and a long request take more.
    template["spec"]["responseStartTimeoutSeconds"] = template["spec"]["timeoutSeconds"]
    template["spec"]["containers"][0]["image"] = image
    template["spec"]["containers"][0]["env"].append({"name": "VERSION", "value": version})
    if traffic:
        made["spec"]["traffic"] = list(traffic)
    return made


def leaves(pod: Obj) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def revision(service: str, number: int) -> str:
    return f"{service}-{number:05}"


def passengers(service: str, path: str, rate: float, seconds: float) -> Load:
    """Return a load on a function: the gateway is one door for all of them, and the header Host says which."""
    target = Target(service, path=path, headers={"Host": f"{service}.{NAMESPACE}"})
    return Load(f"to-{service}", target, rate, seconds, timeout=30)


def share_of(name: str, percent: int, **more: Any) -> dict[str, Any]:
    return {"revisionName": name, "percent": percent, **more}


@pytest.mark.parametrize(
    ("traffic", "words"),
    [
        ([share_of("split-00001", 80), {"latestRevision": True, "percent": 30}], "sum to 110, want 100"),
        ([share_of("split-00001", 100, tag="Not_A_Name")], "spec.traffic.tag[0]"),
    ],
    ids=["a split that does not add up", "a tag that can be no name"],
)
def test_what_cannot_be_is_refused_in_words(knative: Knative, traffic: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(KubeError) as refused:
        knative.apply("split", traffic=tuple(traffic))
    assert words in f"{refused.value}"
    assert knative.look("split").split == {"split-00001": 100}


def test_one_in_five_goes_to_the_new_revision_and_each_tag_to_its_own(knative: Knative) -> None:
    asked, share = 600, 0.2
    traffic = (
        share_of("split-00001", 80, tag="old"),
        {"latestRevision": True, "percent": 20, "tag": "new"},
    )
    knative.serve("split", "v2", 2, traffic=traffic)
    answers = knative.ask("split", times=asked, at_once=4)
    assert answers.statuses == {200: asked}
    five_sigma = 5 * math.sqrt(share * (1 - share) / asked)
    assert answers.share(version="v2") == pytest.approx(share, abs=five_sigma)
    assert knative.ask("old-split", times=20).counted("version") == {"v1": 20}
    assert knative.ask("new-split", times=20).counted("version") == {"v2": 20}


def test_a_revision_that_cannot_get_ready_says_why_and_the_old_one_serves(knative: Knative) -> None:
    knative.apply("stuck", "v2", image="wavetank.dev/tidewater/tides:no-such")
    told = "cannot pull the image wavetank.dev/tidewater/tides:no-such"
    knative.until(lambda: told in f"{knative.look('stuck')}", f"the words {told!r}")
    (trouble,) = knative.look("stuck").trouble
    assert trouble.startswith("stuck-00002 is not ready: ")
    assert trouble.endswith("Traffic stays where it was: stuck-00001 100 %.")
    assert knative.ask("stuck", times=20).counted("version") == {"v1": 20}


def test_a_cold_start_is_the_sum_of_its_parts(knative: Knative, spec: ClusterSpec) -> None:
    gateway = f"http://127.0.0.1:{spec.ports.gateway}"
    for name in SLEEPERS:
        start = measure(knative.kube, NAMESPACE, name, gateway, "/tides?days=1")
        assert start.process, "the answer does not tell how old its process was"
        assert sum(start.parts.values()) == pytest.approx(start.whole, rel=0.1), f"{name}: {start}"
        assert start.disagreement <= 0.1, f"{name}: {start}"


def test_a_burst_that_finds_no_pod_is_held_and_answered_by_pods_that_take_what_they_may(knative: Knative) -> None:
    knative.until(lambda: not knative.pods("burst"), "no pod of burst")
    before = knative.counted("burst", "http_requests_total")  # by those that are about to be gone
    run = start_load(knative.kube, passengers("burst", "/level", rate=100, seconds=1), NAMESPACE)
    held = pods = 0
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(run.summary)
        while not ended.done():
            held, pods = max(held, knative.queued("burst")), max(pods, len(knative.pods("burst")))
            time.sleep(0.1)
    told = ended.result()
    assert (told.status, told.unsent) == ({"200": 100}, 0)
    assert held > AT_ONCE
    assert 1 < pods <= MOST_PODS

    answered: dict[str, int] = {}

    def all_are_counted() -> bool:
        counted = knative.counted("burst", "http_requests_total")
        answered.update({name: count for name, count in counted.items() if name not in before})
        print(answered)  # shown if the time is up
        return sum(answered.values()) >= 100

    knative.until(all_are_counted, "pods that have handled a hundred requests")
    assert sum(answered.values()) == 100, "each request was handled once"
    assert max(knative.counted("burst", "http_requests_handled_at_once_max").values()) == AT_ONCE


def test_pods_go_when_nobody_asks_and_come_with_the_next_request(knative: Knative) -> None:
    assert knative.ask("idle").statuses == {200: 1}
    knative.until(lambda: not knative.pods("idle"), "no pod of idle")
    at_zero = knative.look("idle").revision("idle-00001")
    assert at_zero is not None
    assert (at_zero.wanted, at_zero.words) == (0, "scaled to zero: nobody asks it")
    assert knative.ask("idle").statuses == {200: 1}


def test_nothing_is_lost_when_a_new_revision_takes_over(knative: Knative) -> None:
    run = start_load(knative.kube, passengers("rolling", "/tides?days=1", rate=15, seconds=25), NAMESPACE)
    seconds = run.follow()
    next(second for second in seconds if second.status)
    before = knative.counted("rolling", "http_requests_total")
    knative.serve("rolling", "v2", 2)
    assert list(seconds), "the load had ended before the new revision served"
    told = run.summary()
    assert told.status == {"200": told.sent}  # what a busy machine has not even sent, nobody has lost
    after = knative.counted("rolling", "http_requests_total")
    assert any(name.startswith("rolling-00001") and count for name, count in before.items())
    assert any(name.startswith("rolling-00002") and count for name, count in after.items())


def test_a_request_may_take_longer_than_the_window(knative: Knative) -> None:
    """The autoscaler sees it: there is no scaling to zero while somebody waits for an answer."""
    with knative.asking("long", "/level?seconds=12") as asked:
        (answer,) = asked.result()
    assert (answer.status, answer.seconds > 12) == (200, True)
    assert knative.pods("long"), "its pod was told to leave while it was asked"


def test_a_pod_that_is_told_to_leave_answers_first(knative: Knative) -> None:
    with knative.asking("leaving", "/level?seconds=5") as asked:
        (pod,) = knative.pods("leaving")
        knative.kube.delete_object("Pod", pod["metadata"]["name"], NAMESPACE)
        (answer,) = asked.result()
    assert (answer.status, answer.seconds > 5) == (200, True)


@contextmanager
def held(knative: Knative, activator: dict[str, Any]) -> Iterator[Future[Answers]]:
    """Have ten requests held by the activator, delete its pod, and give what becomes of them."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(knative.ask, "queue", "/level?seconds=1", times=10, at_once=10, timeout=30)
        knative.until(lambda: knative.queued("queue") >= 5, "five requests that wait in the activator")
        for pod in knative.kube.list("Pod", "knative-serving", "app=activator"):
            knative.kube.delete_object("Pod", pod["metadata"]["name"], "knative-serving", **activator)
        yield asked
    knative.kube.rollout("activator", "knative-serving")
    knative.until(lambda: knative.ask("queue").statuses == {200: 1}, "an answer by way of the next activator")


def test_an_activator_that_is_told_to_leave_hands_over_what_it_holds(knative: Knative) -> None:
    with held(knative, {}) as asked:
        assert asked.result().statuses == {200: 10}


def test_what_an_activator_holds_when_it_is_killed_is_refused_at_once(knative: Knative) -> None:
    """It is the only one who knows of them: the gateway answers 503, and nobody tries again. No request hangs."""
    with held(knative, {"grace": 0}) as asked:
        answers = asked.result()
    assert set(answers.statuses) <= {200, 503}, answers
    assert answers.statuses[503] > 0, answers
    assert max(answers.seconds) < 10, answers
    assert knative.ask("queue", times=10).statuses == {200: 10}

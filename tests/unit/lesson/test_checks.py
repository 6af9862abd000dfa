"""Every check both ways: it passes when the behaviour is there, else says what it saw, expected, and where to look."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.harbour import NAMESPACE, SERVICE, Harbour, container, pod

from wavetank.errors import InputError, KubeError
from wavetank.kube import Kube
from wavetank.lesson import Bench, CheckResult
from wavetank.lesson.checks import run_check, run_checks
from wavetank.lesson.lab import Named
from wavetank.traffic import Answer, Answers

CALM = [{"200": 20}] * 10
OUTAGE = [{"200": 20}] * 4 + [{"200": 10, "503": 7, "timeout": 3}] * 2 + [{"200": 20}] * 4

Obj = dict[str, Any]


def deployment(name: str = "web", *, replicas: int = 2, ready: int = 2) -> Obj:
    counts = {"replicas": replicas, "updatedReplicas": replicas, "readyReplicas": ready, "availableReplicas": ready}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}},
        "status": {**counts, "observedGeneration": 1},
    }


def check(bench: Bench, name: str, /, **parameters: Any) -> CheckResult:
    if "within" not in parameters and name not in ("available", "latency"):
        parameters["within"] = "300ms"
    return run_check(Named(name, parameters), bench)


def assert_not_yet(result: CheckResult, saw: str, expected: str, look: str) -> None:
    assert not result.passed
    assert result.verdict == f"not yet: {result.claim}"
    assert saw in result.saw
    assert expected in result.expected
    assert look in result.look
    assert look.startswith(("get", "describe", "top"))


@pytest.fixture
def put(api: ApiServer, harbour: Harbour) -> Any:
    return api.put


class TestRollout:
    def test_passes(self, bench: Bench, put: Any) -> None:
        put(deployment())
        result = check(bench, "rollout", deployment="web")
        assert result.verdict == "passed: web is rolled out"
        assert "of the newest template and available" in result.saw

    def test_says_how_far_it_is_and_which_pod_is_to_blame(self, bench: Bench, api: ApiServer, put: Any) -> None:
        put(deployment())
        stuck = container(0, image="web:v9", state={"waiting": {"reason": "ErrImagePull", "message": "not found"}})
        put(pod("web-1", ready=False, containerStatuses=stuck))
        put({**deployment(ready=1), "status": {**deployment(ready=1)["status"]}})
        result = check(bench, "rollout", deployment="web")
        assert_not_yet(result, "1 of 2 new pods are available", "within 0.3 s", "describe deployment web")
        assert "pod web-1: container web: cannot pull the image web:v9" in result.saw

    def test_says_that_there_is_none(self, bench: Bench) -> None:
        assert "there is no Deployment web" in check(bench, "rollout", deployment="web").saw

    def test_waits_for_it(self, bench: Bench, put: Any) -> None:
        put(deployment(ready=0))
        threading.Timer(0.2, put, [deployment()]).start()
        assert check(bench, "rollout", deployment="web", within="10s").passed

    def test_waits_as_long_as_the_manifest_itself_asks_for(self, bench: Bench, put: Any) -> None:
        waiting, done = deployment(ready=0), deployment()
        for each in (waiting, done):
            each["spec"]["minReadySeconds"] = 8
        put(waiting)
        threading.Timer(1.0, put, [done]).start()
        assert check(bench, "rollout", deployment="web").passed


class TestReady:
    def test_passes(self, bench: Bench, put: Any) -> None:
        put(pod("web-1"))
        assert check(bench, "ready", selector={"app": "web"}).passed

    def test_counts_only_pods_that_are_ready_and_stay(self, bench: Bench, put: Any) -> None:
        put(pod("web-1", ready=False))
        leaving = pod("web-2")
        leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        put(leaving)
        result = check(bench, "ready", selector={"app": "web"})
        assert_not_yet(result, "0 of 1 pods are ready", "at least 1", "get pods -l app=web")


class TestSpread:
    def test_passes(self, bench: Bench, put: Any) -> None:
        for name, node in (("1", "a"), ("2", "b"), ("3", "a")):
            put(pod(f"web-{name}", node=node))
        assert check(bench, "spread", selector={"app": "web"}, nodes=2).passed

    @pytest.mark.parametrize("nodes", ["aa", "aaab"])
    def test_says_where_the_pods_are(self, bench: Bench, put: Any, nodes: str) -> None:
        for number, node in enumerate(nodes):
            put(pod(f"web-{number}", node=node))
        result = check(bench, "spread", selector={"app": "web"}, nodes=2)
        assert_not_yet(result, f"{nodes.count('a')} on a", "ready pods on 2 nodes", "get pods -o wide -l app=web")


class TestState:
    def test_passes_for_what_a_container_was_before_its_restart(self, bench: Bench, put: Any) -> None:
        put(pod("web-1", containerStatuses=container(1, lastState={"terminated": {"reason": "OOMKilled"}})))
        assert check(bench, "state", selector={"app": "web"}, reason="OOMKilled").passed

    def test_says_what_they_show(self, bench: Bench, put: Any) -> None:
        put(pod("web-1", containerStatuses=container(1, state={"waiting": {"reason": "CrashLoopBackOff"}})))
        result = check(bench, "state", selector={"app": "web"}, reason="OOMKilled")
        assert_not_yet(result, "CrashLoopBackOff", "OOMKilled", "describe pods -l app=web")


class TestEvents:
    @pytest.fixture(autouse=True)
    def _event(self, put: Any, harbour: Harbour) -> None:
        about = {"kind": "Pod", "name": "web-1"}
        metadata = {"name": "web-1.1", "namespace": NAMESPACE}
        event = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about}
        put({**event, "reason": "Unhealthy", "count": 3})

    def test_passes(self, bench: Bench) -> None:
        assert check(bench, "events", reason="Unhealthy", about="web", at_least=3).passed

    @pytest.mark.parametrize(
        ("asked", "saw"),
        [({"reason": "Killing"}, "0 such"), ({"about": "booking"}, "0 such"), ({"at_least": 4}, "3 such")],
    )
    def test_says_how_many_there_are(self, bench: Bench, asked: Obj, saw: str) -> None:
        result = check(bench, "events", **{"reason": "Unhealthy", **asked})
        assert_not_yet(result, saw, "at least", "get events")


class TestField:
    PATH = ("spec", "replicas")

    @pytest.mark.parametrize("asked", [{"equals": 2}, {"at_least": 2}, {"at_least": 1, "at_most": 2}])
    def test_passes(self, bench: Bench, put: Any, asked: Obj) -> None:
        put(deployment())
        assert check(bench, "field", kind="Deployment", name="web", path=[*self.PATH], **asked).passed

    @pytest.mark.parametrize(("asked", "expected"), [({"equals": 3}, "= 3"), ({"at_most": 1}, "at most 1")])
    def test_says_what_is_there(self, bench: Bench, put: Any, asked: Obj, expected: str) -> None:
        put(deployment())
        result = check(bench, "field", kind="Deployment", name="web", path=[*self.PATH], **asked)
        assert_not_yet(result, "2", expected, "get deployment web -o yaml")

    def test_says_that_there_is_no_such_field_and_no_such_object(self, bench: Bench, put: Any) -> None:
        missing: Obj = {"kind": "Deployment", "name": "web", "path": ["spec", "no", 0], "equals": 1}
        assert check(bench, "field", **missing).saw == "there is no Deployment web"
        put(deployment())
        assert check(bench, "field", **missing).saw == "None"


class TestFieldOfTheApplication:
    PATH = ("spec", "template", "spec", "containers", "application", "livenessProbe", "periodSeconds")
    APP: Obj = {
        "name": "web",
        "ports": [{"name": "metrics", "containerPort": 9090}, {"name": "http", "containerPort": 8080}],
        "livenessProbe": {"periodSeconds": 5},
    }
    LOGGER: Obj = {"name": "logger", "image": "python:3.11", "ports": [{"containerPort": 9000}]}

    def put(self, put: Any, *containers: Obj) -> None:
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(containers)}}
        one = deployment()
        put({**one, "spec": {**one["spec"], "template": template}})
        put({**SERVICE, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}})

    @pytest.mark.parametrize("app_first", [True, False])
    def test_a_right_answer_passes_whatever_the_order(self, bench: Bench, put: Any, app_first: bool) -> None:
        self.put(put, *([self.APP, self.LOGGER] if app_first else [self.LOGGER, self.APP]))
        assert check(bench, "field", kind="Deployment", name="web", path=[*self.PATH], at_least=1).passed

    def test_a_probe_of_the_wrong_container_does_not(self, bench: Bench, put: Any) -> None:
        logger = {**self.LOGGER, "livenessProbe": {"periodSeconds": 5}}
        self.put(put, logger, {**self.APP, "livenessProbe": None})
        result = check(bench, "field", kind="Deployment", name="web", path=[*self.PATH], at_least=1)
        assert_not_yet(result, "None", "at least 1", "get deployment web -o yaml")
        assert "containers.application.livenessProbe" in result.claim


class TestHttp:
    def test_passes_through_a_service(self, bench: Bench, api: ApiServer, put: Any) -> None:
        put(SERVICE)
        api.answer("service:web:80", lambda request: (200, {}, request.path.encode()), NAMESPACE)
        assert check(bench, "http", service="web", path="/api/sailings", contains="sailings").passed

    def test_passes_through_an_ingress(self, bench: Bench, api: ApiServer, put: Any) -> None:
        ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress"}
        put({**ingress, "metadata": {"name": "web", "namespace": NAMESPACE}, "spec": {"rules": [{"host": "a.test"}]}})
        put({**SERVICE, "metadata": {"name": "envoy", "namespace": "projectcontour"}})
        api.answer("service:envoy:80", lambda request: (200, {}, request.headers["Host"].encode()), "projectcontour")
        assert check(bench, "http", ingress="web", contains="a.test").passed

    @pytest.mark.parametrize("hosts", [["other.test", "a.test"], ["a.test", "other.test"]])
    def test_passes_through_whichever_rule_of_an_ingress(
        self, bench: Bench, api: ApiServer, put: Any, hosts: list[str]
    ) -> None:
        ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress"}
        rules = [{"host": host} for host in hosts]
        put({**ingress, "metadata": {"name": "web", "namespace": NAMESPACE}, "spec": {"rules": rules}})
        put({**SERVICE, "metadata": {"name": "envoy", "namespace": "projectcontour"}})
        api.answer("service:envoy:80", lambda request: (200, {}, request.headers["Host"].encode()), "projectcontour")
        assert check(bench, "http", ingress="web", contains="a.test").passed
        assert not check(bench, "http", ingress="web", contains="b.test").passed

    def test_waits_for_it(self, bench: Bench, api: ApiServer, put: Any) -> None:
        put(SERVICE)
        answers = iter([(503, {}, b"not now"), (200, {}, b"hello")])
        api.answer("service:web:80", lambda _: next(answers), NAMESPACE)
        assert check(bench, "http", service="web", contains="hello", within="10s").passed

    def test_says_what_was_answered(self, bench: Bench, api: ApiServer, put: Any) -> None:
        put(SERVICE)
        api.answer("service:web:80", lambda _: (500, {}, b"no  such\nthing"), NAMESPACE)
        result = check(bench, "http", service="web", contains="hello")
        assert_not_yet(result, "500: no such thing", "200 with 'hello' in it", "get service,endpointslices")

    def test_says_that_nothing_is_there_to_answer(self, bench: Bench) -> None:
        assert "not found" in check(bench, "http", service="web").saw
        assert check(bench, "http", ingress="web").saw == "there is no Ingress web"


@pytest.mark.usefixtures("harbour")
class TestUnderTraffic:
    @pytest.fixture(autouse=True)
    def _service(self, put: Any) -> None:
        put(SERVICE)
        put(deployment())

    def test_available_passes(self, bench: Bench) -> None:
        result = check(bench, "available", load="steady")
        assert result == CheckResult(True, "under the load steady, no request fails", "0 of 200 requests failed")

    def test_a_load_that_stood_still_itself_judges_nobody(self, bench: Bench, harbour: Harbour) -> None:
        harbour.still = 0.5
        with pytest.raises(KubeError, match="the load check-steady stood still for 5 s"):
            check(bench, "available", load="steady")

    def test_available_says_how_many_failed_and_how(self, bench: Bench, harbour: Harbour) -> None:
        harbour.outcomes["steady"] = OUTAGE
        assert check(bench, "available", load="steady", failed_share=0.1).passed
        assert not check(bench, "available", load="steady", failed_share=0.09).passed
        result = check(bench, "available", load="steady")
        assert_not_yet(result, "20 of 200 requests failed (503: 14, timeout: 6)", "none failed", "get events")

    def test_available_need_not_see_the_end_of_a_load_that_fails(
        self, kube: Kube, bench: Bench, harbour: Harbour, api: ApiServer
    ) -> None:
        harbour.outcomes["steady"], harbour.goes_on = [{"200": 20}, {"200": 10, "503": 10}], True
        with Bench(lambda: kube, bench.lab) as other:
            result = check(other, "available", load="steady", failed_share=0.04)
        assert result.saw == "10 of 40 requests failed (503: 10) in the first 2 s"
        load = api.get("Load", "check-steady", NAMESPACE)
        assert load
        assert load["status"]["phase"] == "Stopped"

    def test_a_load_that_sent_nothing_proves_nothing(self, bench: Bench, harbour: Harbour) -> None:
        harbour.outcomes["steady"] = [{}]
        assert not check(bench, "available", load="steady").passed

    def test_latency(self, bench: Bench, harbour: Harbour) -> None:
        harbour.latency = 0.2
        assert check(bench, "latency", load="steady", percentile=99, below="300ms").passed
        result = check(bench, "latency", load="steady", percentile=99, below="100ms")
        assert_not_yet(result, "p99 was 200 ms", "below 100 ms", "top pods")

    def test_latencies_of_a_load_that_was_late_itself_are_measured_once_more(
        self, bench: Bench, api: ApiServer, harbour: Harbour
    ) -> None:
        created: list[str] = []
        api.on_write(lambda change, obj: created.append(change) if obj["kind"] == "Load" else None)
        harbour.latency, harbour.late = 0.2, 1
        result = check(bench, "latency", load="steady", percentile=99, below="100ms")
        assert_not_yet(result, "p99 was 200 ms", "below 100 ms", "top pods")
        assert created.count("ADDED") == 2

    def test_twice_late_it_is_no_measurement_of_the_application(self, bench: Bench, harbour: Harbour) -> None:
        harbour.latency, harbour.late = 0.2, 2
        with pytest.raises(KubeError, match="the load steady was late itself"):
            check(bench, "latency", load="steady", percentile=99, below="100ms")

    def test_late_or_not_what_is_quick_is_quick(self, bench: Bench, harbour: Harbour) -> None:
        harbour.late = 1
        assert check(bench, "latency", load="steady", percentile=99, below="100ms").passed

    def test_checks_of_one_exercise_share_a_load(self, bench: Bench, api: ApiServer) -> None:
        created: list[str] = []
        api.on_write(lambda change, obj: created.append(change) if obj["kind"] == "Load" else None)
        check(bench, "available", load="steady")
        check(bench, "latency", load="steady", percentile=50, below="1s")
        assert created.count("ADDED") == 1

    def test_something_is_done_in_the_midst_of_the_load(self, bench: Bench, api: ApiServer, harbour: Harbour) -> None:
        assert check(bench, "available", load="steady", during={"fault": "slow"}).passed
        assert harbour.injected == ["slow"]
        check(bench, "available", load="steady", during={"scale": {"deployment": "web", "replicas": 7}})
        scaled = api.get("Deployment", "web", NAMESPACE)
        assert scaled
        assert scaled["spec"]["replicas"] == 7
        check(bench, "available", load="steady", during={"restart": "web"})
        restarted = api.get("Deployment", "web", NAMESPACE)
        assert restarted
        assert "kubectl.kubernetes.io/restartedAt" in str(restarted["spec"]["template"])

    def test_what_a_check_began_is_over_when_the_bench_is_left(self, api: ApiServer, kube: Kube, bench: Bench) -> None:
        with Bench(lambda: kube, bench.lab) as other:
            check(other, "available", load="steady", during={"fault": "slow"})
        fault = api.get("Fault", "slow", NAMESPACE)
        assert fault
        assert fault["status"]["phase"] == "Stopped"

    def test_recovery(self, bench: Bench, harbour: Harbour) -> None:
        harbour.outcomes["steady"] = OUTAGE  # the fault comes at second 3, the last failure in second 5
        assert check(bench, "recovery", load="steady", fault="slow", within="3s").passed
        result = check(bench, "recovery", load="steady", fault="slow", within="2s")
        assert_not_yet(result, "the last of them 3 s after it", "none later than 2 s", "describe fault slow")

    def test_no_recovery_before_the_load_ends_is_none(self, bench: Bench, harbour: Harbour) -> None:
        harbour.outcomes["steady"] = [{"200": 20}] * 6 + [{"503": 20}] * 4
        result = check(bench, "recovery", load="steady", fault="slow", within="60s")
        assert_not_yet(result, "they still failed at its end", "none later", "describe fault slow")

    def test_restarts(self, bench: Bench, put: Any) -> None:
        put(pod("web-1", containerStatuses=container(2)))
        assert check(bench, "restarts", selector={"app": "web"}, at_least=2).passed
        result = check(bench, "restarts", selector={"app": "web"}, at_most=1)
        assert_not_yet(result, "2 restarts", "at most 1", "describe pods -l app=web")

    def test_restarts_under_a_load_are_those_that_happened_meanwhile(self, bench: Bench, api: ApiServer) -> None:
        api.put(pod("web-1", containerStatuses=container(2)))
        assert check(bench, "restarts", selector={"app": "web"}, at_most=0, load="steady").passed

        def restart(change: str, obj: Obj) -> None:
            if obj["kind"] == "Load" and change == "ADDED":
                api.put(pod("web-1", containerStatuses=container(3)))

        api.on_write(restart)
        bench.__exit__()
        with Bench(lambda: bench.kube, bench.lab) as other:
            result = check(other, "restarts", selector={"app": "web"}, at_most=0, load="steady")
        assert_not_yet(result, "1 restarts", "at most 0", "describe pods -l app=web")

    def test_replicas_at_rest(self, bench: Bench) -> None:
        assert check(bench, "replicas", deployment="web", at_least=2, at_most=2).passed
        result = check(bench, "replicas", deployment="web", at_least=3)
        assert_not_yet(result, "2 ready replicas", "at least 3", "describe hpa,deployment web")

    def test_replicas_up_under_load_and_back(self, bench: Bench, api: ApiServer) -> None:
        def grow(change: str, obj: Obj) -> None:
            if obj["kind"] == "Load" and change == "ADDED":
                api.put(deployment(replicas=4, ready=4))
                threading.Timer(0.5, api.put, [deployment()]).start()

        api.on_write(grow)
        asked: Obj = {"deployment": "web", "load": "steady", "at_least": 4, "back_to": 2}
        result = check(bench, "replicas", **asked, within="10s")
        assert result.passed
        assert result.saw == "up to 4 ready replicas under load, 2 after it"

    def test_replicas_that_do_not_come_back(self, bench: Bench, api: ApiServer) -> None:
        api.put(deployment(replicas=4, ready=4))
        result = check(bench, "replicas", deployment="web", load="steady", at_least=4, back_to=2)
        assert_not_yet(result, "4 after it", "then 2 within 0.3 s of the load's end", "describe hpa,deployment web")

    def test_replicas_that_do_not_grow(self, bench: Bench) -> None:
        result = check(bench, "replicas", deployment="web", load="steady", at_least=4, back_to=2)
        assert_not_yet(result, "up to 2 ready replicas under load", "at least 4", "describe hpa,deployment web")

    def test_replicas_that_grow_too_far(self, bench: Bench, api: ApiServer) -> None:
        api.put(deployment(replicas=4, ready=4))
        result = check(bench, "replicas", deployment="web", load="steady", at_most=3)
        assert_not_yet(result, "up to 4", "at most 3", "describe hpa,deployment web")


class TestPython:
    def write(self, bench: Bench, code: str) -> None:
        Path(bench.lab.folder / "checks.py").write_text(code)

    def test_a_function_of_the_labs_folder_decides(self, bench: Bench) -> None:
        self.write(
            bench,
            "from wavetank.lesson import CheckResult\n"
            "def good(bench): return CheckResult(True, bench.namespace)\n"
            "def bad(bench): return CheckResult(False, 'never', 'this')\n",
        )
        assert run_check(Named("python", "checks:good"), bench) == CheckResult(True, "tidewater")
        assert str(run_check(Named("python", "checks:bad"), bench)) == "not yet: never\n  saw: this"

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("x = 1", "has no function 'f'"),
            ("def f(bench): return True", "answered True"),
            ("import nowhere", "cannot import"),
            ("def f(", "cannot import"),
        ],
    )
    def test_a_mistake_in_it_is_told(self, bench: Bench, code: str, said: str) -> None:
        self.write(bench, code)
        with pytest.raises(InputError, match=said):
            run_check(Named("python", "checks:f"), bench)


def test_the_first_that_is_not_yet_ends_the_run(bench: Bench, api: ApiServer) -> None:
    checks = [
        Named("ready", {"selector": {"app": "web"}, "within": "100ms"}),
        Named("available", {"load": "steady"}),
    ]
    result = run_checks(checks, "Two of them", bench)
    assert result.claim == "at least 1 pods of app=web are ready"
    assert api.objects("Load", NAMESPACE) == [], "no load ran for nothing"


def test_all_passed_is_the_exercises_own_claim_with_what_was_measured(bench: Bench, put: Any) -> None:
    put(pod("web-1"))
    put(SERVICE)
    checks = [Named("ready", {"selector": {"app": "web"}}), Named("available", {"load": "steady"})]
    assert run_checks(checks, "Two of them", bench) == CheckResult(
        True,
        "Two of them",
        "at least 1 pods of app=web are ready (1 of 1 pods are ready); "
        "under the load steady, no request fails (0 of 200 requests failed)",
    )


def test_a_check_says_what_it_waits_for(kube: Kube, bench: Bench) -> None:
    said: list[str] = []
    with Bench(lambda: kube, bench.lab, said.append) as talkative:
        check(talkative, "ready", selector={"app": "web"})
    assert said == ["waiting up to 0.3 s: at least 1 pods of app=web are ready"]


class TestAsked:
    """The question itself is asked in pods, by tests on a cluster; here it is who answers what that counts."""

    V1, V2 = ('{"timetable": "v1"}', '{"timetable": "v2"}')

    @pytest.fixture
    def answers(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Any:
        def given(*rounds: Answers) -> None:
            left = list(rounds)
            monkeypatch.setattr(bench, "ask", lambda name: left.pop(0) if len(left) > 1 else left[0])

        return given

    def test_passes_when_the_share_is_within_its_bounds(self, bench: Bench, answers: Any) -> None:
        answers(Answers([Answer(200, 0.01, self.V1)] * 9 + [Answer(200, 0.01, self.V2)]))
        result = check(bench, "asked", ask="hurried", answers={"timetable": "v2"}, at_least=0.05, at_most=0.15)
        assert result.verdict == "passed: asked hurried, from 5% to 15% of the answers have timetable v2"

    def test_waits_until_a_sidecar_has_heard_of_a_change(self, bench: Bench, answers: Any) -> None:
        answers(Answers([Answer(200, 0.01, self.V1)]), Answers([Answer(200, 0.01, self.V2)]))
        assert check(bench, "asked", ask="hurried", answers={"timetable": "v2"}, at_least=1, within="3s").passed

    def test_says_who_answered_instead(self, bench: Bench, answers: Any) -> None:
        answers(Answers([Answer(200, 0.01, self.V1)] * 3))
        result = check(bench, "asked", ask="hurried", answers={"timetable": "v2"}, at_least=1)
        assert not result.passed
        assert "3 with timetable v1" in result.saw
        assert "every answer has timetable v2" in result.expected

    def test_an_answer_that_comes_too_late_does_not_count(self, bench: Bench, answers: Any) -> None:
        answers(Answers([Answer(200, 0.01), Answer(200, 2.5)]))
        result = check(bench, "asked", ask="hurried", answers={"status": 200}, at_least=1, faster="1s")
        assert not result.passed
        assert "2.500 s" in result.saw
        assert "none after 1 s" in result.expected

"""How a cluster is found, how often it is asked, and what is said when it cannot be."""

import json
import threading
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer, Request
from tests.support.waiting import eventually

from wavetank.errors import InputError, KubeError, NotFoundError, UnreachableError
from wavetank.kube import Kube, Origin


def test_without_any_cluster_named_none_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with pytest.raises(InputError, match="no cluster to connect to"):
        Kube.connect()


def test_the_environment_names_the_cluster(api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))
    kube = Kube.connect()
    assert kube.alive()
    assert kube.connection.kubectl("get", "pods") == "kubectl get pods"


def test_a_connection_says_where_its_server_came_from(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = api.kubeconfig(tmp_path)
    server = Kube.connect(path).connection.server
    assert Kube.connect(path).connection.origin == Origin(server, "", path, "test")
    monkeypatch.setenv("KUBECONFIG", str(path))
    told = Kube.connect().connection.origin
    assert told == Origin(server, "KUBECONFIG", path, "test")
    assert str(told) == f"the API server at {server} comes from the context 'test' in {path}, by way of $KUBECONFIG"


def test_a_token_is_sent_as_the_kubeconfig_has_it(api: ApiServer, tmp_path: Path) -> None:
    path = api.kubeconfig(tmp_path)
    config = json.loads(path.read_text())
    config["users"][0]["user"] = {"token": "tide-and-time"}
    path.write_text(json.dumps(config))
    assert Kube.connect(path).connection.credentials() == {"authorization": "Bearer tide-and-time"}


def test_a_kubeconfig_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file or directory") as caught:
        Kube.connect(tmp_path / "absent")
    assert caught.value.where == str(tmp_path / "absent")


@pytest.mark.parametrize("text", ["", "apiVersion: v1", "apiVersion: v1\nkind: Config\ncontexts: []\n"])
def test_a_kubeconfig_that_says_nothing_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(InputError, match="cannot use the kubeconfig") as caught:
        Kube.connect(path)
    assert caught.value.where == str(path)
    assert caught.value.help.expected == "a kubeconfig file with a current context"


def test_a_context_that_is_not_there_is_named(api: ApiServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="deep-sea") as caught:
        Kube.connect(api.kubeconfig(tmp_path), context="deep-sea")
    assert caught.value.help.expected == "a context 'deep-sea'"


def test_connecting_asks_nothing_and_kinds_are_asked_for_once(api: ApiServer, kube: Kube) -> None:
    assert api.requests == []
    for _ in range(3):
        kube.list("Pod")
        kube.list("Deployment")
    discovery = [path for _, path in api.requests if path in ("/api", "/apis")]
    assert discovery == ["/api", "/apis"]


def test_a_bare_kind_is_the_core_one(api: ApiServer, kube: Kube) -> None:
    kube.list("Event")
    kube.list(("events.k8s.io/v1", "Event"))
    asked = [path for _, path in api.requests if "events" in path]
    assert asked == ["/api/v1/events", "/apis/events.k8s.io/v1/events"]


def test_a_server_that_is_away_says_where_it_should_be(api: ApiServer, kube: Kube) -> None:
    api.stop()
    assert not kube.alive()
    with pytest.raises(UnreachableError) as caught:
        kube.get("Pod", "web")
    assert caught.value.summary == f"the API server at {kube.connection.server} does not answer"
    assert caught.value.help.observed == "Connection refused"
    assert caught.value.help.command.endswith("get --raw /readyz")
    api.start()
    assert kube.alive()


def test_a_log_is_followed_to_its_end(api: ApiServer, kube: Kube) -> None:
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "web"}]}})
    api.log("web", "one")
    lines = kube.follow_logs("web", "default")
    assert next(lines) == "one"
    api.log("web", "two", "\N{WATER WAVE} three")
    assert [next(lines), next(lines)] == ["two", "\N{WATER WAVE} three"]
    api.end_log("web")
    assert list(lines) == []
    assert kube.logs("web", "default", tail=1) == "\N{WATER WAVE} three\n"


def test_following_a_log_ends_when_told_to(api: ApiServer, kube: Kube) -> None:
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "web"}]}})
    stop = threading.Event()
    got: list[str] = []
    thread = threading.Thread(target=lambda: got.extend(kube.follow_logs("web", "default", stop=stop)))
    api.log("web", "one")
    thread.start()
    eventually(lambda: any("/log" in path for _, path in api.requests), "the log to be asked for")
    stop.set()
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_a_log_that_breaks_off_is_an_error(api: ApiServer, kube: Kube) -> None:
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "web"}]}})
    api.log("web", "one")
    lines = kube.follow_logs("web", "default")
    next(lines)
    api.stop()
    with pytest.raises(UnreachableError):
        next(lines)


def test_an_application_is_reached_through_the_server(api: ApiServer, kube: Kube) -> None:
    asked: list[Request] = []

    def web(request: Request) -> tuple[int, dict[str, str], bytes]:
        asked.append(request)
        return 404, {"Content-Type": "application/json", "X-Tide": "low"}, json.dumps({"no": "sailing"}).encode()

    api.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}})
    api.answer("service:web:80", web)
    answer = kube.request(
        "service:web:80", "/sailings?from=a&full=", "default", method="POST", body="{}", headers={"X-Ship": "Heron"}
    )
    assert (answer.status, answer.headers["x-tide"], answer.json()) == (404, "low", {"no": "sailing"})
    assert (asked[0].method, asked[0].path, asked[0].body) == ("POST", "/sailings?from=a&full=", b"{}")
    assert asked[0].headers["X-Ship"] == "Heron"


def test_an_applications_429_is_passed_on_at_once(api: ApiServer, kube: Kube) -> None:
    asked: list[Request] = []

    def busy(request: Request) -> tuple[int, dict[str, str], bytes]:
        asked.append(request)
        return 429, {"Retry-After": "5"}, b"full"

    api.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}})
    api.answer("service:web:80", busy)
    assert kube.request("service:web:80", "/", "default").status == 429
    assert len(asked) == 1


def test_an_application_that_is_silent_is_not_taken_for_the_server(api: ApiServer, kube: Kube) -> None:
    release = threading.Event()

    def silent(request: Request) -> tuple[int, dict[str, str], bytes]:
        release.wait(10)
        return 200, {}, b""

    api.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}})
    api.answer("service:web:80", silent)
    with pytest.raises(KubeError, match=r"service:web:80 gave no answer to GET / within 0\.2 s") as caught:
        kube.request("service:web:80", "/", "default", timeout=0.2)
    release.set()
    assert caught.value.status == 504
    assert not isinstance(caught.value, UnreachableError)


@pytest.mark.parametrize("target", ["web", "service:web", "node:a:80", "pod:web:http", "pod::80"])
def test_a_target_of_no_form_is_refused(kube: Kube, target: str) -> None:
    with pytest.raises(ValueError, match="neither service:NAME:PORT nor pod:NAME:PORT"):
        kube.request(target, "/", "default")


def test_a_disruption_budget_refuses_an_eviction_at_once(api: ApiServer, kube: Kube) -> None:
    api.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}}})
    api.put(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
            "status": {"disruptionsAllowed": 0},
        }
    )
    with pytest.raises(KubeError, match="disruption budget") as caught:
        kube.evict("web", "default")
    assert caught.value.status == 429
    api.delete("PodDisruptionBudget", "web")
    kube.evict("web", "default")
    assert api.get("Pod", "web") is None


def test_deleting_does_not_wait_for_another_of_the_same_name(api: ApiServer, kube: Kube) -> None:
    tide = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tide"}}
    api.put(tide)
    api.on_write(lambda change, obj: change == "DELETED" and api.put(tide))
    kube.delete(tide, wait=5)
    assert api.get("ConfigMap", "tide")


def test_a_command_that_cannot_be_run_says_why(api: ApiServer, kube: Kube) -> None:
    with pytest.raises(NotFoundError, match='pods "web" not found'):
        kube.exec("web", "default", ["true"])
    api.stop()
    with pytest.raises(UnreachableError, match="does not answer") as caught:
        kube.exec("web", "default", ["true"])
    assert caught.value.help.observed == "Connection refused"

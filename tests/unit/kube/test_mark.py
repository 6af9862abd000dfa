"""Nothing is written to a cluster that does not say that it is Wavetank's, by whichever way."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.apistore import Request
from tests.support.foreign import Foreign
from tests.support.harbour import NAMESPACE, SERVICE, pod

from wavetank.errors import ClusterError, KubeError
from wavetank.kube import Kube
from wavetank.kube import mark as module
from wavetank.kube.mark import NAME, Gate, Mark, is_made_here, read_mark, remove_mark, write_mark

LIB = Path(__file__).parents[3] / "lib/wavetank"
NEW = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new", "namespace": NAMESPACE}}


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Foreign]:
    with Foreign(tmp_path) as foreign:
        yield foreign


WAYS: dict[str, Callable[[Kube], Any]] = {
    "create": lambda kube: kube.create(NEW),
    "replace": lambda kube: kube.replace(kube.get("Service", "web", NAMESPACE)),
    "patch": lambda kube: kube.patch("Service", "web", NAMESPACE, {"metadata": {"labels": {"a": "b"}}}),
    "apply": lambda kube: kube.apply(NEW),
    "apply of a kind it does not have": lambda kube: kube.apply({**NEW, "kind": "Unheard"}),
    "delete": lambda kube: kube.delete(SERVICE),
    "delete one": lambda kube: kube.delete_object("Pod", "web-1", NAMESPACE),
    "delete all": lambda kube: kube.connection.call("DELETE", kube.kinds.find("Pod").path(NAMESPACE)),
    "evict": lambda kube: kube.evict("web-1", NAMESPACE),
    "scale": lambda kube: kube.scale("web", NAMESPACE, 3),
    "restart": lambda kube: kube.rollout_restart("web", NAMESPACE),
    "exec": lambda kube: kube.exec("web-1", NAMESPACE, ["true"]),
    "a pod's port": lambda kube: kube.request("pod:web-1:8080", "/faults", NAMESPACE),
    "to a service": lambda kube: kube.request("service:web:80", "/", NAMESPACE, method="POST", body="{}"),
    "a dry run": lambda kube: kube.connection.call("POST", "/api/v1/namespaces", query={"dryRun": "All"}, body={}),
    "taking the mark away": lambda kube: remove_mark(kube.connection),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_written_to_a_cluster_without_a_mark(way: str, foreign: Foreign) -> None:
    with pytest.raises(ClusterError) as refused:
        WAYS[way](foreign.kube)
    foreign.assert_refused(refused.value)


def test_reading_is_always_allowed(foreign: Foreign) -> None:
    foreign.api.answer("service:web:80", lambda request: (200, {}, request.method.encode()), NAMESPACE)
    assert foreign.kube.alive()
    assert foreign.kube.get("Pod", "web-1", NAMESPACE)
    assert [node["metadata"]["name"] for node in foreign.kube.list("Node")] == ["closed", "gpu"]
    assert next(foreign.kube.watch("Pod", NAMESPACE))[0] == "ADDED"
    assert foreign.kube.request("service:web:80", "/", NAMESPACE).body == b"GET"
    foreign.assert_untouched()


def test_the_refusal_says_how_to_mean_it(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError) as refused:
        foreign.kube.create(NEW)
    assert f"wavetank adopt --context test --kubeconfig {foreign.kubeconfig}" in refused.value.help.hint
    assert f"has no ConfigMap {NAME} in the namespace wavetank-system" in refused.value.help.observed
    monkeypatch.setenv("KUBECONFIG", str(foreign.kubeconfig))
    with pytest.raises(ClusterError) as refused:
        Kube.connect().create(NEW)
    assert refused.value.help.observed.count("by way of $KUBECONFIG") == 1
    assert refused.value.help.hint.endswith("wavetank adopt --context test")


def test_the_mark_is_asked_for_once(foreign: Foreign) -> None:
    foreign.api.mark()
    kube = foreign.kube
    for number in range(3):
        kube.create({**NEW, "metadata": {**NEW["metadata"], "name": f"new-{number}"}})
    assert len([path for _, path in foreign.api.requests if NAME in path]) == 1


def test_a_cluster_that_is_marked_meanwhile_may_be_written_to_at_once(foreign: Foreign) -> None:
    kube = foreign.kube
    with pytest.raises(ClusterError):
        kube.create(NEW)
    foreign.api.mark()
    kube.create(NEW)


def test_a_mark_that_is_taken_away_is_noticed(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOLDS_FOR", 0.0)
    foreign.api.mark()
    kube = foreign.kube
    kube.create(NEW)
    remove_mark(kube.connection)
    with pytest.raises(ClusterError):
        kube.delete(NEW)


def test_while_one_asks_again_nobody_waits(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign.api.mark()
    gate, kube = Gate(), foreign.kube
    monkeypatch.setattr(module, "HOLDS_FOR", 0.0)
    gate.pass_through(kube.connection)
    monkeypatch.setattr(module, "HOLDS_FOR", 60.0)
    asking, told = threading.Event(), threading.Event()
    read = module.read_mark

    def slowly(*arguments: Any) -> Mark | None:
        asking.set()
        assert told.wait(10)
        return read(*arguments)

    monkeypatch.setattr(module, "read_mark", slowly)
    one = threading.Thread(target=gate.pass_through, args=(kube.connection,))
    one.start()
    assert asking.wait(10)
    gate.pass_through(kube.connection)
    told.set()
    one.join(10)


@pytest.mark.parametrize("data", [{}, None, {"made": "by hand"}])
def test_a_mark_that_does_not_say_who_made_it_is_none(foreign: Foreign, data: dict[str, str] | None) -> None:
    place = {"name": NAME, "namespace": "wavetank-system"}
    foreign.api.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": place, "data": data})
    with pytest.raises(ClusterError):
        foreign.kube.create(NEW)


def test_who_may_not_ask_may_not_write(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    kube = foreign.kube

    def forbidden(*_: Any, **__: Any) -> None:
        raise KubeError('configmaps "wavetank-cluster" is forbidden', status=403)

    monkeypatch.setattr(kube.connection, "call", forbidden)
    with pytest.raises(ClusterError) as refused:
        kube.connection.exchange("POST", "/api/v1/namespaces")
    assert 'configmaps "wavetank-cluster" is forbidden' in refused.value.help.observed
    foreign.assert_untouched()


@pytest.mark.parametrize("mark", [Mark("wavetank", "up"), Mark("prod", "adopt")])
def test_what_is_written_is_what_is_read(foreign: Foreign, mark: Mark) -> None:
    for _ in range(2):
        write_mark(foreign.kube.connection, mark)
        assert read_mark(foreign.kube.connection) == mark
    stored = foreign.api.get("ConfigMap", NAME, "wavetank-system")
    assert stored
    assert stored["data"] == {"name": mark.name, "made": mark.made, "uses": " ".join(mark.uses)}
    assert ("nodes" in mark.uses) == (mark.made == "up")


def test_a_node_says_itself_who_has_made_it() -> None:
    assert is_made_here({"metadata": {"labels": {"wavetank.dev/cluster": "wavetank"}}})
    assert not is_made_here({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}})
    assert not is_made_here({"metadata": {}})


def test_an_application_never_sees_what_was_refused(foreign: Foreign) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        asked.append(request)
        return 200, {}, b""

    foreign.api.put(pod("web-2"))
    for target in ("service:web:80", "pod:web-2:8080"):
        foreign.api.answer(target, answer, NAMESPACE)
        with pytest.raises(ClusterError):
            foreign.kube.request(target, "/", NAMESPACE, method="POST")
    assert asked == []


def test_there_is_one_edge_by_which_anything_leaves() -> None:
    """Whoever opens another way to the API server, or writes as if it were the mark, has to pass here first."""
    edges = {
        r"RESTClientObject|ApiClient|PoolManager": {"kube/connection.py"},
        r"\bWebSocket\(": {"kube/channels.py"},
        r"marking=True": {"kube/mark.py"},
        r"import kopf": {f"operator/{name}.py" for name in ("main", "handlers", "admission", "session")},
    }
    files = {str(path.relative_to(LIB)): path.read_text() for path in LIB.rglob("*.py")}
    for words, known in edges.items():
        assert {name for name, text in files.items() if re.search(words, text)} == known, words

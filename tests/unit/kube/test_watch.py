"""A watch survives what happens to watches, and an outage is told."""

import threading
from itertools import islice
from typing import Any

import pytest
from tests.support.apiserver import ApiServer
from tests.support.waiting import eventually

from wavetank.errors import UnreachableError
from wavetank.kube import Kube
from wavetank.kube import watch as watch_module

Obj = dict[str, Any]


def tide(name: str, **data: str) -> Obj:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def asked_to_watch(api: ApiServer) -> int:
    return sum("watch=true" in path for _, path in api.requests)


def names(changes: list[tuple[str, Obj]]) -> list[tuple[str, str]]:
    return [(change, obj.get("metadata", {}).get("name", "")) for change, obj in changes]


def test_what_changed_while_the_history_was_lost_is_told(api: ApiServer, kube: Kube) -> None:
    for name in ("kept", "changed", "deleted"):
        api.put(tide(name))
    changes = kube.watch("ConfigMap", "default", timeout=20)
    assert len(list(islice(changes, 3))) == 3
    api.compact()  # the watch is not open yet: all it will be told is 410
    api.put(tide("changed", high="1"))
    api.put(tide("new"))
    api.delete("ConfigMap", "deleted")
    api.compact()
    assert names(list(islice(changes, 3))) == [("DELETED", "deleted"), ("MODIFIED", "changed"), ("ADDED", "new")]


def test_a_running_watch_goes_on_after_a_410(api: ApiServer, kube: Kube) -> None:
    api.put(tide("old"))
    changes = kube.watch("ConfigMap", "default", timeout=20)
    told = [next(changes)]
    threading.Timer(0.2, lambda: (api.compact(), api.put(tide("new")))).start()
    told.append(next(changes))
    assert names(told) == [("ADDED", "old"), ("ADDED", "new")]


def test_an_object_made_again_under_its_name_is_another(api: ApiServer, kube: Kube) -> None:
    api.put(tide("spring"))
    changes = kube.watch("ConfigMap", "default", timeout=20)
    next(changes)
    api.delete("ConfigMap", "spring")
    api.put(tide("spring"))
    api.compact()
    assert names(list(islice(changes, 2))) == [("DELETED", "spring"), ("ADDED", "spring")]


def test_a_watch_the_server_ends_goes_on_where_it_was(
    api: ApiServer, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "SEGMENT", 1)
    api.put(tide("spring"))
    changes = kube.watch("ConfigMap", "default", timeout=20)
    next(changes)
    timer = threading.Timer(1.5, api.put, [tide("spring", high="1")])
    timer.start()
    assert next(changes)[0] == "MODIFIED"
    assert sum("configmaps" in path and "watch" not in path for _, path in api.requests) == 1
    assert asked_to_watch(api) == 2


def test_a_server_that_stays_away_is_an_error(api: ApiServer, kube: Kube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "OUTAGE_BOUND", 0.5)
    api.put(tide("spring"))
    changes = kube.watch("ConfigMap", "default", timeout=20)
    next(changes)
    api.stop()
    with pytest.raises(UnreachableError, match="does not answer"):
        next(changes)


def test_a_server_that_comes_back_in_time_is_no_news(api: ApiServer, kube: Kube) -> None:
    changes = kube.watch("ConfigMap", "default", timeout=20)
    told: list[tuple[str, Obj]] = []
    thread = threading.Thread(target=lambda: told.append(next(changes)))
    thread.start()
    eventually(lambda: asked_to_watch(api), "the watch to open")
    api.stop()
    api.put(tide("meanwhile"))
    api.start()
    thread.join(timeout=10)
    assert names(told) == [("ADDED", "meanwhile")]


def test_who_wants_to_stay_is_told_of_the_outage_and_of_its_end(api: ApiServer, kube: Kube) -> None:
    for name in ("kept", "deleted"):
        api.put(tide(name))
    changes = kube.watch("ConfigMap", "default", timeout=20, resume=True)
    assert len(list(islice(changes, 2))) == 2
    api.stop()
    change, why = next(changes)
    assert change == "LOST"
    assert "does not answer" in why["message"]
    api.delete("ConfigMap", "deleted")
    api.start()
    assert names(list(islice(changes, 2))) == [("BACK", ""), ("DELETED", "deleted")]


def test_a_server_that_hangs_is_an_outage_too(api: ApiServer, kube: Kube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "SEGMENT", 1)
    monkeypatch.setattr(watch_module, "GRACE", 0.2)
    monkeypatch.setattr(watch_module, "LIST_WITHIN", 0.5)
    api.put(tide("spring"))
    changes = kube.watch("ConfigMap", "default", timeout=20, resume=True)
    next(changes)
    with api.changed:  # no handler gets on while its lock is held
        change, why = next(changes)
    assert change == "LOST"
    assert "no answer in time" in why["message"]
    assert next(changes) == ("BACK", {})


def test_a_watch_of_a_server_that_is_away_from_the_start_waits_too(api: ApiServer, kube: Kube) -> None:
    api.put(tide("spring"))
    kube.list("ConfigMap")
    api.stop()
    changes = kube.watch("ConfigMap", "default", timeout=20, resume=True)
    assert next(changes)[0] == "LOST"
    api.start()
    assert names(list(islice(changes, 2))) == [("BACK", ""), ("ADDED", "spring")]


def test_a_watch_that_times_out_in_an_outage_says_so(api: ApiServer, kube: Kube) -> None:
    kube.list("ConfigMap")
    api.stop()
    with pytest.raises(UnreachableError):
        list(kube.watch("ConfigMap", "default", timeout=0.3))


def test_stopping_a_watch_takes_no_thread_and_no_time(api: ApiServer, kube: Kube) -> None:
    before = set(threading.enumerate())
    stop = threading.Event()
    ended = threading.Event()

    def run() -> None:
        list(kube.watch("ConfigMap", "default", timeout=None, stop=stop, resume=True))
        ended.set()

    threading.Thread(target=run).start()
    eventually(lambda: asked_to_watch(api), "the watch to open")
    stop.set()
    assert ended.wait(5)
    mine = {"wavetank-hang-up"}
    eventually(lambda: not {t.name for t in set(threading.enumerate()) - before} & mine, "its helper thread to end")


def test_waiting_asks_once_however_long_it_takes(api: ApiServer, kube: Kube) -> None:
    timer = threading.Timer(0.5, api.put, [tide("spring")])
    timer.start()
    kube.wait_for("ConfigMap", "spring", "default", lambda obj: obj is not None, timeout=10)
    assert len([path for _, path in api.requests if "configmaps" in path]) == 2  # a list and a watch


def test_a_condition_of_an_older_generation_does_not_count(api: ApiServer, kube: Kube) -> None:
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "generation": 2},
        "spec": {},
        "status": {"observedGeneration": 1, "conditions": [{"type": "Available", "status": "True"}]},
    }
    api.put(web)
    web["status"] = {**web["status"], "observedGeneration": 2}
    timer = threading.Timer(0.3, api.put, [web])
    timer.start()
    found = kube.wait_for("Deployment", "web", "default", "Available", timeout=10)
    assert found["status"]["observedGeneration"] == 2

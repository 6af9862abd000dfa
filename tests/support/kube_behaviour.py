"""What `wavetank.kube` and an API server do together: one suite, run against the tests' own server and a real cluster.

Each test takes the fixtures ``kube`` and ``namespace`` (an empty one) of the folder that imports it. Nothing here needs
a running pod.
"""

import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from tests.support.waiting import eventually

from wavetank.errors import KubeError, NotFoundError, WaitTimeoutError
from wavetank.kube import Kube

Obj = dict[str, Any]

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "example.invalid/web:v1"}]}
"""
TIDE = """
apiVersion: tests.wavetank.dev/v1
kind: Tide
metadata: {name: spring}
spec: {height: 4}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tides.tests.wavetank.dev}
spec:
  group: tests.wavetank.dev
  scope: Namespaced
  names: {plural: tides, singular: tide, kind: Tide}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {type: object, properties: {height: {type: integer}}}
            status: {type: object, properties: {phase: {type: string}}}
"""


@pytest.fixture
def tide(kube: Kube, namespace: str) -> Iterator[Obj]:
    """An object of a kind that its own manifest brought, in the order that only works if the kind goes first."""
    yield kube.apply(TIDE, namespace=namespace)[1]
    kube.delete(TIDE, namespace=namespace, wait=20)


def config_map(name: str, namespace: str, labels: dict[str, str] | None = None, **data: str) -> Obj:
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_the_server_is_alive(kube: Kube) -> None:
    assert kube.alive()


# Reading and writing


def test_what_was_created_is_read_back(kube: Kube, namespace: str) -> None:
    created = kube.create(config_map("tides", namespace, high="12:00"))
    assert kube.get("ConfigMap", "tides", namespace) == created
    assert created["data"] == {"high": "12:00"}
    assert created["metadata"]["uid"]


def test_what_is_missing_is_said_by_name(kube: Kube, namespace: str) -> None:
    with pytest.raises(NotFoundError, match='configmaps "tides" not found') as caught:
        kube.get("ConfigMap", "tides", namespace)
    assert caught.value.status == 404
    assert kube.find("ConfigMap", "tides", namespace) is None


def test_a_missing_namespace_is_said_by_name(kube: Kube, namespace: str) -> None:
    with pytest.raises(NotFoundError, match=f'namespaces "{namespace}-not" not found'):
        kube.create(config_map("tides", f"{namespace}-not"))


def test_a_kind_the_cluster_does_not_have_is_said(kube: Kube) -> None:
    with pytest.raises(NotFoundError, match="no kind Kraken"):
        kube.list("Kraken")
    with pytest.raises(NotFoundError, match=r"no kind deep\.sea/v1 Pod"):
        kube.list(("deep.sea/v1", "Pod"))


def test_creating_twice_is_refused(kube: Kube, namespace: str) -> None:
    kube.create(config_map("tides", namespace))
    with pytest.raises(KubeError, match='"tides" already exists') as caught:
        kube.create(config_map("tides", namespace))
    assert caught.value.status == 409


def test_lists_take_labels_and_fields(kube: Kube, namespace: str) -> None:
    for name, tier in (("a", "front"), ("b", "front"), ("c", "back")):
        kube.create(config_map(name, namespace, {"tier": tier}))
    kube.create(config_map("d", namespace))

    def names(selector: str = "", fields: str = "") -> list[str]:
        found = kube.list("ConfigMap", namespace, selector, fields)
        return [obj["metadata"]["name"] for obj in found if obj["metadata"]["name"] in "abcd"]  # not the cluster's own

    assert names() == ["a", "b", "c", "d"]
    assert names("tier=front") == ["a", "b"]
    assert names("tier!=front,tier") == ["c"]
    assert names("tier in (back, deep)") == ["c"]
    assert names("!tier") == ["d"]
    assert names(fields="metadata.name=b") == ["b"]
    assert names("tier=front", "metadata.name!=a") == ["b"]


def test_listed_objects_say_what_they_are(kube: Kube, namespace: str) -> None:
    kube.create(config_map("tides", namespace))
    listed = kube.list("ConfigMap", namespace, fields="metadata.name=tides")
    assert listed == [kube.get("ConfigMap", "tides", namespace)]


def test_a_replace_of_what_has_changed_meanwhile_is_refused(kube: Kube, namespace: str) -> None:
    old = kube.create(config_map("tides", namespace, high="12:00"))
    new = kube.replace({**old, "data": {"high": "12:30"}})
    assert new["data"] == {"high": "12:30"}
    with pytest.raises(KubeError, match="the object has been modified") as caught:
        kube.replace({**old, "data": {"high": "13:00"}})
    assert caught.value.status == 409


def test_a_write_that_changes_nothing_is_no_new_version(kube: Kube, namespace: str) -> None:
    old = kube.create(config_map("tides", namespace, high="12:00"))
    new = kube.patch("ConfigMap", "tides", namespace, {"data": {"high": "12:00"}})
    assert new["metadata"]["resourceVersion"] == old["metadata"]["resourceVersion"]


def test_a_merge_patch_sets_and_takes_away(kube: Kube, namespace: str) -> None:
    kube.create(config_map("tides", namespace, high="12:00", low="18:00"))
    patched = kube.patch("ConfigMap", "tides", namespace, {"data": {"high": "12:30", "low": None}})
    assert patched["data"] == {"high": "12:30"}


def test_a_json_patch_changes_what_is_there_and_only_that(kube: Kube, namespace: str) -> None:
    kube.create(config_map("tides", namespace, {"tier": "front"}, high="12:00"))
    operations = [
        {"op": "replace", "path": "/data/high", "value": "12:30"},
        {"op": "add", "path": "/metadata/labels/wavetank.dev~1tide", "value": "spring"},
    ]
    patched = kube.patch("ConfigMap", "tides", namespace, operations, "json")
    assert patched["data"] == {"high": "12:30"}
    assert patched["metadata"]["labels"] == {"tier": "front", "wavetank.dev/tide": "spring"}
    with pytest.raises(KubeError) as caught:
        kube.patch("ConfigMap", "tides", namespace, [{"op": "remove", "path": "/data/neap"}], "json")
    assert caught.value.status == 422


def test_a_strategic_patch_finds_containers_by_name(kube: Kube, namespace: str) -> None:
    kube.apply(DEPLOYMENT, namespace=namespace)
    containers = [{"name": "web", "image": "example.invalid/web:v2"}, {"name": "side", "image": "example.invalid/side"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    patched = kube.patch("Deployment", "web", namespace, patch, "strategic")
    images = {c["name"]: c["image"] for c in patched["spec"]["template"]["spec"]["containers"]}
    assert images == {"web": "example.invalid/web:v2", "side": "example.invalid/side"}


def test_generation_counts_changes_of_the_spec_alone(kube: Kube, namespace: str) -> None:
    first = kube.apply(DEPLOYMENT, namespace=namespace)[0]["metadata"]["generation"]
    labelled = kube.patch("Deployment", "web", namespace, {"metadata": {"labels": {"tier": "front"}}})
    assert labelled["metadata"]["generation"] == first
    kube.patch("Deployment", "web", namespace, {"spec": {"minReadySeconds": 1}})
    assert kube.get("Deployment", "web", namespace)["metadata"]["generation"] == first + 1


def test_status_is_written_by_its_subresource_alone(kube: Kube, namespace: str, tide: Obj) -> None:
    kube.patch("Tide", "spring", namespace, {"spec": {"height": 5}, "status": {"phase": "High"}})
    kube.patch("Tide", "spring", namespace, {"spec": {"height": 9}, "status": {"phase": "Low"}}, subresource="status")
    stored = kube.get("Tide", "spring", namespace)
    assert (stored["spec"]["height"], stored["status"]["phase"]) == (5, "Low")


def test_scaling_sets_replicas(kube: Kube, namespace: str) -> None:
    kube.apply(DEPLOYMENT.replace("replicas: 0", "replicas: 1"), namespace=namespace)
    kube.scale("web", namespace, 0)
    assert kube.get("Deployment", "web", namespace)["spec"]["replicas"] == 0


def test_the_kinds_of_a_namespace_can_be_listed(kube: Kube, namespace: str, tide: Obj) -> None:
    kinds = kube.namespaced_kinds()
    assert {("v1", "ConfigMap"), ("apps/v1", "Deployment"), ("tests.wavetank.dev/v1", "Tide")} <= set(kinds)
    assert ("v1", "Node") not in kinds
    found = [obj["metadata"]["name"] for obj in kube.list(("tests.wavetank.dev/v1", "Tide"), namespace)]
    assert found == ["spring"]


def test_one_client_serves_many_threads(kube: Kube, namespace: str) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for step in range(3):
                kube.apply(config_map(f"of-{number}", namespace, step=str(step)))
                assert kube.get("ConfigMap", f"of-{number}", namespace)["data"] == {"step": str(step)}
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# Applying and deleting


def test_applying_again_takes_away_what_the_manifest_no_longer_has(kube: Kube, namespace: str) -> None:
    kube.apply(config_map("tides", namespace, high="12:00", low="18:00"))
    kube.patch("ConfigMap", "tides", namespace, {"data": {"neap": "03:00"}})
    applied = kube.apply(config_map("tides", namespace, high="12:30"))
    assert applied[0]["data"] == {"high": "12:30", "neap": "03:00"}


def test_a_manifest_that_names_no_namespace_goes_where_it_is_told(kube: Kube, namespace: str) -> None:
    applied = kube.apply(DEPLOYMENT, namespace=namespace)
    assert [obj["metadata"]["namespace"] for obj in applied] == [namespace]


def test_a_kind_and_its_objects_may_come_in_one_manifest(kube: Kube, namespace: str, tide: Obj) -> None:
    assert kube.get("Tide", "spring", namespace)["spec"] == {"height": 4}
    assert (tide["kind"], tide["metadata"]["namespace"]) == ("Tide", namespace)


def test_a_kind_that_came_later_is_found(kube: Kube, namespace: str, tide: Obj) -> None:
    other = type(kube)(kube.connection)
    assert other.get("Tide", "spring", namespace)["spec"] == {"height": 4}


def test_what_others_have_set_is_taken_over_only_by_force(kube: Kube, namespace: str) -> None:
    kube.apply(DEPLOYMENT, namespace=namespace)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    kube.connection.call(
        "PATCH",
        path,
        query={"fieldManager": "captain"},
        body={"spec": {"minReadySeconds": 3}},
        content_type="application/merge-patch+json",
    )
    manifest = DEPLOYMENT.replace("replicas: 0", "replicas: 0\n  minReadySeconds: 1")
    with pytest.raises(KubeError, match="others have set fields") as caught:
        kube.apply(manifest, namespace=namespace, force=False)
    assert caught.value.status == 409
    assert "captain" in caught.value.help.observed
    assert ".spec.minReadySeconds" in caught.value.help.observed
    assert kube.apply(manifest, namespace=namespace)[0]["spec"]["minReadySeconds"] == 1
    assert kube.apply(manifest, namespace=namespace, force=False)[0]["spec"]["minReadySeconds"] == 1


def test_an_update_owns_what_it_changes_and_may_give_away_what_it_does_not(kube: Kube, namespace: str) -> None:
    as_captain = config_map("tides", namespace, height="4")
    path = f"/api/v1/namespaces/{namespace}/configmaps/tides"

    def apply() -> Obj:
        query, content_type = {"fieldManager": "captain", "force": False}, "application/apply-patch+yaml"
        return kube.connection.call("PATCH", path, query=query, body=as_captain, content_type=content_type)

    before = apply()
    changed = kube.replace({**before, "data": {"height": "9"}}, manager="mate")
    with pytest.raises(KubeError, match='conflict with "mate"'):
        apply()
    owners = before["metadata"]["managedFields"]
    given = kube.replace({**changed, "metadata": {**changed["metadata"], "managedFields": owners}}, manager="mate")
    assert given["metadata"]["managedFields"] == owners
    assert given["data"] == {"height": "9"}
    assert apply()["data"] == before["data"]
    nobody = kube.get("ConfigMap", "tides", namespace)
    nobody["metadata"]["managedFields"] = [{}]
    assert "managedFields" not in {key for key, value in kube.replace(nobody)["metadata"].items() if value}


def test_deleting_what_is_not_there_is_fine(kube: Kube, namespace: str) -> None:
    kube.delete(DEPLOYMENT + "---" + TIDE, namespace=namespace, wait=5)


def test_deleting_waits_for_finalizers(kube: Kube, namespace: str) -> None:
    held = config_map("held", namespace)
    held["metadata"]["finalizers"] = ["tests.wavetank.dev/hold"]
    kube.apply(held)
    with pytest.raises(WaitTimeoutError, match="ConfigMap held to be gone"):
        kube.delete(held, wait=0.5)
    assert "deletionTimestamp" in kube.get("ConfigMap", "held", namespace)["metadata"]
    kube.patch("ConfigMap", "held", namespace, {"metadata": {"finalizers": None}})
    kube.delete(held, wait=5)
    assert kube.find("ConfigMap", "held", namespace) is None


def test_only_the_object_with_that_uid_is_deleted(kube: Kube, namespace: str) -> None:
    uid = kube.create(config_map("tides", namespace))["metadata"]["uid"]
    with pytest.raises(KubeError) as caught:
        kube.delete_object("ConfigMap", "tides", namespace, uid="another")
    assert caught.value.status == 409
    kube.delete_object("ConfigMap", "tides", namespace, uid=uid)
    assert kube.find("ConfigMap", "tides", namespace) is None


def test_what_an_object_owns_goes_with_it(kube: Kube, namespace: str) -> None:
    owner = kube.create(config_map("ship", namespace))
    owned = config_map("boat", namespace)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "ship", "uid": owner["metadata"]["uid"]}
    owned["metadata"]["ownerReferences"] = [reference]
    kube.create(owned)
    kube.delete(owner)
    kube.wait_for("ConfigMap", "boat", namespace, lambda obj: obj is None, timeout=30, waiting_for="the boat to go")


# Watching and waiting


def test_a_watch_tells_what_is_there_and_then_what_changes(kube: Kube, namespace: str) -> None:
    kube.create(config_map("tides", namespace, {"app": "x"}, high="1"))
    changes = kube.watch("ConfigMap", namespace, selector="app=x", timeout=20)
    told = [next(changes)]
    kube.patch("ConfigMap", "tides", namespace, {"data": {"high": "2"}})
    kube.create(config_map("other", namespace, {"app": "y"}))
    kube.create(config_map("neap", namespace, {"app": "x"}))
    kube.patch("ConfigMap", "neap", namespace, {"metadata": {"labels": {"app": "y"}}})
    kube.delete(config_map("tides", namespace))
    told += islice(changes, 4)
    assert [(change, obj["metadata"]["name"]) for change, obj in told] == [
        ("ADDED", "tides"),
        ("MODIFIED", "tides"),
        ("ADDED", "neap"),
        ("DELETED", "neap"),
        ("DELETED", "tides"),
    ]


def test_a_watch_ends_in_time(kube: Kube, namespace: str) -> None:
    assert list(kube.watch("Secret", namespace, timeout=0.3)) == []


def test_a_watch_ends_when_told_to(kube: Kube, namespace: str) -> None:
    stop = threading.Event()
    timer = threading.Timer(0.3, stop.set)
    timer.start()
    assert list(kube.watch("Secret", namespace, timeout=60, stop=stop)) == []
    timer.join(timeout=0)
    assert not timer.is_alive()


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_watches_may_be_stopped_in_the_middle_of_anything(kube: Kube, namespace: str) -> None:
    failures: list[Exception] = []
    busy = threading.Event()

    def write() -> None:
        for number in range(1000):
            if busy.is_set():
                return
            kube.apply(config_map("tides", namespace, high=str(number), text="x" * 20_000))

    def look(seconds: float) -> None:
        stop = threading.Event()
        threading.Timer(seconds, stop.set).start()
        try:
            for _ in kube.watch("ConfigMap", namespace, timeout=20, stop=stop):
                pass
        except Exception as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    lookers = [threading.Thread(target=look, args=(0.2 + number / 50,)) for number in range(24)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join(timeout=10)
    busy.set()
    writer.join()
    assert failures == []
    assert not any(looker.is_alive() for looker in lookers)


def test_history_that_is_gone_is_refused_with_410(kube: Kube, namespace: str) -> None:
    query = {"watch": True, "resourceVersion": "1", "timeoutSeconds": 1}
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    first = next(kube.connection.lines(path, query=query, timeout=5))
    assert b'"code":410' in first.replace(b" ", b"")


def test_waiting_ends_when_the_condition_is_met(kube: Kube, namespace: str) -> None:
    timer = threading.Timer(0.3, kube.create, [config_map("tides", namespace, high="1")])
    timer.start()
    found = kube.wait_for("ConfigMap", "tides", namespace, lambda obj: obj is not None, timeout=10)
    timer.join()
    assert found["data"] == {"high": "1"}


def test_waiting_takes_a_selector(kube: Kube, namespace: str) -> None:
    for name, app in (("a", "x"), ("b", "y")):
        kube.create(config_map(name, namespace, {"app": app}))
    found = kube.wait_for("ConfigMap", "app=y", namespace, lambda obj: obj is not None, timeout=5)
    assert found["metadata"]["name"] == "b"


def test_waiting_for_what_never_comes_says_what_there_is(kube: Kube, namespace: str, tide: Obj) -> None:
    with pytest.raises(WaitTimeoutError, match=r"waited 0\.3 s for high water") as caught:
        kube.wait_for("Tide", "neap", namespace, lambda obj: obj is not None, timeout=0.3, waiting_for="high water")
    assert caught.value.help.observed == f"there is no Tide neap in {namespace}"
    kube.patch("Tide", "spring", namespace, {"status": {"phase": "Low"}}, subresource="status")
    with pytest.raises(WaitTimeoutError, match=r"waited 0\.3 s for Tide spring to be Ready") as caught:
        kube.wait_for("Tide", "spring", namespace, "Ready", timeout=0.3)
    assert caught.value.help.observed == "phase Low"


# Through the server to the pods


def test_a_service_without_pods_is_said(kube: Kube, namespace: str) -> None:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    kube.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}, namespace=namespace)

    def refusal(target: str) -> KubeError:
        with pytest.raises(KubeError) as caught:
            kube.request(target, "/", namespace)
        return caught.value

    eventually(lambda: refusal("service:web:80").status == 503, "the service to be known without pods")
    assert refusal("service:web:80").summary == 'no endpoints available for service "web"'
    assert refusal("service:web:81").summary == 'no service port 81 found for service "web"'
    assert refusal("service:booking:80").summary == 'services "booking" not found'
    assert refusal("pod:booking:80").summary == 'pods "booking" not found'


def test_a_pod_that_no_node_takes_is_said(kube: Kube, namespace: str) -> None:
    spec = {"schedulerName": "nobody", "containers": [{"name": "web", "image": "example.invalid/web:v1"}]}
    kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}, namespace=namespace)
    for ask in (lambda: kube.request("pod:web:80", "/", namespace), lambda: kube.exec("web", namespace, ["true"])):
        with pytest.raises(KubeError, match="pod web does not have a host assigned") as caught:
            ask()
        assert caught.value.status == 400


def test_a_pod_that_is_not_there_has_no_logs(kube: Kube, namespace: str) -> None:
    with pytest.raises(NotFoundError, match='pods "web" not found'):
        kube.logs("web", namespace)
    with pytest.raises(NotFoundError, match='pods "web" not found'):
        list(kube.follow_logs("web", namespace))
    with pytest.raises(NotFoundError, match='pods "web" not found'):
        kube.evict("web", namespace)

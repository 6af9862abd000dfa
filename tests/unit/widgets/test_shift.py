"""Shifting traffic: which part of a VirtualService is moved, that the rest stays, and what is said of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from tests.support.apiserver import ApiServer
from tests.support.merging import Obj
from tests.support.seen import press, seen
from tests.support.waiting import eventually

from wavetank.errors import InputError, KubeError, NotSupportedError
from wavetank.kube import Kube
from wavetank.widgets import TrafficShift
from wavetank.widgets.models.shift import ShiftPicture, balanced, check, presets, shifted, weights_of

NAMESPACE = "lab-03"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "virtualservices.networking.istio.io"},
    "spec": {
        "group": "networking.istio.io",
        "scope": "Namespaced",
        "names": {"kind": "VirtualService", "plural": "virtualservices"},
        "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}],
    },
}
NEW = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: timetable
  namespace: lab-03
spec:
  hosts:
  - timetable
  http:
  - route:
    - destination:
        host: timetable
        subset: v1
      weight: 90
    - destination:
        host: timetable
        subset: v2
      weight: 10
"""
THEIRS: Obj = yaml.safe_load("""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: timetable
  namespace: lab-03
  labels: {tier: back}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}", owner: harbour}
spec:
  hosts: [timetable]
  gateways: [mesh, harbour]
  http:
    - name: testers
      match: [{headers: {x-tester: {exact: "yes"}}}]
      route: [{destination: {host: timetable, subset: v2}}]
    - timeout: 2s
      retries: {attempts: 3}
      route:
        - destination: {host: timetable.lab-03.svc.cluster.local, subset: v1, port: {number: 80}}
          headers: {response: {set: {x-version: v1}}}
""")


@dataclass(frozen=True)
class Lab:
    kube: Kube
    namespace: str = NAMESPACE


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as api:
        api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        yield api


@pytest.fixture
def istio(api: ApiServer) -> None:
    api.put(CRD)


@pytest.fixture
def lab(api: ApiServer, tmp_path: Path) -> Lab:
    return Lab(Kube.connect(api.kubeconfig(tmp_path)))


@pytest.fixture
def shift(lab: Lab) -> Iterator[TrafficShift]:
    shift = TrafficShift(lab, "timetable", host="timetable")
    yield shift
    shift.close()


def stored(api: ApiServer) -> Obj:
    found = api.get("VirtualService", "timetable", NAMESPACE)
    assert found is not None
    return found


def edit(kube: Kube, manager: str, **weights: int) -> None:
    """Change the weights as somebody else does, with a tool of theirs."""
    changed = shifted(kube.get("VirtualService", "timetable", NAMESPACE), "timetable", NAMESPACE, "timetable", weights)
    kube.connection.call(
        "PATCH",
        f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}/virtualservices/timetable",
        query={"fieldManager": manager},
        body={"spec": {"http": changed["spec"]["http"]}},
        content_type="application/merge-patch+json",
    )


# The model


def test_a_new_virtual_service_is_written_as_istio_writes_it() -> None:
    made = shifted(None, "timetable", NAMESPACE, "timetable", {"v1": 90, "v2": 10})
    assert yaml.safe_dump(made, sort_keys=False) == NEW
    assert weights_of(made, "timetable", NAMESPACE) == {"v1": 90, "v2": 10}


def test_all_that_is_not_the_route_for_everybody_stays_as_it_is() -> None:
    before = copy.deepcopy(THEIRS)
    made = shifted(THEIRS, "timetable", NAMESPACE, "timetable", {"v1": 50, "v2": 50})
    assert before == THEIRS, "what is shifted is not changed"
    assert made["metadata"]["labels"] == {"tier": "back"}
    assert made["metadata"]["annotations"] == {"owner": "harbour"}
    assert {name: made["spec"][name] for name in ("hosts", "gateways")} == {
        "hosts": ["timetable"],
        "gateways": ["mesh", "harbour"],
    }
    testers, everybody = made["spec"]["http"]
    assert testers == THEIRS["spec"]["http"][0]
    assert (everybody["timeout"], everybody["retries"]) == ("2s", {"attempts": 3})
    first, second = everybody["route"]
    assert first == {**THEIRS["spec"]["http"][1]["route"][0], "weight": 50}
    place = {"host": "timetable.lab-03.svc.cluster.local", "subset": "v2", "port": {"number": 80}}
    assert second == {"destination": place, "weight": 50}


def test_a_route_to_any_version_becomes_one_by_weight() -> None:
    plain = shifted(None, "t", NAMESPACE, "timetable", {"v1": 1, "v2": 99})
    plain["spec"]["http"][0]["route"] = [{"destination": {"host": "timetable"}}]
    assert weights_of(plain, "timetable", NAMESPACE) == {"": 100}
    made = shifted(plain, "t", NAMESPACE, "timetable", {"v1": 100, "v2": 0})
    assert weights_of(made, "timetable", NAMESPACE) == {"v1": 100, "v2": 0}


def test_where_there_is_no_route_for_everybody_one_is_added() -> None:
    testers = copy.deepcopy(THEIRS)
    del testers["spec"]["http"][1]
    assert weights_of(testers, "timetable", NAMESPACE) == {}
    made = shifted(testers, "timetable", NAMESPACE, "timetable", {"v1": 30, "v2": 70})
    assert made["spec"]["http"][:1] == testers["spec"]["http"]
    assert weights_of(made, "timetable", NAMESPACE) == {"v1": 30, "v2": 70}


def test_of_two_routes_for_everybody_only_the_first_counts() -> None:
    twice = copy.deepcopy(THEIRS)
    twice["spec"]["http"].append({"route": [{"destination": {"host": "timetable", "subset": "v2"}}]})
    made = shifted(twice, "timetable", NAMESPACE, "timetable", {"v1": 30, "v2": 70})
    assert made["spec"]["http"][2] == twice["spec"]["http"][2]
    assert weights_of(made, "timetable", NAMESPACE) == {"v1": 30, "v2": 70}


def test_a_route_that_sends_everybody_elsewhere_is_not_taken_over() -> None:
    with pytest.raises(InputError, match="sends everybody to another host than booking"):
        shifted(THEIRS, "timetable", NAMESPACE, "booking", {"v1": 30, "v2": 70})


def test_a_subset_that_is_not_named_does_not_lose_its_traffic() -> None:
    three = shifted(None, "t", NAMESPACE, "timetable", {"v1": 50, "v2": 30, "v3": 20})
    with pytest.raises(InputError, match="also sends requests to v3"):
        shifted(three, "t", NAMESPACE, "timetable", {"v1": 50, "v2": 50})


@pytest.mark.parametrize(
    "weights", [{"v1": 90, "v2": 20}, {"v1": 100}, {"v1": 110, "v2": -10}, {"v1": 50, "v2": 25, "v3": 25}, {}]
)
def test_weights_that_do_not_share_out_the_traffic_are_refused(weights: dict[str, int]) -> None:
    with pytest.raises(InputError, match="do not share out the traffic") as caught:
        check(weights, ("v1", "v2"))
    assert caught.value.help.expected == "whole numbers for v1, v2 that are 100 together"


def test_moving_one_weight_moves_the_others_so_that_all_are_100() -> None:
    assert balanced({"v1": 90, "v2": 10}, "v2", 25) == {"v1": 75, "v2": 25}
    assert balanced({"a": 100, "b": 0}, "a", 100) == {"a": 100, "b": 0}
    assert balanced({"a": 60, "b": 30, "c": 10}, "a", 0) == {"a": 0, "b": 75, "c": 25}
    assert balanced({"a": 100, "b": 0, "c": 0}, "a", 40) == {"a": 40, "b": 60, "c": 0}
    for weight in range(101):
        assert sum(balanced({"a": 33, "b": 33, "c": 34}, "b", weight).values()) == 100


def test_presets_go_from_the_first_to_the_second() -> None:
    assert [tuple(preset.values()) for preset in presets(["v1", "v2"])] == [(100, 0), (90, 10), (50, 50), (0, 100)]
    assert presets(["a", "b", "c"])[1] == {"a": 90, "b": 10, "c": 0}
    with pytest.raises(InputError, match="subsets is wrong"):
        presets(["v1", "v1"])


def test_what_was_applied_and_has_not_been_seen_yet_is_no_change_by_others() -> None:
    def version(generation: int, second: int) -> Obj:
        made = shifted(None, "t", NAMESPACE, "timetable", {"v1": 100 - second, "v2": second})
        return {**made, "metadata": {**made["metadata"], "uid": "a", "generation": generation}}

    picture = ShiftPicture("t", NAMESPACE, "timetable", service=version(1, 10), applied=version(2, 50))
    assert picture.drift() == ""
    assert replace(picture, service=None).drift() == ""
    assert replace(picture, service=version(3, 10)).drift().endswith("since then somebody has changed it.")


# Without a front end


@pytest.mark.usefixtures("istio")
def test_traffic_is_shifted_and_what_the_cluster_has_is_said(api: ApiServer, shift: TrafficShift) -> None:
    assert repr(shift) == "no virtual service timetable: requests for timetable go to every version alike"
    assert repr(shift.to({"v1": 90, "v2": 10})) == "timetable: v1 90 %, v2 10 %"
    assert {name: stored(api)[name] for name in ("apiVersion", "kind", "spec")} == {
        name: yaml.safe_load(NEW)[name] for name in ("apiVersion", "kind", "spec")
    }
    shift.to({"v1": 0, "v2": 100})
    assert repr(shift) == "timetable: v1 0 %, v2 100 %"


@pytest.mark.usefixtures("istio")
def test_what_somebody_has_written_there_stays(api: ApiServer, lab: Lab, shift: TrafficShift) -> None:
    lab.kube.apply(THEIRS)
    before = stored(api)
    shift.to({"v1": 50, "v2": 50})
    after = stored(api)
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["metadata"]["annotations"]["owner"] == "harbour"
    assert after["spec"]["gateways"] == before["spec"]["gateways"]
    assert after["spec"]["http"][0] == before["spec"]["http"][0]


@pytest.mark.usefixtures("istio")
def test_it_stays_even_before_a_view_has_heard_of_it(
    api: ApiServer, lab: Lab, shift: TrafficShift, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.kube.apply(THEIRS)
    monkeypatch.setattr("wavetank.widgets.feed.changes", lambda *_, **__: iter(()))
    shift.start()
    shift.to({"v1": 50, "v2": 50})
    assert stored(api)["spec"]["gateways"] == ["mesh", "harbour"]


@pytest.mark.usefixtures("istio")
def test_a_file_says_what_it_begins_as(api: ApiServer, lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "timetable.yaml"
    file.write_text("# mine\n" + yaml.safe_dump(THEIRS))
    shift = TrafficShift(lab, file, host="timetable")
    shift.to({"v1": 90, "v2": 10})
    assert stored(api)["spec"]["http"][1]["timeout"] == "2s"
    assert file.read_text().startswith("# mine\n"), "the file is read only"
    shift.close()


def test_a_file_without_a_virtual_service_is_said(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"
    file.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}")
    with pytest.raises(InputError, match="holds 0 virtual services"):
        TrafficShift(lab, file, host="timetable")


@pytest.mark.usefixtures("istio")
def test_who_has_changed_it_since_is_said(lab: Lab, shift: TrafficShift) -> None:
    shift.to({"v1": 90, "v2": 10})
    edit(lab.kube, "kubectl-edit", v1=20, v2=80)
    assert repr(shift).splitlines() == [
        "timetable: v1 20 %, v2 80 %",
        "Applied was v1 90 %, v2 10 %; since then kubectl-edit has changed it.",
    ]
    shift.to({"v1": 90, "v2": 10})
    assert repr(shift) == "timetable: v1 90 %, v2 10 %"


@pytest.mark.usefixtures("istio")
def test_weights_that_move_nothing_are_said_to(api: ApiServer, shift: TrafficShift) -> None:
    wild = {**THEIRS["spec"], "gateways": ["mesh"], "hosts": ["timetable.lab-03.svc.cluster.local"]}
    metadata = {"name": "everywhere", "namespace": "default", "creationTimestamp": "2020-01-01T00:00:00Z"}
    api.put({**THEIRS, "metadata": metadata, "spec": wild})
    told = "Sidecars go for timetable by the virtual service everywhere in the namespace default alone"
    assert told in repr(shift.to({"v1": 90, "v2": 10}))
    api.delete("VirtualService", "everywhere", "default")
    assert told not in repr(shift.to({"v1": 50, "v2": 50}))


def test_without_istio_that_is_said(shift: TrafficShift) -> None:
    with pytest.raises(NotSupportedError, match="there is no Istio in this cluster") as caught:
        shift.to({"v1": 90, "v2": 10})
    assert "no kind networking.istio.io/v1 VirtualService" in caught.value.help.observed


# On a page


@pytest.mark.usefixtures("istio")
def test_fields_hold_together_and_show_what_apply_will_apply(shift: TrafficShift, api: ApiServer) -> None:
    shift.start()
    eventually(lambda: "no virtual service timetable" in seen(shift), "the first picture")
    shift._fields["v2"].value = 10
    assert shift._fields["v1"].value == 90
    written = " ".join(NEW.split())
    eventually(lambda: f"What Apply applies {written}" in seen(shift), "the manifest")
    press(shift, "Apply")
    eventually(lambda: "Applied: v1 90 %, v2 10 %." in seen(shift), "the word that it is applied")
    eventually(lambda: "timetable: v1 90 %, v2 10 %" in seen(shift), "the picture of it")
    assert stored(api)["spec"] == yaml.safe_load(NEW)["spec"]
    press(shift, "0 / 100")
    assert (shift._fields["v1"].value, shift._fields["v2"].value) == (0, 100)
    press(shift, "Apply")
    eventually(lambda: "timetable: v1 0 %, v2 100 %" in seen(shift), "the preset")


@pytest.mark.usefixtures("istio")
def test_fields_begin_where_the_cluster_is_and_stay_where_they_were_put(lab: Lab, shift: TrafficShift) -> None:
    TrafficShift(lab, "timetable", host="timetable").to({"v1": 70, "v2": 30})
    shift.start()
    eventually(lambda: shift._fields["v2"].value == 30, "the cluster's weights")
    edit(lab.kube, "kubectl-edit", v1=60, v2=40)
    eventually(lambda: shift._fields["v2"].value == 40, "the cluster's new weights")
    shift._fields["v2"].value = 45
    edit(lab.kube, "kubectl-edit", v1=10, v2=90)
    eventually(lambda: "timetable: v1 10 %, v2 90 %" in seen(shift), "what the cluster has by now")
    assert shift._fields["v2"].value == 45


@pytest.mark.usefixtures("istio")
def test_the_page_says_that_it_is_no_longer_as_it_was_applied(lab: Lab, api: ApiServer, shift: TrafficShift) -> None:
    shift.start()
    shift.to({"v1": 90, "v2": 10})
    edit(lab.kube, "argocd", v1=100, v2=0)
    told = "Applied was v1 90 %, v2 10 %; since then"
    eventually(lambda: f"{told} argocd has changed it." in seen(shift), "who it was")
    api.delete("VirtualService", "timetable", NAMESPACE)
    eventually(lambda: f"{told} timetable was deleted." in seen(shift), "that it is gone")
    press(shift, "Apply")
    eventually(lambda: "timetable: v1 90 %, v2 10 %" in seen(shift), "its return")
    eventually(lambda: told not in seen(shift), "the notice to go")


def test_a_cluster_without_istio_is_said_on_the_page_and_istio_may_come_later(
    api: ApiServer, shift: TrafficShift
) -> None:
    assert "no kind VirtualService" in shift._repr_mimebundle_()["text/plain"]
    eventually(lambda: "there is no Istio in this cluster" in seen(shift), "the complaint")
    api.put(CRD)
    press(shift, "90 / 10")
    press(shift, "Apply")
    eventually(lambda: "timetable: v1 90 %, v2 10 %" in seen(shift), "the weights")
    assert "there is no Istio" not in seen(shift)


@pytest.mark.usefixtures("istio")
def test_a_refusal_is_told_in_the_webhooks_words_and_nothing_is_lost(
    lab: Lab, shift: TrafficShift, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift.to({"v1": 90, "v2": 10})
    shift.start()
    words = 'admission webhook "validation.istio.io" denied the request: total destination weight 110 != 100'

    def refuse(*_: object, **__: object) -> Obj:
        raise KubeError(words, status=400)

    monkeypatch.setattr(Kube, "patch", refuse)
    press(shift, "50 / 50")
    press(shift, "Apply")
    eventually(lambda: f"VirtualService timetable: {words}" in seen(shift), "the refusal")
    assert shift._fields["v1"].value == 50
    eventually(lambda: repr(shift) == "timetable: v1 90 %, v2 10 %", "what the cluster still has")

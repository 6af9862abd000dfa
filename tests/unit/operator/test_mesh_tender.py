"""A fault in the mesh from Pending to its end, and what is left of it in the learner's VirtualService: nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.mesh import OWN_DELAY, SHAPES, TESTER, apply_as, to, virtual_service, with_istio
from tests.support.operator_process import operating
from tests.support.pond import NAMESPACE, Pond, essence
from tests.support.waiting import eventually

from wavetank.errors import KubeError
from wavetank.faults import emergency_stop
from wavetank.faults.mesh import PARTS
from wavetank.kube import Obj
from wavetank.operator.faults import FaultTender

BOOKING = {"service": "booking"}
KIND = "VirtualService"
CANARY = virtual_service(SHAPES["canary"])
DELAY = {"percentage": {"value": 100}, "fixedDelay": "2s"}
ABORT = {"percentage": {"value": 100}, "httpStatus": 503}


@pytest.fixture(autouse=True)
def booking(pond: Pond) -> None:
    with_istio(pond).deploy("booking")


def tender(pond: Pond, fault: Obj) -> FaultTender:
    return FaultTender(pond.kube, NAMESPACE, fault["metadata"]["name"], fault["metadata"]["uid"])


def begin(pond: Pond, name: str, kind: str, **parameters: float) -> FaultTender:
    """Inject a fault at booking and return its tender."""
    tending = tender(pond, pond.fault(name, kind, BOOKING, **parameters))
    tending.look()
    return tending


def end(pond: Pond, name: str, tending: FaultTender) -> str:
    """Have a fault come to its end, and return what its status says."""
    pond.let_expire(name)
    tending.look()
    assert pond.status(name)["phase"] == "Reverted", pond.status(name)
    return str(pond.status(name)["message"])


def traces(obj: Obj) -> Any:
    """Return all that a fault might leave behind: what is written, and by whom."""
    return essence(obj), obj["metadata"]["managedFields"]


def faults(pond: Pond, name: str = "booking") -> list[Obj | None]:
    return [route.get("fault") for route in pond.stored(KIND, name)["spec"]["http"]]


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("shape", ["canary", "mirror", "both for testers", "a redirect"])
def test_it_is_put_into_what_is_in_place_and_comes_out_without_a_trace(kind: str, shape: str, pond: Pond) -> None:
    before = traces(apply_as(pond.kube, "learner", virtual_service(SHAPES[shape])))
    tending = begin(pond, "trouble", kind)
    status = pond.status("trouble")
    assert (status["phase"], status["affected"]) == ("Active", ["booking"]), status["message"]
    injected, owners = traces(pond.stored(KIND, "booking"))
    assert injected != before[0]
    assert owners == before[1], "the routes are still the learner's to change"

    end(pond, "trouble", tending)
    assert traces(pond.stored(KIND, "booking")) == before
    applied = apply_as(pond.kube, "learner", virtual_service(SHAPES[shape]))
    assert traces(applied) == before, "and an apply is in conflict with nobody"


def test_it_says_where_it_is(pond: Pond) -> None:
    apply_as(pond.kube, "learner", virtual_service(SHAPES["a redirect"]))
    tending = begin(pond, "trouble", "mesh-delay")
    assert pond.status("trouble")["message"] == "the delay is in 1 of 2 routes of VirtualService booking"
    assert end(pond, "trouble", tending) == "the delay is out of 1 route of VirtualService booking"


def test_what_was_set_by_an_update_is_that_manager_s_again(pond: Pond) -> None:
    before = traces(pond.kube.create(CANARY))
    end(pond, "trouble", begin(pond, "trouble", "mesh-abort"))
    assert traces(pond.stored(KIND, "booking")) == before


def test_where_no_owner_is_known_none_is_afterwards(pond: Pond) -> None:
    pond.api.put(CANARY)
    before = essence(pond.stored(KIND, "booking"))
    end(pond, "trouble", begin(pond, "trouble", "mesh-abort"))
    assert essence(pond.stored(KIND, "booking")) == before
    assert not pond.stored(KIND, "booking")["metadata"]["managedFields"]
    apply_as(pond.kube, "learner", virtual_service(SHAPES["mirror"]))


def edited(pond: Pond, manager: str, change: Callable[[list[Obj]], None]) -> None:
    """Change the routes as ``kubectl edit`` does: as they are, fault and all."""
    obj = pond.kube.get((CANARY["apiVersion"], KIND), "booking", NAMESPACE)
    change(obj["spec"]["http"])
    pond.kube.replace(obj, manager)


def test_an_edit_meanwhile_stays_and_is_its_editor_s(pond: Pond) -> None:
    apply_as(pond.kube, "learner", CANARY)
    tending = begin(pond, "trouble", "mesh-delay")
    came = {"match": TESTER, "route": [to(subset="v2")]}

    def half_and_half_and_testers(routes: list[Obj]) -> None:
        routes[0]["route"] = [to(subset="v1", weight=50), to(subset="v2", weight=50)]
        routes.insert(0, came)

    edited(pond, "kubectl-edit", half_and_half_and_testers)
    tending.look()  # it is still active, and does not touch the new route
    assert pond.status("trouble")["message"] == "the delay is in 1 of 2 routes of VirtualService booking"
    end(pond, "trouble", tending)
    stored = pond.stored(KIND, "booking")
    assert stored["spec"]["http"] == [came, {"route": [to(subset="v1", weight=50), to(subset="v2", weight=50)]}]
    with pytest.raises(KubeError, match="kubectl-edit") as caught:
        apply_as(pond.kube, "learner", CANARY)
    assert "wavetank" not in str(caught.value)


def test_a_manifest_applied_meanwhile_takes_the_fault_out_and_it_stays_out(pond: Pond) -> None:
    apply_as(pond.kube, "learner", CANARY)
    tending = begin(pond, "trouble", "mesh-delay")
    applied = traces(apply_as(pond.kube, "learner", virtual_service(SHAPES["header match"])))
    tending.look()
    assert pond.status("trouble")["message"] == "the delay is in 0 of 2 routes of VirtualService booking"
    assert end(pond, "trouble", tending) == (
        "the delay in VirtualService booking was taken out already: somebody's change stays"
    )
    assert traces(pond.stored(KIND, "booking")) == applied


def test_a_virtual_service_that_is_gone_needs_no_repair(pond: Pond) -> None:
    apply_as(pond.kube, "learner", CANARY)
    tending = begin(pond, "trouble", "mesh-delay")
    pond.api.delete(KIND, "booking", NAMESPACE)
    tending.look()
    assert pond.status("trouble")["message"] == "VirtualService booking is gone"
    assert end(pond, "trouble", tending) == "VirtualService booking is gone: nothing to put back"


def test_one_that_goes_before_anything_was_done_fails_the_fault(pond: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_as(pond.kube, "learner", CANARY)
    fault = pond.fault("trouble", "mesh-delay", BOOKING)
    pond.api.on_write(lambda change, obj: _once_begun(pond, obj, lambda: pond.api.delete(KIND, "booking", NAMESPACE)))
    tender(pond, fault).look()
    assert (pond.status("trouble")["phase"], pond.status("trouble")["affected"]) == ("Failed", [])
    assert pond.status("trouble")["message"] == "VirtualService booking is gone"


def _once_begun(pond: Pond, written: Obj, act: Callable[[], None]) -> None:
    """Act when a fault has written down how it was, and has not changed it yet."""
    if written.get("status", {}).get("message") == "being injected" and pond.api.get(KIND, "booking", NAMESPACE):
        act()


def test_a_write_between_the_two_updates_is_kept_and_the_routes_are_handed_back_all_the_same(pond: Pond) -> None:
    owners = apply_as(pond.kube, "learner", CANARY)["metadata"]["managedFields"]
    interruptions = iter(["one", "two"])

    def interrupt(change: str, obj: Obj) -> None:
        ours = any(entry["manager"] == "wavetank-faults" for entry in obj["metadata"].get("managedFields", ()))
        if obj["kind"] == KIND and ours and (word := next(interruptions, None)):
            labels = {"metadata": {"labels": {word: "here"}}}
            pond.kube.patch((CANARY["apiVersion"], KIND), "booking", NAMESPACE, labels)

    pond.api.on_write(interrupt)
    tending = begin(pond, "trouble", "mesh-delay")
    assert faults(pond) == [{"delay": DELAY}]
    end(pond, "trouble", tending)
    stored = pond.stored(KIND, "booking")
    assert stored["spec"] == CANARY["spec"]
    assert stored["metadata"]["labels"] == {"team": "harbour", "one": "here", "two": "here"}
    assert [entry for entry in stored["metadata"]["managedFields"] if entry["manager"] == "learner"] == owners
    apply_as(pond.kube, "learner", CANARY)


@pytest.mark.parametrize("first_out", ["slow", "broken"])
@pytest.mark.parametrize("shape", ["canary", "both for testers", "the same requests twice"])
def test_a_delay_and_an_abort_go_together_and_end_in_any_order(shape: str, first_out: str, pond: Pond) -> None:
    before = traces(apply_as(pond.kube, "learner", virtual_service(SHAPES[shape])))
    on = {"slow": begin(pond, "slow", "mesh-delay"), "broken": begin(pond, "broken", "mesh-abort")}
    assert faults(pond) == [{"delay": DELAY, "abort": ABORT}] * len(SHAPES[shape])
    for name in sorted(on, key=lambda name: name != first_out):
        end(pond, name, on[name])
    assert traces(pond.stored(KIND, "booking")) == before


def test_two_delays_at_one_service_are_one_too_many(pond: Pond) -> None:
    before = traces(apply_as(pond.kube, "learner", virtual_service(SHAPES["a delay for testers"])))
    first = begin(pond, "one", "mesh-delay")
    begin(pond, "two", "mesh-delay", ms=5)
    assert pond.status("two")["phase"] == "Failed"
    assert "another fault has changed the delay in VirtualService booking already" in pond.status("two")["message"]
    assert "the fault one in harbour" in pond.status("two")["message"]
    end(pond, "one", first)
    assert traces(pond.stored(KIND, "booking")) == before


def test_two_services_of_one_virtual_service_are_too_near_for_the_same_fault(pond: Pond) -> None:
    pond.deploy("payment")
    both = [{"match": TESTER, "route": [to("payment"), to()]}, {"route": [to()]}]
    before = traces(apply_as(pond.kube, "learner", virtual_service(both, hosts=["booking", "payment"])))
    first = begin(pond, "one", "mesh-delay")
    tender(pond, pond.fault("two", "mesh-delay", {"service": "payment"})).look()
    assert pond.status("two")["phase"] == "Failed"
    third = tender(pond, pond.fault("three", "mesh-abort", {"service": "payment"}))
    third.look()
    assert faults(pond) == [{"delay": DELAY, "abort": ABORT}, {"delay": DELAY}]
    end(pond, "one", first)
    end(pond, "three", third)
    assert traces(pond.stored(KIND, "booking")) == before


def test_a_service_without_one_gets_a_virtual_service_for_as_long_as_the_fault_lasts(pond: Pond) -> None:
    tending = begin(pond, "slow", "mesh-delay", ms=1500, percent=50)
    made = pond.stored(KIND, "wavetank-slow")
    assert made["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "wavetank"}
    assert made["spec"] == {
        "hosts": ["booking"],
        "http": [
            {
                "fault": {"delay": {"percentage": {"value": 50}, "fixedDelay": "1.5s"}},
                "route": [{"destination": {"host": "booking"}}],
            }
        ],
    }
    assert pond.status("slow")["message"] == (
        "the delay is in 1 of 1 route of VirtualService wavetank-slow, which was made for it"
    )
    assert end(pond, "slow", tending) == "VirtualService wavetank-slow is deleted"
    assert pond.api.objects(KIND) == []


@pytest.mark.parametrize("first_out", ["slow", "broken"])
def test_two_faults_share_the_one_that_was_made_and_the_last_deletes_it(first_out: str, pond: Pond) -> None:
    on = {"slow": begin(pond, "slow", "mesh-delay"), "broken": begin(pond, "broken", "mesh-abort")}
    assert [obj["metadata"]["name"] for obj in pond.api.objects(KIND)] == ["wavetank-slow"]
    assert faults(pond, "wavetank-slow") == [{"delay": DELAY, "abort": ABORT}]
    first, last = sorted(on, key=lambda name: name != first_out)
    assert end(pond, first, on[first]).endswith("of VirtualService wavetank-slow, which another fault still needs")
    assert faults(pond, "wavetank-slow") == [{"delay": DELAY} if last == "slow" else {"abort": ABORT}]
    pond.kube.delete_object("Fault", first, NAMESPACE)  # nor does it go with the fault that first made it
    third = begin(pond, "third", "mesh-delay" if first == "slow" else "mesh-abort")
    assert faults(pond, "wavetank-slow") == [{"delay": DELAY, "abort": ABORT}]
    end(pond, last, on[last])
    end(pond, "third", third)
    assert pond.api.objects(KIND) == []


def test_one_that_is_planned_but_not_made_yet_is_joined_too(pond: Pond) -> None:
    slow, broken = pond.fault("slow", "mesh-delay", BOOKING), pond.fault("broken", "mesh-abort", BOOKING)
    with pytest.raises(Crash):
        Mortal(pond, dies_at=2).during(tender(pond, slow).look)  # it has written down what it will make
    assert pond.api.objects(KIND) == []
    on = {"broken": tender(pond, broken), "slow": tender(pond, slow)}
    for tending in on.values():
        tending.look()
    assert faults(pond, "wavetank-slow") == [{"delay": DELAY, "abort": ABORT}]
    for name, tending in on.items():
        end(pond, name, tending)
    assert pond.api.objects(KIND) == []


def test_a_virtual_service_that_a_learner_makes_meanwhile_is_told(pond: Pond) -> None:
    tending = begin(pond, "slow", "mesh-delay")
    pond.api.put(virtual_service(SHAPES["canary"]) | _born("2999-01-01T00:00:00Z"))
    tending.look()
    assert pond.status("slow")["message"].endswith(
        "made for it; booking is for booking too: sidecars go by wavetank-slow alone"
    )
    end(pond, "slow", tending)
    assert [obj["metadata"]["name"] for obj in pond.api.objects(KIND)] == ["booking"]
    assert faults(pond) == [None]


def test_a_fault_by_which_no_sidecar_goes_any_more_is_not_active_and_names_the_one_that_counts(pond: Pond) -> None:
    apply_as(pond.kube, "learner", CANARY)
    tending = begin(pond, "slow", "mesh-delay")
    assert pond.status("slow")["phase"] == "Active"
    other = virtual_service(SHAPES["canary"], name="everywhere", hosts=["booking.harbour.svc.cluster.local"])
    metadata = {"name": "everywhere", "namespace": "default", "creationTimestamp": "2020-01-01T00:00:00Z"}
    pond.api.put({**other, "metadata": metadata})
    tending.look()
    status = pond.status("slow")
    assert (status["phase"], status["affected"]) == ("Pending", ["booking"])
    assert status["message"].endswith("sidecars go by everywhere in the namespace default alone")
    pond.api.delete(KIND, "everywhere", "default")
    tending.look()
    assert pond.status("slow")["phase"] == "Active"
    end(pond, "slow", tending)
    assert faults(pond) == [None]


def _born(when: str) -> Obj:
    return {"metadata": {**CANARY["metadata"], "creationTimestamp": when}}


def test_somebody_s_own_of_the_same_name_is_never_deleted(pond: Pond) -> None:
    tending = begin(pond, "slow", "mesh-delay")
    pond.api.delete(KIND, "wavetank-slow", NAMESPACE)
    before = traces(apply_as(pond.kube, "learner", virtual_service(SHAPES["mirror"], name="wavetank-slow")))
    assert "not this fault's" in end(pond, "slow", tending)
    assert traces(pond.stored(KIND, "wavetank-slow")) == before


def test_a_fault_of_the_mesh_is_stopped_and_deleted_like_any_other(pond: Pond) -> None:
    before = traces(apply_as(pond.kube, "learner", CANARY))
    first = begin(pond, "one", "mesh-delay")
    pond.stop("one")
    first.look()
    assert pond.status("one")["phase"] == "Stopped"
    assert traces(pond.stored(KIND, "booking")) == before

    second = begin(pond, "two", "mesh-delay")
    pond.kube.delete_object("Fault", "two", NAMESPACE)
    assert second.look().again is None
    assert traces(pond.stored(KIND, "booking")) == before

    third = begin(pond, "three", "mesh-delay")
    pond.api.delete("Fault", "three", NAMESPACE)  # finalizer or not
    assert third.look().again is None
    assert traces(pond.stored(KIND, "booking")) == before


def test_the_emergency_stop_ends_it(pond: Pond) -> None:
    before = traces(apply_as(pond.kube, "learner", CANARY))
    pond.fault("slow", "mesh-delay", BOOKING, finalizer=False)
    pond.fault("broken", "mesh-abort", BOOKING, finalizer=False)
    with operating(pond.kube):
        eventually(lambda: faults(pond) == [{"delay": DELAY, "abort": ABORT}], "both to be injected")
        eventually(lambda: all(pond.status(name).get("affected") for name in ("slow", "broken")), "both to be active")
        emergency_stop(pond.kube)
    assert traces(pond.stored(KIND, "booking")) == before


def test_faults_that_begin_and_end_at_the_same_moment_leave_no_trace_either(pond: Pond) -> None:
    before = traces(apply_as(pond.kube, "learner", virtual_service(SHAPES["both for testers"])))
    on = [
        tender(pond, pond.fault(name, kind, BOOKING)) for name, kind in (("slow", "mesh-delay"), ("no", "mesh-abort"))
    ]
    for expire in (False, True):
        for name in ("slow", "no") if expire else ():
            pond.let_expire(name)
        looks = [threading.Thread(target=tending.look) for tending in on]
        for look in looks:
            look.start()
        for look in looks:
            look.join(10)
        if not expire:
            assert faults(pond) == [{"delay": DELAY, "abort": ABORT}] * 2
    assert traces(pond.stored(KIND, "booking")) == before


class Crash(Exception):  # noqa: N818 - no error that anybody may handle
    """The operator's end at a moment of the test's choosing."""


class Mortal:
    """An operator that dies once, at its nth write, before the write or after it."""

    def __init__(self, pond: Pond, dies_at: int, *, after: bool = False) -> None:
        self.pond = pond
        self.left = dies_at
        self.after = after
        self.connection = pond.kube.connection

    def during(self, act: Callable[[], Any]) -> Any:
        """Act, and die if it comes to that."""
        call = self.connection.call

        def mortal(method: str, *args: Any, **options: Any) -> Any:
            if method == "GET" or args[0].endswith("reviews"):
                return call(method, *args, **options)
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Crash
            answer = call(method, *args, **options)
            if self.left == 0:
                raise Crash
            return answer

        self.connection.call = mortal  # type: ignore[method-assign]
        try:
            return act()
        finally:
            del self.connection.call  # type: ignore[attr-defined]


MOMENTS = [
    pytest.param(dies_at, after, id=f"{'after' if after else 'before'} write {dies_at}")
    for dies_at in range(1, 8)
    for after in (False, True)
]


@pytest.mark.parametrize("made", [False, True], ids=["in the learner's", "in one of its own"])
@pytest.mark.parametrize(("dies_at", "after"), MOMENTS)
def test_killed_at_any_moment_the_next_operator_ends_it_without_a_trace(
    dies_at: int, after: bool, made: bool, pond: Pond
) -> None:
    shape = virtual_service([{"fault": {"delay": OWN_DELAY}, "route": [to()]}, *SHAPES["header match"]])
    before = None if made else traces(apply_as(pond.kube, "learner", shape))
    mortal = Mortal(pond, dies_at, after=after)
    fault = pond.fault("slow", "mesh-delay", BOOKING)
    name = "wavetank-slow" if made else "booking"

    def look() -> None:
        """Look as one operator after another, each with nothing in its memory."""
        try:
            mortal.during(tender(pond, fault).look)
        except Crash:
            tender(pond, fault).look()

    look()
    assert pond.status("slow")["affected"] == [name]
    assert {"delay": DELAY} in faults(pond, name)
    pond.let_expire("slow")
    look()
    assert pond.status("slow")["phase"] == "Reverted"
    if made:
        assert pond.api.objects(KIND) == []
    else:
        assert traces(pond.stored(KIND, "booking")) == before
        apply_as(pond.kube, "learner", shape)

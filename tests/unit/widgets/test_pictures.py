"""The time line of a load, the board of faults, a rollout and an autoscaler, each from what the API server says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wavetank.errors import InputError
from wavetank.faults import Target
from wavetank.widgets.models import autoscale, faults, rollout, timeline
from wavetank.widgets.models.change import LISTED, Change

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def played(picture: Any, after: Any, *changes: tuple[str, str, Any]) -> Any:
    for second, (type_, kind, objects) in enumerate(changes):
        objects = tuple(objects) if type_ == LISTED else (objects,)
        picture = after(picture, Change(type_, kind, objects, NOON + timedelta(seconds=second)))
    return picture


def named(name: str, **parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "tidewater", **parts.pop("metadata", {})}, **parts}


def fault(name: str = "f", phase: str = "Active", ends: str = "2026-11-23T12:00:30Z") -> dict[str, Any]:
    status = {"phase": phase, "startedAt": "2026-11-23T12:00:00Z", "endsAt": ends, "affected": ["booking-1"]}
    return named(name, spec={"kind": "latency", "target": {"deployment": "booking"}, "duration": "30s"}, status=status)


def deployment(replicas: int = 2, image: str = "web:v1", **status: Any) -> dict[str, Any]:
    counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2, "observedGeneration": 1}
    template = {"metadata": {}, "spec": {"containers": [{"image": image}]}}
    spec = {"replicas": replicas, "template": template}
    revision = {"deployment.kubernetes.io/revision": "2"}
    return named("web", metadata={"uid": "d", "annotations": revision}, spec=spec, status={**counts, **status})


class TestTimeline:
    def marks(self, *changes: tuple[str, str, Any]) -> list[tuple[str, str]]:
        told = played(timeline.Timeline(), timeline.after, *changes).events
        return [(event.kind, event.text) for event in told]

    def test_a_fault_is_marked_when_it_began_and_when_it_ended(self) -> None:
        told = played(
            timeline.Timeline(),
            timeline.after,
            ("ADDED", "Fault", fault(phase="Pending") | {"status": {}}),
            ("MODIFIED", "Fault", fault()),
            ("MODIFIED", "Fault", fault()),
            ("MODIFIED", "Fault", fault(phase="Reverted")),
        ).events
        assert [event.text for event in told] == [
            "latency at deployment booking",
            "latency at deployment booking is over",
        ]
        assert told[0].at == NOON

    def test_a_fault_that_acts_once_has_no_end_worth_a_mark(self) -> None:
        kill = {"kind": "pod-kill", "target": {"deployment": "booking"}, "duration": "30s"}
        active, over = fault() | {"spec": kill}, fault(phase="Reverted") | {"spec": kill}
        assert self.marks((LISTED, "Fault", [active]), ("MODIFIED", "Fault", over)) == [
            ("fault", "pod-kill at deployment booking")
        ]

    def test_a_fault_that_began_before_we_looked_is_marked_too(self) -> None:
        assert self.marks((LISTED, "Fault", [fault()])) == [("fault", "latency at deployment booking")]

    def test_a_new_template_is_a_rollout_and_a_new_count_is_scaling(self) -> None:
        assert self.marks(
            (LISTED, "Deployment", [deployment()]),
            ("MODIFIED", "Deployment", deployment(image="web:v2", updatedReplicas=1)),
            ("MODIFIED", "Deployment", deployment(image="web:v2")),
            ("MODIFIED", "Deployment", deployment(image="web:v2", replicas=4)),
            ("MODIFIED", "Deployment", deployment(image="web:v2", replicas=4, readyReplicas=0, availableReplicas=0)),
            ("MODIFIED", "Deployment", deployment(image="web:v2", replicas=4)),
        ) == [("rollout", "web gets new pods"), ("scaling", "web from 2 to 4 pods")]

    def test_the_latest_load_is_the_one_created_last(self) -> None:
        old = named("z", metadata={"creationTimestamp": "2026-11-23T11:00:00Z"})
        new = named("a", metadata={"creationTimestamp": "2026-11-23T12:00:00Z"})
        picture = played(timeline.Timeline(), timeline.after, (LISTED, "Load", [old, new]))
        assert picture.latest_load == new
        assert timeline.Timeline().latest_load is None


class TestFaultBoard:
    def board(self, *changes: tuple[str, str, Any]) -> faults.FaultBoard:
        board: faults.FaultBoard = played(faults.FaultBoard(), faults.after, *changes)
        return board

    def test_only_what_fits_a_kind_is_offered_and_never_the_control_plane(self) -> None:
        control = named("control", metadata={"labels": {"node-role.kubernetes.io/control-plane": ""}})
        board = self.board(
            (LISTED, "Deployment", [named("web")]),
            (LISTED, "Service", [named("web")]),
            (LISTED, "Node", [control, named("worker")]),
        )
        assert board.targets("node-stop") == [Target("node", "worker")]
        assert board.targets("wrong-port") == [Target("service", "web")]
        assert board.targets("latency") == [Target("deployment", "web"), Target("service", "web")]

    def test_nothing_is_offered_until_everything_that_fits_is_known(self) -> None:
        services, deployments = (LISTED, "Service", [named("web")]), (LISTED, "Deployment", [named("web")])
        assert self.board(services).targets("latency") == []
        assert self.board(services).targets("wrong-port") == [Target("service", "web")]
        offered = self.board(services, deployments).targets("latency")
        assert offered == [Target("deployment", "web"), Target("service", "web")]

    def test_ended_faults_are_not_active_and_time_left_is_told(self) -> None:
        board = self.board((LISTED, "Fault", [fault("on"), fault("over", phase="Reverted")]))
        assert [fault.name for fault in board.active] == ["on"]
        assert board.text(now=NOON) == "active faults:\n  latency at deployment booking: active, 30 s left"
        assert self.board().text() == "no active fault"

    def test_a_form_that_makes_no_sense_is_refused_by_the_name_of_the_field(self) -> None:
        with pytest.raises(InputError, match="duration"):
            faults.fault_for("latency", Target("deployment", "web"), 0, {})
        assert faults.fault_for("latency", Target("deployment", "web"), 9, {"ms": 5}).name == "latency-web"


class TestRollout:
    def replica_set(self, number: int, image: str, replicas: int, ready: int) -> dict[str, Any]:
        meta = {"annotations": {"deployment.kubernetes.io/revision": str(number)}, "ownerReferences": [{"uid": "d"}]}
        template = {"metadata": {}, "spec": {"containers": [{"image": image}]}}
        counts = {"replicas": replicas, "readyReplicas": ready}
        return named(f"web-{number}", metadata=meta, spec={"template": template}, status=counts)

    def test_templates_with_pods_are_shown_newest_first(self) -> None:
        templates = (self.replica_set(1, "web:v0", 0, 0), self.replica_set(2, "web:v1", 2, 2))
        changes = (
            (LISTED, "Deployment", [deployment(updatedReplicas=1)]),
            (LISTED, "ReplicaSet", templates),
            ("ADDED", "ReplicaSet", self.replica_set(3, "web:v2", 1, 0)),
        )
        picture = played(rollout.RolloutPicture("web"), rollout.after, *changes)
        assert picture.text().splitlines() == [
            "deployment web: 1 of 2 pods are of the new template",
            "  revision 3 (v2): 0 of 1 pods ready",
            "  revision 2 (v1): 2 of 2 pods ready",
        ]

    def test_without_a_deployment_it_says_so(self) -> None:
        assert rollout.RolloutPicture("web").text() == "no deployment web"


class TestAutoscale:
    def hpa(self, real: int, wanted: int, cpu: int | None, name: str = "web") -> dict[str, Any]:
        metrics = [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}},
            {"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "64Mi"}}},
        ]
        measured = [
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": cpu}}},
            {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "33554432"}}},
        ]
        reference = {"kind": "Deployment", "name": "web"}
        spec = {"minReplicas": 1, "maxReplicas": 6, "scaleTargetRef": reference, "metrics": metrics}
        limited = {"type": "ScalingLimited", "status": "True", "message": "at its most"}
        status = {"currentReplicas": real, "desiredReplicas": wanted, "conditions": [limited]}
        return named(name, spec=spec, status=status | ({"currentMetrics": measured} if cpu is not None else {}))

    def picture(self, *changes: tuple[str, str, Any], name: str = "") -> autoscale.AutoscalePicture:
        picture: autoscale.AutoscalePicture = played(autoscale.AutoscalePicture(name), autoscale.after, *changes)
        return picture

    def test_each_thing_new_is_a_sample(self) -> None:
        kind = "HorizontalPodAutoscaler"
        first, second = self.hpa(1, 1, None), self.hpa(1, 3, 140)
        picture = self.picture((LISTED, kind, [first]), ("MODIFIED", kind, second), ("MODIFIED", kind, second))
        assert [(sample.real, sample.wanted) for sample in picture.samples] == [(1, 1), (1, 3)]
        assert picture.text().splitlines() == [
            "Deployment web: has 1, wants 3 pods (from 1 to 6)",
            "  cpu: 140 of 50 % of the request",
            "  memory: 32 of 64 MiB a pod",
            "  at its most",
        ]

    def test_nothing_measured_is_said(self) -> None:
        picture = self.picture((LISTED, "HorizontalPodAutoscaler", [self.hpa(1, 1, None)]))
        assert "cpu: nothing measured of 50" in picture.text()

    def test_a_second_one_for_the_same_target_is_named(self) -> None:
        both = [self.hpa(1, 1, 5), self.hpa(1, 4, 5, "mine")]
        text = self.picture((LISTED, "HorizontalPodAutoscaler", both), name="web").text()
        assert text.endswith("mine scales it too, and each undoes what the other does")

    def test_another_autoscaler_is_left_alone(self) -> None:
        kind = "HorizontalPodAutoscaler"
        picture = self.picture((LISTED, kind, [self.hpa(1, 1, 5, "other")]), name="web")
        assert (picture.samples, picture.text()) == ((), "no autoscaler web")

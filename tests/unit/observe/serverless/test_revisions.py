"""What a Knative Service's objects say, as shares, replicas and words."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.knative import NAMESPACE, autoscaler, pod, revision, route, service

from wavetank.kube import Obj
from wavetank.observe.serverless.revisions import Found, Serving, Tag, serving_of

OLD, NEW = "tides-00001", "tides-00002"
BOTH = [{"revisionName": OLD, "percent": 80}, {"revisionName": NEW, "percent": 20}]


def serving(*, traffic: list[Obj] | None = None, created: str = NEW, ready: str = NEW, **parts: Any) -> Serving:
    found = Found(service("tides", created, ready), route("tides", BOTH if traffic is None else traffic), **parts)
    return serving_of("tides", NAMESPACE, found)


def words_of(told: Obj, *pods: Obj, scaler: Obj | None = None) -> str:
    parts = {"autoscalers": [scaler]} if scaler else {}
    state = serving(revisions=[told], pods=pods, **parts).revision(told["metadata"]["name"])
    assert state
    return state.words


def failing(reason: str, message: str, type_: str = "ContainerHealthy") -> Obj:
    """Return the newer revision, not ready for one reason."""
    return revision(NEW, 2, **{"Ready": ("False", reason, message), type_: ("False", reason, message)})


class TestTraffic:
    def test_each_revision_has_its_share_the_newest_comes_first(self) -> None:
        told = serving(revisions=[revision(OLD, 1), revision(NEW, 2)])
        assert [state.name for state in told.revisions] == [NEW, OLD]
        assert told.split == {NEW: 20, OLD: 80}
        assert told.adds_up
        assert told.trouble == ()

    def test_revisions_are_ordered_by_number_not_by_letter(self) -> None:
        told = serving(revisions=[revision("tides-9", 9), revision("tides-10", 10)])
        assert [state.name for state in told.revisions] == ["tides-10", "tides-9"]

    def test_a_tag_leads_to_a_revision_without_a_share(self) -> None:
        tagged = {"revisionName": NEW, "tag": "next", "url": "http://next-tides.tidewater.example.com"}
        told = serving(traffic=[{"revisionName": OLD, "percent": 100}, tagged], revisions=[revision(NEW, 2)])
        state = told.revision(NEW)
        assert state
        assert (state.percent, state.tags) == (0, (Tag("next", "http://next-tides.tidewater.example.com"),))

    def test_several_targets_of_one_revision_are_added(self) -> None:
        target = {"revisionName": OLD, "percent": 50}
        told = serving(traffic=[target, {**target, "latestRevision": True}], revisions=[revision(OLD, 1)])
        assert told.split == {OLD: 100}

    def test_a_split_that_does_not_add_up_is_told(self) -> None:
        less = [{"revisionName": OLD, "percent": 80}, {"revisionName": NEW, "percent": 10}]
        told = serving(traffic=less, revisions=[revision(OLD, 1), revision(NEW, 2)])
        assert not told.adds_up
        assert told.trouble == ("The split does not add up: 10 % and 80 % are 90 %, not 100 %.",)

    def test_a_target_that_is_not_there_is_told_in_the_routes_words(self) -> None:
        said = ("False", "RevisionMissing", 'Revision "tides-00009" referenced in traffic not found.')
        found = Found(service("tides", NEW, NEW), route("tides", [], AllTrafficAssigned=said), [revision(NEW, 2)])
        assert serving_of("tides", NAMESPACE, found).trouble == (
            f"The route is not as it should be: {said[1]}: {said[2]}",
        )


class TestReplicas:
    def test_wanted_and_actual_are_the_autoscalers_ready_ones_are_counted(self) -> None:
        pods = [pod("a", OLD), pod("b", OLD, ready=False), pod("c", NEW)]
        leaving = pod("d", OLD)
        leaving["metadata"]["deletionTimestamp"] = "2026-11-27T20:00:00Z"
        told = serving(revisions=[revision(OLD, 1)], autoscalers=[autoscaler(OLD, 3, 1)], pods=[*pods, leaving])
        state = told.revision(OLD)
        assert state
        assert (state.wanted, state.actual, state.pods, state.ready_pods) == (3, 1, 2, 1)

    def test_a_scale_that_is_not_known_is_none(self) -> None:
        told = serving(revisions=[revision(OLD, 1)], autoscalers=[autoscaler(OLD, -1, None)])
        assert told.revision(OLD) == serving(revisions=[revision(OLD, 1)]).revision(OLD)

    def test_bounds_and_concurrency_are_the_revisions(self) -> None:
        bounds = {"autoscaling.knative.dev/min-scale": "1", "autoscaling.knative.dev/max-scale": "5"}
        bound = revision(OLD, 1, annotations=bounds)
        bound["spec"]["containerConcurrency"] = 10
        state = serving(revisions=[bound]).revision(OLD)
        assert state
        assert (state.least, state.most, state.concurrency) == (1, 5, 10)


class TestWords:
    def test_ready(self) -> None:
        assert words_of(revision(OLD, 1), scaler=autoscaler(OLD, 1, 1)) == "ready"

    def test_asleep(self) -> None:
        asleep = autoscaler(OLD, 0, 0, Active=("False", "NoTraffic", "The target is not receiving traffic."))
        assert words_of(revision(OLD, 1), scaler=asleep) == "scaled to zero: nobody asks it"

    def test_waking_up(self) -> None:
        waking = autoscaler(OLD, 1, 0, Active=("Unknown", "Queued", "Requests to the target are being buffered"))
        words = words_of(revision(OLD, 1), scaler=waking)
        assert words == "waking up: its requests wait in the activator until a pod is ready"

    def test_what_could_not_be_woken_says_why_its_pod_was_not_ready(self) -> None:
        timed_out = autoscaler(OLD, 0, 0, Active=("False", "TimedOut", "The target could not be activated."))
        words = words_of(revision(OLD, 1), pod("a", OLD, ready=False), scaler=timed_out)
        assert words.startswith("could not be woken: no pod got ready in time (pod a: container queue-proxy runs, but")

    @pytest.mark.parametrize(
        ("reason", "message", "words"),
        [
            ("ContainerMissing", "Unable to fetch it", "its image is not found: Unable to fetch it"),
            ("ExitCode3", "Container failed with: no port", "its container ended with exit code 3: no port"),
            ("ImagePullBackOff", "Back-off pulling", "its image cannot be pulled: Back-off pulling"),
            ("ProgressDeadlineExceeded", "Initial scale was never achieved", "no pod of it got ready in time"),
            ("SomethingNew", "that nobody knew", "SomethingNew: that nobody knew"),
            ("Unschedulable", "0/3 nodes are available", "no node takes its pod: 0/3 nodes are available"),
        ],
    )
    @pytest.mark.parametrize("type_", ["ContainerHealthy", "ResourcesAvailable"])
    def test_not_ready(self, reason: str, message: str, words: str, type_: str) -> None:
        assert words_of(failing(reason, message, type_)) == words

    def test_a_failure_says_more_than_what_is_not_known_yet(self) -> None:
        told = revision(
            NEW,
            2,
            Ready=("False", "ExitCode1", "x"),
            ContainerHealthy=("False", "ExitCode1", "Container failed with: x"),
            ResourcesAvailable=("Unknown", "Deploying", ""),
        )
        assert words_of(told) == "its container ended with exit code 1: x"

    def test_on_its_way(self) -> None:
        told = revision(NEW, 2, Ready=("Unknown", "Deploying", ""), ResourcesAvailable=("Unknown", "Deploying", ""))
        assert words_of(told) == "it is being deployed"

    def test_a_change_that_nobody_has_looked_at_is_not_ready(self) -> None:
        told = revision(NEW, 2)
        told["metadata"]["generation"] = 2
        assert words_of(told) == "Knative has not looked at its latest change yet"

    def test_without_a_status_nothing_is_known(self) -> None:
        told = revision(NEW, 2)
        del told["status"]
        state = serving(revisions=[told]).revision(NEW)
        assert state
        assert state.ready is None


class TestTrouble:
    def test_a_new_revision_that_fails_leaves_the_traffic_where_it_was(self) -> None:
        broken = failing("ImagePullBackOff", "Back-off pulling image", "ResourcesAvailable")
        waits = ("Unknown", "RevisionMissing", 'Configuration "tides" is waiting for a Revision to become ready.')
        old = [{"revisionName": OLD, "percent": 100}]
        found = Found(
            service("tides", NEW, OLD), route("tides", old, AllTrafficAssigned=waits), [revision(OLD, 1), broken]
        )
        assert serving_of("tides", NAMESPACE, found).trouble == (
            "tides-00002 is not ready: its image cannot be pulled: Back-off pulling image. "
            "Traffic stays where it was: tides-00001 100 %.",
        )

    def test_a_first_revision_that_fails_has_nobody_to_stand_in(self) -> None:
        told = serving(created=NEW, ready="", traffic=[], revisions=[failing("ExitCode1", "Container failed with: x")])
        assert told.trouble[0].endswith("No other revision serves yet.")

    def test_a_revision_that_could_not_be_made_is_told(self) -> None:
        said = ("False", "RevisionFailed", "Revision creation failed with message: the name is taken.")
        found = Found(service("tides", OLD, OLD, ConfigurationsReady=said), route("tides", BOTH), [revision(OLD, 1)])
        assert "the name is taken" in serving_of("tides", NAMESPACE, found).trouble[0]

    def test_what_is_not_there_is_told(self) -> None:
        told = serving_of("tides", NAMESPACE, Found())
        assert repr(told) == "tides: no revision yet\nThere is no Knative Service tides in tidewater."


def test_it_is_printed_as_a_table() -> None:
    told = serving(
        revisions=[revision(OLD, 1), revision(NEW, 2)], autoscalers=[autoscaler(OLD, 2, 1)], pods=[pod("a", OLD)]
    )
    assert repr(told).splitlines() == [
        "revision     traffic  wanted  there   ready  tags  state",
        "tides-00002     20 %       -      -  0 of 0        ready",
        "tides-00001     80 %       2      1  1 of 1        ready",
    ]

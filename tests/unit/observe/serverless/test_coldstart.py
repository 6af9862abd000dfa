"""From moments to parts, and how far these can be trusted."""

from __future__ import annotations

import pytest
from tests.support.knative import pod

from wavetank.kube import Obj
from wavetank.observe.serverless.coldstart import (
    PARTS,
    ColdStart,
    ColdStarts,
    Moments,
    Seen,
    cold_start,
    moments_of,
    process_age,
)

MOMENTS = Moments(sent=10.0, created=10.2, scheduled=10.25, running=11.0, answered=11.2)
OWN = "tides-00001"


def stages(uid: str, *ats: float, name: str = "a") -> list[Seen]:
    """Return a pod as it is told of: made, scheduled, run."""
    told = (
        pod(name, OWN, node="", runs=False, ready=False),
        pod(name, OWN, runs=False, ready=False),
        pod(name, OWN, ready=False),
    )
    return [Seen(at, with_uid(one, uid)) for at, one in zip(ats, told, strict=False)]


def with_uid(obj: Obj, uid: str) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "uid": uid}}


class TestParts:
    def test_they_follow_one_another_and_are_the_whole(self) -> None:
        start = cold_start(MOMENTS)
        assert tuple(start.parts) == PARTS
        assert list(start.parts.values()) == pytest.approx([0.2, 0.05, 0.75, 0.2])
        assert start.whole == pytest.approx(1.2)
        assert start.disagreement == pytest.approx(0)

    def test_late_news_makes_them_more_than_the_whole_and_that_is_told(self) -> None:
        start = cold_start(Moments(sent=10.0, created=10.2, scheduled=10.25, running=11.5, answered=11.2))
        assert start.parts["first byte"] == 0
        assert start.disagreement == pytest.approx(0.3 / 1.2)

    def test_a_process_that_began_between_schedule_and_running_agrees(self) -> None:
        assert cold_start(MOMENTS, process=0.5).disagreement == pytest.approx(0)

    @pytest.mark.parametrize(("process", "apart"), [(0.08, 0.12), (1.07, 0.12)])
    def test_a_process_that_began_at_another_time_disagrees(self, process: float, apart: float) -> None:
        assert cold_start(MOMENTS, process).disagreement == pytest.approx(apart / 1.2)

    def test_one_is_told_in_words(self) -> None:
        assert str(cold_start(MOMENTS, 0.41)) == (
            "1200 ms: activator 200, schedule 50, container 750, first byte 200; its process had been up for 410 ms"
        )


class TestMoments:
    def test_each_is_when_it_was_first_told_of(self) -> None:
        seen = [*stages("1", 10.2, 10.25, 11.0), Seen(11.1, with_uid(pod("a", OWN), "1"))]
        assert moments_of(10.0, 11.2, seen) == MOMENTS

    def test_nothing_is_known_before_it_runs(self) -> None:
        assert moments_of(10.0, 11.2, stages("1", 10.2, 10.25)) is None
        assert moments_of(10.0, 11.2, []) is None

    def test_of_several_pods_it_is_the_one_that_ran_first(self) -> None:
        seen = [*stages("1", 10.1, 10.2, 12.0), *stages("2", 10.2, 10.25, 11.0, name="b")]
        assert moments_of(10.0, 11.2, sorted(seen, key=lambda one: one.at)) == MOMENTS

    def test_knatives_own_container_does_not_count(self) -> None:
        told = pod("a", OWN, ready=False)
        told["status"]["containerStatuses"][1]["state"] = {"waiting": {"reason": "PodInitializing"}}
        assert moments_of(10.0, 11.2, [Seen(10.2, with_uid(told, "1"))]) is None

    def test_an_application_of_several_containers_runs_when_all_do(self) -> None:
        told = pod("a", OWN, ready=False)
        told["status"]["containerStatuses"].append({"name": "second", "state": {"waiting": {}}})
        assert moments_of(10.0, 11.2, [Seen(10.2, with_uid(told, "1"))]) is None


@pytest.mark.parametrize(
    ("header", "age"),
    [
        ('instance;desc="a", request;desc="1", at-once;desc="1", start;dur=90, age;dur=400.5, handle;dur=12', 0.4125),
        ('request;desc="1", age;dur=7.0, handle;dur=0.0', 0.007),
        ('request;desc="2", age;dur=400.5, handle;dur=12', 0.4125),
        ('request;desc="1", storage;dur=7, handle;dur=1', None),
        ('request;desc="1"', None),
        ("", None),
    ],
)
def test_the_age_of_a_process_is_told_with_its_answer(header: str, age: float | None) -> None:
    assert process_age({"server-timing": header} if header else {}) == age


class TestSeveral:
    STARTS = ColdStarts(
        "tides",
        tuple(cold_start(Moments(0, 0.1, 0.2, 0.2 + seconds, 0.3 + seconds)) for seconds in (0.5, 0.9, 0.7)),
    )

    def test_percentiles_are_of_values_that_were_measured(self) -> None:
        assert self.STARTS.part("container").p50 == pytest.approx(0.7)
        assert self.STARTS.whole.p95 == pytest.approx(1.2)

    def test_shares_are_of_all_the_time(self) -> None:
        assert sum(map(self.STARTS.share, PARTS)) == pytest.approx(1)
        assert self.STARTS.share("container") == pytest.approx(2.1 / 3.0)

    def test_they_are_a_table_in_milliseconds(self) -> None:
        assert repr(self.STARTS).splitlines() == [
            "3 cold starts of tides",
            "ms           p50   p95  least  most  share",
            "activator    100   100    100   100    10%",
            "schedule     100   100    100   100    10%",
            "container    700   900    500   900    70%",
            "first byte   100   100    100   100    10%",
            "the whole   1000  1200    800  1200",
        ]

    def test_none_is_said_to_be_none(self) -> None:
        assert repr(ColdStarts("tides")) == "no cold start of tides measured yet"
        assert repr(ColdStarts("tides", (ColdStart(1.0, dict.fromkeys(PARTS, 0.25)),))).startswith("1 cold start of")

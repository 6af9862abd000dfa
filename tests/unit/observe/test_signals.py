"""The golden signals of an edge and of a workload, from what proxies have counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wavetank.observe.signals import Injected, Mtls, Signals, Span, arriving, leaving
from wavetank.observe.stats import Stats

NOTHING = Stats()


def span(before: Stats = NOTHING, after: Stats = NOTHING, since_start: Stats | None = None) -> Span:
    return Span(before, after, after if since_start is None else since_start)


def counted(pending: int = 0, active: int = 0, **counters: int) -> Stats:
    gauges = {"upstream_rq_pending_active": pending, "upstream_rq_active": active}
    return Stats(counters, gauges)


def signals_of(**counters: int) -> Signals:
    return leaving([span(after=counted(**counters))], [], 10)


def hung_up(resets: int, early: int = 0) -> list[Span]:
    """Return a connection manager that was hung up on so often, of which ``early`` after it had answered."""
    counters = {"downstream_rq_rx_reset": resets, "downstream_rq_response_before_rq_complete": early}
    return [span(after=Stats(counters))]


class TestLeaving:
    def test_rate_and_errors_are_of_all_pods_together(self) -> None:
        pods = [
            span(
                Stats({"upstream_rq_total": 100, "upstream_rq_completed": 100}, codes={"200": 100}),
                Stats({"upstream_rq_total": 140, "upstream_rq_completed": 140}, codes={"200": 130, "503": 10}),
            ),
            span(after=Stats({"upstream_rq_total": 10, "upstream_rq_completed": 10}, codes={"200": 10})),
        ]
        signals = leaving(pods, [], 5)
        assert (signals.requests, signals.rate, signals.errors, signals.error_share) == (50, 10, 10, 0.2)
        assert signals.codes == {"200": 40, "503": 10}

    def test_nothing_counted_is_no_error(self) -> None:
        signals = leaving([], [], 5)
        assert (signals.requests, signals.rate, signals.error_share, signals.percentile(50)) == (0, 0, 0, None)
        assert signals.mtls is None

    @pytest.mark.parametrize(
        ("counter", "flag"),
        [
            ("upstream_rq_timeout", "UT"),
            ("upstream_rq_per_try_timeout", "UT"),
            ("upstream_rq_pending_overflow", "UO"),
            ("upstream_rq_active_overflow", "UO"),
            ("upstream_rq_pending_failure_eject", "UF"),
            ("upstream_cx_none_healthy", "UH"),
            ("upstream_cx_destroy_remote_with_active_rq", "UC"),
            ("upstream_rq_rx_reset", "UR"),
            ("upstream_rq_retry_limit_exceeded", "URX"),
        ],
    )
    def test_what_happened_to_tries_has_envoys_flag(self, counter: str, flag: str) -> None:
        assert signals_of(upstream_rq_completed=3, **{counter: 3}).flags == {flag: 3}

    def test_a_retry_is_no_request_of_its_own(self) -> None:
        signals = signals_of(
            upstream_rq_total=626, upstream_rq_completed=506, upstream_rq_retry=120, upstream_rq_per_try_timeout=120
        )
        assert (signals.requests, signals.retries, signals.retry_rate, signals.given_up) == (506, 120, 12, 0)
        assert signals.flags == {"UT": 120}

    def test_a_refused_request_has_ended_without_ever_being_sent(self) -> None:
        signals = signals_of(upstream_rq_total=687, upstream_rq_pending_overflow=15, upstream_rq_completed=702)
        assert (signals.requests, signals.given_up) == (702, 0)

    def test_who_did_not_wait_has_failed_too(self) -> None:
        """As recorded: 115 requests of a load that waits 15 ms, of which 14 never got a connection."""
        told = counted(upstream_rq_total=101, upstream_rq_cancelled=14, upstream_rq_completed=4)
        signals = leaving([span(after=told)], hung_up(111), 10)
        assert (signals.requests, signals.given_up, signals.flags) == (115, 111, {"DC": 111})
        assert signals.errors == 111

    def test_a_request_under_way_is_not_given_up(self) -> None:
        before = counted(active=1, upstream_rq_total=10, upstream_rq_completed=9)
        after = counted(active=2, pending=1, upstream_rq_total=21, upstream_rq_completed=19)
        assert leaving([span(before, after)], hung_up(3), 1).requests == 10

    def test_who_hung_up_early_had_its_answer(self) -> None:
        """A number read a moment after another must not make somebody give up."""
        told = counted(upstream_rq_total=10, upstream_rq_completed=9)
        assert leaving([span(after=told)], hung_up(0), 1).given_up == 0
        assert leaving([span(after=told)], hung_up(6, early=6), 1).given_up == 0

    def test_aborted_requests_come_on_top_with_their_status(self) -> None:
        reached = Stats({"upstream_rq_total": 7, "upstream_rq_completed": 7}, codes={"201": 7})
        signals = leaving([span(after=reached)], [], 1, Injected(aborts=3, delays=2, status="503"))
        assert (signals.requests, signals.errors) == (10, 3)
        assert signals.codes == {"201": 7, "503": 3}
        assert signals.flags == {"FI": 3, "DI": 2}

    def test_a_pod_ejected_by_any_caller_is_told(self) -> None:
        ejecting = Stats({"upstream_rq_total": 1}, {"outlier_detection_ejections_active": 1})
        assert leaving([span(), span(after=ejecting)], [], 1).ejected == 1


class TestLatency:
    BUCKETS = {5.0: 0, 10.0: 50, 25.0: 90, 100.0: 98, float("inf"): 100}

    @pytest.mark.parametrize(("percent", "ms"), [(25, 7.5), (50, 10), (90, 25), (94, 62.5)])
    def test_percentiles_are_linear_inside_a_bucket(self, percent: float, ms: float) -> None:
        assert Signals(1, buckets=self.BUCKETS).percentile(percent) == pytest.approx(ms)

    def test_beyond_the_last_bound_it_is_the_last_bound(self) -> None:
        assert Signals(1, buckets=self.BUCKETS).percentile(99) == 100

    def test_latencies_are_those_of_the_interval_only(self) -> None:
        before = Stats({"upstream_rq_total": 100}, buckets={10.0: 100, 100.0: 100})
        after = Stats({"upstream_rq_total": 110}, buckets={10.0: 100, 100.0: 110})
        median = leaving([span(before, after)], [], 1).percentile(50)
        assert median == pytest.approx(55)


class TestMtls:
    @pytest.mark.parametrize(
        ("before", "after", "verdict"),
        [
            ((10, 10), (14, 14), Mtls.YES),
            ((10, 10), (14, 10), Mtls.NO),
            ((10, 10), (14, 12), Mtls.MIXED),
            ((10, 10), (10, 10), Mtls.YES),
            ((10, 0), (10, 0), Mtls.NO),
            ((10, 4), (10, 4), None),
        ],
    )
    def test_new_connections_decide_else_all_there_were_if_they_were_alike(
        self, before: tuple[int, int], after: tuple[int, int], verdict: Mtls | None
    ) -> None:
        first, last = (counted(upstream_cx_total=made, ssl_handshake=secure) for made, secure in (before, after))
        assert leaving([span(first, last)], [], 1).mtls is verdict

    def test_a_connection_still_being_made_is_not_taken_for_plaintext(self) -> None:
        after = counted(pending=1, upstream_cx_total=3, ssl_handshake=2)
        assert leaving([span(after=after)], [], 1).mtls is Mtls.YES

    @pytest.mark.parametrize("unborn", ["upstream_cx_connect_fail", "upstream_rq_cancelled"])
    def test_a_connection_that_never_came_about_is_not_either(self, unborn: str) -> None:
        assert signals_of(upstream_cx_total=3, ssl_handshake=2, **{unborn: 1}).mtls is Mtls.YES


class TestArriving:
    CAME = Stats(
        {
            "downstream_rq_total": 10,
            "downstream_rq_completed": 10,
            "downstream_cx_total": 2,
            "downstream_cx_ssl_total": 2,
        },
        codes={"2xx": 6, "4xx": 4},
    )
    REACHED = Stats({"upstream_rq_total": 7, "upstream_rq_completed": 7}, codes={"200": 6, "404": 1}, buckets={5.0: 7})

    def test_what_the_sidecar_turned_away_is_told_from_what_the_application_refused(self) -> None:
        signals = arriving([span(after=self.CAME)], [span(after=self.REACHED)], 1)
        assert (signals.requests, signals.turned_away, signals.errors) == (10, 3, 4)
        assert signals.codes == {"200": 6, "404": 1, "4xx": 3}

    def test_the_callee_knows_which_connections_were_encrypted(self) -> None:
        assert arriving([span(after=self.CAME)], [], 1).mtls is Mtls.YES
        plain = replace(self.CAME, counters={**self.CAME.counters, "downstream_cx_ssl_total": 1})
        assert arriving([span(after=plain)], [], 1).mtls is Mtls.MIXED

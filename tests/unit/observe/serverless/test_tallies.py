"""What became of ten events, as Knative Eventing's own handlers have counted them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavetank.observe.serverless.tallies import (
    Counts,
    Key,
    Ledger,
    came,
    counts_of,
    entered,
    overflown,
    since,
    tally_of,
)

SAID = (Path(__file__).parent / "recorded/eventing.prom").read_text()


def counts(trigger: str, *, dead_letters: bool = True) -> Counts:
    return counts_of(tally_of(SAID), trigger, f"default-{trigger}-uid", "tidewater", has_dead_letters=dead_letters)


class TestRecorded:
    """Eight of ten events were meant for each trigger; it had two retries."""

    def test_what_is_taken_is_delivered_and_the_rest_filtered(self) -> None:
        assert counts("good") == Counts(done=10, filtered=2, delivered=8)

    def test_what_is_taken_at_a_later_attempt_is_delivered_once(self) -> None:
        assert counts("flaky") == Counts(done=10, filtered=2, delivered=8, failures=3)

    def test_what_is_never_taken_is_a_dead_letter_after_every_attempt(self) -> None:
        assert counts("bad") == Counts(done=10, filtered=2, dead_lettered=8, failures=24)

    def test_nobody_listening_is_a_failure_like_another(self) -> None:
        assert counts("nobody") == Counts(done=10, filtered=2, dead_lettered=8, failures=24)

    def test_an_answer_that_is_no_event_is_a_failure_though_its_status_is_200(self) -> None:
        assert counts("chatty") == Counts(done=10, filtered=2, dead_lettered=8, failures=24)

    def test_without_a_dead_letter_sink_events_are_lost(self) -> None:
        assert counts("nodls", dead_letters=False) == Counts(done=10, filtered=2, lost=8, failures=24)

    def test_every_event_has_one_end(self) -> None:
        for trigger in ("good", "flaky", "bad", "nobody", "chatty"):
            assert counts(trigger).adds_up

    def test_the_sender_was_told_of_every_event_that_some_trigger_did_not_get_rid_of(self) -> None:
        assert came(tally_of(SAID), "default", "tidewater") == (10, 8)

    def test_another_broker_has_nothing(self) -> None:
        assert came(tally_of(SAID), "other", "tidewater") == (0, 0)
        assert counts_of(tally_of(SAID), "good", "other", "elsewhere", has_dead_letters=True) == Counts()


def test_events_on_their_way_make_counts_that_do_not_add_up() -> None:
    told = Counts(done=9, filtered=2, delivered=8)
    assert not told.adds_up
    assert "not of the same time" in str(told)


def test_events_that_are_not_told_apart_are_noticed() -> None:
    line = 'kn_eventing_dispatch_duration_seconds_count{otel_metric_overflow="true",otel_scope_name="x"} 5\n'
    assert overflown(tally_of(SAID + line))
    assert not overflown(tally_of(SAID))


class TestLedger:
    KEY = Key("done", "boarding.tidewater", 200)

    def after(self, *looks: dict[str, int]) -> Ledger:
        ledger = Ledger()
        for look in looks:
            ledger = entered(ledger, {uid: {self.KEY: count} for uid, count in look.items()})
        return ledger

    def test_what_several_pods_have_counted_is_added(self) -> None:
        assert self.after({"a": 5, "b": 7}, {"a": 6, "b": 7}).total == {self.KEY: 13}

    def test_a_pod_that_began_again_goes_on_with_its_total(self) -> None:
        assert self.after({"a": 5}, {"a": 2}, {"a": 3}).total == {self.KEY: 8}

    def test_a_pod_in_the_place_of_another_goes_on_too(self) -> None:
        assert self.after({"a": 5}, {}, {"b": 4}).total == {self.KEY: 9}

    def test_what_was_counted_between_two_looks_is_their_difference(self) -> None:
        then = self.after({"a": 5})
        assert since(then, entered(then, {"a": {self.KEY: 9}})) == {self.KEY: 4}


@pytest.mark.parametrize("text", ["", "# TYPE go_goroutine_count gauge\ngo_goroutine_count 17\n"])
def test_a_pod_that_has_counted_nothing_says_nothing(text: str) -> None:
    assert tally_of(text) == {}

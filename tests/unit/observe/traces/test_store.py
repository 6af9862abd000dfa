"""What the collector keeps and lets go of: never more than its bounds, never half a trace, and all of it counted."""

from __future__ import annotations

from collections.abc import Iterator

from wavetank.observe.traces import Query, Span
from wavetank.observe.traces.store import Store


def spans(*ids: str) -> Iterator[Span]:
    """Yield a span for each trace id given, each a second after the one before."""
    yield from (Span(id_, f"{number}", number * 1_000_000, 1000) for number, id_ in enumerate(ids))


def held(store: Store) -> list[str]:
    return [trace[0].trace_id for trace in store.find(Query())]


def test_spans_of_one_trace_come_together_however_they_arrive() -> None:
    store = Store()
    store.add(spans("a", "b", "a"))
    store.add(spans("b"))
    assert [len(store.get(id_)) for id_ in ("a", "b", "c")] == [2, 2, 0]


def test_the_oldest_trace_goes_whole_when_there_are_too_many_spans() -> None:
    store = Store(max_spans=4)
    store.add(spans("a", "a", "b", "b"))
    assert held(store) == ["b", "a"]
    store.add(spans("b"))
    assert held(store) == ["b"]
    stats = store.stats()
    assert (stats.received, stats.dropped, stats.spans, stats.traces) == (5, 2, 3, 1)


def test_the_oldest_trace_goes_when_there_are_too_many_traces() -> None:
    store = Store(max_traces=2)
    store.add(spans("a", "b", "c", "d"))
    assert held(store) == ["d", "c"]
    assert store.stats().dropped == 2


def test_a_trace_without_an_end_does_not_empty_the_others() -> None:
    store = Store(max_spans=100, max_spans_of_a_trace=3)
    store.add(spans("a", *["b"] * 1000))
    assert held(store) == ["b", "a"]
    assert len(store.get("b")) == 3
    assert store.stats().dropped == 997


def test_every_span_received_is_held_or_dropped() -> None:
    store = Store(max_spans=50, max_traces=7, max_spans_of_a_trace=9)
    for round_ in range(40):
        store.add(spans(*(f"{(round_ * number) % 23}" for number in range(10))))
        stats = store.stats()
        assert stats.received == stats.spans + stats.dropped == (round_ + 1) * 10
        assert stats.spans <= 50
        assert stats.traces <= 7


def test_what_was_refused_is_counted_with_the_last_reason() -> None:
    store = Store()
    store.refuse(["span 1 of 2: no id", "span 2 of 2: no timestamp"])
    store.refuse([])
    assert (store.stats().refused, store.stats().refusal) == (2, "span 2 of 2: no timestamp")


def test_the_counts_are_told_in_words() -> None:
    store = Store(max_spans=2)
    store.add(spans("a", "b"))
    assert str(store.stats()) == "2 spans received; 2 held, in 2 traces"
    store.add(spans("c"))
    store.refuse(["span 1 of 1: no id"])
    assert str(store.stats()) == (
        "3 spans received; 2 held, in 2 traces; 1 let go of, the oldest first, because there is room for 2 spans "
        "in 5000 traces; 1 refused, the last because: span 1 of 1: no id"
    )

"""EventView: a broker's triggers, and what became of each event: filtered, delivered, tried again, a dead letter."""

from __future__ import annotations

from wavetank.observe.serverless import BrokerState, Counts, TriggerState, watch_events
from wavetank.widgets.controls import button, row
from wavetank.widgets.looking import LookFeed
from wavetank.widgets.markup import NOTHING, Html, Markup, html
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.stack import stack, stack_key
from wavetank.widgets.style import facts, mark, note, table
from wavetank.widgets.view import LiveView, Place

__all__ = ["EventView"]

_ENDS = ("delivered", "filtered", "dead letter", "lost")


class EventView(LiveView):
    """The broker called ``broker``, live. In a terminal: `wavetank.observe.serverless.watch_events`."""

    def __init__(self, place: Place, broker: str) -> None:
        super().__init__("Events", f"broker {broker}")
        self._events = watch_events(place.kube, place.namespace, broker)
        self._feed = self.following(LookFeed(place.kube, lambda _: self._events.look(), self.touch))
        self._about, self._counts, self._triggers = Html(), Html(), Html()
        self._again = button("Count from here", self._press_again, explained="begin every count at 0")
        self.body.children = (self._about, row(self._again), self._counts, self._triggers)

    @property
    def picture(self) -> BrokerState | None:
        """The model: what the view knows now; None before the first look."""
        return self._feed.latest

    def text(self) -> str:
        """Return the broker and its triggers as a table."""
        return repr(self.picture or "not looked at yet")

    def draw(self) -> None:
        """Show the latest look."""
        broker = self._feed.latest
        if broker is None:
            self.tell("looking")
            return
        self.tell(broker.counted or "not counted")
        self._about.value = _about(broker)
        self._counts.value = _counts(broker)
        self._triggers.value = _triggers(broker)

    def notice(self) -> str:
        """Return why the last look saw nothing."""
        return self._feed.trouble

    def _press_again(self) -> None:
        self.in_background(self._count_again, busy=[self._again])

    def _count_again(self) -> None:
        self._events.mark()
        self.touch()


def _about(broker: BrokerState) -> Markup:
    tone = {True: Tone.GOOD, False: Tone.BAD, None: Tone.BUSY}[broker.ready]
    state = html("<p>{}{}</p>", mark(tone), f"broker {broker.name}: {broker.words}")
    untold = broker.came is None and broker.url
    words = "Knative Eventing does not tell what it counts: is metrics-protocol prometheus in its config-observability?"
    return state + facts([("address", broker.url)] if broker.url else []) + (note(words) if untold else "")


def _counts(broker: BrokerState) -> Markup:
    counted = [(trigger.name, trigger.counts) for trigger in broker.triggers if trigger.counts]
    if not counted:
        return NOTHING
    most = max(counts.done for _, counts in counted)
    rows = [_row(name, counts, most) for name, counts in counted]
    head = ("trigger", "", "events", *_ENDS, "failed attempts")
    shown = table(head, rows, caption="what became of the events", words=(1,))
    apart = [name for name, counts in counted if not counts.adds_up]
    words = f"The ends of {', '.join(apart)} do not add up just now: events are on their way, or a pod began anew."
    return html("<h5>What became of the events</h5>{}{}", stack_key(_ENDS), shown) + (note(words) if apart else "")


def _row(name: str, counts: Counts, most: int) -> tuple[str, ...]:
    ends = (counts.delivered, counts.filtered, counts.dead_lettered, counts.lost)
    numbers = (counts.done, *ends, counts.failures)
    return (name, stack(ends, most), *(f"{count}" for count in numbers))


def _triggers(broker: BrokerState) -> Markup:
    if not broker.triggers:
        return note("No trigger: nobody gets its events.") if broker.ready is not None else NOTHING
    head = ("trigger", "wants", "sends to", "after a failure", "dead letters to", "how it is")
    shown = table(head, map(_trigger, broker.triggers), caption="triggers", words=range(1, 6))
    return html(
        '<h5>Triggers</h5><div class="wt-scroll" tabindex="0" role="group" aria-label="triggers">{}</div>', shown
    )


def _trigger(trigger: TriggerState) -> tuple[str, ...]:
    tone = {True: Tone.GOOD, False: Tone.BAD, None: Tone.BUSY}[trigger.ready]
    words = (trigger.wants, trigger.subscriber, trigger.retries, trigger.dead_letters or "nowhere", trigger.words)
    return (html("{}{}", mark(tone), trigger.name), *words)

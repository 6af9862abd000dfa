"""RevisionView: a Knative Service's revisions and their traffic, its autoscaler over time, and cold starts measured."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from wavetank.cluster.spec import Ports
from wavetank.errors import NotSupportedError
from wavetank.observe.serverless import (
    PARTS,
    ColdStarts,
    Figures,
    RevisionState,
    Serving,
    figures,
    look,
    read_windows,
    samples,
)
from wavetank.observe.serverless.measuring import MOST
from wavetank.widgets.charts import TimeChart, key
from wavetank.widgets.controls import button, number, row
from wavetank.widgets.looking import LookFeed
from wavetank.widgets.markup import NOTHING, Html, Markup, html, joined
from wavetank.widgets.models.revisions import RevisionPicture, RevisionSample, after, busiest, tone
from wavetank.widgets.stack import stack, stack_key
from wavetank.widgets.style import bar, facts, mark, note, table
from wavetank.widgets.view import LiveView, Place

__all__ = ["RevisionView"]

_GATEWAY = f"http://127.0.0.1:{Ports().gateway}"


class RevisionView(LiveView):
    """The Knative Service called ``service``, live, and the means to measure its cold starts through ``gateway``.

    In a terminal: `wavetank.observe.serverless.look` and `samples`.
    """

    def __init__(self, place: Place, service: str, *, gateway: str = _GATEWAY, path: str = "/") -> None:
        super().__init__("Revisions", f"service {service}")
        self._kube, self._namespace, self._service = place.kube, place.namespace, service
        self._gateway, self._path = gateway, path
        self._feed = self.following(LookFeed(place.kube, self._look, self.touch))
        self.cold_starts = ColdStarts(service)
        """The cold starts that were measured here, in seconds."""
        self._halt, self._measuring = threading.Event(), False
        self._revisions, self._words, self._bars = Html(), Html(), Html()
        self._pods = TimeChart("Pods", lines=2, steps=True)
        self._load = TimeChart("What the autoscaler sees", lines=3, steps=True)
        self._count = number("cold starts", 3, 1, MOST)
        self._measure = button(
            "Measure",
            self._press_measure,
            css="wt-primary",
            explained="wait until it is at zero, and send a request",
        )
        self._stop = button("Stop", self._halt.set, explained="end with the one under way")
        controls = row(self._count, self._measure, self._stop)
        self.body.children = (self._revisions, self._words, self._pods.box, self._load.box, controls, self._bars)

    @property
    def picture(self) -> RevisionPicture | None:
        """The model: what the view knows now; None before the first look."""
        return self._feed.latest

    def text(self) -> str:
        """Return the service in words, and the cold starts that were measured."""
        picture = self.picture
        told = picture.text() if picture else "not looked at yet"
        return f"{told}\n{self.cold_starts}" if self.cold_starts.starts else told

    def draw(self) -> None:
        """Show the latest picture and the cold starts so far."""
        self._stop.disabled = not self._measuring
        self._bars.value = _cold_starts(self.cold_starts)
        picture = self._feed.latest
        if picture is None:
            self.tell("looking")
            return
        latest = picture.samples[-1]
        measuring = f"; measuring: {len(self.cold_starts.starts)} cold starts" if self._measuring else ""
        plural = "" if latest.there == 1 else "s"
        self.tell(f"{latest.there} pod{plural} ready, {latest.wanted} wanted{measuring}")
        self._revisions.value = _revisions(picture.serving)
        self._words.value = joined(map(note, picture.serving.trouble)) + note(picture.untold)
        seconds = [(sample.at - picture.samples[0].at).total_seconds() for sample in picture.samples]
        lines = [[float(sample.there) for sample in picture.samples], [float(one.wanted) for one in picture.samples]]
        self._pods.show(seconds, lines, numbers=_pods(picture))
        self._load.show(seconds, _seen(picture.samples), numbers=_figures(picture))

    def notice(self) -> str:
        """Return why the last look saw nothing."""
        return self._feed.trouble

    def _look(self, before: RevisionPicture | None) -> RevisionPicture:
        serving, told, untold = look(self._kube, self._namespace, self._service), dict[str, Figures](), ""
        try:
            told = figures(self._kube, self._namespace)
        except NotSupportedError as error:
            untold = error.summary
        revision = busiest(serving)
        windows = read_windows(self._kube, self._namespace, revision.name) if revision else None
        return after(before, datetime.now(UTC), serving, told, windows, untold)

    def _press_measure(self) -> None:
        self.cold_starts = ColdStarts(self._service)
        self._halt.clear()
        self._measuring = True
        self.in_background(self._do_measure, busy=[self._measure])

    def _do_measure(self) -> None:
        where = (self._kube, self._namespace, self._service, self._gateway, self._path)
        try:
            samples(*where, count=int(self._count.value), report=self._take, stop=self._halt)
        finally:
            self._measuring = False
            self.touch()

    def _take(self, starts: ColdStarts) -> None:
        self.cold_starts = starts
        self.touch()

    def _end(self) -> None:
        self._halt.set()  # the cold start under way is the last one
        super()._end()


def _revisions(serving: Serving) -> Markup:
    head = ("revision", "traffic", "wanted", "there", "ready", "may have", "at once", "tags", "how it is")
    rows = [_row(revision) for revision in serving.revisions]
    shown = table(head, rows, caption="revisions, newest first", words=(1, 7, 8))
    where = facts([("address", serving.url)]) if serving.url else ""
    return html('{}<div class="wt-scroll" tabindex="0" role="group" aria-label="revisions">{}</div>', where, shown)


def _row(revision: RevisionState) -> tuple[str, ...]:
    tags = joined((html("{}: {}", tag.name, tag.url) for tag in revision.tags), html("<br>"))
    bounds = f"{revision.least} to {revision.most}" if revision.most else f"{revision.least} or more"
    return (
        html("{}{}", mark(tone(revision)), revision.name),
        bar(revision.percent / 100, f"{revision.percent} %"),
        *("-" if pods is None else f"{pods}" for pods in (revision.wanted, revision.actual)),
        f"{revision.ready_pods} of {revision.pods}",
        bounds,
        f"{revision.concurrency}" if revision.concurrency else "any number",
        tags or "-",
        revision.words,
    )


def _pods(picture: RevisionPicture) -> Markup:
    latest = picture.samples[-1]
    rows = [(key(0, "ready"), f"{latest.there}"), (key(1, "wanted"), f"{latest.wanted}")]
    return table(("", "pods"), rows, caption="pods of all revisions")


def _figures(picture: RevisionPicture) -> Markup:
    seen = picture.seen
    unit = "at once" if seen.metric == "concurrency" else "a second"
    windows = picture.windows
    stable, panic = (f" ({seconds:g} s)" for seconds in (windows.stable, windows.panic)) if windows else ("", "")
    rows = [
        (key(0, f"stable window{stable}"), _told(seen.stable)),
        (key(1, f"panic window{panic}"), _told(seen.panic)),
        (key(2, "target for one pod"), _told(seen.target)),
        ("mode", "panic" if seen.panicking else "calm"),
        ("held by the activator", f"{seen.queued}"),
    ]
    return table(("", f"requests {unit}"), rows, caption="what the autoscaler sees")


def _seen(over_time: Sequence[RevisionSample]) -> list[list[float]]:
    """Return the three lines of the autoscaler's chart; there is a gap where it has not said anything."""
    lines = zip(*((sample.stable, sample.panic, sample.target) for sample in over_time), strict=True)
    return [[math.nan if value is None else value for value in line] for line in lines]


def _told(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.1f}"


def _cold_starts(measured: ColdStarts) -> Markup:
    if not measured.starts:
        return NOTHING
    longest = max(sum(start.parts.values()) for start in measured.starts)
    rows = []
    for count, start in enumerate(measured.starts, 1):
        parts = [start.parts[name] for name in PARTS]
        process = "-" if start.process is None else _ms(start.process)
        rows.append((f"{count}", stack(parts, longest), *map(_ms, (*parts, start.whole)), process))
    for name, field in (("p50", "p50"), ("p95", "p95")):
        spreads = [*map(measured.part, PARTS), measured.whole]
        rows.append((name, "", *(_ms(getattr(spread, field)) for spread in spreads), ""))
    head = ("ms", "", *PARTS, "the whole", "its process was up")
    shown = table(head, rows, caption="cold starts in milliseconds", words=(1,))
    return html("<h5>Cold starts, taken apart</h5>{}{}", stack_key(PARTS), shown)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"

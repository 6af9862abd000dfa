"""FaultPanel: the catalogue of faults, those that are on with their time left, revert, and the emergency stop."""

from __future__ import annotations

import time
from collections.abc import Sequence

import ipywidgets as ipw

from wavetank.faults import CATALOGUE, FaultRun, FaultStatus, Kind, Target, emergency_stop, inject
from wavetank.faults.resource import MAX_DURATION
from wavetank.widgets.controls import button, choice, number, row
from wavetank.widgets.feed import Feed, Watched
from wavetank.widgets.markup import Html, Markup, html, visible
from wavetank.widgets.models.faults import FaultBoard, after, fault_for
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.shells import answers_while_busy
from wavetank.widgets.style import announced, facts, mark
from wavetank.widgets.view import LiveView, Place

__all__ = ["FaultPanel"]

_TONES = {"Pending": Tone.BUSY, "Active": Tone.WARN}

_ONLY_WHEN_IDLE = html(
    "While a cell runs, this kernel answers no click: <code>wavetank fault stop-all</code> in a terminal stops at once."
)


class FaultPanel(LiveView):
    """The faults of the lab's namespace, whoever injected them, and a form that injects another."""

    def __init__(self, place: Place) -> None:
        namespace = place.namespace
        super().__init__("Faults", f"namespace {namespace}")
        self._kube, self._namespace = place.kube, namespace
        kinds = [Watched(kind, namespace) for kind in ("Fault", "Deployment", "Service")]
        self._feed = self.following(Feed(place.kube, [*kinds, Watched("Node")], FaultBoard(), after, self.touch))
        self._stop = button(
            "Emergency stop", self._press_stop, css="wt-stop", explained="end every load and every fault"
        )
        self._stopped = Html("" if answers_while_busy() else _ONLY_WHEN_IDLE)
        self._kind = choice("fault", list(CATALOGUE), "pod-kill", width="240px")
        self._target = choice("at", [], width="260px")
        self._seconds = number("seconds", 30, 1, MAX_DURATION)
        self._inject = button("Inject", self._press_inject, css="wt-primary", explained="inject this fault")
        self._inject.disabled = True  # until there is something to aim at
        self._about, self._parameters = Html(), row()
        self._kind.observe(lambda _: self._describe(), "value")
        self._rows: dict[str, _Row] = {}
        self._active = ipw.VBox()
        self._none = Html(html('<span class="wt-dim">none</span>'))
        self.body.children = (
            row(self._stop, self._stopped),
            row(self._kind, self._target, self._seconds, self._inject),
            self._parameters,
            self._about,
            Html(html("<h5>Faults that are on</h5>")),
            self._active,
        )
        self._describe()

    def text(self) -> str:
        """Return the active faults in words."""
        return self._feed.picture.text()

    def draw(self) -> None:
        """Show what is on, and what there is to aim at."""
        board = self._feed.picture
        self.tell(f"{len(board.active)} on" if board.active else "no active fault")
        self._offer(board.targets(self._kind.value))
        self._show(board.active)

    def _describe(self) -> None:
        """Explain the chosen kind, and ask for its parameters."""
        kind = CATALOGUE[self._kind.value]
        self._about.value = _about(kind)
        self._parameters.children = [
            number(f"{p.words} ({p.unit})", p.default, p.least, p.most, whole=p.whole) for p in kind.parameters
        ]
        self.touch()

    def _offer(self, targets: Sequence[Target]) -> None:
        """Let the learner choose among ``targets``; the one chosen stays chosen."""
        offered = [(visible(str(target)), target) for target in targets]
        if list(self._target.options) != offered:
            chosen = self._target.value
            with self._target.hold_sync():
                self._target.options = offered
                self._target.value = chosen if chosen in targets else (targets[0] if targets else None)
            self._inject.disabled = not offered

    def _show(self, active: Sequence[FaultStatus]) -> None:
        """Give each active fault a line; lines that stay are written anew, so that the focus on a button stays too."""
        for fault in active:
            if fault.name not in self._rows:
                self._rows[fault.name] = _Row(fault.name, self)
            self._rows[fault.name].write(fault)
        children = tuple(self._rows[fault.name].box for fault in active) or (self._none,)
        if self._active.children != children:
            self._active.children = children

    def _press_inject(self) -> None:
        names = [parameter.name for parameter in CATALOGUE[self._kind.value].parameters]
        given = {name: field.value for name, field in zip(names, self._parameters.children, strict=True)}
        kind, target, seconds = self._kind.value, self._target.value, float(self._seconds.value)
        self.in_background(
            lambda: inject(self._kube, fault_for(kind, target, seconds, given), self._namespace), busy=[self._inject]
        )

    def revert(self, fault: str, pressed: ipw.Button) -> None:
        """End the fault of that name now."""
        self.in_background(FaultRun(self._kube, fault, self._namespace).stop, busy=[pressed])

    def _press_stop(self) -> None:
        self.in_background(self._stop_everything, busy=[self._stop])

    def _stop_everything(self) -> None:
        began = time.monotonic()
        self._stopped.value = announced("ending every load and fault ...")
        try:
            ended = emergency_stop(self._kube)
        except BaseException:
            self._stopped.value = ""
            raise
        seconds = time.monotonic() - began
        what = ", ".join(map(str, ended)) or "there was nothing to end"
        self._stopped.value = announced(f"Stopped in {seconds:.1f} s: {what}")


class _Row:
    """One active fault's line: what it is, how long it lasts yet, and the button that reverts it."""

    def __init__(self, fault: str, panel: FaultPanel) -> None:
        self._words = Html(layout=ipw.Layout(flex="1 1 420px"))
        self._button = button("Revert", lambda: panel.revert(fault, self._button), explained=f"revert {fault} now")
        self.box = row(self._words, self._button)

    def write(self, fault: FaultStatus) -> None:
        """Bring the line up to date."""
        affected = html(' <span class="wt-dim">affects {}</span>', ", ".join(fault.affected)) if fault.affected else ""
        left = f"{fault.time_left():.0f} s left" if fault.ends_at else "begins"
        self._words.value = html(
            "{}<b>{}</b> at {}, {}, <b>{}</b>{}",
            mark(_TONES.get(fault.phase, Tone.WARN)),
            fault.kind,
            fault.target,
            fault.phase.lower(),
            left,
            affected,
        )


def _about(kind: Kind) -> Markup:
    return facts((("does", kind.does), ("watch", kind.watch), ("reverts", kind.reverts)))

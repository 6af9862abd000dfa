"""LoadDesk: the latest load of a namespace, whoever started it, read as it runs, with what happened meanwhile.

The panel shows it; a terminal and a test call the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from wavetank.errors import WavetankError
from wavetank.kube import Kube
from wavetank.traffic import Load, LoadRun, LoadSeries, LoadStatus, start_load
from wavetank.widgets.feed import Feed, Watched
from wavetank.widgets.models.timeline import Timeline, after

__all__ = ["LoadDesk"]


class LoadDesk:
    """Starts and stops loads in ``namespace`` and follows the latest. ``on_change`` is called from its threads."""

    def __init__(self, kube: Kube, namespace: str, on_change: Callable[[], None]) -> None:
        self._kube, self._namespace, self._on_change = kube, namespace, on_change
        watched = [Watched(kind, namespace) for kind in ("Load", "Fault", "Deployment")]
        self._feed = Feed(kube, watched, Timeline(), after, self._take_up)
        self._lock = threading.Lock()
        self._uid, self._marked = "", 0
        self._leave = threading.Event()
        self.series = LoadSeries()
        self.trouble = ""
        """What went wrong while the load was followed, in words; empty when nothing did."""

    @property
    def status(self) -> LoadStatus | None:
        """The latest load as the cluster last reported it; None when there was none yet."""
        load = self._feed.picture.latest_load
        return LoadStatus.from_resource(load) if load else None

    def begin(self, load: Load) -> None:
        """Start ``load`` in the cluster; see `wavetank.traffic.start_load`."""
        start_load(self._kube, load, self._namespace)

    def stop(self) -> None:
        """End the latest load now."""
        if status := self.status:
            LoadRun(self._kube, status.name, self._namespace).stop()

    def lost_for(self) -> float | None:
        """Return for how many seconds the API server has not answered; None while it does."""
        return self._feed.lost_for()

    def start(self) -> None:
        """Begin to follow whatever load there is."""
        self._feed.start()

    def close(self) -> None:
        """Stop following, at once; a running load goes on."""
        self._feed.close()
        self._leave.set()

    def _take_up(self) -> None:
        """Turn to the latest load if it is another one, and put what is new on its time line."""
        try:
            timeline = self._feed.picture
        except Exception:  # what the reducer has raised: the view asks for the picture too, and tells it
            self._on_change()
            return
        with self._lock:
            load = timeline.latest_load
            if load and load["metadata"]["uid"] != self._uid:
                self._turn_to(LoadRun(self._kube, load["metadata"]["name"], self._namespace), load["metadata"]["uid"])
            for event in timeline.events[self._marked :]:
                self.series.mark(event.kind, event.text, event.at)
            self._marked = len(timeline.events)
        self._on_change()

    def _turn_to(self, run: LoadRun, uid: str) -> None:
        self._leave.set()
        self._leave, self.series, self.trouble = threading.Event(), LoadSeries(), ""
        self._uid, self._marked = uid, 0
        read = threading.Thread(target=self._read, args=(run, self.series, self._leave), daemon=True)
        read.start()

    def _read(self, run: LoadRun, series: LoadSeries, leave: threading.Event) -> None:
        def say(trouble: str) -> None:
            if not leave.is_set():
                self.trouble = trouble
                self._on_change()

        try:
            for second in run.follow(leave, say):
                series.add(second)
                self._on_change()
        except WavetankError as error:
            say(str(error))

"""What every view is made of: a heading, a line of trouble, a body - and, when it is live, one thread that draws.

A `LiveView` never draws where something happened. Whoever changes its model calls `touch`, from any thread, and goes
on; the view's own thread then draws the latest state. However fast the model changes, the page gets at most
`DRAWS_PER_SECOND` pictures, nothing queues up, and the kernel's main thread is never part of it.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import ipywidgets as ipw
from IPython import get_ipython

from wavetank.errors import KubeError, WavetankError
from wavetank.kube import Kube
from wavetank.widgets.markup import Html, html, style_sheet, visible
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import note

__all__ = ["DRAWS_PER_SECOND", "LiveView", "Place", "View"]

DRAWS_PER_SECOND = 4
_CLOCK = 1.0
"""Seconds between draws when nothing happens: clocks and times left go on."""


class Place(Protocol):
    """Where a view looks: a cluster and a namespace in it. An open lab is one."""

    @property
    def kube(self) -> Kube:
        """The cluster's API."""
        ...

    @property
    def namespace(self) -> str:
        """The namespace everything happens in."""
        ...


class Source(Protocol):
    """What keeps a live view's model up to date, on threads of its own."""

    def start(self) -> None:
        """Begin."""
        ...

    def close(self) -> None:
        """End, at once."""
        ...

    def lost_for(self) -> float | None:
        """Return for how many seconds the API server has not answered; None while it does."""
        ...


_S = TypeVar("_S", bound=Source)


class View(ABC):
    """A titled box for a notebook; in a terminal and in nbval it is its `text`."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        self._title, self._subtitle = title, subtitle
        self._heading, self._notice, self._trouble = Html(), Html(), Html()
        self.body = ipw.VBox()
        self.widget = ipw.VBox([Html(style_sheet()), self._heading, self._notice, self._trouble, self.body])
        self.widget.add_class("wt")
        self.tell("")

    @abstractmethod
    def text(self) -> str:
        """Return what the view shows, in words: the same for the same model, whenever it is asked."""

    def tell(self, status: str) -> None:
        """Show ``status`` in the heading, where a screen reader announces it when it is free."""
        subtitle = html('<span class="wt-sub">{}</span>', self._subtitle) if self._subtitle else ""
        self._heading.value = html(
            '<div class="wt-head"><span class="wt-title" role="heading" aria-level="3">{}</span>{}'
            '<span class="wt-status" role="status" aria-live="polite">{}</span></div>',
            self._title,
            subtitle,
            status,
        )

    def complain(self, trouble: str) -> None:
        """Show ``trouble`` under the heading until the next complaint; an empty string takes it away."""
        self._trouble.value = html('<div role="alert">{}</div>', note(trouble, Tone.BAD)) if trouble else ""

    def in_background(self, work: Callable[[], object], *, busy: Sequence[ipw.Button] = ()) -> threading.Thread:
        """Do ``work`` on a thread of its own, the buttons in ``busy`` disabled meanwhile; an error becomes a complaint.

        Every button's callback ends here, so that the kernel stays free for the next cell and the next click.
        """
        for button in busy:
            button.disabled = True
        thread = threading.Thread(target=self._work, args=(work, busy), daemon=True, name=f"{self._title}: action")
        thread.start()
        return thread

    def close(self) -> None:
        """Take the view off the page; its model stays."""
        _close(self.widget)

    def _work(self, work: Callable[[], object], busy: Sequence[ipw.Button]) -> None:
        self.complain("")
        try:
            work()
        except WavetankError as error:
            self.complain(str(error))
        except Exception as error:  # a thread has nobody to raise to: the page is where it can be read
            self.complain(f"{type(error).__name__}: {error}")
        finally:
            for button in busy:
                button.disabled = False

    def __repr__(self) -> str:
        return visible(self.text())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**(self.widget._repr_mimebundle_() or {}), "text/plain": self._text_or_trouble()}

    def _text_or_trouble(self) -> str:
        """Return the text; a cluster that is away must not keep the view from the page, where it will come back."""
        try:
            return repr(self)
        except KubeError as error:
            return visible(str(error))


class LiveView(View):
    """A view whose picture follows its model. Subclasses say how to `draw`; it begins when it is first shown."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        super().__init__(title, subtitle)
        self._touched, self._closed = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._source: Source | None = None
        _open_views.add(self)

    @abstractmethod
    def draw(self) -> None:
        """Bring the widgets up to the model's latest state. Called in the view's thread, never twice at once."""

    def notice(self) -> str:
        """Return what is wrong with what is drawn, in words; empty when nothing is."""
        return ""

    def following(self, source: _S) -> _S:
        """Have ``source`` begin and end with this view; return it."""
        self._source = source
        return source

    def touch(self) -> None:
        """Say that the model changed. Cheap, from any thread; many touches before a draw are one."""
        self._touched.set()

    def start(self) -> None:
        """Begin to follow the model; done by itself when the view is displayed."""
        if self._thread is None and not self._closed.is_set():
            if self._source:
                self._source.start()
            self._thread = threading.Thread(target=self._run, daemon=True, name=f"{self._title}: view")
            self._thread.start()

    def close(self) -> None:
        """Stop following, at once, and take the view off the page; what runs in the cluster goes on."""
        self._end()
        super().close()

    def _end(self) -> None:
        self._closed.set()
        self._touched.set()
        if self._source:
            self._source.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._touched.clear()
            self._draw_once()
            self._closed.wait(1 / DRAWS_PER_SECOND)
            self._touched.wait(_CLOCK - 1 / DRAWS_PER_SECOND)

    def _draw_once(self) -> None:
        lost = self._source.lost_for() if self._source else None
        try:
            self.draw()
            notice = self.notice()
        except Exception as error:  # a thread has nobody to raise to: the page is where it can be read
            notice = f"This view could not be drawn: {type(error).__name__}: {error}"
        if lost is not None:
            notice = f"The API server does not answer since {lost:.0f} s; what is below is older."
        self._notice.value = note(notice)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**options)
        self._take_place_of_predecessor()
        self.start()
        return bundle

    def _take_place_of_predecessor(self) -> None:
        """Close the view that an earlier run of the same cell has shown: its output is gone, its threads should be."""
        place = (_cell(), self._title, self._subtitle)
        before = _shown.get(place)
        if place[0] and before is not None and before is not self:
            before.close()
        _shown[place] = self


_open_views: weakref.WeakSet[LiveView] = weakref.WeakSet()
_shown: weakref.WeakValueDictionary[tuple[str, str, str], LiveView] = weakref.WeakValueDictionary()


@atexit.register
def _stop_drawing() -> None:
    """Let no thread draw into a kernel that is going down."""
    for view in list(_open_views):
        view._end()


def _cell() -> str:
    """Return the id of the cell that runs now, as the front end gave it; empty where there is none."""
    kernel = getattr(get_ipython(), "kernel", None)
    return str(kernel.get_parent().get("metadata", {}).get("cellId", "")) if kernel else ""


def _close(widget: ipw.Widget) -> None:
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()

"""Certificates: who each pod is in the mesh, until when, and who speaks with whom under mutual TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from wavetank.observe.identity import Held, identities
from wavetank.widgets.controls import button, row
from wavetank.widgets.markup import NOTHING, Html, Markup, html
from wavetank.widgets.models.certificates import CertificatesPicture, Talk, expires, issuer
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import announced, mark, table
from wavetank.widgets.view import LiveView, Place

__all__ = ["Certificates", "Talks"]

Talks = Callable[[], Iterable[tuple[str, str, bool | None]]]
"""Returns who has spoken to whom, and whether with mutual TLS (None: not known)."""


def _nobody() -> Iterable[tuple[str, str, bool | None]]:
    """Tell of nobody."""
    return ()


class Certificates(LiveView):
    """The certificates of the namespace's pods, read when the view is shown and on demand; their time left goes on.

    ``talks`` is asked at the same time. In a terminal: `wavetank.observe.identity.identities`.
    """

    def __init__(self, place: Place, talks: Talks = _nobody) -> None:
        super().__init__("Certificates", f"namespace {place.namespace}")
        self._place, self._talks = place, talks
        self._picture: CertificatesPicture | None = None
        self._again = button("Read again", self._press_again, explained="ask every sidecar again")
        self._said, self._held, self._spoken = Html(), Html(), Html()
        self.body.children = (self._held, self._spoken, row(self._again, self._said))

    def text(self) -> str:
        """Return who there is and who speaks to whom, in words; one look while the view is not shown."""
        if self._picture is None or self._thread is None:
            self._picture = self._look()
        return self._picture.text()

    def start(self) -> None:
        """Begin: read for the first time, and let the clocks run."""
        super().start()
        if self._picture is None:
            self._press_again()

    def draw(self) -> None:
        """Show what was read last, and how much time is left by now."""
        if picture := self._picture:
            now = datetime.now(UTC)
            self.tell(picture.summary())
            self._held.value = _certificates(picture, now)
            self._spoken.value = _spoken(picture.talks)

    def _look(self) -> CertificatesPicture:
        return CertificatesPicture.of(identities(self._place.kube, self._place.namespace), self._talks())

    def _press_again(self) -> None:
        self._said.value = announced("Asking the sidecars ...")
        self.in_background(self._do_again, busy=[self._again])

    def _do_again(self) -> None:
        try:
            self._picture = self._look()
        finally:
            self._said.value = ""
            self.touch()


def _certificates(picture: CertificatesPicture, now: datetime) -> Markup:
    rows = [_row(held, now) for held in picture.held]
    return table(("pod", "who it is", "issued by", "expires"), rows, caption="certificates", words=(1, 2, 3))


def _row(held: Held, now: datetime) -> tuple[str, str, str, str]:
    if held.identity is None:
        return held.pod, html("{}{}", mark(Tone.WARN), held.trouble), "-", "-"
    tone, words = expires(held.identity, now)
    identity = html("<code>{}</code>", held.identity.uri)
    return held.pod, identity, issuer(held.identity), html("{}{}", mark(tone), words)


def _spoken(talks: Iterable[Talk]) -> Markup:
    rows = [(t.source, t.destination, html("{}{}", mark(t.tone), t.words)) for t in talks]
    if not rows:
        return NOTHING
    head = ("who has spoken", "to whom", "how")
    return html("<h5>Who has spoken to whom</h5>") + table(head, rows, caption="who has spoken to whom", words=(1, 2))

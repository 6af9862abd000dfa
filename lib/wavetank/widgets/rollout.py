"""RolloutView: one Deployment on its way from one template to the next, pod by pod."""

from __future__ import annotations

from wavetank.kube import Revision, Rollout
from wavetank.widgets.feed import Feed, Watched
from wavetank.widgets.markup import Html, Markup, html
from wavetank.widgets.models.rollout import RolloutPicture, after, version
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.style import mark, table
from wavetank.widgets.view import LiveView, Place

__all__ = ["RolloutView"]


class RolloutView(LiveView):
    """The rollout of the Deployment called ``name``, live."""

    def __init__(self, place: Place, name: str) -> None:
        super().__init__("Rollout", f"deployment {name}")
        watched = [Watched(kind, place.namespace) for kind in ("Deployment", "ReplicaSet")]
        self._feed = self.following(Feed(place.kube, watched, RolloutPicture(name), after, self.touch))
        self._revisions = Html()
        self.body.children = (self._revisions,)

    def text(self) -> str:
        """Return the rollout in words."""
        return self._feed.picture.text()

    def draw(self) -> None:
        """Show the latest picture."""
        picture = self._feed.picture
        rollout = picture.rollout
        self.tell(rollout.words if rollout else "no such deployment yet")
        self._revisions.value = _revisions(picture.revisions, rollout) if rollout else ""


def _revisions(revisions: list[Revision], rollout: Rollout) -> Markup:
    rows = [_row(revision, rollout) for revision in revisions]
    return table(("template", "pods", "ready", "wanted"), rows, caption="pods of each template")


def _row(revision: Revision, rollout: Rollout) -> tuple[str, str, str, str]:
    newest = revision.number == rollout.revision
    name = html("<b>{}</b> revision {}, {}", version(revision), revision.number, "newest" if newest else "older")
    pods = mark(Tone.GOOD) * revision.ready + mark(Tone.BUSY) * (revision.replicas - revision.ready)
    return (
        name,
        html('<span class="wt-bar">{}</span>', pods),
        f"{revision.ready}",
        f"{rollout.desired if newest else 0}",
    )

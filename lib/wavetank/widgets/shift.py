"""TrafficShift: how much of a host's traffic goes to which version, moved as the YAML that is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from wavetank.document import write_yaml
from wavetank.errors import InputError, KubeError, NotFoundError, NotSupportedError
from wavetank.faults.virtualservice import VIRTUAL_SERVICE, governing
from wavetank.faults.virtualservice import in_words as named
from wavetank.kube import Obj
from wavetank.kube.bringing import bring
from wavetank.kube.manifest import parse
from wavetank.widgets.controls import button, number, row
from wavetank.widgets.feed import Feed, Watched
from wavetank.widgets.markup import Html, html
from wavetank.widgets.models.shift import (
    ShiftPicture,
    Weights,
    after,
    balanced,
    check,
    in_words,
    presets,
    shifted,
)
from wavetank.widgets.style import announced
from wavetank.widgets.view import LiveView, Place

__all__ = ["TrafficShift"]


class TrafficShift(LiveView):
    """The weights of a VirtualService for the subsets of ``host``, live, and the means to shift them.

    ``virtual_service`` is its name, or a file with its manifest: what it begins as where the cluster has none yet. In a
    terminal: ``shift.to({"v1": 90, "v2": 10})``.
    """

    def __init__(
        self, place: Place, virtual_service: str | Path, host: str, subsets: Sequence[str] = ("v1", "v2")
    ) -> None:
        self._kube, self._namespace = place.kube, place.namespace
        self._first = _read(virtual_service) if isinstance(virtual_service, Path) else None
        name = str(self._first["metadata"]["name"] if self._first else virtual_service)
        super().__init__("Traffic shift", f"virtual service {name}")
        self._nothing = ShiftPicture(name, place.namespace, host)
        watched = [Watched(VIRTUAL_SERVICE[1], place.namespace, fields=f"metadata.name={name}")]
        self._feed = self.following(Feed(place.kube, watched, self._nothing, after, self.touch))
        self._applied: Obj | None = None
        self._instead = ""
        self._presets = presets(subsets)
        self._weights, self._chosen = self._presets[0], False
        self._fields = {subset: number(f"{subset} %", weight, 0, 100) for subset, weight in self._weights.items()}
        for subset, field in self._fields.items():
            field.observe(partial(self._type, subset), "value")
        buttons = [button(_short(preset), partial(self._choose, preset)) for preset in self._presets]
        self._apply = button("Apply", self._press_apply, css="wt-primary", explained="apply this to the cluster")
        self._said, self._manifest = Html(), Html()
        self.body.children = (row(*self._fields.values()), row(*buttons, self._apply, self._said), self._manifest)

    @property
    def picture(self) -> ShiftPicture:
        """What the cluster has now, beside what was applied here."""
        return replace(self._feed.picture, applied=self._applied, instead=self._instead)

    def text(self) -> str:
        """Return the weights that the cluster has now, in words, and who has changed what was applied."""
        return self.picture.text()

    def to(self, weights: Weights) -> ShiftPicture:
        """Give the subsets these ``weights``, in percent, and return what the cluster has then.

        Raises `InputError` when they are not for all subsets and 100 together, or another subset would lose its own;
        `NotSupportedError` in a cluster without Istio; `KubeError` with the cluster's words when it refuses.
        """
        self._look_for_istio()
        now = self._kube.find(VIRTUAL_SERVICE, self._nothing.name, self._namespace)
        (self._applied,) = self._kube.apply(self._manifest_of(weights, now))
        self._look_for_others()
        self._set(weights)
        return replace(self._nothing, service=self._applied, instead=self._instead)

    def start(self) -> None:
        """Begin to follow the VirtualService, and say if this cluster knows of none."""
        super().start()
        self.in_background(self._look_around)

    def draw(self) -> None:
        """Show what the cluster has, and the manifest that the fields stand for."""
        picture = self.picture
        self.tell(picture.text().partition("\n")[0])
        if not self._chosen and sorted(picture.weights) == sorted(self._weights):
            self._show(picture.weights)
        try:
            written = write_yaml(self._manifest_of(self._weights, picture.service))
        except InputError as error:
            written = str(error)
        self._manifest.value = html('<h5>What Apply applies</h5><pre class="wt-lines">{}</pre>', written)

    def notice(self) -> str:
        """Return that another virtual service counts, or that somebody has changed what was applied."""
        return " ".join(filter(None, [self.picture.overruled(), self.picture.drift()]))

    def _manifest_of(self, weights: Weights, service: Obj | None) -> Obj:
        """Return what is to be applied where the cluster has ``service``."""
        check(weights, list(self._weights))
        about = self._nothing
        return shifted(service or self._first, about.name, about.namespace, about.host, weights)

    def _type(self, subset: str, change: Mapping[str, Any]) -> None:
        if change["new"] != self._weights[subset]:  # else it was not the learner who wrote it
            self._set(balanced(self._weights, subset, change["new"]))

    def _choose(self, preset: Weights) -> None:
        self._said.value = ""
        self._set(preset)

    def _set(self, weights: Weights) -> None:
        self._chosen = True
        self._show(weights)
        self.touch()

    def _show(self, weights: Weights) -> None:
        self._weights = {subset: weights[subset] for subset in self._weights}
        for subset, weight in self._weights.items():
            self._fields[subset].value = weight

    def _press_apply(self) -> None:
        self._said.value = announced("Applying ...")
        self.in_background(self._do_apply, busy=[self._apply])

    def _do_apply(self) -> None:
        try:
            self.to(self._weights)
        except BaseException:
            self._said.value = ""
            raise
        self._said.value = announced(f"Applied: {in_words(self._weights)}.")

    def _look_around(self) -> None:
        self._look_for_istio()
        self._look_for_others()
        self.touch()

    def _look_for_others(self) -> None:
        """Note which other virtual service counts for the host, wherever it is."""
        about = self._nothing
        try:
            found = governing(self._kube.list(VIRTUAL_SERVICE), about.host.partition(".")[0], about.namespace)
        except KubeError:  # who may see one namespace only is told of no other
            found = []
        here = (about.name, about.namespace)
        mine = not found or (found[0]["metadata"]["name"], found[0]["metadata"]["namespace"]) == here
        self._instead = "" if mine else named(found[0], about.namespace)

    def _look_for_istio(self) -> None:
        try:
            self._kube.kinds.find(VIRTUAL_SERVICE)
        except NotFoundError as error:
            raise NotSupportedError(
                "there is no Istio in this cluster",
                observed=error.summary,
                expected="a mesh, which sends requests by the weights of a virtual service",
                command=error.help.command,
                hint=bring(self._kube.connection, "Istio", "03-service-mesh"),
            ) from error


def _read(file: Path) -> Obj:
    """Return the VirtualService in a file. Raises `InputError` when there is not exactly one."""
    found = [obj for obj in parse(file) if obj["kind"] == VIRTUAL_SERVICE[1]]
    if len(found) != 1:
        raise InputError(f"{file} holds {len(found)} virtual services", expected="one VirtualService")
    return found[0]


def _short(weights: Weights) -> str:
    return " / ".join(f"{weight}" for weight in weights.values())

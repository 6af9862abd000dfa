"""Topology: a mesh as it was recorded, drawn, written, and said to be missing, without a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.support.recorded import NAMESPACE
from tests.support.sea import Sea
from tests.support.seen import seen
from tests.support.waiting import eventually

from wavetank.kube import Kube
from wavetank.observe import mesh
from wavetank.widgets import Topology
from wavetank.widgets.graph import Box, Line, graph
from wavetank.widgets.models.tone import Tone


@dataclass(frozen=True)
class Here:
    kube: Kube
    namespace: str = NAMESPACE


@pytest.fixture
def sea(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sea]:
    monkeypatch.setattr(mesh, "_LEAST", 0.1)
    with Sea(tmp_path) as sea:
        sea.show("before")
        yield sea


@pytest.fixture
def view(sea: Sea) -> Iterator[Topology]:
    view = Topology(Here(sea.kube))
    yield view
    view.close()


def test_in_a_terminal_it_is_the_table(view: Topology) -> None:
    text = repr(view)
    assert "from     to" in text
    assert "Nobody has called anybody in the last" in text


def test_every_edge_is_drawn_with_its_words_and_written_beside(sea: Sea, view: Topology) -> None:
    view.start()
    eventually(lambda: "idle" in seen(view), "the first picture")
    sea.show("during")
    eventually(lambda: "load-bookers" in seen(view), "the load")
    words = seen(view)
    assert "57 FI (aborted by an injected fault)" in words
    drawing = view._drawing.value
    assert drawing.count('class="e"') == len(view.picture.edges if view.picture else ()) > 5
    assert "33% failed" in drawing
    assert "mTLS" in drawing
    assert "plaintext" in drawing


def test_the_drawing_and_the_numbers_can_be_reached_with_the_keyboard(sea: Sea, view: Topology) -> None:
    view.start()
    eventually(lambda: "idle" in seen(view), "the first picture")
    for part in (view._drawing, view._numbers):
        assert part.value.startswith('<div class="wt-scroll" tabindex="0" role="group"')


def test_what_is_missing_is_said_with_the_command_that_mends_it(sea: Sea, view: Topology) -> None:
    pod = "payment-666896559c-gb8ps"
    sea.change(pod, spec={"containers": [{"name": "payment"}]})
    view.start()
    eventually(lambda: f"payment has no sidecar in {pod}" in seen(view), "the reason")
    assert f"kubectl -n {NAMESPACE} rollout restart deployment/payment" in seen(view)
    assert "sidecar in 1 of 2" in view._drawing.value


def test_a_namespace_that_comes_later_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh, "_LEAST", 0.1)
    with Sea(tmp_path) as sea:
        view = Topology(Here(sea.kube))
        view.start()
        eventually(lambda: "not found" in seen(view), "the trouble")
        sea.show("before")
        eventually(lambda: "booking" in seen(view) and "not found" not in seen(view), "the mesh without the trouble")
        view.close()


def test_an_api_server_that_goes_and_comes_back_is_told(sea: Sea, view: Topology) -> None:
    view.start()
    eventually(lambda: "idle" in seen(view), "the first picture")
    sea.api.stop()
    eventually(lambda: "does not answer since" in seen(view), "the outage")
    sea.api.start()
    eventually(lambda: "does not answer since" not in seen(view), "its end")


def test_a_graph_is_well_formed_and_shows_names_as_text() -> None:
    evil = "<img src=x>"
    line = Line(evil, "b", ("12/s", "mTLS"), Tone.GOOD, locked=True)
    drawn = graph([Box(evil, "1 pod"), Box("b", "", outlined=True)], [line], 'what "it" is')
    root = ElementTree.fromstring(drawn)
    assert root.get("aria-label") == 'what "it" is'
    assert [text.text for text in root.iter("text")][-4::2] == [evil, "b"]
    assert graph([], [], "nothing") == ""


def test_words_of_many_lines_do_not_cover_each_other() -> None:
    lines = [Line(f"caller-{n}", "web", ("12/s · 3% failed", "p95 12 ms · mTLS"), Tone.WARN) for n in range(4)]
    drawn = graph([Box("web", ""), *(Box(line.source, "") for line in lines)], lines, "many")
    spots = [(float(t.get("x", 0)), float(t.get("y", 0))) for t in ElementTree.fromstring(drawn).iter("text")]
    words = sorted(spots[:8:2], key=lambda spot: spot[1])
    assert all(lower[1] - upper[1] > 28 for upper, lower in pairwise(words))

"""Every view is given names, events, labels and lines that want to be markup: it shows them, and is changed by none."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import shutil
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.collecting import sample_spans
from tests.support.days import TWO_PEAKS, kept_pods, replayed
from tests.support.hostile import ATTRIBUTES, BAD, LONG, TAGS, page_of, poisoned, texts, widgets
from tests.support.moving import ROOT, lab_on

import wavetank.widgets
from wavetank.bootstrap import Progress as Steps
from wavetank.bootstrap import StepSeen
from wavetank.cluster import info_of
from wavetank.cluster.findings import Finding
from wavetank.faults import FaultStatus
from wavetank.images import Build, Image, Layer
from wavetank.images.isolation import Comparison, Row
from wavetank.images.model import BuildStep
from wavetank.images.pipeline import RunRecord, StageRecord
from wavetank.images.starts import Starts
from wavetank.kube import Obj
from wavetank.lesson import CheckResult, LabSession
from wavetank.lesson.lab import Choice, Exercise, Named, Prediction
from wavetank.observe import Edge, Mtls, Signals, Topology
from wavetank.observe import Node as Caller
from wavetank.observe.billing import Meter
from wavetank.observe.identity import Held, Identity, Root
from wavetank.observe.reasons import Reason
from wavetank.observe.serverless import BrokerState, Counts, TriggerState
from wavetank.observe.serverless.coldstart import PARTS, ColdStart, ColdStarts
from wavetank.observe.serverless.revisions import RevisionState, Serving, Tag
from wavetank.observe.traces import Stats, Trace
from wavetank.traffic import Load, LoadSeries, Target
from wavetank.widgets import cluster_up, doctor, real
from wavetank.widgets.models.autoscale import AutoscalePicture, Metric, Sample
from wavetank.widgets.models.certificates import CertificatesPicture
from wavetank.widgets.models.cluster import ClusterPicture, Happening
from wavetank.widgets.models.faults import FaultBoard
from wavetank.widgets.models.pods import Node, Pod
from wavetank.widgets.models.revisions import RevisionPicture, RevisionSample
from wavetank.widgets.models.rollout import RolloutPicture
from wavetank.widgets.models.tone import Tone
from wavetank.widgets.models.traces import LATEST, TraceBoard
from wavetank.widgets.style import note
from wavetank.widgets.view import LiveView, View

NOW = datetime.now(UTC)
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass
class Given:
    """What a view of the test is made with."""

    kubeconfig: Path
    bad: str
    patch: pytest.MonkeyPatch

    def open(self, **parts: Any) -> LabSession:
        """Return a lab on a cluster that is never asked."""
        return lab_on(self.kubeconfig, **parts)

    @property
    def lab(self) -> LabSession:
        return self.open(loads={"day": Load("day", Target("tides"), rate=5, duration=24)})


class Told:
    """Stands for what follows a cluster: it knows one picture, and asks nobody."""

    def __init__(self, picture: Any) -> None:
        self.picture = self.latest = picture
        self.trouble = ""

    def start(self) -> None: ...

    def close(self) -> None: ...

    def lost_for(self) -> None: ...


def told(view: Any, picture: Any) -> View:
    view._feed = view._source = Told(picture)
    return view  # type: ignore[no-any-return]


def autoscaler(given: Given) -> View:
    metrics = (Metric("x", "x", 1, 2), Metric("x", "x", None, 3))
    picture = AutoscalePicture("x", {}, (Sample(NOW, 1, 2, 1, 4, metrics, "x"),))
    return told(wavetank.widgets.AutoscaleView(given.lab, given.bad), poisoned(picture, given.bad))


def certificates(given: Given) -> View:
    identity = Identity("x", "x", "x", "x", "x", NOW, NOW + timedelta(days=1), (Root("x", NOW),))
    held = poisoned((Held("x", identity), Held("x", None, "x")), given.bad)
    view = wavetank.widgets.Certificates(given.lab)
    talks = [(given.bad, given.bad, mtls) for mtls in (True, False, None)]
    given.patch.setattr(view, "_look", lambda: CertificatesPicture.of(held, talks))
    view.text()
    return view


def check(given: Given) -> View:
    exercise = Exercise("sink", given.bad, "afloat", given.bad, (), (), (given.bad,) * 3)
    lab = given.open(exercises=(exercise,))
    given.patch.setattr(
        LabSession, "check", lambda *_, **__: CheckResult(False, given.bad, given.bad, given.bad, given.bad)
    )
    lab.hint("sink")
    view = wavetank.widgets.Check(lab, "sink")
    view._do_check()
    return view


def cluster(given: Given) -> View:
    nodes = {"x": Node("x", False, Tone.GOOD, "x")}
    pods = {"x": Pod("x", "x", "x", "x", Tone.BAD, "x", 3, "x")}
    picture = ClusterPicture(nodes, pods, (Happening(NOW, "x", "x", Tone.WARN, "x"),))
    return told(wavetank.widgets.ClusterView(given.lab), poisoned(picture, given.bad))


def cluster_comes_up(given: Given) -> View:
    steps = tuple(StepSeen("x", 0.0, state, None, "x") for state in ("under way", "done", "failed"))
    given.patch.setattr(cluster_up, "cluster_for", lambda lab, cluster: SimpleNamespace(name=given.bad, addons=()))
    given.patch.setattr(cluster_up, "Rising", lambda *_: rising)
    progress = poisoned(Steps(steps=steps, error="x"), given.bad, ("state", "asked", "ready", "estimates"))
    rising: Any = Told(None)
    rising.progress, rising.state = progress, lambda: "failed"
    return wavetank.widgets.ClusterUp(given.bad)


def cost(given: Given) -> View:
    view: Any = wavetank.widgets.CostMeter(given.lab, "day", given.bad)
    view.prices = poisoned(view.prices, given.bad)
    view._meter = Meter(replayed(TWO_PEAKS, kept_pods(1, given.bad)), view.prices, view._deployment)
    view._say(given.bad)
    return view  # type: ignore[no-any-return]


def machine(given: Given) -> View:
    levels = ("ok", "warning", "problem")
    given.patch.setattr(
        doctor, "examine", lambda _: [Finding(given.bad, level, given.bad, given.bad) for level in levels]
    )
    return wavetank.widgets.Doctor()


def events(given: Given) -> View:
    counts = Counts(9, 1, 1, 1, 1, 2)
    triggers = tuple(TriggerState("x", ready, "x", "x", "x", "x", "x", counts) for ready in (True, False, None))
    broker = BrokerState("x", "x", True, "x", "x", None, 0, False, triggers)
    return told(wavetank.widgets.EventView(given.lab, given.bad), poisoned(broker, given.bad))


def faults(given: Given) -> View:
    ends = (NOW + timedelta(seconds=30)).isoformat()
    status = {"phase": given.bad, "affected": [given.bad], "endsAt": ends, "message": given.bad}
    spec = {"kind": "latency", "target": {"deployment": "web"}, "duration": "30s"}
    fault: Obj = {"kind": "Fault", "metadata": {"name": "x", "namespace": "x"}, "spec": spec, "status": status}
    seen = poisoned(FaultStatus.from_resource(fault), given.bad)
    aim = SimpleNamespace(kind="deployment", name=given.bad)
    targets = {"deployment": {given.bad: aim}}
    return told(wavetank.widgets.FaultPanel(given.lab), FaultBoard({given.bad: seen}, targets))


def image(given: Given) -> View:
    made = Image("x", ("x",), ("x",), (Layer("x", 10, "x"), Layer("x2", 10, "x")), 20, "x", ("x",), "x")
    steps = (BuildStep(1, 2, "x", 1, False, 0.1, "x", ("x",)), BuildStep(2, 2, "x", 2, True, 0.1, "x", ("x",)))
    return wavetank.widgets.ImageView(poisoned(Build(made, steps, 1), given.bad))


def isolation(given: Given) -> View:
    rows = tuple(Row("x", "x", "x", isolated) for isolated in (True, False, None))
    return wavetank.widgets.IsolationView(poisoned(Comparison(rows, "x"), given.bad))


def load(given: Given) -> View:
    view: Any = wavetank.widgets.LoadPanel(given.lab)
    series = LoadSeries()
    for kind in ("fault", given.bad):
        series.mark(kind, given.bad, NOW)
    status = SimpleNamespace(
        name=given.bad, profile=given.bad, rate=1.0, duration=given.bad, phase=given.bad, ended=False
    )
    view.desk = SimpleNamespace(series=series, status=status, trouble=given.bad)
    return view  # type: ignore[no-any-return]


def pipeline(given: Given) -> View:
    states = ("passed", "failed", "running", "waiting")
    stages = tuple(StageRecord("x", state, 1.0, "x", ("x",) * 70) for state in states)  # type: ignore[arg-type]
    record = RunRecord(
        "x", 1, "x", NOW.isoformat(), "failed", "x", "x", "x", "x", {"x": 3, "sent": 10, "failed": 3}, stages
    )
    yard: Any = SimpleNamespace(pipeline=lambda file: SimpleNamespace(name="timetable"))
    view = wavetank.widgets.PipelineView(yard, given.bad, records=SimpleNamespace())  # type: ignore[arg-type]
    record = replace(
        poisoned(record, given.bad, ("state", "outcome", "requests", "began")), requests={"200": 7, given.bad: 3}
    )
    return told(view, record)


def prediction(given: Given) -> View:
    asked = Prediction("fate", given.bad, (Choice(given.bad, "a"), Choice("nothing", "b")), Named("x", {}))
    lab = given.open(predictions=(asked,))
    given.patch.setattr(LabSession, "outcome", lambda *_: SimpleNamespace(right=False, truth=given.bad))
    view = wavetank.widgets.Predict(lab, "fate")
    view._do_compare()
    return view


def progress(given: Given) -> View:
    exercise = Exercise("sink", given.bad, "afloat", given.bad, (), (), (given.bad,) * 3)
    asked = Prediction("fate", given.bad, (Choice(given.bad, "a"),), Named("x", {}))
    parts = {"objectives": (given.bad,), "exercises": (exercise,), "predictions": (asked,)}
    return wavetank.widgets.Progress(given.open(**parts))


def revisions(given: Given) -> View:
    state = RevisionState("x", 1, True, "x", 100, (Tag("x", "x"),), 1, 1, 1, 1, 0, 4)
    serving = Serving("x", "x", "x", "x", "x", (state,), ("x",))
    picture = RevisionPicture(serving, {}, None, "x", (RevisionSample(NOW, 1, 1, 1.0, None, 1.0),))
    view: Any = wavetank.widgets.RevisionView(given.lab, given.bad)
    view.cold_starts = ColdStarts(given.bad, (ColdStart(1.0, dict.fromkeys(PARTS, 0.2), 0.1),))
    return told(view, poisoned(picture, given.bad))


def rollout(given: Given) -> View:
    def made(kind: str, **metadata: Any) -> Obj:
        template = {
            "metadata": {"labels": {"app": given.bad}},
            "spec": {"containers": [{"name": given.bad, "image": f"a:{given.bad}"}]},
        }
        about = {
            "name": given.bad,
            "uid": "1",
            "generation": 1,
            "annotations": {"deployment.kubernetes.io/revision": "1"},
        }
        conditions = [{"type": "Progressing", "status": "True", "reason": given.bad, "message": given.bad}]
        counts = {"replicas": 2, "readyReplicas": 1, "updatedReplicas": 2, "observedGeneration": 1}
        spec = {"replicas": 2, "selector": {"matchLabels": {"app": given.bad}}, "template": template}
        return {
            "kind": kind,
            "metadata": {**about, **metadata},
            "spec": spec,
            "status": {**counts, "conditions": conditions},
        }

    owner = {"kind": "Deployment", "name": given.bad, "uid": "1", "controller": True}
    sets = {given.bad: made("ReplicaSet", ownerReferences=[owner])}
    picture = RolloutPicture(given.bad, {given.bad: made("Deployment")}, sets)
    return told(wavetank.widgets.RolloutView(given.lab, given.bad), picture)


def starts(given: Given) -> View:
    view: Any = wavetank.widgets.StartTimes(SimpleNamespace(), given.bad, 2)  # type: ignore[arg-type]
    view.starts = Starts(2, (0.4, 0.5), (0.1, 0.1))
    return view  # type: ignore[no-any-return]


def shift(given: Given) -> View:
    subsets = (given.bad, "v2")
    view: Any = wavetank.widgets.TrafficShift(given.lab, given.bad, given.bad, subsets)
    route = [{"destination": {"host": given.bad, "subset": subset}, "weight": 50} for subset in subsets]
    service = {
        "metadata": {"name": given.bad, "annotations": {"x": given.bad}},
        "spec": {"hosts": [given.bad], "http": [{"route": route}]},
    }
    view._instead = given.bad
    return told(view, replace(view._nothing, service=service, deleted=given.bad))


def topology(given: Given) -> View:
    signals = Signals(10.0, 100, {"503": 30}, {"FI": 2}, mtls=Mtls.NO)
    nodes = (Caller("x", pods=1), Caller("y"))
    picture = Topology("x", 10.0, nodes, (Edge("x", "y", signals),), (Reason("x", "x"),))
    bad = poisoned(picture, given.bad, ("signals",))
    other = given.bad + "2"
    bad = replace(bad, nodes=(bad.nodes[0], replace(bad.nodes[1], name=other)))
    return told(wavetank.widgets.Topology(given.lab), replace(bad, edges=(Edge(given.bad, other, signals),)))


def traces(given: Given) -> View:
    bad = [poisoned(span, given.bad, ("trace_id", "id", "parent_id", "kind")) for span in sample_spans("delay")]
    view: Any = wavetank.widgets.TraceView(given.lab, given.bad)
    board = TraceBoard(given.bad, LATEST, NOW, (Trace.of(bad),), Stats(), given.bad)
    given.patch.setattr(view, "_look", lambda: board)
    view.text()
    return view  # type: ignore[no-any-return]


def what_is_real(given: Given) -> View:
    info = info_of("kind")
    engines = {kind: poisoned_values(can, given.bad) for kind, can in info.engines.items()}
    bad = replace(info, name=given.bad, capabilities=poisoned_values(info.capabilities, given.bad), engines=engines)
    given.patch.setattr(real, "info_of", lambda _: bad)
    return wavetank.widgets.WhatIsReal()


def poisoned_values(parts: Mapping[str, Any], bad: str) -> dict[str, Any]:
    return {name: poisoned(part, bad) for name, part in parts.items()}


MAKERS: Mapping[str, Callable[[Given], View]] = {
    "AutoscaleView": autoscaler,
    "Certificates": certificates,
    "Check": check,
    "ClusterUp": cluster_comes_up,
    "ClusterView": cluster,
    "CostMeter": cost,
    "Doctor": machine,
    "EventView": events,
    "FaultPanel": faults,
    "ImageView": image,
    "IsolationView": isolation,
    "LoadPanel": load,
    "PipelineView": pipeline,
    "Predict": prediction,
    "Progress": progress,
    "RevisionView": revisions,
    "RolloutView": rollout,
    "StartTimes": starts,
    "Topology": topology,
    "TraceView": traces,
    "TrafficShift": shift,
    "WhatIsReal": what_is_real,
}


def views_of_the_package() -> set[str]:
    def below(kind: type[View]) -> Iterator[type[View]]:
        for one in kind.__subclasses__():
            yield one
            yield from below(one)

    for module in pkgutil.iter_modules(wavetank.widgets.__path__):
        importlib.import_module(f"wavetank.widgets.{module.name}")
    found = {one for one in below(View) if one.__module__.startswith("wavetank.")}
    return {one.__name__ for one in found - {LiveView}}


def test_no_view_is_left_out() -> None:
    assert set(MAKERS) == views_of_the_package()


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    kubeconfig = tmp_path / "kubeconfig"
    user = {"name": "x", "user": {}}
    cluster = {"name": "x", "cluster": {"server": "http://127.0.0.1:1"}}
    context = {"name": "x", "context": {"cluster": "x", "user": "x"}}
    kubeconfig.write_text(
        json.dumps({"clusters": [cluster], "users": [user], "contexts": [context], "current-context": "x"})
    )
    shutil.copy(ROOT / "labs/04-serverless/prices.yaml", tmp_path)
    return Given(kubeconfig, BAD, monkeypatch)


@pytest.mark.parametrize("bad", [BAD, LONG], ids=["a name", "a line of 100 kB"])
@pytest.mark.parametrize("name", sorted(MAKERS))
def test_what_a_view_is_given_is_shown_and_is_never_markup(name: str, bad: str, given: Given) -> None:
    given.bad = bad
    try:
        wrong = list(_wrong(MAKERS[name](given), bad))
    except Exception as error:  # pytest's own report cannot be sent on with half a character in it
        where = traceback.extract_tb(error.__traceback__)[-1]
        wrong = [f"{type(error).__name__} in {where.name}, line {where.lineno}: {ascii(str(error))[:300]}"]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def _wrong(view: Any, bad: str) -> Iterator[str]:
    """Yield what is wrong with a view's page, in plain letters."""
    try:
        if isinstance(view, LiveView):
            view.draw()
            view._notice.value = note(view.notice())
        if "gnp.exe" not in page_of(view).words:
            yield "what it was given is not shown at all"
        view.tell(bad)
        view.complain(bad)
        page = page_of(view)
        if strangers := (page.tags - TAGS) | (page.attributes - ATTRIBUTES):
            yield f"markup that is not the view's own: {sorted(strangers)!a}"
        if styles := [style for style in page.styles if "script" in style]:
            yield f"text in a style: {ascii(styles)[:300]}"
        said = {"text/plain": repr(view)}
        for widget in widgets(view.widget):
            said |= {
                f"{type(widget).__name__}.{key}": text
                for key, state in widget.get_state().items()
                for text in texts(state)
            }
        for where, text in said.items():
            if found := UNSEEN.search(text):
                yield f"{found[0]!a} in {where}"
        if sum(len(text) for text in said.values()) > 2_000_000:
            yield "more than a page can bear"
    finally:
        view.close()

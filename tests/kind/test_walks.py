"""Labs walked in a real browser on the real cluster, as a learner does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.support.jupyterlab import Notebook, running_chromium
from tests.support.walking import Take, cell_with, taking, walking

from wavetank.cluster import ClusterSpec, kubeconfig_path
from wavetank.faults import active_faults
from wavetank.kube import Kube
from wavetank.lesson import find_lab
from wavetank.lesson.restore import restore
from wavetank.traffic import list_loads, start_load

pytestmark = [pytest.mark.kind, pytest.mark.browser, pytest.mark.timeout(600)]

NAMESPACE = "tidewater"
OPENED, CLUSTER, LOAD, FAULTS = range(4)
"""The first code cells of Lab 2."""


@pytest.fixture
def page() -> Iterator[Page]:
    with running_chromium() as browser:
        yield browser.new_page(viewport={"width": 1240, "height": 1240})


@pytest.fixture
def take(tmp_path: Path) -> Take:
    return taking(tmp_path)


@pytest.fixture
def kubeconfig(kube: Kube, spec: ClusterSpec) -> Path:
    return kubeconfig_path(spec.name)


def test_lab_0_fills_the_tank_and_looks_around(page: Page, kubeconfig: Path, tmp_path: Path, take: Take) -> None:
    lab = "00-start"
    with walking(lab, page, kubeconfig, tmp_path) as notebook:
        for words in ("from wavetank import open_lab", "Doctor()", 'ClusterUp("00-start")', "tank.wait()"):
            notebook.run_again(cell_with(lab, words))
        doctor, tank = notebook.view("Doctor"), notebook.view("Cluster comes up")
        expect(doctor).to_contain_text("nothing is in the way")
        expect(tank.get_by_role("row", name=re.compile("^nodes ready"))).to_contain_text("done")
        expect(notebook.output(cell_with(lab, "tank.wait()"))).to_contain_text("cluster wavetank is up: 3 nodes")
        tank.evaluate("view => view.scrollIntoView()")
        take("lab0-up", tank)
        notebook.run_again(cell_with(lab, "WhatIsReal()"))
        real = notebook.view("What is real")
        expect(real.get_by_role("row")).to_have_count(16 + 6)  # what it can do, and where kinds of engines differ
        take("lab0-real", real)


def test_lab_1_looks_into_an_image_and_ships_a_version(
    page: Page, kubeconfig: Path, tmp_path: Path, take: Take
) -> None:
    lab = "01-containers"
    with walking(lab, page, kubeconfig, tmp_path) as notebook:
        notebook.run_again(cell_with(lab, 'open_lab("01-containers")'))
        notebook.run_again(cell_with(lab, "IsolationView(seen)"))
        isolation = notebook.view("Isolation")
        expect(isolation.get_by_role("row", name=re.compile("^namespace of process numbers"))).to_contain_text(
            "the container's own"
        )
        take("lab1-isolation", isolation)
        notebook.run_again(cell_with(lab, 'rebuild("v1", "timetable/main.py")'))
        image = notebook.view("Image")
        expect(image.get_by_role("row", name=re.compile(r"^COPY shared .* reused"))).to_be_visible()
        expect(image.get_by_role("row", name=re.compile(r"^COPY \S+main.py .* done anew"))).to_be_visible()
        take("lab1-layers", image)

        notebook.run_again(cell_with(lab, "PipelineView(lab") - 1)
        notebook.run_again(cell_with(lab, "PipelineView(lab"))
        pipeline = notebook.view("Pipeline")
        pipeline.get_by_label("version", exact=True).fill("v2")
        pipeline.get_by_role("button", name="Run").click()
        for stage in ("build", "test", "push", "deploy", "promote"):
            expect(pipeline.get_by_role("row", name=re.compile(f"^{stage}"))).to_contain_text("passed")
        expect(pipeline).to_contain_text("every stage passed")
        take("lab1-pipeline", pipeline)


@pytest.fixture
def notebook(page: Page, kubeconfig: Path, tmp_path: Path) -> Iterator[Notebook]:
    with walking("02-kubernetes", page, kubeconfig, tmp_path) as notebook:
        yield notebook


def test_lab_2_loads_kills_and_stops(notebook: Notebook, kube: Kube, page: Page, take: Take) -> None:
    for cell in (OPENED, CLUSTER, LOAD, FAULTS):
        notebook.run_again(cell)
    picture, panel, faults = notebook.view("Cluster"), notebook.view("Load"), notebook.view("Faults")
    expect(picture).to_contain_text("3 of 3 nodes ready")
    restore(kube, find_lab("02-kubernetes"), "floating")
    expect(picture).to_contain_text(re.compile(r"(\d+) of \1 pods ready"))

    panel.get_by_label("load", exact=True).select_option("look-up-long")
    panel.get_by_label("seconds", exact=True).fill("150")
    panel.get_by_label("seconds", exact=True).press("Tab")
    panel.get_by_role("button", name="Start").click()
    sent = panel.get_by_role("row", name=re.compile("^sent"))
    expect(sent).to_contain_text("20")
    line = panel.locator(".bqplot path.line").first
    drawn = line.get_attribute("d") or ""
    expect(line).not_to_have_attribute("d", drawn)

    faults.get_by_label("fault", exact=True).select_option("pod-kill")
    faults.get_by_label("at", exact=True).select_option("deployment web")
    before = {pod["metadata"]["name"] for pod in kube.list("Pod", NAMESPACE, "app=web")}
    faults.get_by_role("button", name="Inject").click()
    happened = picture.get_by_label("what happened, latest first")
    expect(happened).to_contain_text(re.compile(f"({'|'.join(before)}) is gone"))
    expect(happened).to_contain_text(re.compile(r"web-\S+ is ready on wavetank-worker2?"))
    expect(panel.get_by_label("marks on the time line")).to_contain_text("fault: pod-kill at deployment web")

    faults.get_by_label("fault", exact=True).select_option("latency")
    faults.get_by_label("at", exact=True).select_option("deployment timetable")
    faults.get_by_label("seconds", exact=True).fill("120")
    faults.get_by_label("seconds", exact=True).press("Tab")
    faults.get_by_role("button", name="Inject").click()
    expect(faults).to_contain_text(re.compile(r"latency at deployment timetable, active, \d+ s left"))
    expect(panel.get_by_label("marks on the time line")).to_contain_text("fault: latency at deployment timetable")
    expect(panel.get_by_role("row", name=re.compile(r"^half of them \(p50\) ([4-9]\d\d|\d{4}) "))).to_be_visible()
    expect(panel.get_by_role("row", name=re.compile(r"^sent \d+ [5-9]\d\d"))).to_be_visible()
    picture.evaluate("view => view.scrollIntoView()")
    take("lab2-load", page)
    take("cluster", picture)
    take("load", panel)
    take("faults", faults)

    faults.get_by_role("button", name="Emergency stop").click()
    expect(faults).to_contain_text(re.compile(r"Stopped in [01]\.\d s: .*Fault tidewater/latency-timetable"))
    assert active_faults(kube, NAMESPACE) == []
    assert [load.name for load in list_loads(kube, NAMESPACE) if not load.ended] == []
    expect(panel.get_by_role("status").first).to_contain_text("stopped")


def test_lab_3_shifts_traffic_and_sees_who_calls_whom(
    page: Page, kube: Kube, kubeconfig: Path, tmp_path: Path, take: Take
) -> None:
    lab = "03-service-mesh"
    with walking(lab, page, kubeconfig, tmp_path) as notebook:
        notebook.run_again(cell_with(lab, "from wavetank import open_lab"))
        notebook.run_again(cell_with(lab, "Topology(lab)"))
        topology = notebook.view("Topology")
        expect(topology).to_contain_text("Namespace tidewater is not labelled for the mesh")
        expect(topology).to_contain_text("kubectl label namespace tidewater istio-injection=enabled")

        notebook.run_again(cell_with(lab, 'shift = TrafficShift(lab, "timetable", host="timetable")'))
        shift = notebook.view("Traffic shift")
        shift.get_by_role("button", name="50 / 50").focus()
        page.keyboard.press("Enter")
        expect(shift).to_contain_text("weight: 50")
        shift.get_by_role("button", name="Apply").click()
        expect(shift).to_contain_text(re.compile(r"v1 50 %.*v2 50 %"))
        start_load(kube, replace(find_lab(lab).load("look-up"), duration=60), NAMESPACE)
        for version in ("v1", "v2"):
            calls = re.compile(rf"\bweb timetable-{version} [1-9]\d* .*\bmTLS\b")
            expect(topology.get_by_role("row", name=calls)).to_be_visible()
        all_of_it = re.compile(r"\bload-look-up web \d+ (19|20)\.\d 0\.0% [\d.]+ ")  # latencies, too: each five seconds
        expect(topology.get_by_role("row", name=all_of_it)).to_be_visible()
        topology.evaluate("view => view.scrollIntoView()")
        take("lab3-topology", topology)
        take("lab3-shift", shift)

        notebook.run_again(cell_with(lab, 'lab.goto("traced")'))
        traces = notebook.view("Traces")
        expect(traces).to_contain_text(re.compile("slowest"))
        take("lab3-trace", traces)
        for words in ('lab.overhear("stranger-pays"', "Certificates(lab"):
            notebook.run_again(cell_with(lab, words))
        certificates = notebook.view("Certificates")
        expect(certificates).to_contain_text("spiffe://cluster.local/ns/tidewater/sa/payment")
        expect(certificates.get_by_role("row", name=re.compile("without sidecar.*payment"))).to_contain_text(
            "in the open"
        )
        take("lab3-certificates", certificates)


def test_lab_4_watches_pods_come_with_requests_and_where_events_go(
    page: Page, knative_kube: Kube, kubeconfig: Path, tmp_path: Path, take: Take
) -> None:
    lab = "04-serverless"
    with walking(lab, page, kubeconfig, tmp_path) as notebook:
        for words in ("from wavetank import open_lab", 'RevisionView(lab, "tides"'):
            notebook.run_again(cell_with(lab, words))
        revisions = notebook.view("Revisions")
        expect(revisions.get_by_role("row", name=re.compile("tides-00001 100 %"))).to_be_visible()
        start_load(knative_kube, replace(find_lab(lab).load("readers"), duration=20), NAMESPACE)
        expect(revisions.get_by_role("status").first).to_have_text(re.compile(r"\b[1-9]\d* pods? ready"))
        count = revisions.get_by_label("cold starts")
        count.fill("1")
        count.press("Tab")
        revisions.get_by_role("button", name="Measure").press("Enter")
        expect(revisions).to_contain_text(re.compile("activator.*schedule.*container.*first byte"), timeout=120_000)
        revisions.evaluate("view => view.scrollIntoView()")
        take("lab4-revisions", revisions)

        for words in ('lab.goto("events")', 'EventView(lab, "default")', "watch_events(lab.kube"):
            notebook.run_again(cell_with(lab, words))
        events = notebook.view("Events")
        expect(events.get_by_role("row", name=re.compile("boarding-pass-of-booking type is"))).to_be_visible()
        take("lab4-events", events)

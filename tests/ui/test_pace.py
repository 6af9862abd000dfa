"""Twenty pods that change all the time: kernel and page stay responsive, and the page gets four pictures a second."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect
from tests.support.moving import WORKERS, MovingCluster
from tests.ui.conftest import OpenNotebook

pytestmark = pytest.mark.browser

_LONGEST_FRAME = """seconds => new Promise(resolve => {
  let longest = 0, last = performance.now(), end = last + 1000 * seconds;
  const frame = now => { longest = Math.max(longest, now - last); last = now;
                         now < end ? requestAnimationFrame(frame) : resolve(longest); };
  requestAnimationFrame(frame);
})"""

_COUNT_DRAWINGS = """([view, seconds]) => new Promise(resolve => {
  let drawings = 0;
  const observer = new MutationObserver(() => drawings++);
  observer.observe(view, {childList: true, subtree: true});
  setTimeout(() => { observer.disconnect(); resolve(drawings); }, 1000 * seconds);
})"""


@contextmanager
def restless(cluster: MovingCluster, pods: int, changes_per_second: float) -> Iterator[None]:
    """Keep ``pods`` pods changing between ready and not."""
    over = threading.Event()

    def change() -> None:
        for number in itertools.count():
            if over.wait(1 / changes_per_second):
                return
            index = number % pods
            cluster.put_pod(f"web-{index:02d}", "web", WORKERS[index % 2], ready=number // pods % 2 == 1)

    thread = threading.Thread(target=change)
    thread.start()
    yield
    over.set()
    thread.join()


def test_twenty_restless_pods_leave_kernel_and_page_responsive(
    open_notebook: OpenNotebook, cluster: MovingCluster, page: Page, record_property: pytest.RecordProperty
) -> None:
    for index in range(20):
        cluster.put_pod(f"web-{index:02d}", "web", WORKERS[index % 2])
    notebook = open_notebook(["ClusterView(lab)", "LoadPanel(lab)", "1 + 1"])
    view = notebook.view("Cluster")
    expect(view).to_contain_text("28 of 28 pods ready")
    with restless(cluster, 20, changes_per_second=40):
        drawings = page.evaluate(_COUNT_DRAWINGS, [view.element_handle(), 4])
        longest_frame = page.evaluate(_LONGEST_FRAME, 4)
        began = time.monotonic()
        notebook.run_again(3)
        answered = time.monotonic() - began
    record_property("drawings_per_second", drawings / 4)
    record_property("longest_frame_ms", round(longest_frame))
    record_property("cell_answered_s", round(answered, 2))
    print(f"\n{drawings / 4:.1f} drawings/s, longest frame {longest_frame:.0f} ms, a cell answered in {answered:.2f} s")
    assert 2 <= drawings / 4 <= 3 * 4, "about four pictures a second, of up to three parts each"
    assert longest_frame < 1000
    assert answered < 5

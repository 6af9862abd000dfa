"""How long `goto` takes: a walk at random over the checkpoints of each lab, and one across the labs.

    python -m tests.bench.bench_goto [--steps 30] [--seed 1] [LAB]...

It needs a cluster that is up, with the addons of the labs that are named (default: of all that need no more than it
has), and happens in namespaces of its own, which go afterwards.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from wavetank.cluster import kubeconfig_path, used_berth
from wavetank.kube import Kube
from wavetank.lesson import find_lab
from wavetank.lesson.library import lab_ids
from wavetank.lesson.progress import ProgressFile
from wavetank.lesson.session import LabSession
from wavetank.spread import Spread

ACROSS = "across labs"


def main(arguments: Sequence[str] = ()) -> None:
    """Walk, and print p50, p95 and the worst way of each lab."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labs", nargs="*", metavar="LAB")
    parser.add_argument("--steps", type=int, default=30, help="ways in each lab, and across them (default: 30)")
    parser.add_argument("--seed", type=int, default=1, help="the same walk again (default: 1)")
    asked = parser.parse_args(list(arguments))
    labs = asked.labs or lab_ids()
    kube = Kube.connect(kubeconfig_path("wavetank"))
    dice = random.Random(asked.seed)
    for lab in labs:
        with session(kube, lab, f"goto-{lab}") as learner:
            ids = [(learner, checkpoint.id) for checkpoint in learner.model.checkpoints]
            walk(lab, ids, asked.steps, dice)
    if len(labs) > 1:
        with across(kube, labs) as learners:
            ids = [(learner, checkpoint.id) for learner in learners for checkpoint in learner.model.checkpoints]
            walk(ACROSS, ids, asked.steps, dice)


@contextmanager
def session(kube: Kube, lab: str, namespace: str) -> Iterator[LabSession]:
    """Open a lab in a namespace that goes with the block."""
    with across(kube, [lab], namespace) as learners:
        yield learners[0]


@contextmanager
def across(kube: Kube, labs: Sequence[str], namespace: str = "goto-across") -> Iterator[list[LabSession]]:
    """Open labs in one namespace, as a learner does who goes from one to the next."""
    with tempfile.TemporaryDirectory(prefix="wavetank-bench-") as folder:
        progress = ProgressFile(Path(folder) / "progress.json")
        models = [find_lab(lab, berth=used_berth(None), namespace=namespace) for lab in labs]
        try:
            yield [LabSession(model, progress, kube=kube) for model in models]
        finally:
            kube.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, wait=90)


def walk(title: str, places: Sequence[tuple[LabSession, str]], steps: int, dice: random.Random) -> None:
    """Go from one place to another one, ``steps`` times, and print what it took; the first way there counts not."""
    if len(places) < 2:
        print(f"  {title:<18} has one checkpoint", flush=True)
        return
    at = dice.choice(places)
    at[0].goto(at[1])
    route = [at]
    for _ in range(steps):
        route.append(dice.choice([place for place in places if place != route[-1]]))
    took: list[tuple[float, str]] = []
    for (before, start), (learner, end) in pairwise(route):
        began = time.monotonic()
        learner.goto(end)
        took.append((time.monotonic() - began, f"{before.model.id}/{start} to {learner.model.id}/{end}"))
    spread = Spread.of([seconds for seconds, _ in took])
    _, way = max(took)
    told = f"p50 {spread.p50:5.1f} s  p95 {spread.p95:5.1f} s  worst {spread.most:5.1f} s: {way}"
    print(f"  goto, {title:<18} {spread.count:3} ways  {told}", flush=True)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])

"""A lab opened on a cluster: what a notebook and the command line call, each thing by its id in ``lab.yaml``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from wavetank.bootstrap import stage_of
from wavetank.bundle import bundles
from wavetank.cluster import SHIPPED, kubeconfig_path, used_berth
from wavetank.errors import CheckFailedError, InputError, KubeError
from wavetank.faults import FaultRun, emergency_stop
from wavetank.images import Container
from wavetank.images.pipeline import Pipeline, RunRecord
from wavetank.kube import Kube
from wavetank.lesson.bench import Bench
from wavetank.lesson.checks import run_checks
from wavetank.lesson.declared import full_name, is_function
from wavetank.lesson.files import lay_out, solve, start_over
from wavetank.lesson.handed_in import not_handed_in, unreadable
from wavetank.lesson.lab import Lab
from wavetank.lesson.library import LABS, find_lab
from wavetank.lesson.outranked import outranked
from wavetank.lesson.place import furnish
from wavetank.lesson.predictions import Outcome, Truth, judge, read_answer
from wavetank.lesson.presence import at_work
from wavetank.lesson.progress import PredictionProgress, ProgressFile, progress_path
from wavetank.lesson.readiness import Readiness, await_stage, on_its_way
from wavetank.lesson.reading import load_lab
from wavetank.lesson.replay import replay_day
from wavetank.lesson.report import Applied, Asked, Hint, Kept, Put, Reached, Report, Stopped
from wavetank.lesson.restore import restore
from wavetank.lesson.result import CheckResult
from wavetank.lesson.runs import fault_anew, lab_pipeline, load_anew, ship
from wavetank.lesson.truths import read_truth
from wavetank.lesson.workshop import Use, Workshop, as_learned, as_solved
from wavetank.observe.analysis import analyze
from wavetank.observe.billing import Replay
from wavetank.observe.serverless import await_verdict
from wavetank.observe.sync import heard
from wavetank.observe.wire import Wire, listen
from wavetank.proxies import except_loopback
from wavetank.traffic import Answers, LoadRun
from wavetank.traffic.here import LoadHere, ask_here, send_here

__all__ = ["LabSession", "open_lab"]

NAMESPACE = "WAVETANK_NAMESPACE"
"""The variable that names the namespace in which every lab is done."""
MESH = "istio"
"""The addon whose sidecars have to hear of a change before it counts."""

Say = Callable[[str], None]
"""Told, in words, what is being done or waited for."""


def _in_silence(words: str) -> None:
    """Tell nobody."""


def open_lab(
    id_: str, *, solved: bool = False, kube: Kube | None = None, labs: Path = LABS, say: Say = _in_silence
) -> LabSession:
    """Open the lab called ``id_``; the learner's files are laid out, nothing is asked of the cluster yet.

    With ``solved``, the solutions take the place of the learner's files, and a check that does not pass raises
    `CheckFailedError`. The cluster is ``kube``, else the one that ``$KUBECONFIG`` or the pod's own account names, else
    the one that `wavetank up` has made. Raises `InputError` when there is no such lab, or its file is wrong.

    The lab is done in its own namespace, or in the one that ``$WAVETANK_NAMESPACE`` names: so several people share a
    cluster. ``$KUBECONFIG`` and ``$PATH`` of this process are set, so that a cell's ``!kubectl get pods`` asks the same
    cluster.
    """
    if kube is None:
        _put_kubectl_at_hand()
    berth = used_berth(kube.connection.kubeconfig if kube else None)
    lab = find_lab(id_, labs, berth, os.environ.get(NAMESPACE, ""))
    furnish(labs)
    _lay_out(lab)
    progress = ProgressFile(progress_path(f"{id_}-solved" if solved else id_))
    return LabSession(lab, progress, solved=solved, kube=kube, say=say)


class LabSession:
    """One learner in one lab. Nothing is kept here: what matters is in the cluster or in the progress file."""

    def __init__(
        self,
        lab: Lab,
        progress: ProgressFile,
        *,
        solved: bool = False,
        use: Use = as_learned,
        kube: Kube | None = None,
        say: Say = _in_silence,
    ) -> None:
        self.model, self.namespace, self.solved, self.say = lab, lab.namespace, solved, say
        self._progress, self._kube = progress, kube
        self.images = Workshop(
            lab, use=as_solved if solved else use, say=lambda words: self.say(words), ready=self._containers
        )
        """The lab's images, by their names."""

    def __repr__(self) -> str:
        told = f"{self.model.id}: {self.model.title} ({self.model.minutes} minutes)"
        needs = stage_of(self.model.addons)
        waits = str(Readiness(False, needs)) if self._kube is None and on_its_way(needs) else ""
        return "; ".join(filter(None, (told, waits, self._moved(), self.model.elsewhere, self._others())))

    @property
    def registry(self) -> str:
        """The name of the cluster's registry, the same for the engine, for its nodes and for a learner."""
        return self._moored().berth.registry

    @property
    def site(self) -> str:
        """Where the application is for a browser on this machine: the address of the cluster's ingress."""
        return self._moored().berth.site

    @property
    def gateway(self) -> str:
        """Where the mesh is entered from this machine: the address of its gateway."""
        return self._moored().berth.gateway

    @cached_property
    def kube(self) -> Kube:
        """The cluster the lab happens on; while it still comes up, it is waited for."""
        if self._kube is None:
            await_stage(stage_of(self.model.addons), self._loudly)
            _put_kubectl_at_hand()
        self._moored()
        return self._kube or Kube.connect()

    @property
    def progress(self) -> Report:
        """What the learner has done so far."""
        return Report(self.model, self._progress.read(), self._progress.notice)

    def goto(self, checkpoint: str) -> Reached:
        """Bring the cluster to ``checkpoint``, whatever was done to it, and return when everything is ready.

        Deletes whatever is in the lab's namespace and not declared, loads and faults (reverted) among it.
        """
        reached = self._moored().up_to(checkpoint)
        title = reached[-1].title
        there = self._kube is not None or not on_its_way(stage_of(self.model.addons))
        if there:
            self.kube.require_mark()  # before images are built for a cluster that must not be touched
        if others := self._others():
            self._loudly(others)
        self.say(f"bringing the cluster to the checkpoint {checkpoint}")
        self.images.provide(dict.fromkeys(image for step in reached for image in step.images))
        if there or any(step.manifests for step in reached):
            with self._heard():
                restore(self.kube, self.model, checkpoint)
        # else there is no cluster yet, and the checkpoint asks nothing of it
        self._progress.update(lambda progress: progress.at(checkpoint))
        return Reached(checkpoint, title)

    def reset(self) -> Reached:
        """Bring the cluster back to the checkpoint it was last brought to (at first: the first)."""
        return self.goto(self._progress.read().checkpoint or self.model.checkpoints[0].id)

    def start_over(self, exercise: str) -> Kept:
        """Put an exercise's starters in place of the learner's files, which are kept."""
        files = self.model.exercise(exercise).files
        kept = start_over(files)
        return Kept(tuple(file.learner for file in files), tuple(kept))

    def solve(self, exercise: str) -> Kept:
        """Put an exercise's solution in place of the learner's files, which are kept."""
        files = self.model.exercise(exercise).files
        kept = solve(files)
        self._progress.update(lambda progress: progress.with_exercise(exercise, solution_shown=True))
        return Kept(tuple(file.learner for file in files), tuple(kept))

    def apply(self, exercise: str) -> Applied:
        """Apply the learner's files of an exercise (with ``solved``, the solution's)."""
        return self._apply([self.images.file(file.learner) for file in self.model.exercise(exercise).applied])

    def put(self, material: str) -> Put:
        """Apply a piece of the lab's material; the answer shows what was put into the cluster, to be read."""
        path = self.model.manifest(material)
        return Put(self._apply([path]), path.read_text(encoding="utf-8"))

    def overhear(self, ask: str, workload: str, seconds: float = 4.0) -> Wire:
        """Ask one of the lab's questions again and again, and listen meanwhile on the node of a pod of ``workload``."""
        with ThreadPoolExecutor(1, "overhear") as pool:
            listening = pool.submit(listen, self.kube, self.namespace, workload, seconds=seconds)
            while not listening.done():
                self.ask(ask)
            return listening.result()

    def check(self, exercise: str, say: Say | None = None) -> CheckResult:
        """Look whether an exercise does what it should; stops at the first behaviour that is not there yet.

        ``say`` is told what this check waits for, in place of the session's own. Raises `CheckFailedError` instead of
        answering "not yet" when the session is ``solved``, and `ClusterError` for a cluster that is not Wavetank's:
        whatever is found there, it is not what a learner has done.
        """
        declared = self.model.exercise(exercise)
        with self._bench(say) as bench:
            handed_in = [self.images.file(file.learner) for file in declared.applied]
            try:
                result = (not_handed_in(bench.kube, self.namespace, handed_in) if handed_in else None) or run_checks(
                    declared.checks, declared.title, bench
                )
            except InputError as error:
                result = unreadable(error, [self.images.file(file.learner) for file in declared.files])
        if not result.passed and MESH in self.model.addons:
            result = self._with_analysis(result)
        if result.passed:
            self._progress.update(lambda progress: progress.with_exercise(exercise, passed=True))
        elif self.solved:
            raise CheckFailedError(
                f"{exercise}: {result.verdict}", observed=result.saw, expected=result.expected, command=result.look
            )
        return result

    def hint(self, exercise: str) -> Hint:
        """Return the next of an exercise's three hints; after the third, the third again."""
        hints = self.model.exercise(exercise).hints
        progress = self._progress.update(
            lambda progress: progress.with_exercise(exercise, hints=min(progress.exercise(exercise).hints + 1, 3))
        )
        number = progress.exercise(exercise).hints
        return Hint(number, hints[number - 1])

    def load(self, name: str) -> LoadRun:
        """Start one of the lab's loads, ending the same one if it still runs; returns once requests are sent."""
        run = load_anew(self.kube, self.model.load(name), self.namespace)
        next(run.follow(), None)
        return run

    def visit(self, container: Container, port: int, path: str) -> str:
        """Ask a container once, and return its answer; no cluster needed. One that is just starting is waited for."""
        return ask_here(container.address(port), path)

    def send(self, load: str, container: Container, port: int) -> LoadHere:
        """Send one of the lab's loads from this process to a container's port; no cluster needed.

        Returns at once; the load ends by itself, and with this process.
        """
        return send_here(self.model.load(load), container.address(port))

    def replay(self, load: str, service: str) -> Replay:
        """Play one of the lab's loads as a day of the Knative Service ``service``, and return what was used."""
        return replay_day(self.kube, self.namespace, self.model.load(load), service, say=self.say)

    def fault(self, name: str) -> FaultRun:
        """Inject one of the lab's faults, ending the same one if it is still on; returns once it has taken effect."""
        return fault_anew(self.kube, self.model.fault(name), self.namespace)

    def ask(self, name: str) -> Answers:
        """Ask one of the lab's questions, as often as it says, and return all answers."""
        with self._bench() as bench:
            return bench.ask(name)

    def emergency_stop(self) -> Stopped:
        """End every load and every fault on the cluster, now."""
        return Stopped(tuple(str(ended) for ended in emergency_stop(self.kube)))

    def predict(self, prediction: str, answer: float | str | None = None) -> Asked:
        """Commit to an answer: a number, or a choice by its text or its number from 1. Without one, only ask.

        An answer can be changed until the truth is known; then it stands.
        """
        declared = self.model.prediction(prediction)
        if answer is not None:
            committed = read_answer(declared, answer)
            self._progress.update(lambda progress: progress.committed(prediction, committed))
        known = self._progress.read().predictions.get(prediction)
        return Asked(declared, known.answer if known else None)

    def outcome(self, prediction: str, truth: Truth | None = None) -> Outcome:
        """Hold a prediction against the truth, read where ``lab.yaml`` says, or as the notebook has measured it."""
        declared = self.model.prediction(prediction)
        if truth is None:
            with self._bench() as bench:
                truth = read_truth(declared, bench)
        known = self._progress.read().predictions.get(prediction, PredictionProgress(None))
        outcome = judge(declared, known.answer, truth)
        settled = PredictionProgress(known.answer, truth, outcome.right)
        self._progress.update(lambda progress: progress.with_prediction(prediction, settled))
        return outcome

    def pipeline(self, file: str) -> Pipeline:
        """Return the pipeline in a file of the lab's exercises, as it is now."""
        return lab_pipeline(self.images, self.model, file)

    def ship(self, version: str, pipeline: str, watch: Callable[[RunRecord], None] = lambda record: None) -> RunRecord:
        """Ship a version through a pipeline, a file of the lab's exercises; return the record of the run."""
        return ship(self.kube, self.images, self.model, pipeline, version, watch)

    def _apply(self, files: Iterable[Path]) -> Applied:
        """Apply files, and return what was applied once Knative and the sidecars have taken it up."""
        with self._heard():
            applied = [
                obj for file in files for obj in self.kube.apply(file, namespace=self.namespace, enforce_namespace=True)
            ]
            for function in filter(is_function, applied):
                name = function["metadata"]["name"]
                self.say(f"waiting until Knative says what becomes of {name}")
                await_verdict(self.kube, name, self.namespace)
        return Applied(tuple(map(full_name, applied)), outranked(self.kube, applied, self.namespace))

    def _heard(self) -> AbstractContextManager[None]:
        """In a lab with a mesh, wait at the end of the block until the sidecars have heard of what was changed."""
        return heard(self.kube) if MESH in self.model.addons else nullcontext()

    def _with_analysis(self, result: CheckResult) -> CheckResult:
        """Return what was seen, and what Istio itself finds wrong with what is in the namespace."""
        try:
            found = analyze(self.kube, self.namespace)
        except KubeError:
            return result
        return replace(result, saw="; ".join([result.saw, *(f"istioctl: {message}" for message in found)]))

    def _others(self) -> str:
        """Say that this session is at work in its namespace; return who else is, in words."""
        return at_work(self._progress.path.with_name("at-work"), self.namespace, self.model.id)

    def _containers(self) -> None:
        """Wait until there is what images are built on and pushed to."""
        await_stage("containers", self._loudly)
        self._moored()

    def _moored(self) -> Lab:
        """Return the lab, read anew if the cluster has got another berth since: labs are opened before it has any."""
        berth = used_berth(self._kube.connection.kubeconfig if self._kube else None)
        if berth != self.model.berth:
            told_alike = (berth.name, berth.ports) == (self.model.berth.name, self.model.berth.ports)
            path = self.model.folder / "lab.yaml"
            moved = replace(self.model, berth=berth) if told_alike else load_lab(path, berth, self.namespace)
            self.model = self.images.lab = moved
            _lay_out(self.model)
        return self.model

    def _moved(self) -> str:
        """Say where things are when they are not where a text that names them says."""
        berth = self.model.berth
        if berth.ports == SHIPPED.ports:
            return ""
        return f"the site is at {berth.site}, the gateway at {berth.gateway}, the registry is {berth.registry}"

    def _loudly(self, words: str) -> None:
        """Say what is waited for, in a notebook too: it may take minutes."""
        (print if self.say is _in_silence else self.say)(words)

    def _bench(self, say: Say | None = None) -> Bench:
        return Bench(self._marked, self.model, say or self.say, images=self.images)

    def _marked(self) -> Kube:
        """Return the cluster the lab happens on, which says itself that it is Wavetank's."""
        self.kube.require_mark()
        return self.kube


def _lay_out(lab: Lab) -> None:
    for exercise in lab.exercises:
        lay_out(exercise.files, lab.berth.told)


def _put_kubectl_at_hand() -> None:
    """Point this process, and so a notebook's shell, at the cluster; put our own kubectl and istioctl first."""
    own = kubeconfig_path("wavetank")
    if own.exists():
        os.environ.setdefault("KUBECONFIG", str(own))
    os.environ.update(except_loopback(os.environ))
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    tools = [str(Path(sys.executable).parent), *(str(bundle.path / "bin") for bundle in bundles()[:1])]
    os.environ["PATH"] = os.pathsep.join([*(folder for folder in tools if folder not in path), *path])

"""The order of a pipeline's stages, and what follows when one of them fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from wavetank.errors import WavetankError
from wavetank.images.engine import Engine
from wavetank.images.pipeline.declared import Pipeline
from wavetank.images.pipeline.record import Records, RunRecord, StageRecord
from wavetank.images.pipeline.stages import StageFailedError, Stages
from wavetank.images.pipeline.target import Target
from wavetank.kube import Kube

__all__ = ["run_pipeline"]

Watch = Callable[[RunRecord], None]
_ON_THE_CLUSTER = ("deploy", "verify", "promote")
"""Stages after which the new version is in place, so that it may have to be taken out again."""


def run_pipeline(
    pipeline: Pipeline,
    version: str,
    *,
    engine: Engine,
    kube: Kube,
    namespace: str,
    records: Records | None = None,
    watch: Watch = lambda record: None,
) -> RunRecord:
    """Ship ``version`` and return the record of it, whatever came of it.

    ``watch`` is given the record with every change. A stage that fails ends the run; after the deployment it also puts
    back, where the pipeline says so, the very bytes that ran before. Raises `InputError` when a run of this pipeline is
    under way already, `NotFoundError` when there is nothing to deploy to, and `ClusterError`, before anything is built,
    when the cluster is not Wavetank's.
    """
    kube.require_mark()
    records = records or Records(pipeline.name)
    target = Target(kube, namespace, pipeline.deploy.deployment, pipeline.deploy.container)
    stages = Stages(pipeline, version, engine, kube, namespace, target)
    with records.alone() as number:
        began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        waiting = tuple(StageRecord(name) for name in stages.in_order())
        record = RunRecord(pipeline.name, number, version, began, before=target.running(), stages=waiting)
        return _Run(pipeline, record, records, watch).go(stages, target)


class _Run:
    def __init__(self, pipeline: Pipeline, record: RunRecord, records: Records, watch: Watch) -> None:
        self._pipeline, self.record, self._records, self._watch = pipeline, record, records, watch

    def change(self, **changes: Any) -> None:
        self._keep(replace(self.record, **changes))

    def go(self, stages: Stages, target: Target) -> RunRecord:
        reached = ""
        try:
            for reached, do in stages.in_order().items():
                with self._stage(reached) as say:
                    said, found = do(say)
                    self._keep(replace(self.record.with_stage(reached, said=said), **found))
            outcome = "promoted" if self._pipeline.promote else "deployed"
            self.change(outcome=outcome, why=f"every stage passed: {stages.image} is in use", after=target.running())
        except WavetankError as error:
            if isinstance(error, StageFailedError):
                self.change(**error.found)
            self._after_failure(f"{reached}: {error.summary}", reached, target)
        except BaseException:
            self.change(outcome="failed", why=f"interrupted in {reached}; the cluster is as it was left then")
            raise
        return self.record

    def _after_failure(self, why: str, reached: str, target: Target) -> None:
        """Take out again what was put in place, where the pipeline says so."""
        for stage in self.record.stages:
            if stage.state == "waiting":
                self._keep(self.record.with_stage(stage.name, state="skipped"))
        if reached not in _ON_THE_CLUSTER:
            self.change(outcome="failed", why=f"{why}; nothing was changed in the cluster", after=self.record.before)
        elif not self._pipeline.rolls_back:
            self.change(outcome="failed", why=f"{why}; {self.record.version} is left in place", after=target.running())
        else:
            self._roll_back(why, target)

    def _roll_back(self, why: str, target: Target) -> None:
        began = time.monotonic()
        before = self.record.before
        try:
            said = target.roll_to(before, f"rolled back from {self.record.version}", self._pipeline.deploy.within)
        except WavetankError as error:
            self.change(outcome="failed", why=f"{why}; and going back to {before} failed: {error.summary}")
            return
        back = StageRecord("rollback", "passed", time.monotonic() - began, f"{before}: {said}")
        self.change(
            outcome="rolled back",
            why=why,
            after=target.running(),
            stages=(*self.record.stages, back),
        )

    @contextmanager
    def _stage(self, name: str) -> Iterator[Callable[[str], None]]:
        began = time.monotonic()
        self._keep(self.record.with_stage(name, state="running"))

        def say(line: str) -> None:
            stage = self.record.stage(name).with_line(line)
            self._keep(self.record.with_stage(name, log=stage.log, seconds=time.monotonic() - began))

        try:
            yield say
        except BaseException as error:
            said = error.summary if isinstance(error, WavetankError) else type(error).__name__
            for line in str(error).splitlines()[1:] if isinstance(error, WavetankError) else ():
                say(line)
            self._keep(self.record.with_stage(name, state="failed", seconds=time.monotonic() - began, said=said))
            raise
        self._keep(self.record.with_stage(name, state="passed", seconds=time.monotonic() - began))

    def _keep(self, record: RunRecord) -> None:
        self.record = record
        self._records.write(record)
        self._watch(record)

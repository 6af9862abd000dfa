"""What each stage of a pipeline does. A stage says lines for its log, and returns what it came to and what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from wavetank.errors import WavetankError
from wavetank.images.engine import Engine
from wavetank.images.model import Say
from wavetank.images.pipeline.declared import Pipeline, Test, Verification
from wavetank.images.pipeline.target import Target
from wavetank.images.registry import Registry
from wavetank.kube import Kube
from wavetank.traffic import Summary, start_load

__all__ = ["StageFailedError", "Stages"]

Result = tuple[str, dict[str, Any]]
"""What a stage came to, in a line, and the fields of the run's record that it found out."""

_LAST_WORDS = 15


class StageFailedError(WavetankError):
    """A stage refused the version. ``found`` are the fields of the run's record that it found out nevertheless."""

    def __init__(self, summary: str, found: dict[str, Any] | None = None, logs: tuple[str, ...] = ()) -> None:
        super().__init__(summary, logs=logs)
        self.found = found or {}


class Stages:
    """The stages of shipping one version."""

    def __init__(
        self, pipeline: Pipeline, version: str, engine: Engine, kube: Kube, namespace: str, target: Target
    ) -> None:
        self._pipeline, self._version, self._engine = pipeline, version, engine
        self._kube, self._namespace, self._target = kube, namespace, target
        self._tag = f"{pipeline.image}:{version}"
        self._digest = ""

    @property
    def image(self) -> str:
        """What is deployed: the repository and the digest that was pushed."""
        return f"{self._pipeline.image}@{self._digest}"

    def in_order(self) -> Mapping[str, Callable[[Say], Result]]:
        """Return the stages this pipeline has by their names, in their order."""
        pipeline = self._pipeline
        stages: dict[str, Callable[[Say], Result]] = {"build": self._build}
        if pipeline.test:
            stages["test"] = partial(self._test, pipeline.test)
        stages |= {"push": self._push, "deploy": self._deploy}
        if pipeline.verify:
            stages["verify"] = partial(self._verify, pipeline.verify)
        if pipeline.promote:
            stages["promote"] = self._promote
        return stages

    def _build(self, say: Say) -> Result:
        """Build the image under the version as its tag."""
        recipe = self._pipeline.recipe_of(self._version)
        built = self._engine.build(recipe, self._tag, report=lambda step: say(str(step)))
        return f"{len(built.rebuilt)} of {len(built.steps)} steps done anew", {}

    def _test(self, test: Test, say: Say) -> Result:
        """Run the image's own tests in a container of it."""
        container = self._engine.run(self._tag, test.command)
        try:
            ended = container.wait(test.within)
        finally:
            container.remove()
        last_words = tuple(ended.output.splitlines()[-_LAST_WORDS:])
        if ended.code != 0:
            raise StageFailedError(f"the image's own tests ended with exit code {ended.code}", logs=last_words)
        for line in last_words:
            say(line)
        return "the image's own tests passed", {}

    def _push(self, say: Say) -> Result:
        """Push it; from here on it is called by its digest."""
        self._digest = self._engine.push(self._tag, say)
        return self._digest, {"digest": self._digest}

    def _deploy(self, say: Say) -> Result:
        """Roll the Deployment to the digest."""
        say(f"{self._target.deployment}: {self.image}")
        return self._target.roll_to(self.image, f"{self._version} by pipeline", self._pipeline.deploy.within), {}

    def _verify(self, wanted: Verification, say: Say) -> Result:
        """Send the load and hold what it meets against the thresholds.

        Latencies count only of a load that held its own schedule, and nothing counts of one that stood still: such a
        load is sent once more.
        """
        summary, met = self._measure(wanted, say), Summary()
        met.add_up(summary)
        late = not summary.held and not _failures(summary, wanted) and _slowness(summary, wanted)
        if late or summary.still:
            say(f"{summary!r}: this is the machine's doing, so it is measured once more")
            summary = self._measure(wanted, say)
            met.add_up(summary)
        found = {"requests": dict(sorted(met.status.items()))}
        summary.require_awake(wanted.load.name)
        if why := _failures(summary, wanted) or _slowness(summary, wanted):
            raise StageFailedError(f"{why}; {summary!r}", found)
        return repr(summary), found

    def _measure(self, wanted: Verification, say: Say) -> Summary:
        """Send the load once; stop as soon as too many requests have failed."""
        may_fail = wanted.failed_share * wanted.load.requests
        run, summary, given_up = start_load(self._kube, wanted.load, self._namespace), Summary(), False
        try:
            for second in run.follow():
                summary.add(second)
                say(f"second {second.t + 1}: {second.ended} ended, {second.failed} of them failed")
                if not given_up and summary.failed > may_fail:
                    given_up = True
                    run.stop()  # what it has still to tell is read all the same: every request is accounted for
        finally:
            run.stop()
        return summary

    def _promote(self, say: Say) -> Result:
        """Let the tag of the version in use mean what was verified."""
        host, _, repository = self._pipeline.image.partition("/")
        Registry(host).tag(repository, self._digest, self._pipeline.promote)
        return f"{self._pipeline.promote} is {self._version} now", {}


def _failures(summary: Summary, wanted: Verification) -> str:
    """Return whether more failed than may, in words; empty when not."""
    if summary.sent == 0:
        return "nothing was sent"
    if summary.error_share > wanted.failed_share:
        return f"{summary.error_share:.1%} of the requests failed, {wanted.failed_share:.1%} may"
    return ""


def _slowness(summary: Summary, wanted: Verification) -> str:
    """Return whether the answers were slower than they may be, in words; empty when not."""
    p95 = summary.latencies.percentile(95)
    if wanted.p95_below is None or (p95 is not None and p95 < wanted.p95_below):
        return ""
    said = "nothing was answered" if p95 is None else f"p95 was {p95 * 1000:.0f} ms"
    return f"{said}, below {wanted.p95_below * 1000:.0f} ms is asked for"

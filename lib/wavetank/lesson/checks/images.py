"""Checks of images: what a recipe makes, which bytes a Deployment runs, and what a pipeline does with a version."""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wavetank.errors import ImageError, WavetankError
from wavetank.images import Build, Container, megabytes, repository_of
from wavetank.images.pipeline.target import Target
from wavetank.lesson.bench import Bench
from wavetank.lesson.checks.base import Check
from wavetank.lesson.result import CheckResult
from wavetank.lesson.runs import ship
from wavetank.pasted import pasted
from wavetank.proxies import open_here

__all__ = ["Pipeline", "Recipe", "Running"]

_ANSWERS_WITHIN = 15.0
_EVERY = 0.2
"""Seconds between two requests to a container that has just started: nothing tells that it listens."""


@dataclass(frozen=True, slots=True)
class Recipe(Check):
    """An image of the lab is built, and does what is asked of it, each in the order of the fields."""

    image: str
    answers: str = ""
    port: int = 8080
    unprivileged: bool = False
    adds_at_most: int | None = None
    rebuilds: Mapping[str, Any] | None = None
    same_bytes: bool = False

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        claims = [f"answers GET {self.answers}"] * bool(self.answers)
        claims += ["does not run as root"] * self.unprivileged
        if self.adds_at_most is not None:
            claims.append(f"adds at most {megabytes(self.adds_at_most)} to its base")
        if self.rebuilds is not None:
            claims.append(
                f"has at most {self.rebuilds['at_most']} layers made anew for {self.rebuilds['after_changing']}"
            )
        claims += ["is the same image when built again from nothing"] * self.same_bytes
        return f"the image {self.image} " + ", ".join(claims)

    def run(self, bench: Bench) -> CheckResult:
        """Build it, and look."""
        try:
            built = bench.images.build(self.image)
        except ImageError as error:
            return self._no(error.summary, "a recipe that builds", error.help.command or "docker image ls")
        for asked, look in (
            (bool(self.answers) or self.unprivileged, self._run_container),
            (self.adds_at_most is not None, self._size),
            (self.rebuilds is not None, self._rebuilt),
            (self.same_bytes, self._again),
        ):
            if asked and (no := look(bench, built)):
                return no
        return self.result(True, f"{len(built.image.layers)} layers, {megabytes(built.image.size)} in all", "", "")

    def _run_container(self, bench: Bench, built: Build) -> CheckResult | None:
        container = bench.images.run(self.image, ports=[self.port])
        try:
            if self.answers and (trouble := _unanswered(container, self.port, self.answers)):
                last = container.logs().strip().splitlines()[-3:]
                return self._no("; ".join([trouble, *last]), f"200 at {self.answers}", self._look(bench))
            user = container.exec(["id", "-u"]).output.strip()
        finally:
            container.remove()
        if self.unprivileged and user in ("", "0"):
            return self._no(f"its program runs as user {user or 'unknown'}", "any user but 0", self._look(bench))
        return None

    def _size(self, bench: Bench, built: Build) -> CheckResult | None:
        own = sum(layer.size for layer in built.own_layers)
        most = self.adds_at_most or 0
        if own <= most:
            return None
        return self._no(
            f"it adds {megabytes(own)}", f"at most {megabytes(most)}", f"docker history {bench.images.tag(self.image)}"
        )

    def _rebuilt(self, bench: Bench, built: Build) -> CheckResult | None:
        changed, most = (self.rebuilds or {})["after_changing"], (self.rebuilds or {})["at_most"]
        anew = bench.images.rebuild(self.image, changed).layers_anew
        if len(anew) <= most:
            return None
        words = ", ".join(f"line {step.line} ({step.instruction.split()[0]})" for step in anew)
        return self._no(
            f"{len(anew)} layers were made anew when {changed} changed: {words}", f"at most {most}", self._look(bench)
        )

    def _again(self, bench: Bench, built: Build) -> CheckResult | None:
        again = bench.images.build(self.image, fresh=True)
        if again.image.id == built.image.id:
            return None
        pairs = zip(built.image.layers, again.image.layers, strict=False)
        other = next((one.made_by for one, two in pairs if one.digest != two.digest), "its configuration")
        return self._no(
            f"another image; the first layer that differs is that of: {other}", "the same digest", self._look(bench)
        )

    def _look(self, bench: Bench) -> str:
        return f"docker run --rm -it {bench.images.tag(self.image)} sh"

    def _no(self, saw: str, expected: str, look: str) -> CheckResult:
        return self.result(False, saw, expected, look)


@dataclass(frozen=True, slots=True)
class Running(Check):
    """Every pod of a Deployment runs the very bytes of an image of the lab."""

    deployment: str
    image: str
    within: float = 60.0

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        return f"every pod of {self.deployment} runs the bytes of {self.image}"

    def run(self, bench: Bench) -> CheckResult:
        """Wait for the rollout, and compare; the lab's own build says which bytes these are."""
        built = bench.images.build(self.image)
        running, saw = "", ""
        try:
            bench.kube.rollout(self.deployment, bench.namespace, timeout=self.within)
            running = Target(bench.kube, bench.namespace, self.deployment).running()
        except WavetankError as error:
            saw = ": ".join(filter(None, (error.summary, error.help.observed)))
        look = bench.kubectl(
            "get", "pods", "-o", "custom-columns=POD:.metadata.name,IMAGE:.status.containerStatuses[*].imageID"
        )
        digest = built.image.digest_in(repository_of(bench.images.tag(self.image)))
        return self.result(
            self._is_what_runs(bench, built, running), saw or f"it runs {running}", f"{self.image}, {digest}", look
        )

    def _is_what_runs(self, bench: Bench, built: Build, running: str) -> bool:
        registry = bench.images.tag(self.image).partition("/")[0]
        if "@" not in running or not running.startswith(f"{registry}/"):
            return False
        # By its id in the engine: Podman knows an image by another digest than its registry (containers/podman#14779).
        try:
            bench.images.engine.pull(running)
            return bench.images.engine.image(running).id == built.image.id
        except ImageError:  # it is from no registry of ours, or gone from it: other bytes than a lab's build
            return False


@dataclass(frozen=True, slots=True)
class Pipeline(Check):
    """A pipeline is given a version, and this comes of it."""

    file: str
    version: str
    outcome: str

    @property
    def claim(self) -> str:
        """Say what is asserted."""
        return f"given {self.version}, the pipeline ends with: {self.outcome}"

    def run(self, bench: Bench) -> CheckResult:
        """Run it to its end; after a roll-back the bytes that ran before have to run again."""
        bench.say(f"the pipeline ships {self.version}")
        record = ship(bench.kube, bench.images, bench.lab, self.file, self.version, lambda record: None)
        fits = record.outcome == self.outcome and (record.outcome != "rolled back" or record.after == record.before)
        return self.result(
            fits,
            f"{record.outcome}: {record.why}; {record.after} is in use",
            f"{self.outcome}, accounted for in the record of the run",
            pasted("wavetank", "pipeline", "show", record.pipeline, record.number),
        )


def _unanswered(container: Container, port: int, path: str) -> str:
    """Return why a GET is not answered with 200 in time; empty when it is."""
    deadline, saw = time.monotonic() + _ANSWERS_WITHIN, ""
    while time.monotonic() < deadline:
        try:
            url = f"http://{container.address(port)}{path}"
            with open_here(url, timeout=2) as answer:
                if answer.status == 200:
                    return ""
                saw = f"GET {path} answered {answer.status}"
        except ImageError as error:
            return error.summary
        except urllib.error.HTTPError as error:
            saw = f"GET {path} answered {error.code}"
        except OSError as error:
            saw = f"GET {path} was not answered: {error}"
        time.sleep(_EVERY)
    return saw

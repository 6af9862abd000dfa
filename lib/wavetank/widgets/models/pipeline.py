"""A run of a pipeline as a picture shows it: a tone for each state, digests cut to what an eye can compare. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from wavetank.images.pipeline import RunRecord, StageRecord
from wavetank.traffic.record import is_ok
from wavetank.widgets.models.tone import Tone

__all__ = ["OUTCOMES", "STATES", "cut", "last_lines", "requests", "speaking", "status", "text"]

STATES = {
    "waiting": Tone.WAIT,
    "running": Tone.BUSY,
    "passed": Tone.GOOD,
    "failed": Tone.BAD,
    "skipped": Tone.GONE,
}
OUTCOMES = {
    "running": Tone.BUSY,
    "promoted": Tone.GOOD,
    "deployed": Tone.GOOD,
    "rolled back": Tone.WARN,
    "failed": Tone.BAD,
}
_DIGEST = re.compile(r"sha256:([0-9a-f]{12})[0-9a-f]{52}")


def text(record: RunRecord) -> str:
    """Return a run in words: its stages, what was met and why it ended as it did; no digest, no time."""
    lines = [f"run {record.number} of {record.pipeline}, {record.version}: {record.outcome}"]
    lines += [f"  {stage.name:<9}{stage.state:<8} {stage.said}".rstrip() for stage in record.stages]
    lines += [f"  {label}: {words}" for label, words in (("requests", requests(record)), ("why", record.why)) if words]
    return _DIGEST.sub("sha256:...", "\n".join(lines))


def status(record: RunRecord, now: datetime | None = None) -> str:
    """Return which run it is, and what it came to or for how long it has been running."""
    began = datetime.fromisoformat(record.began)
    seconds = ((now or datetime.now(UTC)) - began).total_seconds()
    outcome = record.outcome if record.ended else f"running for {max(0.0, seconds):.0f} s"
    return f"run {record.number}, {record.version}: {outcome}"


def requests(record: RunRecord) -> str:
    """Return what the verification has met, in words; empty when it has sent nothing."""
    if not record.requests:
        return ""
    good = sum(count for outcome, count in record.requests.items() if is_ok(outcome))
    failed = sum(record.requests.values()) - good
    told = ", ".join(f"{outcome}: {count}" for outcome, count in record.requests.items())
    return f"{good} answered, {failed} failed ({told})"


def speaking(record: RunRecord) -> StageRecord | None:
    """Return the stage whose log matters now: the one that runs, else the one that failed, else the last with a log."""
    for state in ("running", "failed"):
        for stage in record.stages:
            if stage.state == state:
                return stage
    return next((stage for stage in reversed(record.stages) if stage.log), None)


def last_lines(stage: StageRecord, count: int) -> str:
    """Return the last ``count`` lines of a stage's log, and how many more there are."""
    shown = [cut(line) for line in stage.log[-count:]]
    before = len(stage.log) - len(shown)
    return "\n".join([f"... {before} more before", *shown] if before else shown)


def cut(words: str) -> str:
    """Return ``words`` with only the first twelve digits of each digest."""
    return _DIGEST.sub(r"sha256:\1", words)

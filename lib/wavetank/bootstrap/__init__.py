"""What goes on behind an open lab: an engine, a bundle and a cluster come up in a process of their own.

The process outlives whoever asked for it, and there is never more than one. What it does is in its journal, which the
list of labs, Lab 0, `wavetank status` and the terminal read. Read in this order: `progress`, `journal`, `process`,
`stages`, `work`, `telling`.

This package never knows what a lab is: it is told which addons are wanted.
"""

from wavetank.bootstrap.journal import follow, read_progress
from wavetank.bootstrap.process import end, forget, running, start
from wavetank.bootstrap.progress import Progress, StepSeen
from wavetank.bootstrap.stages import stage_of, standing
from wavetank.bootstrap.telling import WHAT_FOR, behind, doing, minutes, waiting_for

__all__ = [
    "WHAT_FOR",
    "Progress",
    "StepSeen",
    "behind",
    "doing",
    "end",
    "follow",
    "forget",
    "minutes",
    "read_progress",
    "running",
    "stage_of",
    "standing",
    "start",
    "waiting_for",
]

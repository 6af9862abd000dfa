"""Lessons: labs declared in YAML, run on a cluster, checked by what the application does.

Read in this order: `lab` (what a lab is), `reading` (from ``lab.yaml``, by lab.schema.json), `declared`, `sweeping`
and `restore` (from any state to a checkpoint), `bench`, `disturbance` and `checks` (behaviours, under traffic),
`handed_in` (whether they are those of what was handed in), `predictions` and `truths` (what was
expected and what was measured), `files`, `place` and `progress` (what is the learner's), `presence` (who else is at
work), and `session`, which holds it together.

It never draws anything, never lets a learner's work or progress get lost, and never deletes anything outside a
namespace that is Wavetank's own.
"""

from wavetank.lesson.bench import Bench, Wave
from wavetank.lesson.lab import Lab
from wavetank.lesson.library import find_lab, lab_ids
from wavetank.lesson.predictions import Outcome
from wavetank.lesson.report import Applied, Asked, Hint, Kept, Reached, Report
from wavetank.lesson.result import CheckResult
from wavetank.lesson.session import LabSession, open_lab

__all__ = [
    "Applied",
    "Asked",
    "Bench",
    "CheckResult",
    "Hint",
    "Kept",
    "Lab",
    "LabSession",
    "Outcome",
    "Reached",
    "Report",
    "Wave",
    "find_lab",
    "lab_ids",
    "open_lab",
]

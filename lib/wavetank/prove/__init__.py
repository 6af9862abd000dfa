"""Proving a lab, for whoever writes one: what learners would hand in is handed in, and the verdicts are compared.

Read in this order: `written`, `notebook` and `notebooks` (what can be said without a cluster), `answers` (what is kept
beside a lab: right answers and wrong ones, each with why), `hand_in` (one answer given to the lab as a learner would,
and what came of it), `nbval` (the notebooks run), `proving` (all of it, part by part), `proof` and `junit` (what was
found, and how it is told).

It never touches a learner's own files or progress, and decides nothing itself: the verdict is the lab's.
"""

from wavetank.prove.answers import Answer, read_answers
from wavetank.prove.hand_in import Tried, hand_in, way_out
from wavetank.prove.junit import write_junit
from wavetank.prove.proof import Case, Proof, State, percentile
from wavetank.prove.proving import PARTS, prove_labs
from wavetank.prove.written import mistakes

__all__ = [
    "PARTS",
    "Answer",
    "Case",
    "Proof",
    "State",
    "Tried",
    "hand_in",
    "mistakes",
    "percentile",
    "prove_labs",
    "read_answers",
    "way_out",
    "write_junit",
]

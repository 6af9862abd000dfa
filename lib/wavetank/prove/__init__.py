"""Proving a lab, for whoever writes one: what learners would hand in is handed in, and the verdicts are compared.

Read in this order: `answers` (what is kept beside a lab: right answers and wrong ones, each with why), `hand_in` (one
answer given to the lab as a learner would, and what came of it).

It never touches a learner's own files or progress, and decides nothing itself: the verdict is the lab's.
"""

from wavetank.prove.answers import Answer, read_answers
from wavetank.prove.hand_in import Tried, hand_in

__all__ = ["Answer", "Tried", "hand_in", "read_answers"]

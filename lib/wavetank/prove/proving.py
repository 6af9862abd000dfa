"""A lab proven part by part; what needs a cluster says so where there is none, and everything has a bound.

1. `written`: lab.yaml, its files, both notebooks and the answers, as they are written.
2. `exercises`: each is red on its starters and green on its solution.
3. `notebooks`: both, under nbval.
4. `answers`: right ones pass, wrong ones get "not yet" with the reason named; and `goto` gets out of what each leaves.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from wavetank.cluster import used_berth
from wavetank.errors import InputError, NotFoundError, WavetankError
from wavetank.lesson.lab import Exercise, Lab
from wavetank.lesson.library import LABS, find_lab, lab_ids
from wavetank.lesson.progress import ProgressFile
from wavetank.lesson.session import LabSession
from wavetank.prove.answers import Answer, read_answers
from wavetank.prove.hand_in import Tried, hand_in, way_out
from wavetank.prove.nbval import run_notebook
from wavetank.prove.proof import Case, Proof, State
from wavetank.prove.written import answers_of, mistakes, stray_answers

__all__ = ["PARTS", "Tell", "prove_labs"]

PARTS = ("written", "exercises", "notebooks", "answers")
ANSWER_SECONDS = 600
"""More than any verdict takes with both ways to and from it: what has not come by then hangs."""

Tell = Callable[[Case], None]


def prove_labs(
    ids: Sequence[str] = (),
    wanted: Collection[str] = (),
    *,
    parts: Collection[str] = PARTS,
    labs: Path = LABS,
    tell: Tell = lambda case: None,
) -> Proof:
    """Prove the labs called ``ids``, or all; of each the ``wanted`` exercises and answers, or all.

    An answer is called ``EXERCISE/ANSWER``. Notebooks are of the lab as a whole: they are left out where something is
    ``wanted`` of it. Each case is told as soon as it is there. Raises `InputError` for a name that leads nowhere.
    """
    proof = Proof()

    def told(case: Case) -> None:
        proof.cases.append(case)
        tell(case)

    if not ids and "written" in parts:
        for error in stray_answers(labs, lab_ids(labs)):
            told(Case("all", "written", "answers", State.WRONG, told=str(error)))
    for id_ in ids or lab_ids(labs):
        began = time.monotonic()
        found = mistakes(id_, labs)
        if "written" in parts:
            for error in found:
                told(Case(id_, "written", error.where or "by name", State.WRONG, told=str(error)))
            if not found:
                told(Case(id_, "written", "lab, notebooks and answers", State.PROVEN, time.monotonic() - began))
        try:
            lab = find_lab(id_, labs, used_berth(None), f"prove-{id_}")
        except InputError:
            if "written" not in parts:
                raise
            continue
        proof.labs.append(lab)
        if rest := [part for part in PARTS[1:] if part in parts]:
            _on_the_cluster(lab, set(wanted), rest, labs, told)
    return proof


def _on_the_cluster(lab: Lab, wanted: set[str], parts: Sequence[str], labs: Path, tell: Tell) -> None:
    tries = _tries(lab, wanted, parts, labs)
    if wanted:
        parts = [part for part in parts if part != "notebooks"]
    with tempfile.TemporaryDirectory(prefix="wavetank-prove-") as folder:
        progress = ProgressFile(Path(folder) / "progress.json")
        first = LabSession(lab, progress)
        try:
            first.kube.require_mark()
        except WavetankError as error:
            for part in parts:
                tell(Case(lab.id, part, "all of it", State.UNPROVEN, told=f"needs a cluster: {error.summary}"))
            return
        try:
            files = Path(folder) / "files"
            session = LabSession(first.model, progress, use=lambda file: files / file.name)
            for part, answer in tries:
                answer.lay_out(files)
                tell(_tried(lab, part, answer, session))
            if "notebooks" in parts:
                _notebooks(lab, labs, tell)
        finally:
            with suppress(NotFoundError):
                namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": lab.namespace}}
                first.kube.delete(namespace, wait=60)


def _tries(lab: Lab, wanted: set[str], parts: Collection[str], labs: Path) -> list[tuple[str, Answer]]:
    """Return what is handed in, with the part it belongs to; raises `InputError` for a wanted name that is nowhere."""
    folder = answers_of(labs, lab.id)
    kept = read_answers(lab, folder) if folder.is_dir() else []
    known = {exercise.id for exercise in lab.exercises} | {str(answer) for answer in kept}
    for name in sorted(wanted - known):
        lab.exercise(name.partition("/")[0])
        raise InputError(f"there is no answer {name!r}", expected=f"one of: {', '.join(sorted(known))}")
    tries = []
    if "exercises" in parts:
        shipped = [answer for exercise in lab.exercises for answer in _shipped(exercise)]
        tries += [("exercises", answer) for answer in shipped if not wanted or answer.exercise.id in wanted]
    if "answers" in parts:
        tries += [("answers", answer) for answer in kept if not wanted or {answer.exercise.id, str(answer)} & wanted]
    return tries


def _shipped(exercise: Exercise) -> Iterable[Answer]:
    """Return what is shipped with an exercise as answers: the starters, which fail, and the solution."""
    starters = {file.name: file.starter.read_bytes() for file in exercise.files}
    solutions = {file.name: file.solution.read_bytes() for file in exercise.files}
    yield Answer(exercise, "starter", False, "a learner has changed nothing yet", texts=starters)
    yield Answer(exercise, "solution", True, "it is the solution", texts=solutions)


def _tried(lab: Lab, part: str, answer: Answer, session: LabSession) -> Case:
    began = time.monotonic()
    tried, stuck = None, ""
    try:
        with _within(ANSWER_SECONDS):
            tried = hand_in(session, answer)
            if part == "answers":
                stuck = way_out(session, answer)
    except TimeoutError as error:
        stuck = str(error)
    told = "; ".join(filter(None, (tried.trouble if tried else "", stuck)))
    return Case(
        lab.id,
        part,
        str(answer),
        State.WRONG if told else State.PROVEN,
        time.monotonic() - began,
        told,
        answer.exercise.id,
        answer.passes,
        answer.why,
        _judging(tried),
    )


def _judging(tried: Tried | None) -> float | None:
    return tried.judging if tried and tried.verdict is not None else None


def _notebooks(lab: Lab, labs: Path, tell: Tell) -> None:
    """Run the delivered notebook in the lab's own namespace, whose name it shows, the solved one in the proof's."""
    own = find_lab(lab.id, labs).namespace
    for solved, namespace in ((False, own), (True, lab.namespace)):
        ran = run_notebook(lab, solved=solved, namespace=namespace)
        name = f"{'solutions' if solved else 'labs'}/{lab.id}/lab.ipynb"
        state = State.WRONG if ran.trouble else State.PROVEN
        tell(Case(lab.id, "notebooks", name, state, ran.seconds, ran.trouble))


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` in this block after ``seconds``, and again until it is heard; the main thread's alone."""

    def overdue(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"no end after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, overdue)
    signal.setitimer(signal.ITIMER_REAL, seconds, 10)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

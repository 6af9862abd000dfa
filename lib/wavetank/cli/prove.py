"""`wavetank prove`: a lab tried as its learners will."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from wavetank.cluster import used_berth
from wavetank.lesson import find_lab
from wavetank.lesson.progress import ProgressFile
from wavetank.lesson.session import LabSession
from wavetank.prove import Answer, Tried, hand_in, read_answers

__all__ = ["prove"]


@click.command()
@click.argument("lab")
@click.argument("exercises", nargs=-1, metavar="[EXERCISE]...")
def prove(lab: str, exercises: tuple[str, ...]) -> None:
    """Hand in the answers that are kept for LAB, or for some of its exercises; exit code 1 means a false verdict.

    It is done in a namespace of its own, which goes afterwards: what is being learned meanwhile stays as it is.
    """
    model = find_lab(lab, berth=used_berth(None), namespace=f"prove-{lab}")
    wanted = {model.exercise(name).id for name in exercises}
    answers = read_answers(model, model.folder.parents[1] / "tests" / "answers" / model.id)
    tried = []
    with tempfile.TemporaryDirectory(prefix="wavetank-prove-") as folder:
        for answer in answers:
            if not wanted or answer.exercise.id in wanted:
                session = LabSession(model, ProgressFile(Path(folder) / "progress.json"), use=answer.file)
                tried.append(hand_in(session, answer))
                click.echo(_line(answer, tried[-1]))
    if tried:
        session.kube.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": model.namespace}}, wait=60)
    false = [each for each in tried if each.trouble]
    click.echo(f"{len(tried) - len(false)} of {len(tried)} answers got the right verdict")
    if false:
        raise SystemExit(1)


def _line(answer: Answer, tried: Tried) -> str:
    mark = "✗" if tried.trouble else "✓"
    seconds = f"goto {tried.going:.1f} s, verdict {tried.judging:.1f} s"
    said = f"\n    {tried.trouble}\n    {answer.why}" if tried.trouble else ""
    return f"  {mark} {answer!s:<45} {'right' if answer.passes else 'wrong'}  {seconds}{said}"

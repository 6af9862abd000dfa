"""`wavetank prove`: a lab tried as its learners will."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from wavetank.cluster import used_berth
from wavetank.errors import InputError
from wavetank.lesson import find_lab
from wavetank.lesson.progress import ProgressFile
from wavetank.lesson.session import LabSession
from wavetank.prove import Answer, Tried, hand_in, read_answers

__all__ = ["prove"]


@click.command()
@click.argument("lab")
@click.argument("names", nargs=-1, metavar="[EXERCISE[/ANSWER]]...")
def prove(lab: str, names: tuple[str, ...]) -> None:
    """Hand in the answers that are kept for LAB, or for some of its exercises; exit code 1 means a false verdict.

    It is done in a namespace of its own, which goes afterwards: what is being learned meanwhile stays as it is.
    """
    model = find_lab(lab, berth=used_berth(None), namespace=f"prove-{lab}")
    answers = read_answers(model, model.folder.parents[1] / "tests" / "answers" / model.id)
    wanted = [answer for answer in answers if not names or {str(answer), answer.exercise.id} & set(names)]
    if unknown := set(names) - {str(answer) for answer in answers} - {answer.exercise.id for answer in answers}:
        raise InputError(
            f"{', '.join(sorted(unknown))}: no answers are kept for that",
            expected=", ".join(dict.fromkeys(answer.exercise.id for answer in answers)),
        )
    with tempfile.TemporaryDirectory(prefix="wavetank-prove-") as folder:
        here = Path(folder)
        session = LabSession(model, ProgressFile(here / "progress.json"), use=lambda file: here / "files" / file.name)
        tried = []
        try:
            for answer in wanted:
                answer.lay_out(here / "files")
                tried.append(hand_in(session, answer))
                click.echo(_line(answer, tried[-1]))
        finally:
            session.kube.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": model.namespace}})
    false = [each for each in tried if each.trouble]
    click.echo(f"{len(tried) - len(false)} of {len(tried)} answers got the right verdict")
    if false:
        raise SystemExit(1)


def _line(answer: Answer, tried: Tried) -> str:
    mark = "✗" if tried.trouble else "✓"
    seconds = f"goto {tried.going:.1f} s, verdict {tried.judging:.1f} s"
    said = f"\n    {tried.trouble}\n    {answer.why}" if tried.trouble else ""
    return f"  {mark} {answer!s:<45} {'right' if answer.passes else 'wrong'}  {seconds}{said}"

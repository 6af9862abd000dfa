"""The lesson's commands: the same lab as in the notebook, from a terminal."""

from __future__ import annotations

import click

from wavetank.lesson import LabSession, lab_ids, open_lab

__all__ = ["check", "goto", "hint", "labs", "reset", "solve"]


def _open(lab: str) -> LabSession:
    return open_lab(lab, say=lambda words: click.echo(words, err=True))


@click.command()
def labs() -> None:
    """List the labs, and how far you are in each."""
    for id_ in lab_ids():
        session = _open(id_)
        exercises = f"{session.progress.passed} of {len(session.model.exercises)} exercises passed"
        click.echo(f"{id_}  {session.model.title} ({session.model.minutes} min, {exercises})")


@click.command()
@click.argument("lab")
@click.argument("checkpoint")
def goto(lab: str, checkpoint: str) -> None:
    """Bring the cluster to CHECKPOINT of LAB, whatever was done to it."""
    click.echo(_open(lab).goto(checkpoint))


@click.command()
@click.argument("lab")
@click.argument("exercise", required=False)
def reset(lab: str, exercise: str | None) -> None:
    """Start over: the cluster at the last checkpoint of LAB, or the files of EXERCISE (yours are kept)."""
    session = _open(lab)
    click.echo(session.start_over(exercise) if exercise else session.reset())


@click.command()
@click.argument("lab")
@click.argument("exercise")
def check(lab: str, exercise: str) -> None:
    """Look whether EXERCISE of LAB works; exit code 1 means "not yet"."""
    result = _open(lab).check(exercise)
    click.echo(result)
    if not result.passed:
        raise SystemExit(1)


@click.command()
@click.argument("lab")
@click.argument("exercise")
def hint(lab: str, exercise: str) -> None:
    """Show the next of the three hints for EXERCISE of LAB."""
    click.echo(_open(lab).hint(exercise))


@click.command()
@click.argument("lab")
@click.argument("exercise")
def solve(lab: str, exercise: str) -> None:
    """Put the solution of EXERCISE in place of your files (yours are kept)."""
    click.echo(_open(lab).solve(exercise))

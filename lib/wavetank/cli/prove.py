"""`wavetank prove`: a lab tried as its learners will."""

from __future__ import annotations

import json
from pathlib import Path

import click

from wavetank.prove import PARTS, Case, Proof, State, percentile, prove_labs, write_junit

__all__ = ["prove"]

_SIGNS = {State.PROVEN: "✓", State.WRONG: "✗", State.UNPROVEN: "?"}
_OUTPUT = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("lab", required=False)
@click.argument("names", nargs=-1, metavar="[EXERCISE | EXERCISE/ANSWER]...")
@click.option("--written", "parts", flag_value="written", multiple=True, help="Only what needs no cluster.")
@click.option("--exercises", "parts", flag_value="exercises", multiple=True, help="Only starters and solutions.")
@click.option("--notebooks", "parts", flag_value="notebooks", multiple=True, help="Only both notebooks, under nbval.")
@click.option("--answers", "parts", flag_value="answers", multiple=True, help="Only the answers kept for the lab.")
@click.option("--junit", type=_OUTPUT, help="Write JUnit XML to this file.")
@click.option("--summary", type=_OUTPUT, help="Write all that was found to this file, as JSON.")
def prove(
    lab: str | None, names: tuple[str, ...], parts: tuple[str, ...], junit: Path | None, summary: Path | None
) -> None:
    """Prove LAB, or all labs: what is written, exercises on starters and solutions, both notebooks, the answers.

    With names, only those exercises or answers. Exit code 1 means that something is wrong, 2 that not all could be
    tried. Answers are handed in in a namespace of its own, which goes afterwards; the delivered notebook is run in the
    lab's. A learner's own files and progress stay as they are.
    """
    proof = prove_labs([lab] if lab else [], names, parts=parts or PARTS, tell=lambda case: click.echo(_line(case)))
    _sum_up(proof)
    if junit:
        write_junit(proof, junit)
    if summary:
        summary.write_text(json.dumps(proof.summary(), indent=1) + "\n", encoding="utf-8")
    raise SystemExit(proof.code)


def _line(case: Case) -> str:
    kind = {True: "right", False: "wrong", None: ""}[case.passes]
    judged = "" if case.judging is None else f", verdict {case.judging:.1f} s"
    said = [line for text in (case.told, case.why if case.told else "") for line in text.splitlines()]
    head = f"  {_SIGNS[case.state]} {case.part:<9} {case.name:<45} {kind:<5} {case.seconds:.1f} s{judged}"
    return "\n".join([head, *(f"      {line}" for line in said)])


def _sum_up(proof: Proof) -> None:
    for (lab, exercise), seconds in proof.verdicts().items():
        p50, p95 = percentile(seconds, 50), percentile(seconds, 95)
        click.echo(f"{lab} {exercise}: {len(seconds)} verdicts, p50 {p50:.1f} s, p95 {p95:.1f} s")
    click.echo("; ".join(f"{part} {spent:.1f} min" for part, spent in proof.minutes().items()))
    answers = [case for case in proof.cases if case.part == "answers" and case.passes is not None]
    if answers:
        right = sum(case.state is State.PROVEN for case in answers)
        click.echo(f"{right} of {len(answers)} answers got the right verdict")
    counts = [(state, sum(case.state is state for case in proof.cases)) for state in State]
    click.echo(", ".join(f"{count} {state}" for state, count in counts if count))

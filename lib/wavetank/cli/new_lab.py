"""`wavetank new-lab`: a lab to begin with."""

from __future__ import annotations

import click

from wavetank.prove.new_lab import new_lab as lay_out_lab

__all__ = ["new_lab"]


@click.command("new-lab")
@click.argument("id_", metavar="ID")
@click.option("--title", default="", help="The lab's name as a learner reads it; without it, the words of the id.")
def new_lab(id_: str, title: str) -> None:
    """Lay out a lab called ID, such as 07-harbour, that `wavetank prove ID` accepts at once."""
    for folder in lay_out_lab(id_, title):
        click.echo(f"made {folder}")
    click.echo(f"next: wavetank prove {id_} --written; docs/writing-a-lab.md says how to go on")

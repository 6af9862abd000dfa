"""What a command in a terminal does while a cluster still comes up in the background: it shows that, and waits."""

from __future__ import annotations

import click

from wavetank.bootstrap import follow, running
from wavetank.steps import print_report

__all__ = ["wait_for_background"]


def wait_for_background() -> None:
    """Return once nothing comes up in the background any more; its steps are shown meanwhile."""
    if running():
        click.echo("it comes up in the background already: waiting for that (Ctrl-C ends the waiting alone)", err=True)
        follow(print_report, over=lambda: not running(), complain=lambda error: click.echo(error, err=True))

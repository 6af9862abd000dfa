"""`wavetank adopt`: take a cluster into use that Wavetank has not made, and give it back."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from wavetank.errors import InputError, WaitTimeoutError
from wavetank.faults import emergency_stop
from wavetank.kube import Kube
from wavetank.kube.mark import read_mark
from wavetank.waves import operator_away

__all__ = ["adopt"]


@click.command()
@click.option("--context", required=True, metavar="NAME", help="The context of the cluster that you mean.")
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path), help="The file with that context. [default: $KUBECONFIG]"
)
@click.option("--yes", is_flag=True, help="Do not ask for the server's address.")
@click.option("--undo", is_flag=True, help="Give it back: end all loads and faults, and take the mark away.")
def adopt(context: str, kubeconfig: Path | None, yes: bool, undo: bool) -> None:
    """Let labs, loads and faults use a cluster that Wavetank has not made; its nodes are left alone.

    All that is written is a mark, the ConfigMap wavetank-cluster in the namespace wavetank-system: without it Wavetank
    writes to no cluster. What labs need, such as the operator, is not installed by this.
    """
    from wavetank.cluster import marking

    kube = Kube.connect(kubeconfig, context)
    origin = kube.connection.origin
    if origin.context != context:  # as inside a pod, where no kubeconfig is looked at
        raise InputError(
            "--context means nothing here", observed=str(origin), expected="a kubeconfig: --kubeconfig FILE"
        )
    if undo:
        mark = read_mark(kube.connection)
        if mark is not None and mark.made == "adopt":
            _end_everything(kube)  # afterwards nobody here may put anything back
        marking.give_back(kube)
        click.echo(f"{origin.server} is not Wavetank's: nothing is written to it any more")
        return
    if read_mark(kube.connection) is None and not yes:
        click.echo(f"{origin}.\nWavetank breaks things on purpose. Loads and faults will run in this cluster.")
        if click.prompt("Type the server's address to take it into use").strip() != origin.server:
            raise InputError("that is another address: nothing was written", expected=origin.server)
    mark = marking.adopt(kube)
    click.echo(f"{origin.server} is Wavetank's, for {', '.join(mark.uses)}")
    if mark.made == "adopt":
        which = ["--context", context, *(["--kubeconfig", str(kubeconfig)] if kubeconfig else [])]
        click.echo(f"to give it back: {shlex.join(['wavetank', 'adopt', *which, '--undo'])}")


def _end_everything(kube: Kube) -> None:
    try:
        emergency_stop(kube)
    except WaitTimeoutError as error:
        if not operator_away(kube):
            raise
        click.echo(f"{error}\nNobody is there to end it; it is given back as it is.", err=True)

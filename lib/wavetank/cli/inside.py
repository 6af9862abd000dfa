"""What runs inside containers of Wavetank's own image; nobody types these."""

from __future__ import annotations

import logging

import click

__all__ = ["load_pod", "operator", "power_agent"]


@click.command(hidden=True)
def operator() -> None:
    """Run the controllers of Load and Fault in the cluster."""
    from wavetank.operator.main import main

    main()


@click.command(hidden=True)
@click.pass_context
def load_pod(context: click.Context) -> None:
    """Run one Load and print a line of JSON a second."""
    from wavetank.traffic.pod import run_pod

    context.exit(run_pod())


@click.command(hidden=True)
@click.argument("cluster")
def power_agent(cluster: str) -> None:
    """Stop and start the nodes of CLUSTER as its API asks."""
    from wavetank.cluster.power import run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(cluster)

"""What runs inside containers of Wavetank's own image; nobody types these."""

from __future__ import annotations

import logging

import click

__all__ = ["netlayer", "operator", "power_agent", "traces"]


@click.command(hidden=True)
def operator() -> None:
    """Run the controllers of Load and Fault in the cluster."""
    from wavetank.operator.main import main

    main()


@click.command(hidden=True)
@click.argument("cluster")
def power_agent(cluster: str) -> None:
    """Stop and start the nodes of CLUSTER as its API asks."""
    from wavetank.cluster.power import run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(cluster)


@click.command(hidden=True)
def traces() -> None:
    """Collect the spans that the proxies in the cluster send."""
    from wavetank.observe.traces.collector import main

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    main()


@click.command(hidden=True)
def netlayer() -> None:
    """Make what Knative wants routed into routes of Istio's gateways."""
    from wavetank.netlayer.main import main

    main()

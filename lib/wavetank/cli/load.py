"""`wavetank load`: run a load on a Service, list, follow and stop loads; and the process of the load pod itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from wavetank.errors import KubeError
from wavetank.traffic import PROFILES, Load, LoadRun, Second, Summary, Trace, list_loads, start_load

if TYPE_CHECKING:
    from wavetank.kube import Kube

_SHAPES = [name for name in PROFILES if name != Trace.name]


def _of_a_cluster(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say in which cluster and namespace the loads are."""
    for option in (
        click.option("--cluster-name", default="wavetank", show_default=True, help="The cluster the load is in."),
        click.option("-n", "--namespace", default="tidewater", show_default=True, help="The namespace of the load."),
    ):
        command = option(command)
    return command


@click.group()
def load() -> None:
    """Run loads on a Service; list, follow and stop them."""


@load.command()
@click.argument("service")
@click.option("--rate", type=float, default=20, show_default=True, help="Requests per second at the peak.")
@click.option("--duration", default="60s", show_default=True, help="How long, such as 90s or 5m; at most 1h.")
@click.option("--profile", type=click.Choice(_SHAPES), default="steady", show_default=True, help="Its shape over time.")
@click.option("--path", default="/", show_default=True, help="The path of each request.")
@click.option("--name", help="The name of the load. [default: that of the service]")
@_of_a_cluster
def run(
    service: str,
    rate: float,
    duration: str,
    profile: str,
    path: str,
    name: str | None,
    namespace: str,
    cluster_name: str,
) -> None:
    """Send requests to SERVICE on schedule and report each second; Ctrl-C stops the load.

    Whatever a Load resource can say beyond these options, kubectl apply can order.
    """
    target = {"service": service, "path": path}
    spec = {"target": target, "rate": rate, "duration": duration, "profile": profile}
    started = start_load(_kube(cluster_name), Load.from_spec(name or service, spec), namespace)
    try:
        _report(started)
    except KeyboardInterrupt:
        started.stop()
        click.echo(f"stopped: {started.summary()}")


@load.command("list")
@_of_a_cluster
def list_(namespace: str, cluster_name: str) -> None:
    """List the loads of the namespace, running and ended."""
    for status in list_loads(_kube(cluster_name), namespace):
        what = f"{status.profile} {status.rate:g}/s on {status.service} for {status.duration}"
        measured = "" if status.sent is None else f"{status.sent} sent, {status.failed} failed"
        click.echo(f"{status.name:<20} {status.phase:<10} {what:<40} {measured} {status.message}".rstrip())


@load.command()
@click.argument("name")
@_of_a_cluster
def follow(name: str, namespace: str, cluster_name: str) -> None:
    """Report each second of the load NAME, from its beginning; Ctrl-C ends the report, not the load."""
    _report(LoadRun(_kube(cluster_name), name, namespace))


@load.command()
@click.argument("name")
@_of_a_cluster
def stop(name: str, namespace: str, cluster_name: str) -> None:
    """Stop the load NAME now."""
    LoadRun(_kube(cluster_name), name, namespace).stop()
    click.echo(f"{name} has ended")


@click.command("load-pod", hidden=True)
def load_pod() -> None:
    """Be the load pod: run the load that the environment names."""
    from wavetank.traffic.pod import run_pod

    sys.exit(run_pod())


def _report(load_run: LoadRun) -> None:
    summary = Summary()
    try:
        for second in load_run.follow(on_trouble=lambda trouble: click.echo(trouble or "following again", err=True)):
            summary.add(second)
            click.echo(_line(second))
    except KubeError:
        click.echo(f"{load_run.name}, so far: {summary}")
        raise
    click.echo(f"{load_run.name}: {summary}")


def _line(second: Second) -> str:
    answered = second.ended - second.failed
    latencies = second.latencies
    p50, p99 = latencies.percentile(50), latencies.percentile(99)
    latency = "" if p50 is None or p99 is None else f"  p50 {p50 * 1000:6.1f} ms  p99 {p99 * 1000:6.1f} ms"
    return f"{second.t:>5} s  {second.sent:>5} sent  {answered:>5} answered  {second.failed:>4} failed{latency}"


def _kube(cluster_name: str) -> Kube:
    from wavetank.cluster import kubeconfig_path
    from wavetank.kube import Kube

    return Kube.connect(kubeconfig_path(cluster_name))

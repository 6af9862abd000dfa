"""`wavetank fault`: what kinds of fault there are; inject, list and stop faults; and the emergency stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from wavetank.durations import format_duration
from wavetank.errors import InputError
from wavetank.faults import CATALOGUE, TARGETS, Fault, FaultRun, Kind, active_faults, emergency_stop
from wavetank.faults import inject as inject_fault

if TYPE_CHECKING:
    from wavetank.kube import Kube

_CLUSTER = click.option("--cluster-name", default="wavetank", show_default=True, help="The cluster the fault is in.")
_NAMESPACE = click.option("-n", "--namespace", default="tidewater", show_default=True, help="The fault's namespace.")


def _of_a_cluster(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say in which cluster and namespace the faults are."""
    return _CLUSTER(_NAMESPACE(command))


@click.group()
def fault() -> None:
    """Inject faults, each with an end; list them, stop them, stop everything."""


@fault.command()
@click.argument("kind", type=click.Choice(list(CATALOGUE)), required=False)
def kinds(kind: str | None) -> None:
    """List the kinds of fault there are, or tell all about KIND."""
    if kind is not None:
        click.echo(_told(CATALOGUE[kind]))
        return
    for one in CATALOGUE.values():
        click.echo(f"{one.name:<18} {one.does}")


@fault.command()
@click.argument("kind", type=click.Choice(list(CATALOGUE)))
@click.argument("target")
@click.option("--duration", default="30s", show_default=True, help="How long, such as 90s or 5m; at most 1h.")
@click.option(
    "--set", "settings", metavar="NAME=VALUE", multiple=True, help="A parameter of this kind, such as ms=700."
)
@click.option("--name", help="The name of the fault. [default: that of its kind]")
@_of_a_cluster
def inject(
    kind: str,
    target: str,
    duration: str,
    settings: tuple[str, ...],
    name: str | None,
    namespace: str,
    cluster_name: str,
) -> None:
    """Inject a fault of KIND at TARGET and return once it has taken effect; it ends by itself.

    TARGET is deployment/NAME, service/NAME, node/NAME, or the label of pods, such as app=web.
    """
    spec = {"kind": kind, "target": _target(target), "duration": duration, "parameters": _parameters(settings)}
    wanted = Fault.from_spec(name or kind, spec)
    run = inject_fault(_kube(cluster_name), wanted, namespace)
    status = run.wait_active()
    click.echo(f"{status.name}: {status.phase}: {status.message}")
    if not status.ended:
        click.echo(f"it ends by itself in {format_duration(round(status.time_left()))}")


@fault.command("list")
@_CLUSTER
def list_(cluster_name: str) -> None:
    """List the faults of every namespace that have not ended."""
    for status in active_faults(_kube(cluster_name)):
        left = format_duration(round(status.time_left()))
        where = f"{status.namespace}/{status.name}"
        click.echo(f"{where:<32} {status.phase:<8} {status.kind} at {status.target}, {left} left: {status.message}")


@fault.command()
@click.argument("name")
@_of_a_cluster
def stop(name: str, namespace: str, cluster_name: str) -> None:
    """Stop the fault NAME now, and put everything back."""
    status = FaultRun(_kube(cluster_name), name, namespace).stop()
    click.echo(f"{name}: {status.phase}: {status.message}")


@fault.command("stop-all")
@_CLUSTER
def stop_all(cluster_name: str) -> None:
    """Stop every fault and every load in every namespace: the emergency stop."""
    ended = emergency_stop(_kube(cluster_name))
    for one in ended:
        click.echo(f"ended: {one}")
    if not ended:
        click.echo("nothing was going on")


def _told(kind: Kind) -> str:
    lines = [
        f"{kind.name}: {kind.does}",
        f"  watch    {kind.watch}",
        f"  reverts  {kind.reverts}",
        f"  targets  {', '.join(f'{target} ({TARGETS[target]})' for target in kind.targets)}",
    ]
    for one in kind.parameters:
        lines.append(f"  --set {one.name}={one.default:g}  {one.words} ({one.unit}, {one.least:g} to {one.most:g})")
    if kind.once:
        lines.append("  It acts once; its duration is the time in which it must find something to act on.")
    return "\n".join(lines)


def _target(text: str) -> dict[str, Any]:
    what, slash, name = text.partition("/")
    if slash and "=" not in what:
        return {what: name}
    labels = dict(pair.partition("=")[::2] for pair in text.split(","))
    if not all(labels.values()):
        expected = "deployment/NAME, service/NAME, node/NAME, or the label of pods, such as app=web"
        raise InputError("the target is wrong", observed=text, expected=expected)
    return {"selector": labels}


def _parameters(settings: tuple[str, ...]) -> dict[str, float]:
    return dict(_parameter(setting) for setting in settings)


def _parameter(setting: str) -> tuple[str, float]:
    name, _, text = setting.partition("=")
    try:
        value = float(text)
    except ValueError:
        raise InputError("--set is wrong", observed=setting, expected="NAME=VALUE, such as ms=700") from None
    return name, int(value) if value.is_integer() else value


def _kube(cluster_name: str) -> Kube:
    from wavetank.cluster import kubeconfig_path
    from wavetank.kube import Kube

    return Kube.connect(kubeconfig_path(cluster_name))

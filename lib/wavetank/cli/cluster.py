"""`wavetank doctor | up | down | status | logs`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wavetank.cli.waiting import wait_for_background
from wavetank.cluster import ClusterSpec, find_spec, load_spec, provider_for
from wavetank.cluster.administrator import script
from wavetank.cluster.doctor import examine, worst
from wavetank.errors import BundleError, EngineError
from wavetank.pasted import pasted

if TYPE_CHECKING:
    from wavetank.bundle import Bundle

__all__ = ["doctor", "down", "logs", "status", "up"]

_cluster = click.option(
    "--cluster", default="kind", show_default=True, help="A spec in clusters/, or a path to one's own."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")


def _spec(cluster: str) -> ClusterSpec:
    return load_spec(find_spec(cluster))


@click.command()
@_cluster
@_as_json
@click.option("--script", "as_script", is_flag=True, help="Print what only root can mend, as a script to read and run.")
@click.pass_context
def doctor(context: click.Context, cluster: str, as_json: bool, as_script: bool) -> None:
    """Tell what this machine lacks, with the command that mends it; exit code 1 when a cluster cannot come up."""
    findings = examine(_spec(cluster))
    if as_script:
        click.echo(script(findings) or "# Nothing is lacking that root would have to mend.", nl=False)
    elif as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        click.echo("\n".join(map(str, findings)))
    context.exit(1 if worst(findings) == "problem" else 0)


@click.command()
@_cluster
@click.option("--for", "labs", metavar="LAB", multiple=True, help="Bring up what this lab needs, as 02-kubernetes.")
@click.option("--bundle", type=click.Path(path_type=Path), help="The bundle to use instead of the newest.")
@click.option("--detach", "-d", is_flag=True, help="Go on in the background; `wavetank status` tells how far it is.")
def up(cluster: str, labs: tuple[str, ...], bundle: Path | None, detach: bool) -> None:
    """Bring the cluster up, with what each lab named by --for needs; run again, it mends and continues."""
    from wavetank import bootstrap
    from wavetank import cluster as library
    from wavetank.bundle import open_bundle

    spec = _spec(cluster)
    if labs:
        from wavetank.lesson.library import find_lab

        for lab in labs:
            spec = spec.with_addons(find_lab(lab).addons)
    if detach:
        if bundle:
            raise click.UsageError("--detach takes the newest bundle: it does not go with --bundle")
        new = bootstrap.start(cluster, spec.addons)
        click.echo(f"{'begun' if new else 'going on already'}; `wavetank status` tells how far it is")
        return
    wait_for_background()
    library.up(spec, _holding(open_bundle(bundle), spec) if bundle else None)
    bootstrap.forget()
    click.echo(f"\nexport KUBECONFIG={pasted(library.kubeconfig_path(spec.name))}")


def _holding(bundle: Bundle, spec: ClusterSpec) -> Bundle:
    """Return the bundle when it holds all that ``spec`` needs."""
    from wavetank.bootstrap import stage_of

    if (needed := stage_of(spec.addons)) not in bundle.stages:
        raise BundleError(
            f"the bundle {bundle.name} does not hold all of it yet",
            observed=f"it holds {', '.join(bundle.stages)}",
            expected=f"{needed}, for the addons {', '.join(spec.addons)}",
            command="wavetank bundle build",
        )
    return bundle


@click.command()
@_cluster
@click.option("--keep-images", is_flag=True, help="Keep what was built and pushed, for the next cluster.")
def down(cluster: str, keep_images: bool) -> None:
    """Remove the cluster and everything that belongs to it; what still goes on in the background is ended first."""
    from wavetank import bootstrap
    from wavetank import cluster as library

    bootstrap.end()
    library.down(_spec(cluster), keep_images=keep_images)


@click.command()
@_cluster
@_as_json
def status(cluster: str, as_json: bool) -> None:
    """Tell how the cluster, its nodes and its addons are, and what goes on in the background."""
    from wavetank import cluster as library
    from wavetank.bootstrap import behind, read_progress, running

    progress = read_progress()
    try:
        seen = library.status(_spec(cluster))
    except EngineError:
        if progress is None:
            raise
        seen = None  # there is no engine yet: what goes on is bringing one
    if as_json:
        both = {**(seen.as_dict() if seen else {}), "background": asdict(progress) if progress else None}
        click.echo(json.dumps(both, indent=2))
        return
    click.echo("\n".join(map(str, filter(None, [seen, behind(progress, alive=running()) if progress else ""]))))


@click.command()
@_cluster
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def logs(cluster: str, folder: Path) -> None:
    """Write what helps to understand a broken cluster into FOLDER."""
    spec = _spec(cluster)
    provider_for(spec).collect_logs(spec.name, folder)
    click.echo(f"written to {folder}")

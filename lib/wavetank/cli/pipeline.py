"""`wavetank pipeline`: ship a version of a service, and look at what the runs have done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wavetank.images.pipeline import Records, RunRecord, StageRecord, load_pipeline, run_pipeline

if TYPE_CHECKING:
    from wavetank.images import Engine
    from wavetank.kube import Kube

_SHIPPED = ("promoted", "deployed")
_LAST_WORDS = 15


@click.group()
def pipeline() -> None:
    """Ship a version of a service by its pipeline.yaml; look at the runs."""


@pipeline.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--version", required=True, help="What the version is called: the image's tag, such as v2.")
@click.option("-n", "--namespace", default="tidewater", show_default=True, help="The namespace that is deployed to.")
@click.option("--cluster-name", default="wavetank", show_default=True, help="The cluster that is deployed to.")
def run(file: Path, version: str, namespace: str, cluster_name: str) -> None:
    """Ship a version by the pipeline in FILE, stage by stage; exit code 1 when it is not in use at the end."""
    declared = load_pipeline(file)
    told: set[str] = set()

    def tell(record: RunRecord) -> None:
        for stage in record.stages:
            if stage.state in ("passed", "failed") and stage.name not in told:
                told.add(stage.name)
                click.echo(_line(stage))

    record = run_pipeline(
        declared, version, engine=_engine(cluster_name), kube=_kube(cluster_name), namespace=namespace, watch=tell
    )
    _tell_end(record)
    if record.outcome not in _SHIPPED:
        raise SystemExit(1)


@pipeline.command("ls")
@click.argument("name")
def ls(name: str) -> None:
    """List the runs of the pipeline NAME, the last one last."""
    records = Records(name)
    for number in records.numbers() or [records.read().number]:  # without any run, reading one says so
        record = records.read(number)
        click.echo(f"{number:>4}  {record.began}  {record.version:<12} {record.outcome:<11} {record.why}".rstrip())


@pipeline.command()
@click.argument("name")
@click.argument("number", type=click.IntRange(min=1), required=False)
def show(name: str, number: int | None) -> None:
    """Show run NUMBER of the pipeline NAME: its stages, what it found, and what decided it; by default the last one."""
    record = Records(name).read(number)
    click.echo(f"run {record.number} of {record.pipeline}, {record.version}, began {record.began}")
    for stage in record.stages:
        click.echo(_line(stage))
    _tell_end(record)


def _tell_end(record: RunRecord) -> None:
    """Tell the last words of what failed, what was found, and what decided the outcome."""
    for stage in record.stages:
        if stage.state == "failed":
            for line in stage.log[-_LAST_WORDS:]:
                click.echo(f"  {line}")
    requests = ", ".join(f"{outcome}: {count}" for outcome, count in record.requests.items())
    for label, value in (("before", record.before), ("after", record.after), ("requests", requests)):
        if value:
            click.echo(f"{label:<9}{value}")
    click.echo(f"{record.outcome}: {record.why}" if record.why else record.outcome)


def _line(stage: StageRecord) -> str:
    took = f"{stage.seconds:5.1f} s" if stage.state not in ("waiting", "skipped") else ""
    return f"{stage.name:<9}{stage.state:<8}{took:>8}  {stage.said}".rstrip()


def _engine(cluster_name: str) -> Engine:
    from wavetank.cluster import Berth, berth_of, kubeconfig_path
    from wavetank.images import DockerEngine

    return DockerEngine(berth=berth_of(kubeconfig_path(cluster_name)) or Berth(cluster_name, cluster_name))


def _kube(cluster_name: str) -> Kube:
    from wavetank.cluster import kubeconfig_path
    from wavetank.kube import Kube

    return Kube.connect(kubeconfig_path(cluster_name))

"""`wavetank bundle build | pin | save | load | ls | verify | rm`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import get_args

import click

from wavetank import bundle as library
from wavetank.bundle.index import Source
from wavetank.cli.waiting import wait_for_background

__all__ = ["bundle"]

MIB = 1 << 20


@click.group()
def bundle() -> None:
    """Make, keep and check what clusters are made of."""


@bundle.command()
@click.option(
    "--from",
    "source",
    type=click.Choice(get_args(Source)),
    default="source",
    show_default=True,
    help="Build it here, or pull it from the public registries.",
)
@click.option("--strict", is_flag=True, help="Refuse what versions.yaml does not pin (from the registries).")
@click.option(
    "--accept",
    multiple=True,
    metavar="TAG",
    help="A tag, or a file's address, that may be another one than when it was last looked up.",
)
def build(source: Source, strict: bool, accept: tuple[str, ...]) -> None:
    """Make a bundle; run again, it repeats nothing that is done."""
    if source != "registry" and (strict or accept):
        raise click.UsageError("--strict and --accept go with --from registry")
    wait_for_background()
    made = library.build(
        source, strict=strict, accept=accept, foretold=lambda estimate: click.echo(str(estimate), err=True)
    )
    click.echo(f"{made.name}: {len(made.images)} images in {made.path}")


@bundle.command()
@click.option("--accept", multiple=True, metavar="TAG", help="A tag or address that may be another one than before.")
def pin(accept: tuple[str, ...]) -> None:
    """Look up what versions.yaml does not pin, and write its digests there for you to check."""
    changed = library.pin(accept=accept)
    for line in changed:
        click.echo(f"{line.where}: {line.line}")
    click.echo("check each against its publisher, then commit them" if changed else "everything is pinned already")


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--bundle", "path", type=click.Path(path_type=Path), help="A bundle's folder instead of the current one.")
def save(file: Path, path: Path | None) -> None:
    """Write the bundle to FILE; named .tar.gz it is a third of the size."""
    opened = library.open_bundle(path)
    digest = opened.digest
    written = library.save(opened, file)
    click.echo(f"{written}: {written.stat().st_size / MIB:.0f} MiB")
    click.echo(f"whoever takes it over checks it by: wavetank bundle load {shlex.quote(file.name)} --digest {digest}")


@bundle.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--digest", default="", help="What `wavetank bundle save` told: nothing else is taken over.")
def load(file: Path, digest: str) -> None:
    """Take over the bundle in FILE, every byte of it checked.

    A bundle brings programs that will run here. Without --digest it has nothing but its own word for them.
    """
    loaded = library.load(file, digest)
    click.echo(f"{loaded.name}: {len(loaded.images)} images in {loaded.path}")


@bundle.command()
def ls() -> None:
    """List the bundles of this user and the images of the current one."""
    found = library.bundles()
    if not found:
        click.echo("no bundle yet; `wavetank bundle build` makes one")
    for number, listed in enumerate(found):
        made = "" if listed.stages == library.STAGES else f", so far: {', '.join(listed.stages)}"
        click.echo(f"{'*' if number == 0 else ' '} {listed.name}  ({listed.index.architecture}{made})")
    for image in found[0].images if found else ():
        click.echo(f"    {image.size / MIB:7.1f} MiB  {image.digest[:19]}  {image.ref}")
    if found and found[0].index.resolved:
        click.echo("  looked up when it was made, as versions.yaml does not pin it:")
        for one in found[0].index.resolved:
            click.echo(f"    {one.when}  {one.digest}  {one.asked}")


@bundle.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
def verify(path: Path | None) -> None:
    """Read every byte of the bundle at PATH (or of the current one) and compare it with its digest."""
    opened = library.open_bundle(path)
    click.echo(f"{opened.name}: {library.verify(opened) / MIB:.0f} MiB, all as they should be")


@bundle.command()
@click.argument("name")
def rm(name: str) -> None:
    """Remove the bundle NAME."""
    library.remove(name)
    click.echo(f"{name} is removed")

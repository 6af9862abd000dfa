"""The registry source: images pulled by digest through the engine, files of releases by URL and SHA-256.

What has no digest in versions.yaml is refused, all of it at once, with the commands that look it up. A manifest that a
program writes comes from that program in its official image. Wavetank's own images are assembled on the pulled Python,
as in a source build.
"""

from __future__ import annotations

import platform
from pathlib import Path

import docker

from wavetank.bundle.assembly import Assembly, Tools
from wavetank.bundle.cache import fingerprint
from wavetank.bundle.downloading import download, for_machine, take_out
from wavetank.bundle.generating import generate
from wavetank.bundle.graph import Artifact, Graph, image_artifact
from wavetank.bundle.plan import Plan, PlannedFile, PlannedImage
from wavetank.bundle.pulling import pull
from wavetank.bundle.recipe import Recipe, load_recipes
from wavetank.bundle.versions import ReleaseFile, Versions
from wavetank.engine import connect
from wavetank.errors import BundleError, InputError

__all__ = ["check_pinned", "plan_registry"]

OWN = ("wavetank", "tidewater")
"""The components that are assembled here, whatever the source."""
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def plan_registry(project: Path, versions: Versions, graph: Graph) -> Plan:
    """Add to ``graph`` all that has to be pulled and assembled, and return what the bundle will hold.

    Raises `BundleError` when a digest is not known yet, `EngineError` when there is no engine, `InputError` when a
    program that writes a manifest has no image.
    """
    check_pinned(versions)
    client = connect()
    architecture = str(client.version()["Arch"])
    rows = versions.components.values()
    for row in rows:
        for ref, pinned in row.images.items():
            graph.add(_pulled(client, ref, pinned, architecture))
        for file in row.files:
            graph.add(_downloaded(versions, file))
    recipes = load_recipes(project / "clusters" / "source", versions)
    generated = {name: recipe for recipe in recipes.values() for name in recipe.generated}
    for name, recipe in generated.items():
        graph.add(_generated(client, recipe, name, _program(versions, recipe, name), architecture))
    own = {name: recipes[name] for name in OWN}
    Assembly(graph, project, own, Tools(architecture, pip=_pip(versions.components["python"].version, architecture)))
    stage = {name: row.stage for name, row in versions.components.items()}
    return Plan(
        architecture=architecture,
        node_image=next(row.node for row in rows if row.node),
        images=[
            *(PlannedImage(row.stage, ref) for row in rows for ref in row.images),
            *(PlannedImage(stage[name], image.ref) for name in OWN for image in own[name].images),
        ],
        files=[
            *(
                PlannedFile(row.stage, file.kind, file.name, _file(file), "content")
                for row in rows
                for file in row.files
            ),
            *(
                PlannedFile(stage[recipe.name], "manifest", name, _manifest(name), "content")
                for name, recipe in generated.items()
            ),
        ],
    )


def check_pinned(versions: Versions) -> None:
    """Raise `BundleError` that lists everything versions.yaml has no digest for, and how to find the first."""
    rows = versions.components.values()
    pulled = [pinned for row in rows for pinned in (*row.images.values(), *row.programs.values())]
    images = [pinned for pinned in pulled if "@sha256:" not in pinned]
    files = [file for row in rows for file in row.files if None in file.digests.values()]
    if not images and not files:
        return
    command = (
        f"docker buildx imagetools inspect --format '{{{{.Manifest.Digest}}}}' {images[0]}"
        if images
        else f"curl -fsSL {_url(versions, files[0], _unpinned(files[0]))} | sha256sum"
    )
    raise BundleError(
        "the registry source has no digest for some of what it would fetch",
        observed=f"not pinned: {', '.join([*images, *(file.name for file in files)])}",
        expected=f"@sha256:... after each image, and each file's sha256, in {versions.path}",
        command=command,
        hint="add each digest you have checked to versions.yaml, or `wavetank bundle build --from source`",
    )


def _unpinned(file: ReleaseFile) -> str:
    return next(place for place, digest in file.digests.items() if digest is None)


def _url(versions: Versions, file: ReleaseFile, place: str) -> str:
    return versions.fill(file.url.replace("{platform}", place), str(versions.path))


def _pip(python: str, architecture: str) -> tuple[str, ...]:
    """Return what makes pip install for the pulled image rather than for the machine it runs on."""
    platforms = (f"--platform=manylinux_{glibc}_{MACHINES[architecture]}" for glibc in ("2_28", "2_17"))
    old = f"--platform=manylinux2014_{MACHINES[architecture]}"
    return (f"--python-version={python}", "--implementation=cp", *platforms, old)


def _pulled(client: docker.DockerClient, ref: str, pinned: str, architecture: str) -> Artifact:
    def make(folder: Path) -> None:
        pull(client, ref, pinned, architecture, folder)

    return Artifact(image_artifact(ref), f"pull {ref}", fingerprint(ref, pinned, architecture), make)


def _program(versions: Versions, recipe: Recipe, manifest: str) -> str:
    """Return the image of the program that writes a manifest."""
    row, program = versions.components[recipe.name], recipe.generated[manifest].program
    if program not in row.programs:
        raise InputError(
            f"{program}, which writes the manifest {manifest!r}, has no image to run it from",
            where=row.where,
            expected=f"{program} among registry/programs of {recipe.name!r}",
        )
    return row.programs[program]


def _generated(client: docker.DockerClient, recipe: Recipe, name: str, pinned: str, architecture: str) -> Artifact:
    made = recipe.generated[name]

    def make(folder: Path) -> None:
        (folder / "content").write_bytes(generate(client, pinned, architecture, made, recipe.folder))

    key = fingerprint(pinned, architecture, made.arguments, *made.files(recipe.folder).values())
    return Artifact(_manifest(name), f"generate {name}", key, make)


def _manifest(name: str) -> str:
    return f"manifest-{name}"


def _file(file: ReleaseFile) -> str:
    return f"file-{file.name}"


def _downloaded(versions: Versions, file: ReleaseFile) -> Artifact:
    # A program runs where this does, which need not be where the engine is.
    place, digest = for_machine(file, platform.system(), platform.machine())
    url = _url(versions, file, place)

    def make(folder: Path) -> None:
        download(url, digest, folder / "content")
        if file.member:
            archive = (folder / "content").rename(folder / "archive")
            take_out(archive, file.member, folder / "content")
            archive.unlink()

    return Artifact(_file(file), f"download {file.name}", fingerprint(url, digest, file.member), make)

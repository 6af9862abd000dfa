"""The registry source: images pulled by digest through the engine, files of releases by URL and SHA-256.

What has no digest in versions.yaml is refused, all of it at once, with the commands that look it up. What is pulled is
checked again here: the engine hands out an image's configuration and layers, and the configuration names the digest of
each layer. Wavetank's own images are assembled on the pulled Python, as in a source build.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import platform
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

import docker

from wavetank.cluster.bundle.assembly import Assembly, Tools
from wavetank.cluster.bundle.cache import fingerprint
from wavetank.cluster.bundle.graph import Artifact, Graph, image_artifact
from wavetank.cluster.bundle.layout import CONFIG, LAYER, Descriptor, Layout
from wavetank.cluster.bundle.recipe import load_recipes
from wavetank.cluster.bundle.store import Content
from wavetank.cluster.bundle.versions import ReleaseFile, Versions
from wavetank.cluster.engine import connect, telling
from wavetank.errors import BundleError

__all__ = ["check_pinned", "download", "plan_registry", "pull"]

OWN = ("wavetank", "tidewater")
"""The components that are assembled here, whatever the source."""
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
DOWNLOAD_SECONDS = 60.0
CHUNK = 1 << 20
GZIP = b"\x1f\x8b"


def plan_registry(project: Path, versions: Versions, graph: Graph) -> Content:
    """Add to ``graph`` all that has to be pulled and assembled, and return what the bundle will hold.

    Raises `BundleError` when a digest is not known yet, `EngineError` when there is no engine.
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
    own = {name: recipes[name] for name in OWN}
    Assembly(graph, project, own, Tools(architecture, pip=_pip(versions.components["python"].version, architecture)))
    return Content(
        architecture=architecture,
        node_image=next(row.node for row in rows if row.node),
        refs=[*(ref for row in rows for ref in row.images), *(image.ref for name in OWN for image in own[name].images)],
        files=[(file.kind, file.name, graph.path(_file(file)) / "content") for row in rows for file in row.files],
    )


def check_pinned(versions: Versions) -> None:
    """Raise `BundleError` that lists everything versions.yaml has no digest for, and how to find the first."""
    rows = versions.components.values()
    images = [pinned for row in rows for pinned in row.images.values() if "@sha256:" not in pinned]
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


def pull(client: docker.DockerClient, ref: str, pinned: str, architecture: str, folder: Path) -> None:
    """Have the engine pull ``pinned`` (name@digest) and put it into ``folder`` as an image layout, named ``ref``.

    Raises `EngineError` when it cannot be pulled, `BundleError` when it is not what was asked for.
    """
    with telling(f"pulling {pinned}"):
        image = client.images.pull(pinned, platform=f"linux/{architecture}")
        if not any(digest.endswith(pinned.partition("@")[2]) for digest in image.attrs["RepoDigests"]):
            raise BundleError(
                f"the engine pulled another image than {pinned}", observed=str(image.attrs["RepoDigests"])
            )
        if image.attrs["Architecture"] != architecture:
            raise BundleError(
                f"{ref} is not for this architecture", observed=image.attrs["Architecture"], expected=architecture
            )
        with tempfile.TemporaryFile() as archive:
            for chunk in client.api.get_image(str(image.id), chunk_size=CHUNK):
                archive.write(chunk)
            archive.seek(0)
            take_saved(archive, ref, folder)


def take_saved(archive: IO[bytes], ref: str, folder: Path) -> None:
    """Put the one image of a `docker save` archive into ``folder`` as a layout, each layer checked and uncompressed.

    Raises `BundleError` when a layer is missing or has not the digest that the image's configuration gives it.
    """
    layout = Layout(folder)
    layout.start()
    with tarfile.open(fileobj=archive) as tar:
        (saved,) = json.load(_member(tar, "manifest.json", ref))
        config = _member(tar, saved["Config"], ref).read()
        diff_ids = json.loads(config)["rootfs"]["diff_ids"]
        if len(diff_ids) != len(saved["Layers"]):
            raise _not_as_told(ref, f"{len(saved['Layers'])} layers", f"{len(diff_ids)} layers")
        layers: list[Descriptor] = []
        for name, diff_id in zip(saved["Layers"], diff_ids, strict=True):
            layer = layout.add(lambda sink, name=name: _copy(tar, name, ref, sink), LAYER)  # type: ignore[misc]
            if layer.digest != diff_id:
                raise _not_as_told(ref, f"a layer with digest {layer.digest}", diff_id)
            layers.append(layer)
    manifest = layout.add_manifest(layout.add_bytes(config, CONFIG), layers)
    layout.write_index({ref: manifest})


def _copy(tar: tarfile.TarFile, name: str, ref: str, sink: Any) -> None:
    """Copy a layer, without its compression: newer engines hand out what they pulled, older ones plain tars."""
    source = _member(tar, name, ref)
    compressed = source.read(2) == GZIP
    source.seek(0)
    with gzip.open(source) if compressed else nullcontext(source) as content:
        while chunk := content.read(CHUNK):
            sink.write(chunk)


def _member(tar: tarfile.TarFile, name: str, ref: str) -> IO[bytes]:
    try:
        found = tar.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise _not_as_told(ref, f"no {name} in what the engine handed out", "an image as `docker save` writes it")
    return found


def _not_as_told(ref: str, observed: str, expected: str) -> BundleError:
    return BundleError(
        f"the engine handed out a damaged image {ref}",
        observed=observed,
        expected=expected,
        command=f"docker save {ref} | tar t",
        hint=f"`docker rmi {ref}`, then run the same command again",
    )


def _file(file: ReleaseFile) -> str:
    return f"file-{file.name}"


def _downloaded(versions: Versions, file: ReleaseFile) -> Artifact:
    # A program runs where this does, which need not be where the engine is.
    machine = platform.machine().lower()
    here = f"{platform.system().lower()}-{ARCHITECTURES.get(machine, machine)}"
    digest = file.digests.get(here) or file.digests.get("any")
    if digest is None:
        raise BundleError(f"there is no {file.name} for {here}", expected=f"one of {', '.join(file.digests)}")
    url = _url(versions, file, here)

    def make(folder: Path) -> None:
        download(url, digest, folder / "content")

    return Artifact(_file(file), f"download {file.name}", fingerprint(url, digest), make)


def download(url: str, digest: str, target: Path) -> None:
    """Fetch ``url`` into ``target``; raises `BundleError` when it does not answer or its content has another digest."""
    sha256 = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=DOWNLOAD_SECONDS) as answer, target.open("wb") as sink:  # noqa: S310
            for chunk in _chunks(answer):
                sha256.update(chunk)
                sink.write(chunk)
    except (urllib.error.URLError, OSError) as error:
        raise BundleError(f"cannot download {url}", observed=str(error), command=f"curl -fsSLO {url}") from error
    if (observed := f"sha256:{sha256.hexdigest()}") != digest:
        target.unlink()
        raise BundleError(
            f"{url} is not what it should be",
            observed=observed,
            expected=digest,
            command=f"curl -fsSL {url} | sha256sum",
            hint="a proxy may have answered in its place; only change the digest when you know why it changed",
        )


def _chunks(answer: IO[bytes]) -> Iterator[bytes]:
    while chunk := answer.read(CHUNK):
        yield chunk

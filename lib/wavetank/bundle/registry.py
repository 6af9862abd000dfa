"""The registry source: images by digest, files of releases by URL and SHA-256, over HTTPS and without an engine.

What versions.yaml does not pin is looked up first, and taken by the digest that it has now. A manifest that a program
writes comes from that program of the release. What no registry has is built from its recipe: Wavetank's own images,
which stand on the pulled Python.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wavetank.bundle import troubles
from wavetank.bundle.assembly import Assembly, Tools
from wavetank.bundle.cache import Cache, fingerprint
from wavetank.bundle.distribution import Registries
from wavetank.bundle.downloading import download, place_for, take_out
from wavetank.bundle.downloads import Downloads
from wavetank.bundle.generating import generate
from wavetank.bundle.golang import Go
from wavetank.bundle.graph import Artifact, Graph, image_artifact
from wavetank.bundle.https import Web
from wavetank.bundle.index import Resolved
from wavetank.bundle.machine import Machine
from wavetank.bundle.plan import Plan, PlannedFile, PlannedImage
from wavetank.bundle.progress import Progress
from wavetank.bundle.pulling import pull
from wavetank.bundle.recipe import Recipe, load_recipes
from wavetank.bundle.resolving import Record, Resolver, check_strict, pinned_by, unpinned
from wavetank.bundle.source import files_of, toolchain
from wavetank.bundle.store import bundles_path
from wavetank.bundle.versions import Component, Download, ReleaseFile, Versions
from wavetank.errors import BundleError, InputError
from wavetank.steps import Report

__all__ = ["Network", "plan_registry"]

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True, slots=True)
class Network:
    """What everything is fetched with, and where it is kept until it is used."""

    web: Web
    registries: Registries
    downloads: Downloads

    @classmethod
    def beside(cls, cache: Cache) -> Network:
        """Return one whose downloads lie in the build cache; it has to be locked."""
        web = Web()
        downloads = Downloads(cache.path / "downloads")
        downloads.start()
        return cls(web, Registries(web), downloads)

    def resolver(self) -> Resolver:
        """Return what looks up what is not pinned; its record lies beside the bundles."""
        return Resolver(self.web, self.registries, self.downloads, Record(bundles_path().parent / "resolved.json"))


def plan_registry(
    project: Path,
    versions: Versions,
    graph: Graph,
    cache: Cache,
    report: Report,
    *,
    strict: bool = False,
    accept: Collection[str] = (),
) -> Plan:
    """Add to ``graph`` all that has to be pulled and assembled, and return what the bundle will hold.

    ``strict`` refuses what versions.yaml does not pin; of what had to be looked up, ``accept`` names what may have
    another digest than before. Raises `BundleError` for what is refused, `StepError` for what cannot be looked up,
    `InputError` when a program that writes a manifest is not among a component's files.
    """
    network, machine = Network.beside(cache), Machine.here()
    wanted = unpinned(versions, machine.system, machine.machine)
    if strict:
        check_strict(versions, wanted)
    resolved = network.resolver().resolve(wanted, report, accept)
    planner = _Planner(project, pinned_by(versions, resolved), graph, network, machine, resolved)
    return planner.plan(cache, report)


@dataclass(frozen=True, slots=True)
class _Planner:
    """Adds to a graph what versions, all of them pinned, ask for."""

    project: Path
    versions: Versions
    graph: Graph
    network: Network
    machine: Machine
    resolved: Collection[Resolved]

    def plan(self, cache: Cache, report: Report) -> Plan:
        rows = self.versions.components.values()
        recipes = load_recipes(self.project / "clusters" / "source", self.versions)
        images: list[PlannedImage] = []
        files: list[PlannedFile] = []
        for row in rows:
            for ref, pinned in row.images.items():
                self.graph.add(self._pulled(ref, pinned))
                images.append(PlannedImage(row.stage, ref))
            for file in row.files:
                self.graph.add(self._downloaded(file))
                files.append(PlannedFile(row.stage, file.kind, file.name, _file(file.name), "content"))
            if row.built:
                recipe = recipes[row.name]
                images += [PlannedImage(row.stage, image.ref) for image in recipe.images]
                files += files_of(row.stage, recipe)
            else:
                for name in recipes[row.name].generated:
                    self.graph.add(self._generated(row, recipes[row.name], name))
                    files.append(PlannedFile(row.stage, "manifest", name, _manifest(name), "content"))
        self._assemble(recipes, cache, report)
        return Plan(
            architecture=self.machine.architecture,
            node_image=next(row.node for row in rows if row.node),
            images=images,
            files=files,
            resolved=tuple(self.resolved),
        )

    def _assemble(self, recipes: Mapping[str, Recipe], cache: Cache, report: Report) -> None:
        """Add what is built here, and what it is made of."""
        built = {name: recipes[name] for name, row in self.versions.components.items() if row.built}
        made_of = {name for recipe in built.values() for name in _made_of(recipe)} - set(built)
        wanted = {**built, **{name: replace(recipes[name], images=(), manifests={}) for name in sorted(made_of)}}
        go = self._go(cache, report) if any(recipe.go.tools for recipe in wanted.values()) else None
        debian = self.versions.components["debian"].version if "debian" in wanted else ""
        pip = _pip(self.versions.components["python"].version, self.machine.architecture)
        Assembly(self.graph, self.project, wanted, Tools(self.machine.architecture, debian, go, pip=pip))

    def _go(self, cache: Cache, report: Report) -> Go:
        return toolchain(self.project / "clusters" / "source", cache, report, self.machine.architecture)

    def _pulled(self, ref: str, pinned: str) -> Artifact:
        architecture, progress = self.machine.architecture, Progress()

        def make(folder: Path) -> None:
            pull(self.network.registries, self.network.downloads, ref, pinned, architecture, folder, progress)

        key = fingerprint(ref, pinned, architecture)
        return Artifact(image_artifact(ref), f"pull {ref}", key, make, progress=progress)

    def _downloaded(self, file: ReleaseFile) -> Artifact:
        progress = Progress()
        # A program runs where this does, which need not be where the engine is.
        wanted = [self._address(file, part) for part in file.parts]

        def make(folder: Path) -> None:
            content = folder / "content"
            for number, (url, digest) in enumerate(wanted):
                target = folder / f"part-{number}"
                refusal = self._refusal(file.name, url, digest)
                download(self.network.web, self.network.downloads, url, digest, target, progress, refusal)
            parts = [folder / f"part-{number}" for number in range(len(wanted))]
            if file.member:
                take_out(parts[0], file.member, content)
            else:
                content.write_bytes(b"\n---\n".join(part.read_bytes() for part in parts))
            for part in parts:
                part.unlink()
            content.chmod(0o755 if file.kind == "binary" else 0o644)

        key = fingerprint(wanted, file.kind, file.member)
        return Artifact(_file(file.name), f"download {file.name}", key, make, progress=progress)

    def _address(self, file: ReleaseFile, part: Download) -> tuple[str, str]:
        """Return the address for this machine and its digest."""
        place = place_for(file.name, part.digests, self.machine.system, self.machine.machine)
        digest = part.digests[place]
        if digest is None:
            raise BundleError(f"{part.address(place)} was not looked up", expected="a digest")
        return part.address(place), digest

    def _refusal(self, what: str, url: str, expected: str) -> Callable[[str], BundleError]:
        for one in self.resolved:
            if one.asked == url:
                return lambda observed: troubles.moved(what, url, observed, expected, one.when)
        return lambda observed: troubles.wrong_digest(what, url, observed, expected)

    def _generated(self, row: Component, recipe: Recipe, name: str) -> Artifact:
        made = recipe.generated[name]
        if made.program not in [file.name for file in row.files]:
            raise InputError(
                f"{made.program}, which writes the manifest {name!r}, is not among the files of {row.name!r}",
                where=row.where,
                expected=f"{made.program} in registry/files",
            )
        needs = (_file(made.program),)

        def make(folder: Path) -> None:
            program = self.graph.path(_file(made.program)) / "content"
            (folder / "content").write_text(generate(program, made, recipe.folder), encoding="utf-8")

        key = self.graph.key(needs, made.arguments, *made.files(recipe.folder).values())
        return Artifact(_manifest(name), f"generate {name}", key, make, needs)


def _made_of(recipe: Recipe) -> Iterator[str]:
    """Yield the components that the layers of a recipe take something from."""
    for image in recipe.images:
        for layer in getattr(image, "layers", ()):
            for word, value in layer.items():
                if word.startswith("debian"):
                    yield "debian"
                elif word in ("binaries", "modules"):
                    yield from (name.partition("/")[0] for name in value.values())
                elif word == "containerd":
                    yield "containerd"


def _pip(python: str, architecture: str) -> tuple[str, ...]:
    """Return what makes pip install for the pulled image rather than for the machine it runs on."""
    platforms = (f"--platform=manylinux_{glibc}_{MACHINES[architecture]}" for glibc in ("2_28", "2_17"))
    old = f"--platform=manylinux2014_{MACHINES[architecture]}"
    return (f"--python-version={python}", "--implementation=cp", *platforms, old)


def _manifest(name: str) -> str:
    return f"manifest-{name}"


def _file(name: str) -> str:
    return f"file-{name}"

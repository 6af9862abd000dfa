"""The plan of a source build: every artifact, what it needs, and the key that tells whether it has been made before.

An artifact's key is a hash of the words of its recipe, of the keys of all it needs, and of the files it takes from this
project. Nothing is made here: `Plan.steps` hands out the graph, and running it is `run_steps`'s business.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from wavetank.cluster.bundle import containerd, debian
from wavetank.cluster.bundle.cache import Cache, fingerprint
from wavetank.cluster.bundle.contents import Supplies, layer_entries
from wavetank.cluster.bundle.dockerfile import read_dockerfile
from wavetank.cluster.bundle.golang import Go
from wavetank.cluster.bundle.images import Image, assemble, write_archive
from wavetank.cluster.bundle.layout import Layout
from wavetank.cluster.bundle.programs import run
from wavetank.cluster.bundle.recipe import DockerfileRecipe, ImageRecipe, Layer, Recipe
from wavetank.cluster.steps import Step
from wavetank.errors import InputError

__all__ = ["Artifact", "Plan"]

WHEEL_SECONDS = 900.0
DEBIAN = "debian"
CONTAINERD = "containerd"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A folder to be made: ``name`` and ``key`` name it in the cache, ``title`` as a step; ``needs`` names others."""

    name: str
    title: str
    key: str
    needs: tuple[str, ...]
    make: Callable[[Path], None]


class Plan:
    """All artifacts that the recipes of a project ask for, each after those it needs."""

    def __init__(self, project: Path, suite: str, recipes: Mapping[str, Recipe], go: Go, cache: Cache) -> None:
        self._project = project
        self._recipes = recipes
        self._go = go
        self._cache = cache
        self._owners = {image.ref: name for name, recipe in recipes.items() for image in recipe.images}
        self._images = {image.ref: image for recipe in recipes.values() for image in recipe.images}
        self.artifacts: dict[str, Artifact] = {}
        for recipe in recipes.values():
            if recipe.go_mod:
                self._add_programs(recipe)
            if recipe.packages:
                self._add_debian(recipe, suite)
        for ref in self._images:
            self._add_image(ref)

    def path(self, name: str) -> Path:
        """Return where the artifact of that name is, or will be."""
        return self._cache.path / f"{name}-{self.artifacts[name].key}"

    def image(self, ref: str) -> Image:
        """Return an image that has been made."""
        layout = Layout(self.path(_image_name(ref)))
        return Image(ref, layout.images()[ref], layout)

    def images(self) -> list[Image]:
        """Return all images, once they have been made."""
        return [self.image(ref) for ref in self._images]

    def steps(self) -> list[Step]:
        """Return one step for each artifact; what is in the cache already takes no time."""
        return [
            Step(artifact.title, self._action(artifact), tuple(self.artifacts[need].title for need in artifact.needs))
            for artifact in self.artifacts.values()
        ]

    def missing(self) -> list[Artifact]:
        """Return the artifacts that are not in the cache yet."""
        return [artifact for artifact in self.artifacts.values() if not self.path(artifact.name).is_dir()]

    def _action(self, artifact: Artifact) -> Callable[[], str]:
        def act() -> str:
            _, cached = self._cache.artifact(artifact.name, artifact.key, artifact.make)
            return "cached" if cached else ""

        return act

    def _add(self, artifact: Artifact) -> None:
        self.artifacts[artifact.name] = artifact

    def _key(self, needs: Iterable[str], *parts: object) -> str:
        return fingerprint(sorted(self.artifacts[need].key for need in needs), *parts)

    def _add_programs(self, recipe: Recipe) -> None:
        sources = [path for pattern in ("*.go", "go.mod", "go.sum") for path in sorted(recipe.folder.glob(pattern))]
        key = fingerprint(self._go.version, self._go.architecture, asdict(recipe.go), *sources)

        def make(folder: Path) -> None:
            self._go.build(recipe.folder, recipe.go, folder)

        self._add(Artifact(f"programs-{recipe.name}", f"build {recipe.name}", key, (), make))

    def _add_wheels(self, recipe: Recipe) -> None:
        requirements = recipe.folder / "requirements.txt"

        def make(folder: Path) -> None:
            install_wheels(requirements, folder)

        key = fingerprint(sys.version, self._go.architecture, requirements)
        self._add(Artifact(f"wheels-{recipe.name}", f"wheels of {recipe.name}", key, (), make))

    def _add_debian(self, recipe: Recipe, suite: str) -> None:
        def make(folder: Path) -> None:
            debian.ensure_debootstrap()
            debian.make_root(folder, suite, recipe.packages, self._go.architecture)

        key = fingerprint(suite, recipe.packages, self._go.architecture)
        self._add(Artifact(DEBIAN, f"Debian {suite}", key, (), make))

    def _add_image(self, ref: str) -> None:
        """Add an image after those it stands on."""
        name = _image_name(ref)
        if name in self.artifacts:
            return
        recipe = self._images.get(ref)
        if recipe is None:
            raise InputError(f"no recipe makes the image {ref}", expected=f"one of {', '.join(sorted(self._images))}")
        if isinstance(recipe, DockerfileRecipe):
            self._add(self._dockerfile_image(name, recipe))
        else:
            self._add(self._recipe_image(name, recipe))

    def _dockerfile_image(self, name: str, recipe: DockerfileRecipe) -> Artifact:
        described = read_dockerfile(self._project / recipe.dockerfile, recipe.arguments)
        self._add_image(described.base)
        needs = (_image_name(described.base),)
        content = [
            (entry.path, entry.mode, fingerprint(entry.content)) for layer in described.layers for entry in layer
        ]

        def make(folder: Path) -> None:
            base = self.image(described.base)
            assemble(
                recipe.ref, folder, described.layers, described.config, architecture=self._go.architecture, base=base
            )

        return Artifact(name, f"image {recipe.ref}", self._key(needs, content, asdict(described.config)), needs, make)

    def _recipe_image(self, name: str, recipe: ImageRecipe) -> Artifact:
        owner = self._owners[recipe.ref]
        needs = dict.fromkeys(need for layer in recipe.layers for need in self._layer_needs(layer, owner))
        if recipe.base:
            self._add_image(recipe.base)
            needs[_image_name(recipe.base)] = None
        files = [self._project / folder for layer in recipe.layers for folder in layer.get("project", {}).values()]
        modules = [name for layer in recipe.layers for name in layer.get("modules", {}).values()]
        go_sums = [self._recipes[module.partition("/")[0]].folder / "go.sum" for module in modules]

        def make(folder: Path) -> None:
            base = self.image(recipe.base) if recipe.base else None
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unfinished-layers-") as scratch:
                layers = [
                    layer_entries(layer, owner, self._supplies(), Path(scratch) / str(number))
                    for number, layer in enumerate(recipe.layers)
                ]
                assemble(recipe.ref, folder, layers, recipe.config, architecture=self._go.architecture, base=base)

        key = self._key(needs, recipe.layers, asdict(recipe.config), sys.version, *files, *go_sums)
        return Artifact(name, f"image {recipe.ref}", key, tuple(needs), make)

    def _layer_needs(self, layer: Layer, owner: str) -> Iterator[str]:
        for word, value in layer.items():
            if word.startswith("debian"):
                yield DEBIAN
            elif word.startswith("wheel"):
                self._add_wheels(self._recipes[owner])
                yield f"wheels-{owner}"
            elif word in ("binaries", "modules"):
                yield from (f"programs-{name.partition('/')[0]}" for name in value.values())
            elif word == "containerd":
                yield f"programs-{CONTAINERD}"
                for ref in value:
                    self._add_image(ref)
                    yield _image_name(ref)

    def _supplies(self) -> Supplies:
        return Supplies(
            project=self._project,
            debian=self.path(DEBIAN) / "root",
            programs=lambda component: self.path(f"programs-{component}"),
            module=self.module,
            wheels=lambda component: self.path(f"wheels-{component}"),
            store=self._store,
        )

    def module(self, component: str) -> Path:
        """Return where the sources of a component's Go module lie."""
        recipe = self._recipes[component]
        return self._go.module_folder(recipe.folder, recipe.module)

    def _store(self, refs: list[str], root: Path) -> None:
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            write_archive([self.image(ref) for ref in refs], archive)  # type: ignore[arg-type]
            archive.flush()
            containerd.fill_store(self.path(f"programs-{CONTAINERD}"), Path(archive.name), root)


def install_wheels(requirements: Path, folder: Path) -> None:
    """Install what ``requirements`` pins, each wheel by its hash, into ``folder``."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
    run(
        [*pip, "--only-binary", ":all:", "--target", folder, "-r", requirements],
        timeout=WHEEL_SECONDS,
        hint="the network is needed to fetch Python packages the first time; `pip config list` tells from where",
    )


def _image_name(ref: str) -> str:
    return "image-" + "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in ref)

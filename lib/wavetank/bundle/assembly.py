"""From recipes to artifacts: what has to be built, fetched and assembled for the images that recipes describe."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from wavetank.bundle import containerd, debian
from wavetank.bundle.cache import fingerprint
from wavetank.bundle.contents import Supplies, layer_entries
from wavetank.bundle.dockerfile import read_dockerfile
from wavetank.bundle.golang import FLAGS, Go
from wavetank.bundle.graph import Artifact, Graph, image_artifact
from wavetank.bundle.images import assemble, write_archive
from wavetank.bundle.interpreter import compile_python
from wavetank.bundle.programs import run
from wavetank.bundle.recipe import Collected, DockerfileRecipe, Generated, ImageRecipe, Layer, Recipe
from wavetank.errors import BundleError, InputError

__all__ = ["MANIFEST_SECONDS", "Assembly", "Tools", "collect", "every_tag", "install_wheels"]

WHEEL_SECONDS = 900.0
MANIFEST_SECONDS = 60.0
"""How long a program may take to write a manifest."""
HOW = [
    Path(__file__).with_name(f"{module}.py")
    for module in ("closure", "containerd", "contents", "entries", "images", "interpreter", "layout")
]
"""An image also depends on how it is assembled."""
DEBIAN = "debian"
CONTAINERD = "programs-containerd"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a build works with: for which architecture, from which Debian, with which Go, and what pip is told."""

    architecture: str
    suite: str = ""
    go: Go | None = None
    pip: tuple[str, ...] = ()


class Assembly:
    """Adds to a graph what the recipes of a project ask for."""

    def __init__(self, graph: Graph, project: Path, recipes: Mapping[str, Recipe], tools: Tools) -> None:
        self._graph = graph
        self._project = project
        self._recipes = recipes
        self._tools = tools
        self._tags = every_tag(recipes.values())
        self._owners = {image.ref: name for name, recipe in recipes.items() for image in recipe.images}
        self._images = {image.ref: image for recipe in recipes.values() for image in recipe.images}
        for recipe in recipes.values():
            if recipe.go.tools:
                self._add_programs(recipe)
            if recipe.manifests:
                self._add_manifests(recipe)
            if recipe.packages:
                self._add_debian(recipe)
        for ref in self._images:
            self._add_image(ref)

    @property
    def _go(self) -> Go:
        if self._tools.go is None:
            raise BundleError("this build has no Go", expected="recipes without Go programs")
        return self._tools.go

    def _add_programs(self, recipe: Recipe) -> None:
        module = recipe.go_folder
        sources = [module / "go.mod", module / "go.sum", *sorted(recipe.folder.rglob("*.go"))]

        def fetch(folder: Path) -> None:
            self._go.fetch(module, recipe.go, self._tags)
            (folder / "fetched").write_text("into Go's own cache of modules\n", encoding="utf-8")

        def make(folder: Path) -> None:
            self._go.build(module, recipe.go, self._tags, folder)

        # Fetched by a step of its own: while one component is compiled, the sources of the next come over the network.
        fetched = f"sources-{recipe.name}"
        key = fingerprint(self._go.version, self._tools.architecture, asdict(recipe.go), self._tags, *sources)
        self._graph.add(Artifact(fetched, f"fetch {recipe.name}", key, fetch))
        # One Go build takes every core there is: two of them would only be in each other's way.
        key = self._graph.key((fetched,), FLAGS)
        self._graph.add(Artifact(_programs(recipe.name), f"build {recipe.name}", key, make, (fetched,), alone="go"))

    def _add_manifests(self, recipe: Recipe) -> None:
        needs = (_programs(recipe.name),)

        def make(folder: Path) -> None:
            for name, made in recipe.manifests.items():
                if isinstance(made, Generated):
                    program = self._graph.path(_programs(recipe.name)) / made.program
                    written = run([program, *made.arguments], timeout=MANIFEST_SECONDS, cwd=recipe.folder)
                    (folder / name).write_text(written, encoding="utf-8")
                else:
                    (folder / name).write_text(
                        collect(made, partial(self._go.module_folder, recipe.go_folder)), encoding="utf-8"
                    )

        given = [path for made in recipe.generated.values() for path in made.files(recipe.folder).values()]
        key = self._graph.key(needs, repr(recipe.manifests), *given)
        self._graph.add(Artifact(f"manifests-{recipe.name}", f"manifests of {recipe.name}", key, make, needs))

    def _module(self, component: str) -> Path:
        """Return where the sources of a component's Go module lie."""
        recipe = self._recipes[component]
        return self._go.module_folder(recipe.go_folder, recipe.module)

    def _add_debian(self, recipe: Recipe) -> None:
        suite, architecture = self._tools.suite, self._tools.architecture

        def make(folder: Path) -> None:
            debian.ensure_debootstrap()
            debian.make_root(folder, suite, recipe.packages, architecture)

        key = fingerprint(suite, recipe.packages, architecture)
        self._graph.add(Artifact(DEBIAN, f"Debian {suite}", key, make))

    def _add_wheels(self, recipe: Recipe) -> None:
        requirements = recipe.folder / "requirements.txt"

        def make(folder: Path) -> None:
            install_wheels(requirements, folder, self._tools.pip)
            compile_python(folder)

        key = fingerprint(sys.version, self._tools.architecture, self._tools.pip, requirements)
        self._graph.add(Artifact(_wheels(recipe.name), f"wheels of {recipe.name}", key, make))

    def _add_image(self, ref: str) -> None:
        """Add an image after those it stands on, unless it is in the graph already."""
        if image_artifact(ref) in self._graph.artifacts:
            return
        recipe = self._images.get(ref)
        if recipe is None:
            raise InputError(f"no recipe makes the image {ref}", expected=f"one of {', '.join(sorted(self._images))}")
        if isinstance(recipe, DockerfileRecipe):
            self._graph.add(self._dockerfile_image(recipe))
        else:
            self._graph.add(self._recipe_image(recipe))

    def _dockerfile_image(self, recipe: DockerfileRecipe) -> Artifact:
        described = read_dockerfile(self._project / recipe.dockerfile, recipe.arguments)
        self._add_image(described.base)
        needs = (image_artifact(described.base),)
        content = [
            (entry.path, entry.mode, fingerprint(entry.content)) for layer in described.layers for entry in layer
        ]

        def make(folder: Path) -> None:
            assemble(
                recipe.ref,
                folder,
                described.layers,
                described.config,
                architecture=self._tools.architecture,
                base=self._graph.image(described.base),
            )

        key = self._graph.key(needs, content, asdict(described.config), *HOW)
        return Artifact(image_artifact(recipe.ref), f"image {recipe.ref}", key, make, needs)

    def _recipe_image(self, recipe: ImageRecipe) -> Artifact:
        owner = self._owners[recipe.ref]
        needs = dict.fromkeys(need for layer in recipe.layers for need in self._layer_needs(layer, owner))
        if recipe.base:
            self._add_image(recipe.base)
            needs[image_artifact(recipe.base)] = None
        folders = [self._project / folder for layer in recipe.layers for folder in layer.get("project", {}).values()]

        def make(folder: Path) -> None:
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unfinished-layers-") as scratch:
                assemble(
                    recipe.ref,
                    folder,
                    [
                        layer_entries(layer, owner, self._supplies(), Path(scratch) / str(number))
                        for number, layer in enumerate(recipe.layers)
                    ],
                    recipe.config,
                    architecture=self._tools.architecture,
                    base=self._graph.image(recipe.base) if recipe.base else None,
                )

        key = self._graph.key(needs, recipe.layers, asdict(recipe.config), sys.version, *folders, *HOW)
        return Artifact(image_artifact(recipe.ref), f"image {recipe.ref}", key, make, tuple(needs))

    def _layer_needs(self, layer: Layer, owner: str) -> Iterator[str]:
        for word, value in layer.items():
            if word.startswith("debian"):
                yield DEBIAN
            elif word.startswith("wheel"):
                self._add_wheels(self._recipes[owner])
                yield _wheels(owner)
            elif word in ("binaries", "modules"):
                yield from (_programs(name.partition("/")[0]) for name in value.values())
            elif word == "containerd":
                yield CONTAINERD
                for ref in value:
                    self._add_image(ref)
                    yield image_artifact(ref)

    def _supplies(self) -> Supplies:
        return Supplies(
            project=self._project,
            debian=lambda: self._graph.path(DEBIAN) / "root",
            programs=lambda component: self._graph.path(_programs(component)),
            module=self._module,
            wheels=lambda component: self._graph.path(_wheels(component)),
            store=self._store,
        )

    def _store(self, refs: list[str], root: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="wavetank-store-") as folder:
            archive = Path(folder) / "images.tar"
            with archive.open("wb") as sink:
                write_archive([self._graph.image(ref) for ref in refs], sink)
            containerd.fill_store(self._graph.path(CONTAINERD), archive, root)


def collect(made: Collected, folder_of: Callable[[str], Path]) -> str:
    """Return the YAML files that ``made`` names as one manifest; ``folder_of`` finds the sources of a Go module.

    Raises `BundleError` for a path at which a module has no manifest.
    """
    texts: list[str] = []
    for module, paths in made.modules.items():
        for path in (folder_of(module) / path for path in paths):
            files = [path] if path.is_file() else sorted(path.rglob("*.yaml"))
            if not files:
                raise BundleError(f"there is no manifest at {path}", expected=f"what the recipe names of {module}")
            texts += [file.read_text(encoding="utf-8") for file in files]
    return "\n---\n".join(texts)


def every_tag(recipes: Iterable[Recipe]) -> list[str]:
    """Return the build tags that any of ``recipes`` needs: all are built with all, so that they can share packages."""
    return sorted({tag for recipe in recipes for tag in recipe.go.tags})


def install_wheels(requirements: Path, folder: Path, options: Sequence[str] = ()) -> None:
    """Install what ``requirements`` pins, each wheel by its hash, into ``folder``."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
    run(
        [*pip, "--only-binary", ":all:", *options, "--target", folder, "-r", requirements],
        timeout=WHEEL_SECONDS,
        hint="the network is needed to fetch Python packages the first time; `pip config list` tells from where",
    )


def _programs(component: str) -> str:
    return f"programs-{component}"


def _wheels(component: str) -> str:
    return f"wheels-{component}"

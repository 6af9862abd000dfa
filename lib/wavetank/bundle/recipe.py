"""clusters/source/<component>/recipe.yaml: what a component's images are made of, as plain data.

A recipe only names things: programs that Go builds, files of the Debian root, images of other components. What they
are is for `contents` and `source` to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wavetank.bundle.gomod import GoMod, read_go_mod
from wavetank.bundle.layout import ImageConfig
from wavetank.bundle.versions import Component, Versions
from wavetank.document import load_document, load_schema
from wavetank.errors import InputError

__all__ = [
    "Collected",
    "DockerfileRecipe",
    "Generated",
    "GoRecipe",
    "ImageRecipe",
    "Recipe",
    "load_recipe",
    "load_recipes",
]

Layer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GoRecipe:
    """What `go build` is asked for: the component's ``tools`` in go.mod, the build ``tags`` that they need.

    ``set`` are variables set by the linker, ``rename`` programs that get another name.
    """

    tools: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    set: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """An image: its ``layers`` (see recipe.schema.json) on top of ``base``, and how it is run."""

    ref: str
    base: str
    layers: tuple[Layer, ...]
    config: ImageConfig


@dataclass(frozen=True, slots=True)
class DockerfileRecipe:
    """An image that a Dockerfile of this project describes, with its build arguments."""

    ref: str
    dockerfile: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Collected:
    """A manifest of what lies in Go modules: for each, files, and folders of which every ``*.yaml`` is taken."""

    modules: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Generated:
    """A manifest that a ``program`` of the component writes to its standard output, run in the component's folder."""

    program: str
    arguments: tuple[str, ...]

    def files(self, folder: Path) -> dict[str, Path]:
        """Return what the arguments name of the component's ``folder``: the files that the program is given."""
        return {word: folder / word for word in self.arguments if (folder / word).is_file()}


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that is made of one component; ``node`` is the reference of the node image, where it is among them.

    ``go_folder`` has the go.mod in which its programs are built. ``differs`` tells, in a sentence each, what is not as
    in the component's own release.
    """

    name: str
    folder: Path
    module: str = ""
    go_folder: Path = Path()
    go: GoRecipe = GoRecipe()
    packages: tuple[str, ...] = ()
    images: tuple[ImageRecipe | DockerfileRecipe, ...] = ()
    manifests: Mapping[str, Collected | Generated] = field(default_factory=dict)
    binaries: tuple[str, ...] = ()
    node: str = ""
    differs: tuple[str, ...] = ()

    @property
    def generated(self) -> dict[str, Generated]:
        """Those of the manifests that a program writes."""
        return {name: made for name, made in self.manifests.items() if isinstance(made, Generated)}


def load_recipes(folder: Path, versions: Versions) -> dict[str, Recipe]:
    """Read the recipe of every component, in the order of their rows.

    Raises `InputError` where folders, rows and go.mod do not match.
    """
    folders = {path.parent.name: path.parent for path in folder.glob("*/recipe.yaml")}
    for name in sorted(set(folders) - set(versions.components)):
        raise InputError(
            f"the component {name!r} has no version", where=str(versions.path), expected=f"a row {name!r} in components"
        )
    for name, component in versions.components.items():
        if name not in folders:
            raise InputError(
                f"the component {name!r} has no recipe", where=component.where, expected=f"{folder / name}/recipe.yaml"
            )
    shared = read_go_mod(folder / "go.mod")
    return {name: load_recipe(folders[name], versions, shared) for name in versions.components}


def load_recipe(folder: Path, versions: Versions, shared: GoMod) -> Recipe:
    """Read one recipe, with every ``{component}`` in it replaced by that component's version.

    Its programs are those of the ``shared`` go.mod, or of its own where it has one.

    Raises `InputError` with file and line for what does not fit the schema, for an unknown version, and where go.mod
    names another version than versions.yaml.
    """
    path = folder / "recipe.yaml"
    document = load_document(path, load_schema(Path(__file__).with_name("recipe.schema.json")))
    data = _fill(document.data or {}, versions, str(path))
    go = data.get("go", {})
    component = versions.components[folder.name]
    own = folder / "go.mod"
    go_mod = read_go_mod(own) if own.is_file() else shared
    _check_go_mod(component, go_mod)
    tools = go_mod.tools_of(folder.name, component.module)
    return Recipe(
        name=folder.name,
        folder=folder,
        module=component.module,
        go_folder=go_mod.folder,
        go=GoRecipe(tools, tuple(go.get("tags", ())), go.get("set", {}), go.get("rename", {})),
        packages=tuple(data.get("packages", ())),
        images=tuple(_image(ref, image) for ref, image in data.get("images", {}).items()),
        manifests={name: _manifest(made) for name, made in data.get("manifests", {}).items()},
        binaries=tuple(data.get("binaries", ())),
        node=data.get("node", ""),
        differs=tuple(data.get("differs", ())),
    )


def _image(ref: str, image: Mapping[str, Any]) -> ImageRecipe | DockerfileRecipe:
    if "dockerfile" in image:
        return DockerfileRecipe(ref, image["dockerfile"], image.get("arguments", {}))
    config = {key: value for key, value in image.items() if key not in ("base", "layers")}
    return ImageRecipe(ref, image.get("base", ""), tuple(image["layers"]), ImageConfig(**config))


def _manifest(made: Mapping[str, Any]) -> Collected | Generated:
    if "modules" in made:
        return Collected({module: tuple(paths) for module, paths in made["modules"].items()})
    return Generated(made["program"], tuple(made["arguments"]))


def _fill(value: Any, versions: Versions, where: str) -> Any:
    """Return ``value`` with the versions filled in, in keys and values alike."""
    if isinstance(value, str):
        return versions.fill(value, where)
    if isinstance(value, list):
        return [_fill(item, versions, where) for item in value]
    if isinstance(value, dict):
        return {versions.fill(key, where): _fill(item, versions, where) for key, item in value.items()}
    return value


def _check_go_mod(component: Component, go_mod: GoMod) -> None:
    if not component.module:
        return
    wanted = f"{component.module} v{component.version}"
    command = f"cd {go_mod.folder} && go get {component.module}@v{component.version} && go mod tidy"
    found = go_mod.requires.get(component.module)
    if found is None:
        raise InputError(
            f"go.mod does not require {component.module}", where=str(go_mod.path), expected=wanted, command=command
        )
    if found != component.version:
        raise InputError(
            f"go.mod has {component.module} v{found}, versions.yaml has {wanted}",
            where=f"{go_mod.path}:{go_mod.lines[component.module]}",
            expected=f"the version in {component.where}",
            command=command,
        )

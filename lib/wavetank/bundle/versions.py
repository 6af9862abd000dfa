"""clusters/versions.yaml: the one place for every version, and what else a row of it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wavetank.bundle.index import FileKind
from wavetank.bundle.stages import Stage
from wavetank.document import Document, load_document, load_schema
from wavetank.errors import InputError

__all__ = ["Component", "Download", "ReleaseFile", "Version", "Versions", "load_versions"]


class Version(str):
    """A version without its leading v; templates may say ``{kubernetes}`` or ``{kubernetes.minor}``."""

    __slots__ = ()

    @property
    def major(self) -> str:
        """The first number."""
        return self.split(".")[0]

    @property
    def minor(self) -> str:
        """The second number, empty if there is none."""
        return (*self.split("."), "")[1]


@dataclass(frozen=True, slots=True)
class Download:
    """What is downloaded from one address: ``digests`` by platform, such as linux-amd64, or for ``any``.

    A digest is None where nobody has looked it up; ``{platform}`` in ``url`` is still to be replaced.
    """

    url: str
    digests: Mapping[str, str | None]

    def address(self, place: str) -> str:
        """Return the address for one of the platforms."""
        return self.url.replace("{platform}", place)


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file of a release page, or of several ``parts`` there, joined in their order.

    Where it is an archive, ``member`` is the one file of it that is wanted, and the digests are the archive's.
    """

    name: str
    kind: FileKind
    parts: tuple[Download, ...]
    member: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """One row: its version, the ``stage`` that needs it first, its Go module, what the registry source pulls for it.

    ``images`` are the bundle's references, each with the name and digest (or tag) it is pulled by. What is ``built``
    has no image anywhere: it is made from its recipe, whatever the source.
    """

    name: str
    version: Version
    where: str
    stage: Stage = "containers"
    module: str = ""
    node: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    files: tuple[ReleaseFile, ...] = ()
    built: bool = False


@dataclass(frozen=True, slots=True)
class Versions:
    """All rows by name, and the file they stand in."""

    path: Path
    components: Mapping[str, Component]

    def fill(self, template: str, where: str) -> str:
        """Return ``template`` with each ``{component}`` replaced by its version; raises `InputError` if it has none."""
        try:
            return template.format_map({name: row.version for name, row in self.components.items()})
        except (KeyError, ValueError, AttributeError, IndexError) as error:
            raise InputError(
                f"{template!r} names a version that is not known: {error}",
                where=where,
                expected=f"{{name}} of a row in {self.path}: {', '.join(sorted(self.components))}",
            ) from None


def load_versions(path: Path) -> Versions:
    """Read versions.yaml; raises `InputError` with file and line for whatever does not fit its schema."""
    document = load_document(path, load_schema(Path(__file__).with_name("versions.schema.json")))
    rows = document.data["components"]
    bare = Versions(path, {name: _component(document, name, row) for name, row in rows.items()})
    return replace(bare, components={name: _filled(row, bare) for name, row in bare.components.items()})


def _filled(row: Component, versions: Versions) -> Component:
    """Return ``row`` with the versions in its references filled in."""
    images = {versions.fill(ref, row.where): versions.fill(pull, row.where) for ref, pull in row.images.items()}
    files = tuple(replace(file, parts=tuple(_part(part, row, versions) for part in file.parts)) for file in row.files)
    return replace(row, images=images, files=files, node=versions.fill(row.node, row.where))


def _part(part: Download, row: Component, versions: Versions) -> Download:
    return replace(part, url=versions.fill(part.url.replace("{platform}", "{{platform}}"), row.where))


def _component(document: Document, name: str, row: Mapping[str, Any]) -> Component:
    registry = row.get("registry", {})
    node = registry.get("node", "")
    if node and node not in registry.get("images", {}):
        raise InputError(
            f"components/{name}/registry/node: {node} is not among its images",
            where=document.where("components", name, "registry", "node"),
            expected="one of registry/images",
        )
    return Component(
        name=name,
        version=Version(row["version"]),
        where=document.where("components", name, "version"),
        stage=row.get("stage", "containers"),
        module=row.get("module", ""),
        node=node,
        images=registry.get("images", {}),
        files=tuple(
            ReleaseFile(
                key,
                file["kind"],
                tuple(Download(part["url"], part["sha256"]) for part in file.get("parts", [file])),
                file.get("member", ""),
            )
            for key, file in registry.get("files", {}).items()
        ),
        built=registry.get("built", False),
    )

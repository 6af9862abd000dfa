"""Small bundles for tests: two images that share a layer, a manifest and a program, made as real ones are."""

from __future__ import annotations

from pathlib import Path

from wavetank.bundle.entries import text
from wavetank.bundle.images import Image, assemble
from wavetank.bundle.index import Index
from wavetank.bundle.layout import ImageConfig
from wavetank.bundle.store import Part, fill

NODE = "example.dev/node:v1"
WEB = "example.dev/web:v1"


def small_image(folder: Path, ref: str, content: str, base: Image | None = None) -> Image:
    """Assemble an image with one file on top of ``base``."""
    layers = [[text("/etc/content", content)]]
    return assemble(ref, folder, layers, ImageConfig(command=["/bin/true"]), architecture="amd64", base=base)


def small_bundle(folder: Path) -> Path:
    """Write a bundle into ``folder``/small and return that path."""
    base = small_image(folder / "base", NODE, "what both share\n" * 100)
    web = small_image(folder / "web", WEB, "the web's own\n" * 100, base)
    (folder / "crds.yaml").write_text("kind: CustomResourceDefinition\n")
    (folder / "kind").write_text("#!/bin/sh\n")
    part = Part((NODE, WEB), (("manifest", "crds", folder / "crds.yaml"), ("binary", "kind", folder / "kind")))
    fill(folder / "small", part, [base, web], Index("0.1.0", "amd64", "source", NODE, (), ()))
    return folder / "small"

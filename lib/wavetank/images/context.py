"""A build's context as the engine gets it: a folder's files, the same bytes from every clone of it."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path
from typing import IO

from docker.utils.build import exclude_paths

from wavetank.errors import ImageError
from wavetank.images.model import Recipe

__all__ = ["DOCKERFILE", "pack"]

DOCKERFILE = ".wavetank.Dockerfile"
"""What the Dockerfile is called in the context, wherever it lies on this machine; it is never copied into the image."""

_IGNORE = ".dockerignore"
_ALWAYS = ("**/__pycache__", "**/*.pyc")


def pack(recipe: Recipe, sink: IO[bytes]) -> None:
    """Write what ``recipe`` may copy as a tar: sorted, without times, owners, and the modes of this clone.

    Files that the folder's .dockerignore names stay out. Raises `ImageError` when the Dockerfile or folder is missing.
    """
    for path, is_there, what in (
        (recipe.dockerfile, recipe.dockerfile.is_file(), "a Dockerfile"),
        (recipe.context, recipe.context.is_dir(), "a folder with the files it copies"),
    ):
        if not is_there:
            raise ImageError(f"{path} is not there", expected=what)
    ignore = recipe.context / _IGNORE
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    own = [line.strip() for line in patterns if line.strip() and not line.startswith("#")]
    found = exclude_paths(str(recipe.context), [*own, *_ALWAYS], dockerfile="")
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(found - {_IGNORE, DOCKERFILE}):
            _add(tar, recipe.context / name, name)
        # By these the engine takes the recipe itself out of what can be copied.
        _add_text(tar, _IGNORE, "\n".join([*own, DOCKERFILE, _IGNORE]))
        _add_text(tar, DOCKERFILE, recipe.dockerfile.read_text(encoding="utf-8"))


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    info = tar.gettarinfo(str(path), arcname=name)
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
    if info.isreg():
        with path.open("rb") as file:
            tar.addfile(info, file)
    else:
        tar.addfile(info)


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(text.encode())
    tar.addfile(info, BytesIO(text.encode()))

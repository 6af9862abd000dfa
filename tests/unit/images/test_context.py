"""A build's context: the same bytes from every clone, without what does not belong into it."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from wavetank.errors import ImageError, InputError
from wavetank.images.context import DOCKERFILE, pack
from wavetank.images.model import Recipe


def packed(recipe: Recipe) -> bytes:
    sink = io.BytesIO()
    pack(recipe, sink)
    return sink.getvalue()


def names(recipe: Recipe) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(packed(recipe))) as tar:
        return {member.name for member in tar if not member.isdir()}


def clone(folder: Path, umask: int) -> Recipe:
    before = os.umask(umask)
    try:
        (folder / "app/__pycache__").mkdir(parents=True)
        for name, text in (("app/main.py", "print()"), ("README.md", "read"), ("Dockerfile", "FROM scratch")):
            (folder / name).write_text(text)
        (folder / "app/__pycache__/main.pyc").write_bytes(b"\0")
        (folder / ".dockerignore").write_text("# not needed\nREADME.md\n")
    finally:
        os.umask(before)
    return Recipe(folder, folder / "Dockerfile")


def test_two_clones_make_the_same_context(tmp_path: Path) -> None:
    one, other = clone(tmp_path / "one", 0o022), clone(tmp_path / "other", 0o077)
    os.utime(other.context / "app/main.py", (1, 1))
    assert packed(one) == packed(other)
    (other.context / "app/main.py").write_text("print(1)")
    assert packed(one) != packed(other)


def test_what_is_ignored_stays_out(tmp_path: Path) -> None:
    assert names(clone(tmp_path, 0o022)) == {"app/main.py", "Dockerfile", DOCKERFILE, ".dockerignore"}


def test_the_recipe_may_lie_elsewhere(tmp_path: Path) -> None:
    recipe = clone(tmp_path / "app", 0o022)
    mine = tmp_path / "mine"
    mine.write_text("FROM mine")
    with tarfile.open(fileobj=io.BytesIO(packed(Recipe(recipe.context, mine)))) as tar:
        assert tar.extractfile(DOCKERFILE).read() == b"FROM mine"
        assert DOCKERFILE in tar.extractfile(".dockerignore").read().decode()


@pytest.mark.parametrize("missing", ["Dockerfile", "app"])
def test_what_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    recipe = clone(tmp_path / "here", 0o022)
    wrong = {
        "Dockerfile": Recipe(recipe.context, tmp_path / "Dockerfile"),
        "app": Recipe(tmp_path / "app", recipe.dockerfile),
    }
    with pytest.raises(ImageError, match=str(tmp_path / missing)):
        packed(wrong[missing])


@pytest.mark.parametrize("name", [DOCKERFILE, ".dockerignore"])
def test_a_recipe_that_is_no_text_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    (tmp_path / DOCKERFILE).write_text("FROM scratch\n")
    (tmp_path / name).write_bytes("# one\n# Fähre\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8 text") as caught:
        packed(Recipe(tmp_path, tmp_path / DOCKERFILE))
    assert caught.value.where == f"{tmp_path / name}:2"

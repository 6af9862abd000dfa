"""Write docs/built-from-source.md: what a source build changes in each component against its own release.

python scripts/source_changes.py    # asks Go for the go.mod of each release: the network is needed the first time
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from wavetank.bundle.assembly import every_tag
from wavetank.bundle.golang import FLAGS
from wavetank.bundle.gomod import GoMod, read_go_mod
from wavetank.bundle.recipe import Recipe, load_recipes
from wavetank.bundle.versions import Versions, load_versions

PROJECT = Path(__file__).parents[1]
SOURCE = PROJECT / "clusters" / "source"
PAGE = PROJECT / "docs" / "built-from-source.md"

BEFORE = """\
# What a build from source changes

A bundle that is built from source has each component in the version that `clusters/versions.yaml` names. They are built
in one Go module, [clusters/source/go.mod](../clusters/source/go.mod), so that what two of them share is compiled once.
One module has one version of everything: the newest that any of them asks for. So here is, for each component, which of
the modules that its own release requires directly are of another version here, and what else is not as released. No
component's own code is changed. A bundle from the registries has the released images, and none of this.

A component that does not compile, or does not run, with the versions of the others has a `go.mod` of its own.

`make changes` makes this page from the `go.mod` of each release.

"""


def page(recipes: Sequence[Recipe], versions: Versions, released: Mapping[str, Mapping[str, str]]) -> str:
    """Return the page; ``released`` is what each component's own release requires directly, by component."""
    tags = ", ".join(f"`{tag}`" for tag in every_tag(recipes))
    flags = " ".join(FLAGS)
    parts = [
        BEFORE,
        f"All of them: `CGO_ENABLED=0 go build {flags} -ldflags='-s -w'`, with the build tags {tags}.\n",
    ]
    for recipe in recipes:
        parts.append(f"\n## {recipe.name} {versions.components[recipe.name].version}\n\n")
        parts += [f"- {words}\n" for words in recipe.differs]
        if own := ", ".join(f"`{tag}`" for tag in recipe.go.tags):
            parts.append(f"- Build tags of its own: {own}.\n")
        parts.append(_modules(read_go_mod(recipe.go_folder / "go.mod"), released.get(recipe.name, {})))
    parts.append(f"\n<!-- made from {digest(recipes)} -->\n")
    return "".join(parts)


def digest(recipes: Sequence[Recipe]) -> str:
    """Return what tells whether the page was made from these go.mod files."""
    files = sorted({recipe.go_folder / "go.mod" for recipe in recipes})
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _modules(go_mod: GoMod, released: Mapping[str, str]) -> str:
    used = {module: go_mod.requires[module] for module in sorted(released) if module in go_mod.requires}
    other = {module: version for module, version in used.items() if version != released[module]}
    if not used:
        return "- It requires no module of others.\n"
    told = f"- Of {len(used)} modules that it requires directly, {len(other) or 'none'} are of another version.\n"
    if not other:
        return told
    rows = [f"| {module} | {released[module]} | {version} |\n" for module, version in other.items()]
    return f"{told}\n| module | in its release | here |\n|---|---|---|\n{''.join(rows)}"


def direct_requirements(text: str, ignored: Sequence[str]) -> dict[str, str]:
    """Return what a release's go.mod requires directly, but for ``ignored`` modules (folders of its own)."""
    lines = (line.removeprefix("require ").strip() for line in text.splitlines())
    found = (line.split() for line in lines if "// indirect" not in line and "=>" not in line)
    return {
        words[0]: words[1].removeprefix("v")
        for words in found
        if len(words) >= 2 and words[1].startswith("v") and "." in words[0] and words[0] not in ignored
    }


def _released(recipe: Recipe, version: str) -> dict[str, str]:
    """Return what the component's own release requires directly, by the go.mod that Go fetches of it."""
    told = subprocess.run(
        ["go", "mod", "download", "-json", f"{recipe.module}@v{version}"],
        cwd=SOURCE,
        env={**os.environ, "GOFLAGS": "-mod=mod", "GOWORK": "off"},
        check=True,
        capture_output=True,
        timeout=300,
    )
    path = Path(json.loads(told.stdout)["GoMod"])
    return direct_requirements(path.read_text(), list(read_go_mod(path).local))


def main() -> None:
    """Write the page."""
    versions = load_versions(PROJECT / "clusters" / "versions.yaml")
    recipes = [recipe for recipe in load_recipes(SOURCE, versions).values() if recipe.go.tools]
    released = {
        recipe.name: _released(recipe, versions.components[recipe.name].version) for recipe in recipes if recipe.module
    }
    PAGE.write_text(page(recipes, versions, released))


if __name__ == "__main__":
    main()

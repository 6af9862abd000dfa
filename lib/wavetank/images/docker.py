"""The Docker Engine as an `Engine`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
from docker.models.images import Image as DockerImage

from wavetank.bundle.dockerfile import instructions
from wavetank.cluster.berth import Berth, used_berth
from wavetank.cluster.owner import built, labels
from wavetank.document import read_text
from wavetank.engine import about, connect, load, telling
from wavetank.engine.images import pull, push
from wavetank.errors import ImageError
from wavetank.images.arguments import heeds
from wavetank.images.container import DockerContainer
from wavetank.images.context import DOCKERFILE, pack
from wavetank.images.history import layers_of
from wavetank.images.model import Build, BuildStep, Image, Recipe, Say
from wavetank.images.reproducible import rewrite
from wavetank.images.steps import StepReader
from wavetank.images.transfer import transfer

__all__ = ["DockerEngine"]


class DockerEngine:
    """Images and containers of the Docker Engine; what is made belongs to the cluster of ``berth``, and goes with it.

    Without one it is the cluster that this process uses.
    """

    def __init__(self, client: docker.DockerClient | None = None, *, berth: Berth | None = None) -> None:
        self._client = client or connect()
        self._berth = berth or used_berth()

    def build(
        self, recipe: Recipe, tag: str, *, fresh: bool = False, report: Callable[[BuildStep], None] = lambda step: None
    ) -> Build:
        """See `Engine.build`. What the engine has built is rewritten without times before it gets its tag."""
        with telling(f"building {tag}"), tempfile.TemporaryDirectory(prefix="wavetank-build-") as folder:
            built, steps = self._build(recipe, tag, fresh, report, Path(folder))
            if not fresh and self._mixed_up(recipe, built):
                built, steps = self._build(recipe, tag, True, report, Path(folder))
            image_id, base_layers = self._take_time_out(built, steps, Path(folder))
            if not self._client.api.tag(image_id, *_split(tag), force=True):
                raise ImageError(f"the engine did not call {image_id} {tag}", command="docker image ls")
        return Build(self.image(tag), tuple(steps), base_layers)

    def image(self, ref: str) -> Image:
        """See `Engine.image`."""
        found = self._find(ref)
        config = found.attrs.get("Config") or {}
        with telling(f"reading the history of {ref}"):
            history = found.history()
        return Image(
            id=str(found.id),
            tags=tuple(sorted(found.tags)),
            digests=tuple(sorted(found.attrs.get("RepoDigests") or ())),
            layers=layers_of(found.attrs["RootFS"]["Layers"], history),
            size=found.attrs["Size"],
            user=config.get("User") or "",
            command=(*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
            architecture=found.attrs["Architecture"],
        )

    def tag(self, ref: str, tag: str) -> None:
        """See `Engine.tag`."""
        image = self._find(ref)
        with telling(f"calling {ref} {tag}"):
            image.tag(*_split(tag))

    def push(self, tag: str, say: Say = lambda words: None) -> str:
        """See `Engine.push`."""
        self._find(tag)
        repository, name = _split(tag)
        return transfer(f"pushing {tag}", lambda: push(self._client, repository, name), say)

    def pull(self, ref: str, say: Say = lambda words: None) -> str:
        """See `Engine.pull`."""
        repository, name = _split(ref)
        return transfer(f"pulling {ref}", lambda: pull(self._client, repository, name), say)

    def remove(self, ref: str) -> None:
        """See `Engine.remove`."""
        with (
            telling(f"removing {ref}"),
            suppress(docker.errors.NotFound),
        ):  # Podman's words are not those by which the SDK knows a missing image
            self._client.images.remove(ref, force=True)

    def run(
        self,
        ref: str,
        command: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
        ports: Sequence[int] = (),
        memory: int | None = None,
        cpus: float | None = None,
    ) -> DockerContainer:
        """See `Engine.run`."""
        image = self._find(ref)
        self._refuse_other_architectures(image, ref)
        limits: dict[str, Any] = {}
        if memory is not None:
            limits |= {"mem_limit": memory, "memswap_limit": memory}
        if cpus is not None:
            limits["nano_cpus"] = round(cpus * 1e9)
        with telling(f"running {ref}"):
            container = self._client.containers.run(
                image,
                list(command) or None,
                detach=True,
                environment=dict(environment or {}),
                ports={f"{port}/tcp": ("127.0.0.1", 0) for port in ports},
                labels=labels(self._berth.cluster, self._berth.owner),
                **limits,
            )
            container.reload()
        return DockerContainer(container)

    def _refuse_other_architectures(self, image: DockerImage, ref: str) -> None:
        """Say so in words: what the engine would say of it is "exec format error", and only after the start."""
        with telling("asking the engine for its architecture"):
            own = self._client.version()["Arch"]
        if image.attrs["Architecture"] != own:
            raise ImageError(
                f"{ref} is for another kind of processor",
                observed=image.attrs["Architecture"],
                expected=own,
                command=f"docker image inspect {ref} --format '{{{{.Architecture}}}}'",
                hint="build it on this machine, or pull the image for this one",
            )

    def _find(self, ref: str) -> DockerImage:
        with telling(f"looking for the image {ref}"):
            try:
                return self._client.images.get(ref)
            except docker.errors.ImageNotFound:
                raise ImageError(
                    f"the engine has no image {ref}",
                    expected="an image that was built or pulled",
                    command="docker image ls",
                    hint="build it, or pull it; mind every letter of its name",
                ) from None

    def _build(
        self, recipe: Recipe, tag: str, fresh: bool, report: Callable[[BuildStep], None], folder: Path
    ) -> tuple[str, list[BuildStep]]:
        """Let the engine build, and return the id of the result and the steps of the recipe."""
        known = instructions(read_text(recipe.dockerfile)) if recipe.dockerfile.is_file() else []
        reader = StepReader(recipe.dockerfile, known)
        packed = folder / "context.tar"
        with packed.open("wb") as sink:
            pack(recipe, sink)
        with packed.open("rb") as context, _refusals(reader):
            messages = self._client.api.build(
                fileobj=context,
                custom_context=True,
                dockerfile=DOCKERFILE,
                buildargs=dict(recipe.arguments),
                labels=built(self._berth.cluster, self._berth.owner),
                nocache=fresh,
                rm=True,
                forcerm=True,
                decode=True,
            )
            steps = []
            for step in reader.read(messages):
                if step.number <= len(known):  # the last one is the engine's own, for the label
                    steps.append(step)
                    report(step)
        return reader.id, steps

    def _mixed_up(self, recipe: Recipe, image_id: str) -> bool:
        """Tell whether the engine has taken steps from its cache that were made with other arguments."""
        if about(self._client).heeds_arguments or not recipe.arguments:
            return False
        config = self._client.images.get(image_id).attrs.get("Config") or {}
        return not heeds(instructions(read_text(recipe.dockerfile)), recipe.arguments, config)

    def _take_time_out(self, image_id: str, steps: Sequence[BuildStep], folder: Path) -> tuple[str, int]:
        """Return the id of the image without times, and how many of its layers are the base's."""
        start = max(index for index, step in enumerate(steps) if step.instruction.upper().startswith("FROM "))
        # Podman tells no image of the step that only names the base.
        base, own = (
            steps[start].image or steps[start].instruction.split()[1],
            [step.instruction for step in steps[start + 1 :]],
        )
        built, rewritten = folder / "built.tar", folder / "rewritten.tar"
        with built.open("wb") as sink:
            sink.writelines(self._client.images.get(image_id).save())
        below = self._client.images.get(base).attrs["RootFS"]["Layers"]
        result = rewrite(built, rewritten, frozenset(below), own)
        with rewritten.open("rb") as source:
            load(self._client, source)
        return result, len(below)


@contextmanager
def _refusals(reader: StepReader) -> Iterator[None]:
    """Turn the engine's refusal of a whole build, such as one it cannot read, into the step reader's error."""
    try:
        yield
    except docker.errors.APIError as error:
        if (error.status_code is not None and error.status_code < 500) or "dockerfile" in str(error).lower():
            raise reader.failure(str(error.explanation or error)) from error
        raise


def _split(ref: str) -> tuple[str, str]:
    """Return a reference's repository, and its tag or digest (``latest`` when it has neither)."""
    name, at, digest = ref.partition("@")
    if at:
        return name, digest
    folder, slash, last = ref.rpartition("/")
    last, _, tag = last.partition(":")
    return folder + slash + last, tag or "latest"

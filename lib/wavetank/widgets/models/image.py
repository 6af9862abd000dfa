"""An image layer by layer: what each one is, where it comes from, and what two images have in common."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass

from wavetank.images import Build, BuildStep, Image, Layer, megabytes
from wavetank.widgets.models.tone import Tone

__all__ = ["ImagePicture", "LayerLine", "layers", "name_of", "short"]

_LONGEST = 160
"""Characters of an instruction that are shown; a base's own can be pages long."""


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One layer, its size in bytes, and in words where it comes from or which image has it (empty: nothing is known).

    ``share`` is its size as a share of the largest layer's, from 0 to 1.
    """

    layer: Layer
    words: str
    tone: Tone
    share: float

    @property
    def made_by(self) -> str:
        """The instruction that made it, of a very long one its beginning."""
        words = " ".join(self.layer.made_by.split())
        return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 4]} ..."


@dataclass(frozen=True, slots=True)
class ImagePicture:
    """An image; the steps of the build that made it, if that is looked at; another image, if the two are compared."""

    image: Image
    steps: tuple[BuildStep, ...] = ()
    other: Image | None = None

    @classmethod
    def of(cls, shown: Build | Image, other: Image | None = None) -> ImagePicture:
        """Return the picture of a build or of an image, next to ``other`` if there is one."""
        if isinstance(shown, Build):
            return cls(shown.image, shown.steps, other)
        return cls(shown, (), other)

    @property
    def images(self) -> tuple[Image, ...]:
        """The image, and the one it is compared with."""
        return (self.image,) if self.other is None else (self.image, self.other)

    @property
    def user(self) -> str:
        """The user its first process runs as; an image that names none runs as root."""
        return self.image.user or "root"

    @property
    def shared(self) -> tuple[Layer, ...]:
        """The layers both images consist of; none where only one is looked at."""
        return self.image.shared_with(self.other) if self.other else ()

    @property
    def lines(self) -> tuple[LayerLine, ...]:
        """The layers, the lowest first; those of the other image that only it has come last."""
        told = self._compared() if self.other else self._built()
        largest = max((layer.size for layer, _, _ in told), default=0) or 1
        return tuple(LayerLine(layer, words, tone, layer.size / largest) for layer, words, tone in told)

    @property
    def rebuilt_words(self) -> str:
        """What the build has done anew, in words; empty where no build is looked at."""
        if not self.steps:
            return ""
        anew = [step.instruction for step in self.steps if not step.reused]
        named = f": {'; '.join(anew)}" if anew else ""
        return f"{len(anew)} of {len(self.steps)} steps done anew{named}"

    @property
    def shared_words(self) -> str:
        """How many layers the two images share, in words; empty where only one is looked at."""
        if self.other is None:
            return ""
        mine, theirs = len(self.image.layers), len(self.other.layers)
        counts = f"{mine}" if mine == theirs else f"{mine} and {theirs}"
        return f"{name_of(self.image)} and {name_of(self.other)} share {len(self.shared)} of {counts} layers"

    @property
    def saved_words(self) -> str:
        """What sharing saves, in bytes; empty where only one image is looked at."""
        if self.other is None:
            return ""
        shared = sum(layer.size for layer in self.shared)
        more = sum(layer.size for layer in self.other.layers) - shared
        return (
            f"{megabytes(shared)} are stored and moved once for both; "
            f"{name_of(self.other)} adds {megabytes(more)} of its own"
        )

    def text(self) -> str:
        """Return the image in words; the first line is the same wherever the same recipe is built."""
        head = self.shared_words or f"{name_of(self.image)} runs as {self.user}: {self._summary()}"
        base = [line for line in self.lines if line.words == _BASE]
        told = [f"  {megabytes(line.layer.size):>9}  {line.made_by}{_in_brackets(line)}" for line in self._own_lines()]
        if base:
            size = megabytes(sum(line.layer.size for line in base))
            told.insert(0, f"  {size:>9}  {layers(base)} of the base image")
        return "\n".join([head, *told])

    def _summary(self) -> str:
        return self.rebuilt_words or layers(self.image.layers)

    def _own_lines(self) -> list[LayerLine]:
        return [line for line in self.lines if line.words != _BASE]

    def _built(self) -> list[tuple[Layer, str, Tone]]:
        """Tell for each layer which step made it. What no step of the last stage has made is the base's."""
        if not self.steps:
            return [(layer, "", Tone.WAIT) for layer in self.image.layers]
        steps = _of_last_stage(self.steps)
        told: list[tuple[Layer, str, Tone]] = []
        for layer in reversed(self.image.layers):
            while steps and steps[-1].instruction != layer.made_by:
                steps.pop()  # it made no layer: a setting such as USER or CMD
            if not steps:
                told.append((layer, _BASE, Tone.GONE))
            elif steps.pop().reused:
                told.append((layer, "reused", Tone.GOOD))
            else:
                told.append((layer, "done anew", Tone.BUSY))
        return told[::-1]

    def _compared(self) -> list[tuple[Layer, str, Tone]]:
        shared = len(self.shared)
        told = [(layer, "in both", Tone.GOOD) for layer in self.shared]
        for image, tone in zip(self.images, (Tone.BUSY, Tone.WAIT), strict=True):
            told += [(layer, f"only in {name_of(image)}", tone) for layer in image.layers[shared:]]
        return told


_BASE = "from the base"


def name_of(image: Image) -> str:
    """Return what people call an image: the last part of its first tag, or its short digest where it has none."""
    return image.tags[0].rpartition("/")[2] if image.tags else short(image.id)


def layers(counted: Sized) -> str:
    """Return how many layers there are, in words."""
    return "1 layer" if len(counted) == 1 else f"{len(counted)} layers"


def short(digest: str) -> str:
    """Return the first twelve digits of a digest: enough to tell two apart by eye."""
    return digest.removeprefix("sha256:")[:12]


def _of_last_stage(steps: Sequence[BuildStep]) -> list[BuildStep]:
    starts = [index for index, step in enumerate(steps) if step.instruction.upper().startswith("FROM ")]
    return list(steps[starts[-1] + 1 :] if starts else steps)


def _in_brackets(line: LayerLine) -> str:
    return f" ({line.words})" if line.words else ""

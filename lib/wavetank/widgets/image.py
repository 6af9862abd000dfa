"""ImageView: what an image consists of, layer by layer; what a build reused; what two images have in common."""

from __future__ import annotations

from wavetank.images import Build, Image, megabytes
from wavetank.widgets.markup import Html, Markup, html
from wavetank.widgets.models.image import ImagePicture, LayerLine, layers, name_of, short
from wavetank.widgets.style import bar, facts, mark, table
from wavetank.widgets.view import View

__all__ = ["ImageView"]


class ImageView(View):
    """An image, or the image of a build with what was reused for it; with ``other``, what the two share.

    In a terminal: ``print(image)`` and `Image.shared_with`. ``rebuilt_words`` and ``shared_words`` are what a cell
    can print to have it checked: they name steps and count layers, and hold no size and no digest.
    """

    def __init__(self, shown: Build | Image, other: Image | None = None) -> None:
        self._picture = picture = ImagePicture.of(shown, other)
        names = " and ".join(name_of(image) for image in picture.images)
        super().__init__("Two images" if other else "Image", names)
        self.tell(f"{layers(picture.shared)} shared" if other else layers(picture.image.layers))
        self.body.children = (Html(_about(picture)), Html(_table(picture)))

    @property
    def rebuilt_words(self) -> str:
        """What the build has done anew, in words; empty where no build is shown."""
        return self._picture.rebuilt_words

    @property
    def shared_words(self) -> str:
        """How many layers the two images share, in words; empty where only one is shown."""
        return self._picture.shared_words

    def text(self) -> str:
        """Return the image's layers in words."""
        return self._picture.text()


def _about(picture: ImagePicture) -> Markup:
    lines = []
    for image in picture.images:
        tags = ", ".join(image.tags) or "none"
        lines.append(("tags" if picture.other is None else name_of(image), f"{tags} ({short(image.id)})"))
        lines.append(("in all", f"{megabytes(image.size)}, runs as {image.user or 'root'}"))
    told = (("build", picture.rebuilt_words), ("shared", picture.shared_words), ("saved", picture.saved_words))
    return facts([*lines, *((label, words) for label, words in told if words)])


def _table(picture: ImagePicture) -> Markup:
    head = ("made by, the lowest layer first", "size", "where it comes from", "digest")
    if picture.other is not None:
        head = (*head[:2], "which image has it", head[3])
    return table(head, map(_row, picture.lines), caption="layers", words=(2, 3))


def _row(line: LayerLine) -> tuple[str, str, str, str]:
    size = bar(line.share, megabytes(line.layer.size))
    words = html("{}{}", mark(line.tone), line.words) if line.words else "-"
    return html("<code>{}</code>", line.made_by), size, words, html("<code>{}</code>", short(line.layer.digest))

"""ImageView: layers with their sizes and where they come from, in words; what two images share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.fake_engine import FakeEngine
from tests.support.seen import seen

from wavetank.images import Build, Image, Layer, Recipe
from wavetank.widgets import ImageView
from wavetank.widgets.models.image import ImagePicture

DOCKERFILE = """\
FROM wavetank.dev/base:3
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY app app
USER 10001
CMD ["python3", "-m", "app"]
"""


class Kitchen:
    """A service's folder, and an engine that builds it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.engine = folder, FakeEngine()
        (folder / "app").mkdir()
        self.write("Dockerfile", DOCKERFILE)
        self.write("requirements.txt", "aiohttp==3\n")
        self.write("app/__main__.py", "print('v1')\n" * 1000)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def build(self, tag: str) -> Build:
        return self.engine.build(Recipe(self.folder, self.folder / "Dockerfile"), f"localhost:5001/tidewater/{tag}")


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


def states(picture: ImagePicture) -> list[str]:
    return [line.words for line in picture.lines]


def test_a_first_build_made_everything_above_the_base(kitchen: Kitchen) -> None:
    picture = ImagePicture.of(kitchen.build("web:v1"))
    assert states(picture) == ["from the base", *["done anew"] * 4]
    assert [line.made_by for line in picture.lines[1:]] == [
        "WORKDIR /app",
        "COPY requirements.txt .",
        "RUN pip install -r requirements.txt",
        "COPY app app",
    ]


def test_after_a_change_only_what_comes_after_it_is_done_anew(kitchen: Kitchen) -> None:
    kitchen.build("web:v1")
    kitchen.write("app/__main__.py", "print('v2')\n")
    view = ImageView(kitchen.build("web:v2"))
    assert view.rebuilt_words == '3 of 7 steps done anew: COPY app app; USER 10001; CMD ["python3", "-m", "app"]'
    assert states(view._picture) == ["from the base", *["reused"] * 3, "done anew"]


def test_a_build_with_nothing_new_says_so(kitchen: Kitchen) -> None:
    kitchen.build("web:v1")
    assert ImageView(kitchen.build("web:v2")).rebuilt_words == "0 of 7 steps done anew"


def test_only_the_last_stages_steps_made_the_layers(kitchen: Kitchen) -> None:
    kitchen.write("Dockerfile", f"FROM wavetank.dev/base:3\nRUN make tools\n{DOCKERFILE}")
    built = kitchen.build("web:v1")
    own = Image(**{**_fields(built.image), "layers": tuple(x for x in built.image.layers if "tools" not in x.made_by)})
    assert states(ImagePicture.of(Build(own, built.steps))) == ["from the base", *["done anew"] * 4]


def test_an_image_alone_tells_its_layers_and_nothing_it_does_not_know(kitchen: Kitchen) -> None:
    view = ImageView(kitchen.build("web:v1").image)
    assert repr(view).splitlines()[0] == "web:v1 runs as 10001: 5 layers"
    assert set(states(view._picture)) == {""}
    assert view.rebuilt_words == view.shared_words == ""


def test_two_images_are_compared_layer_by_layer(kitchen: Kitchen) -> None:
    first = kitchen.build("web:v1").image
    kitchen.write("app/__main__.py", "x" * 2345)
    view = ImageView(first, kitchen.build("web:v2").image)
    assert view.shared_words == "web:v1 and web:v2 share 4 of 5 layers"
    assert states(view._picture) == [*["in both"] * 4, "only in web:v1", "only in web:v2"]
    words = seen(view)
    assert "40.0 MB are stored and moved once for both; web:v2 adds 2.3 kB of its own" in words
    assert "only in web:v2" in words


def test_images_that_share_nothing_say_so(kitchen: Kitchen) -> None:
    other = Image("sha256:" + "0" * 64, ("other:v1",), (), (Layer("sha256:1", 7, "ADD x /"),), 7)
    assert ImageView(kitchen.build("web:v1").image, other).shared_words == (
        "web:v1 and other:v1 share 0 of 5 and 1 layers"
    )


def test_an_image_without_a_user_runs_as_root(kitchen: Kitchen) -> None:
    kitchen.write("Dockerfile", DOCKERFILE.replace("USER 10001\n", ""))
    view = ImageView(kitchen.build("web:v1"))
    assert repr(view).startswith("web:v1 runs as root: ")
    assert "runs as root" in seen(view)


def test_the_page_names_tags_sizes_and_digests_and_the_text_holds_no_digest(kitchen: Kitchen) -> None:
    built = kitchen.build("web:v1")
    view = ImageView(built)
    words = seen(view)
    for told in ("localhost:5001/tidewater/web:v1", built.image.layers[-1].digest[7:19], "12.0 kB", "40.0 MB"):
        assert told in words
    assert not re.search(r"[0-9a-f]{8}", repr(view))
    assert repr(view).splitlines()[1:] == [
        "    40.0 MB  1 layer of the base image",
        "        0 B  WORKDIR /app (done anew)",
        "       11 B  COPY requirements.txt . (done anew)",
        "        0 B  RUN pip install -r requirements.txt (done anew)",
        "    12.0 kB  COPY app app (done anew)",
    ]


def test_a_bar_is_as_long_as_the_layer_is_large(kitchen: Kitchen) -> None:
    small, large = Layer("sha256:1", 25, "ADD a /"), Layer("sha256:2", 100, "ADD b /")
    picture = ImagePicture(Image("sha256:0", ("web:v1",), (), (small, large), 125))
    assert [line.share for line in picture.lines] == [0.25, 1.0]


def test_instructions_are_text_and_very_long_ones_are_cut(kitchen: Kitchen) -> None:
    layer = Layer("sha256:1", 1, "RUN echo '<script>' " + "x" * 500)
    view = ImageView(Image("sha256:0", ("web:v1",), (), (layer,), 1))
    markup = " ".join(child.value for child in view.body.children)
    assert "<script>" not in markup
    assert "&lt;script&gt;" in markup
    assert len(view._picture.lines[0].made_by) == 160


def _fields(image: Image) -> dict[str, object]:
    return {name: getattr(image, name) for name in image.__slots__}

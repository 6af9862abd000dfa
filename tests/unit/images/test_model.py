"""Reading an image: which instruction made which layer, what two images share, what a registry calls it."""

from __future__ import annotations

import pytest

from wavetank.images import Build, BuildStep, Image, Layer, megabytes, repository_of
from wavetank.images.history import BASE, layers_of

# GET /images/NAME/history, the newest first, as Docker's own builder, BuildKit, and the makers of a base tell it.
HISTORY = [
    {"CreatedBy": '/bin/sh -c #(nop)  CMD ["python3"]', "Size": 0},
    {"CreatedBy": "/bin/sh -c pip install x", "Size": 500},
    {"CreatedBy": "COPY main.py /app/ # buildkit", "Size": 20},
    {"CreatedBy": "/bin/sh -c #(nop)  ENV A=1", "Size": 0},
    {"CreatedBy": "/bin/sh -c #(nop) WORKDIR /app", "Size": 0},
    {"CreatedBy": "wavetank bundle build", "Size": 80_000_000},
]


def image(*digests: str) -> Image:
    return Image("sha256:1", ("web:v1",), (), tuple(Layer(digest, 1, "COPY") for digest in digests), 1)


def test_each_layer_has_the_instruction_that_made_it() -> None:
    layers = layers_of(["a", "b", "c", "d"], HISTORY)
    assert [(layer.digest, layer.made_by, layer.size) for layer in layers] == [
        ("a", "wavetank bundle build", 80_000_000),
        ("b", "WORKDIR /app", 0),
        ("c", "COPY main.py /app/", 20),
        ("d", "RUN pip install x", 500),
    ]


def test_a_folder_that_was_there_already_is_no_layer() -> None:
    layers = layers_of(["a", "b", "c"], HISTORY)
    assert [layer.made_by for layer in layers] == ["wavetank bundle build", "COPY main.py /app/", "RUN pip install x"]


def test_layers_the_history_does_not_tell_are_the_base_s() -> None:
    assert [layer.made_by for layer in layers_of(["a", "b"], HISTORY[:2])] == [BASE, "RUN pip install x"]


def test_two_images_share_layers_from_the_bottom_only() -> None:
    one, other = image("a", "b", "c"), image("a", "x", "c")
    assert [layer.digest for layer in one.shared_with(other)] == ["a"]
    assert one.shared_with(one) == one.layers


@pytest.mark.parametrize(
    ("recipe", "anew"),
    [
        ("FROM base; RUN a; COPY b /", ["RUN a", "COPY b /"]),
        ("FROM base AS made; COPY a /; RUN b; FROM base; COPY --from=made /b /", ["COPY --from=made /b /"]),
        ("FROM base AS one; RUN a; FROM base AS two; RUN b; FROM ONE; user 1; copy c /", ["RUN a", "copy c /"]),
        ("ARG A=1; FROM --platform=linux/amd64 base as one; run a; FROM one", ["run a"]),
    ],
)
def test_layers_made_anew_are_those_of_the_image_and_not_of_stages_it_only_copies_from(
    recipe: str, anew: list[str]
) -> None:
    steps = [BuildStep(n, 9, words, n, words[:4].upper() == "FROM", 0.1) for n, words in enumerate(recipe.split("; "))]
    assert [step.instruction for step in Build(image("a"), tuple(steps)).layers_anew] == anew


def test_the_digest_in_a_repository() -> None:
    known = Image("sha256:1", (), ("localhost:5001/web@sha256:2", "elsewhere/web@sha256:3"), (), 1)
    assert known.digest_in("localhost:5001/web") == "sha256:2"
    assert known.digest_in("localhost:5001/other") == ""


@pytest.mark.parametrize(
    ("ref", "repository"),
    [
        ("localhost:5001/tidewater/web:v1", "localhost:5001/tidewater/web"),
        ("localhost:5001/web", "localhost:5001/web"),
        ("web:v1@sha256:12", "web"),
    ],
)
def test_a_reference_without_its_tag(ref: str, repository: str) -> None:
    assert repository_of(ref) == repository


@pytest.mark.parametrize(("size", "words"), [(0, "0 B"), (2121, "2.1 kB"), (85_711_379, "85.7 MB")])
def test_sizes_in_words(size: int, words: str) -> None:
    assert megabytes(size) == words

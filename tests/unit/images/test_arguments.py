"""An image that was built with other arguments than its recipe was given is known by what it holds."""

import pytest

from wavetank.bundle.dockerfile import instructions
from wavetank.images.arguments import heeds

RECIPE = instructions(
    """
    ARG VERSION=v1
    ENV PORT=8080 VERSION=${VERSION}
    LABEL about="timetable $VERSION"
    COPY . /app
    """
)


def config(version: str, label: str) -> dict[str, object]:
    return {"Env": ["PATH=/bin", "PORT=8080", f"VERSION={version}"], "Labels": {"about": f"timetable {label}"}}


@pytest.mark.parametrize(("version", "label", "right"), [("v2", "v2", True), ("v1", "v2", False), ("v2", "v1", False)])
def test_what_came_out_is_held_against_what_was_asked_for(version: str, label: str, right: bool) -> None:
    assert heeds(RECIPE, {"VERSION": "v2"}, config(version, label)) is right


@pytest.mark.parametrize(
    "instruction",
    ["ENV VERSION=v9", "ENV VERSION=${OTHER}", "ENV VERSION=${VERSION:-v9}", "ENV VERSION v9", 'ENV VERSION="v9'],
)
def test_what_is_not_an_argument_alone_is_not_judged(instruction: str) -> None:
    assert heeds(instructions(instruction), {"VERSION": "v2"}, config("v1", "v1"))


def test_an_image_without_any_of_it_is_not_what_was_asked_for() -> None:
    assert not heeds(RECIPE, {"VERSION": "v2"}, {})
    assert heeds(RECIPE, {}, {})

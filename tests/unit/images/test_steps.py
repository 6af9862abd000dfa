"""From the builder's messages to steps: what was reused, what was done, and which line failed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from wavetank.bundle.dockerfile import instructions
from wavetank.errors import EngineError, ImageError
from wavetank.images.model import BuildStep
from wavetank.images.steps import StepReader

DOCKERFILE = """\
# the recipe
ARG BASE=python
FROM ${BASE}

COPY shared \\
     /app/shared
RUN make
"""
# As Docker 20.10.24 said it.
BEGIN = [
    {"stream": "Step 1/5 : ARG BASE=python"},
    {"stream": "\n"},
    {"stream": "Step 2/5 : FROM ${BASE}"},
    {"stream": "\n"},
    {"stream": " ---> 6c12cb8b9a92\n"},
    {"stream": "Step 3/5 : COPY shared /app/shared"},
    {"stream": "\n"},
    {"stream": " ---> Using cache\n"},
    {"stream": " ---> 0123456789ab\n"},
    {"stream": "Step 4/5 : RUN make"},
    {"stream": "\n"},
    {"stream": " ---> Running in 8e92cb8b9a92\n"},
]
END = [
    {"stream": "made everything\n"},
    {"stream": "Removing intermediate container 8e92cb8b9a92\n"},
    {"stream": " ---> aaaabbbbcccc\n"},
    {"stream": "Step 5/5 : LABEL dev.wavetank.build=web:v1\n"},
    {"stream": " ---> ffffbbbbcccc\n"},
    {"aux": {"ID": "sha256:ffff"}},
    {"stream": "Successfully built ffffbbbbcccc\n"},
]


# The same Dockerfile as Podman 4.3.1 said it: the base is named, its ARG is no step, and each image has 11 letters.
PODMAN = [
    {"stream": "STEP 1/4: FROM python\n"},
    {"stream": "STEP 2/4: COPY shared /app/shared\n"},
    {"stream": f"--> Using cache {'0123456789ab' + 52 * '0'}\n"},
    {"stream": "--> 0123456789a\n"},
    {"stream": "STEP 3/4: RUN make\n"},
    {"stream": "made everything\n"},
    {"stream": "--> aaaabbbbccc\n"},
    {"stream": 'STEP 4/4: LABEL "dev.wavetank.build"="yes"\n'},
    {"stream": "COMMIT\n"},
    {"stream": "--> ffffbbbbccc\n"},
    {"stream": f"{'ffffbbbbcccc' + 52 * '0'}\n"},
    {"aux": {"ID": "sha256:ffff"}},
    {"stream": "Successfully built ffffbbbbcccc\n"},
]


def reader() -> StepReader:
    ticks = count()
    return StepReader(Path("web/Dockerfile"), instructions(DOCKERFILE), lambda: float(next(ticks)))


def test_steps_say_what_was_done_and_what_was_there_already() -> None:
    reading = reader()
    steps = list(reading.read(iter([*BEGIN, *END])))
    assert [(step.number, step.line, step.reused) for step in steps[:4]] == [
        (1, 2, True),
        (2, 3, True),
        (3, 5, True),
        (4, 7, False),
    ]
    made = steps[3]
    assert (made.instruction, made.image, made.output, made.seconds) == (
        "RUN make",
        "aaaabbbbcccc",
        ("made everything",),
        1,
    )
    assert reading.id == "sha256:ffff"


def test_podmans_words_are_read_as_the_same_steps() -> None:
    reading = reader()
    steps = list(reading.read(iter(PODMAN)))
    assert [(step.number, step.line, step.reused) for step in steps[:3]] == [(2, 3, True), (3, 5, True), (4, 7, False)]
    assert (steps[2].image, steps[2].output) == ("aaaabbbbccc", ("made everything",))
    assert [step.output for step in steps if step.number != 4] == [(), (), ()]
    assert reading.id == "sha256:ffff"


def test_a_step_that_fails_on_podman_is_named_with_its_line() -> None:
    failed = [*PODMAN[:6], {"error": 'building at STEP "RUN make": while running runtime: exit status 1\n'}]
    with pytest.raises(ImageError) as caught:
        list(reader().read(iter(failed)))
    assert caught.value.where == "web/Dockerfile:7"
    assert caught.value.help.logs == ("made everything",)


def test_steps_are_told_as_they_end() -> None:
    told: list[BuildStep] = []

    def messages() -> Iterator[dict[str, str]]:
        yield from BEGIN
        assert [step.number for step in told] == [1, 2, 3], "the fourth is still being done"

    for step in reader().read(messages()):
        told.append(step)
    assert len(told) == 4


def test_a_step_that_fails_is_named_with_its_line_and_its_last_words() -> None:
    failed = [
        {"stream": "no rule to make target\n"},
        {"error": "The command '/bin/sh -c make' returned a non-zero code: 2"},
    ]
    with pytest.raises(ImageError) as caught:
        list(reader().read(iter([*BEGIN, *failed])))
    assert caught.value.where == "web/Dockerfile:7"
    assert "step 4 of 4 failed: RUN make" in caught.value.summary
    assert caught.value.help.observed.endswith("non-zero code: 2")
    assert caught.value.help.logs == ("no rule to make target",)


def test_a_base_that_is_not_to_be_had_says_where_to_look_for_one() -> None:
    with pytest.raises(ImageError) as caught:
        list(reader().read(iter([*BEGIN[:3], {"error": "pull access denied for pyhton, repository does not exist"}])))
    assert caught.value.where == "web/Dockerfile:3"
    assert "a base image that the engine has" in caught.value.help.expected
    assert caught.value.help.command == "docker image ls"


def test_what_cannot_be_read_at_all_names_the_line_the_engine_names() -> None:
    error = reader().failure("dockerfile parse error line 5: unknown instruction: COPPY")
    assert isinstance(error, ImageError)
    assert error.where == "web/Dockerfile:5"
    assert "COPPY" in error.help.observed


def test_a_full_disk_is_called_one() -> None:
    full = {"error": "write /var/lib/docker/tmp/x: no space left on device"}
    with pytest.raises(EngineError, match="the disk is full") as caught:
        list(reader().read(iter([*BEGIN, full])))
    assert "docker system prune" in caught.value.help.hint

"""A small Dockerfile becomes layers and a configuration; what is not understood is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavetank.bundle.dockerfile import read_dockerfile
from wavetank.errors import InputError

RECIPE = """\
# A comment
ARG BASE=python:3.11-slim
FROM ${BASE}
WORKDIR /app
ENV PORT=8080 MODE="two words"
COPY shared /app/shared
ARG SERVICE
COPY ${SERVICE}/main.py main.py
ARG VERSION=v1
ENV VERSION=$VERSION
USER 10001:10001
EXPOSE 8080 9090
CMD ["python3", \\
     "/app/main.py"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in ("shared/tools.py", "web/main.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    (tmp_path / "Dockerfile").write_text(RECIPE)
    return tmp_path / "Dockerfile"


def test_all_it_says_is_understood(context: Path) -> None:
    described = read_dockerfile(context, {"BASE": "base:v1", "SERVICE": "web", "VERSION": "v2"})
    assert described.base == "base:v1"
    assert [[entry.path for entry in layer] for layer in described.layers] == [
        ["/app/shared/tools.py"],
        ["/app/main.py"],
    ]
    config = described.config
    assert config.environment == {"PORT": "8080", "MODE": "two words", "VERSION": "v2"}
    assert (config.user, config.workdir, list(config.ports)) == ("10001:10001", "/app", [8080, 9090])
    assert config.command == ["python3", "/app/main.py"]


def test_defaults_hold_where_no_argument_is_given(context: Path) -> None:
    described = read_dockerfile(context, {"SERVICE": "web"})
    assert described.base == "python:3.11-slim"
    assert described.config.environment is not None
    assert described.config.environment["VERSION"] == "v1"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("RUN apt-get install curl", r"Dockerfile:17: RUN is not understood"),
        ("COPY nothing /app", r"Dockerfile:17: COPY: nothing is not there"),
        ("COPY --chown=1:1 web /app", r"Dockerfile:17: COPY"),
        ("CMD python3 main.py", r"Dockerfile:17: a command has to be a JSON list"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(context: Path, line: str, message: str) -> None:
    context.write_text(f"{RECIPE}\n\n{line}\n")
    with pytest.raises(InputError, match=message):
        read_dockerfile(context, {"SERVICE": "web"})

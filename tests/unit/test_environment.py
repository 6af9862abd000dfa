"""The files that say what is installed agree with one another."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"docker-py": "docker", "prometheus_client": "prometheus-client", "python-kubernetes": "kubernetes"}


def declared() -> dict[str, str]:
    """Return what pyproject.toml asks for, as name to version bound, the developers' tools left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return dict(split(line) for line in project["dependencies"] + project["optional-dependencies"]["lab"])


def split(requirement: str) -> tuple[str, str]:
    name, bound = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", requirement).groups()
    return name.lower(), bound.replace(" ", "")


def test_conda_users_get_what_pyproject_asks_for() -> None:
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    names = dict(split(line) for line in [*conda, *pip] if isinstance(line, str) and not line.startswith("--"))
    offered = {CONDA_NAMES.get(name, name): bound for name, bound in names.items()}
    assert {name: bound for name, bound in offered.items() if name not in ("python", "pip")} == declared()


def test_the_lock_pins_every_dependency_by_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([a-z0-9_.-]+)==(\S+)(?: ; [^\n\\]*)? \\\n((?:    --hash=\S+(?: \\)?\n)+)", lock, re.MULTILINE)
    assert set(declared()) <= {name for name, _, _ in pins}
    assert len(pins) == len(re.findall(r"^[a-z0-9_.-]+==", lock, re.MULTILINE))


@pytest.mark.parametrize("name", ["requirements.lock", "environment.yml", "pyproject.toml"])
def test_no_file_names_an_index(name: str) -> None:
    assert "index-url" not in (ROOT / name).read_text()

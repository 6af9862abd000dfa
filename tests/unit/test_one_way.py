"""What there is one way for in the library: connections that a proxy may stand in, and files that people write."""

import re
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "lib" / "wavetank"
PROXIES = re.compile(r"\burlopen\(|\brequests\.Session\(|\bdocker\.(from_env|DockerClient)\(|trust_env=True")
YAML = re.compile(r"^\s*(import|from) (ruamel|yaml)\b", re.MULTILINE)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (PROXIES, "urllib.request.urlopen(url)"),
        (PROXIES, "requests.Session()"),
        (PROXIES, "docker.from_env()"),
        (PROXIES, "docker.DockerClient(base_url=x)"),
        (YAML, "import yaml"),
        (YAML, "    from yaml import safe_load"),
    ],
)
def test_a_pattern_finds_what_it_is_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_no_library_is_left_to_ask_the_environment_for_a_proxy() -> None:
    assert users(PROXIES) == []


def test_yaml_is_read_as_kubectl_reads_it_and_nowhere_else() -> None:
    assert users(YAML) == ["document/nodes.py", "document/scalars.py"]


def users(pattern: re.Pattern[str]) -> list[str]:
    return [
        str(path.relative_to(LIBRARY)) for path in sorted(LIBRARY.rglob("*.py")) if pattern.search(path.read_text())
    ]

"""Nothing opens a connection by a library that would ask the environment for a proxy: `wavetank.proxies` is the way."""

import re
from pathlib import Path

LIBRARY = Path(__file__).parents[2] / "lib" / "wavetank"
ASKS_THE_ENVIRONMENT = re.compile(
    r"\burlopen\(|\brequests\.Session\(|\bdocker\.(from_env|DockerClient)\(|trust_env=True"
)


def test_the_pattern_finds_what_it_is_for() -> None:
    found = (
        "urllib.request.urlopen(url)",
        "requests.Session()",
        "docker.from_env()",
        "docker.DockerClient(base_url=x)",
    )
    assert all(ASKS_THE_ENVIRONMENT.search(line) for line in found)


def test_there_is_one_way() -> None:
    assert [str(path) for path in sorted(LIBRARY.rglob("*.py")) if ASKS_THE_ENVIRONMENT.search(path.read_text())] == []

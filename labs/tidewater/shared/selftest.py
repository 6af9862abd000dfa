"""The image's own tests: starts its service beside itself, asks it what every service must answer, and ends it.

docker run --rm IMAGE python3 -m shared.selftest
"""

import json
import os
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

MAIN = Path(__file__).parents[1] / "main.py"
STARTS_WITHIN = 10.0


class ServiceTest(unittest.TestCase):
    """What any of the services does, asked one request at a time."""

    @classmethod
    def setUpClass(cls) -> None:
        """Start the service on a free port, and wait until it is ready."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cls.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        environment = {**os.environ, "PORT": cls.url.rpartition(":")[2]}
        cls.service = subprocess.Popen([sys.executable, str(MAIN)], env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + STARTS_WITHIN
        while cls.status("/readyz") != 200:
            if time.monotonic() > deadline:
                cls.tearDownClass()
                raise AssertionError(f"not ready after {STARTS_WITHIN:g} s")
            time.sleep(0.05)

    @classmethod
    def tearDownClass(cls) -> None:
        """End the service."""
        cls.service.kill()
        cls.service.wait()

    @classmethod
    def status(cls, path: str) -> int:
        """Return how a GET is answered, 0 when it is not."""
        try:
            with urlopen(cls.url + path, timeout=2) as answer:
                return answer.status
        except HTTPError as error:
            return error.code
        except OSError:
            return 0

    def test_it_is_alive_and_measured(self) -> None:
        """Health and metrics are there."""
        assert [self.status(path) for path in ("/healthz", "/metrics")] == [200, 200]

    def test_it_is_the_version_it_was_built_as(self) -> None:
        """The service says the version that the image was built with."""
        with urlopen(self.url + "/version", timeout=2) as answer:
            assert json.load(answer)["version"] == os.environ["VERSION"]

    def test_what_it_does_not_know_is_not_found(self) -> None:
        """An unknown path is refused politely."""
        assert self.status("/no-such-thing") == 404


if __name__ == "__main__":
    unittest.main(verbosity=2)

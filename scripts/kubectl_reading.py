"""Records what kubectl makes of each file in tests/reading, in tests/reading.json: `python -m scripts.kubectl_reading`.

The kubectl is that of the locked environment. It asks a server which kinds there are before it reads anything; here
that is the tests' own. tests/kind/test_reading.py holds the recording to kubectl and a real API server.
"""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.apiserver import ApiServer
from tests.support.kubectl import FILES, RECORDED, asked, version

# The tests' own server has no schemas to check fields by; with a real one, kubectl leaves that to it, but for lists.
_UNCHECKED = "--validate=ignore"


def main() -> None:
    """Write the recording anew."""
    files = sorted(FILES.iterdir())
    with tempfile.TemporaryDirectory() as folder, ApiServer() as api, ThreadPoolExecutor(2) as pool:
        kubeconfig = api.kubeconfig(Path(folder))
        told = list(pool.map(lambda file: asked(kubeconfig, file, _UNCHECKED), files))
    record = {"kubectl": version(), "files": {file.name: one for file, one in zip(files, told, strict=True)}}
    RECORDED.write_text(json.dumps(record, indent=1, sort_keys=True, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()

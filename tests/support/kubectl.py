"""What kubectl makes of the files in tests/reading: asked of kubectl itself, or as scripts/kubectl_reading.py recorded.

asked(kubeconfig, file)   # {"objects": [...]} or {"refused": "what it said"}
recorded()["files"]["dates.yaml"]
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["FILES", "RECORDED", "alike", "asked", "kubectl", "recorded", "version"]

FILES = Path(__file__).parents[1] / "reading"
RECORDED = Path(__file__).parents[1] / "reading.json"


def kubectl() -> str:
    """Return the kubectl of this environment, which is a learner's too."""
    found = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, "there is no kubectl: is the environment installed from requirements.lock?"
    return found


def version() -> str:
    told = subprocess.run(
        [kubectl(), "version", "--client", "--output", "json"], check=True, capture_output=True, timeout=60
    )
    return str(json.loads(told.stdout)["clientVersion"]["gitVersion"])


def asked(kubeconfig: Path, file: Path, *more: str) -> dict[str, Any]:
    """Return the objects that ``kubectl create --dry-run=client`` makes of a file, or its refusal."""
    command = [kubectl(), "--kubeconfig", str(kubeconfig), "create", "--dry-run=client", "--output", "json", *more]
    done = subprocess.run([*command, "--filename", file], check=False, capture_output=True, timeout=60)
    if done.returncode:
        return {"refused": done.stderr.decode(errors="replace").strip().replace(str(file), file.name)}
    return {"objects": list(_objects(done.stdout.decode()))}


def recorded() -> dict[str, Any]:
    """Return what was recorded: the ``kubectl`` that was asked, and of each of ``files`` what it made of it."""
    told: dict[str, Any] = json.loads(RECORDED.read_text())
    return told


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON: true is not 1, but 1.0 is 1, and what floats round is one number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) or isinstance(other, float):
        return (
            isinstance(one, int | float) and isinstance(other, int | float) and math.isclose(one, other, rel_tol=1e-15)
        )
    return bool(one == other)


def _objects(printed: str) -> Any:
    """Yield what kubectl prints one behind the other: objects, or a list of them."""
    decoder, position = json.JSONDecoder(), 0
    while (rest := printed[position:].lstrip()) != "":
        position = len(printed) - len(rest)
        obj, end = decoder.raw_decode(printed, position)
        position = end
        yield from obj["items"] if obj["kind"] == "List" else [obj]

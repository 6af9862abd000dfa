"""The docker command's own settings, where they must not reach what it starts.

``~/.docker/config.json`` may name proxies. The docker command puts them into every container that it runs, and kind
reads them there for its nodes as well. A node needs none: what it runs comes out of the bundle, and through a proxy it
would not even find the registry beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["settings_without_proxies"]

_FILE = "config.json"


def settings_without_proxies(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what lets the docker command go by its settings but for proxies; ``folder`` is written for it, if needed.

    Contexts and certificates are those of the settings in use. Logins are left out: what is started so pulls nothing.
    """
    own = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME") or Path.home()) / ".docker")
    try:
        settings = json.loads((own / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # there are none, or the command itself will say what is wrong with them
        return {}
    if not isinstance(settings, dict) or not settings.get("proxies"):
        return {}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    context = settings.get("currentContext")
    (folder / _FILE).write_text(json.dumps({"currentContext": context} if context else {}))
    for beside in own.iterdir():
        if beside.name != _FILE and not (folder / beside.name).is_symlink():
            (folder / beside.name).symlink_to(beside.absolute())
    return {"DOCKER_CONFIG": str(folder)}

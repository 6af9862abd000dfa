"""The page's two addresses in JupyterLab's server, behind its token like everything else there, and our custom.css.

The server hands its environment to every kernel and terminal. From here on the token is no part of it.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from wavetank.errors import WavetankError
from wavetank.page.model import state

__all__ = ["ADDRESS"]

ADDRESS = "wavetank"
PAGE = Path(__file__).with_name("page.html")
CUSTOM = Path(__file__).with_name("custom")
"""What JupyterLab takes its custom.css from."""


class PageHandler(JupyterHandler):
    """The page itself."""

    @web.authenticated
    def get(self) -> None:
        """Send it."""
        self.finish(PAGE.read_text(encoding="utf-8"))


class StateHandler(JupyterHandler):
    """What the page shows."""

    @web.authenticated
    async def get(self) -> None:
        """Send it as JSON; looking may take a second, and the server goes on meanwhile."""
        try:
            told = await asyncio.to_thread(state)
        except WavetankError as error:  # as a mistake in somebody's lab.yaml
            raise web.HTTPError(500, reason=error.summary) from error
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(told))


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "wavetank.page.extension"}]


def _load_jupyter_server_extension(app: Any) -> None:
    if app.identity_provider.token:  # which reads it
        os.environ.pop("JUPYTER_TOKEN", None)
    app.web_app.settings["static_custom_path"].append(str(CUSTOM))  # behind the user's own
    base = app.web_app.settings["base_url"]
    addresses = {ADDRESS: PageHandler, f"{ADDRESS}/state": StateHandler}
    app.web_app.add_handlers(".*$", [(url_path_join(base, path), handler) for path, handler in addresses.items()])

"""The command line: thin commands over the library, one module for each subject.

It decides nothing: what a command prints is what a library function returned, and what it refuses is an error of
`wavetank.errors`, shown whole. A command's module is imported when the command is used, so that the operator's
container needs nothing of what a notebook needs.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping
from importlib import import_module

import click

from wavetank.cli.terminal import say_everything
from wavetank.errors import WavetankError
from wavetank.pasted import pasted

__all__ = ["main"]

COMMANDS: Mapping[str, str] = {
    "doctor": "cluster",
    "up": "cluster",
    "down": "cluster",
    "status": "cluster",
    "adopt": "adopt",
    "logs": "cluster",
    "bundle": "bundle",
    "lab": "lab",
    "load": "load",
    "fault": "fault",
    "pipeline": "pipeline",
    "labs": "lesson",
    "goto": "lesson",
    "check": "lesson",
    "hint": "lesson",
    "solve": "lesson",
    "reset": "lesson",
    "prove": "prove",
    "new-lab": "new_lab",
    "operator": "inside",
    "load-pod": "load",
    "traces": "inside",
    "netlayer": "inside",
    "power-agent": "inside",
}
"""Each command and the module of this package that has it, under its name with "_" for "-"."""

INTERRUPTED = 130

NOT_OURS_TO_MEND = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT)
"""A file that may not be read or written, or does not fit: a person can do something about it."""
WAY_OUT = "set XDG_DATA_HOME, XDG_STATE_HOME and XDG_CACHE_HOME to folders of your own, with room in them"


class _Commands(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"wavetank.cli.{COMMANDS[name]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wavetank")
def cli() -> None:
    """Wavetank: float one small application on a cluster, make waves, and watch what holds."""


def main() -> None:
    """Run the command line; errors meant for people are shown as such, without a traceback."""
    say_everything()
    try:
        code = cli(standalone_mode=False)  # what a command gave to `context.exit`
        sys.exit(code if isinstance(code, int) else 0)
    except WavetankError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in NOT_OURS_TO_MEND or not error.filename:
            raise
        click.echo(f"{error.filename}: {error.strerror}\n  see more: {pasted('ls', '-ld', error.filename)}", err=True)
        click.echo(f"  try: {WAY_OUT}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; the same command again continues where it was", err=True)
        sys.exit(INTERRUPTED)

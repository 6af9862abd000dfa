"""Commands that are printed can be pasted: what stands for a path or an address is one word of the shell's."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

from wavetank.bundle.troubles import disk_full, moved
from wavetank.pasted import pasted

LIB = Path(__file__).parents[2] / "lib" / "wavetank"
MAY_NEED_QUOTES = {
    "path",
    "folder",
    "archive",
    "url",
    "where",
    "journal",
    "file",
    "asked",
    "parent",
    "command",
    "words",
}


def test_it_is_the_same_words_again() -> None:
    words = ["ls", "-l", "/my labs/it's $HOME", "http://host/?a=1&b=2"]
    assert shlex.split(pasted(*words)) == words
    assert pasted("df", "-h", Path("/srv/labs")) == "df -h /srv/labs"


def test_a_folder_with_spaces_and_a_name_with_a_quote() -> None:
    full = disk_full("it", Path("/my home/bundles"), OSError(28, "No space left on device"))
    assert full.help.command == "df -h '/my home/bundles'"
    accepted = shlex.split(moved("it", "it's here", "a", "b", "today").help.command)
    assert accepted[-2:] == ["--accept", "it's here"]


def test_no_command_is_put_together_without_quotes() -> None:
    assert {str(module.relative_to(LIB)): bare for module in LIB.rglob("*.py") if (bare := unquoted(module))} == {}


def unquoted(module: Path) -> list[str]:
    """Return what a module puts into the commands of its errors as it is, though a shell may need quotes there."""
    calls = [node for node in ast.walk(ast.parse(module.read_text("utf-8"))) if isinstance(node, ast.Call)]
    commands = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "command"]
    formatted = [command for command in commands if isinstance(command, ast.JoinedStr)]
    parts = [part.value for command in formatted for part in command.values if isinstance(part, ast.FormattedValue)]
    joined = [told for told in map(ast.unparse, commands) if "join(command)" in told]
    return joined + [ast.unparse(part) for part in parts if _last_name(part) in MAY_NEED_QUOTES]


def _last_name(value: ast.expr) -> str:
    return value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""

"""Writing the digests that were looked up into clusters/versions.yaml, for a person to check; the rest stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wavetank.bundle.index import Resolved
from wavetank.bundle.versions import Versions, load_versions
from wavetank.document import load_document
from wavetank.errors import BundleError

__all__ = ["Pinned", "write_pins"]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A line of versions.yaml that was changed, and into what."""

    where: str
    line: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something without a digest stands: its line, what stands there, and what it would be asked for."""

    line: int
    value: str
    asked: str
    key: str = ""


def write_pins(versions: Versions, resolved: Sequence[Resolved]) -> list[Pinned]:
    """Write the digests of ``resolved`` into the file of ``versions``, comments and layout left as they are.

    Raises `BundleError`, with the file as it was, when a line is not one that can be changed safely.
    """
    path = versions.path
    before = path.read_text(encoding="utf-8")
    lines = before.splitlines(keepends=True)
    digests = {one.asked: one for one in resolved}
    changed: list[Pinned] = []
    for place in _places(versions):
        if one := digests.get(place.asked):
            lines[place.line - 1] = _pinned(lines[place.line - 1], place, one, f"{path}:{place.line}")
            changed.append(Pinned(f"{path}:{place.line}", lines[place.line - 1].strip()))
    path.write_text("".join(lines), encoding="utf-8")
    try:
        load_versions(path)
    except Exception:
        path.write_text(before, encoding="utf-8")
        raise
    return changed


def _places(versions: Versions) -> Iterator[_Place]:
    document = load_document(versions.path)
    for name, row in document.data["components"].items():
        at = ("components", name, "registry")
        registry: dict[str, Any] = row.get("registry", {})
        for ref, pulled in registry.get("images", {}).items():
            if "@sha256:" not in pulled:
                line = document.line_of(*at, "images", ref)
                yield _Place(line, pulled, versions.fill(pulled, str(versions.path)))
        for file, about in registry.get("files", {}).items():
            parts: list[tuple[tuple[str | int, ...], Any]] = [((), about)]
            if "parts" in about:
                parts = [(("parts", number), part) for number, part in enumerate(about["parts"])]
            for here, part in parts:
                url = versions.fill(part["url"].replace("{platform}", "{{platform}}"), str(versions.path))
                for platform, digest in part["sha256"].items():
                    if digest is None:
                        line = document.line_of(*at, "files", file, *here, "sha256", platform)
                        yield _Place(line, "null", url.replace("{platform}", platform), platform)


def _pinned(line: str, place: _Place, one: Resolved, where: str) -> str:
    """Return ``line`` with the digest in the place of the tag or null, and when it was looked up behind it."""
    if place.key:
        pattern, new = rf"(\b{re.escape(place.key)}:\s*)(?:null|~)(?=\s*(?:[,}}#]|$))", f'"{one.digest}"'
    else:
        name = place.value.rpartition(":")[0]
        pattern, new = rf"(:\s+)[\"']?{re.escape(place.value)}[\"']?(?=\s*(?:#|$))", f"{name}@{one.digest}"
    text, count = re.subn(pattern, lambda found: found[1] + new, line.rstrip("\r\n"))
    if count != 1:
        raise BundleError(
            "a line of versions.yaml is not as it was thought",
            observed=f"{where}: {line.strip()}",
            expected=f"{place.key}: {place.value}" if place.key else f"{place.value} at its end",
            hint=f"write {one.digest} there by hand",
        )
    if "#" not in text:
        what = "" if place.key else f"{place.asked.rpartition(':')[2]}, "
        text = f"{text}  # {what}looked up {one.when[:10]}"
    return text + line[len(line.rstrip("\r\n")) :]

"""What versions.yaml does not pin: which digest a tag or an address has now, and whether it is still the one it had.

What is found is taken by that digest, and recorded on this machine. A tag that names something else later is not
followed: a person has to say that it may.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from wavetank.bundle import troubles
from wavetank.bundle.distribution import ImageName, Registries
from wavetank.bundle.downloading import fetch_url, place_for
from wavetank.bundle.downloads import Downloads
from wavetank.bundle.https import Web
from wavetank.bundle.index import Resolved
from wavetank.bundle.progress import Progress
from wavetank.bundle.versions import Component, Download, Versions
from wavetank.errors import BundleError, InputError
from wavetank.steps import Report, Step, run_steps

__all__ = ["Record", "Resolver", "Unpinned", "check_strict", "pinned_by", "unpinned"]


@dataclass(frozen=True, slots=True)
class Unpinned:
    """``what`` the bundle calls something, and what it would be ``asked`` for: an image's tag, or a file's address."""

    what: str
    asked: str
    is_file: bool = False


def unpinned(versions: Versions, system: str = "", machine: str = "") -> list[Unpinned]:
    """Return what has no digest in versions.yaml, for one machine or, if none is given, for any."""
    found: list[Unpinned] = []
    for row in versions.components.values():
        found += [Unpinned(ref, pulled) for ref, pulled in row.images.items() if "@sha256:" not in pulled]
        for file in row.files:
            for part in file.parts:
                places = [place_for(file.name, part.digests, system, machine)] if system else [*part.digests]
                found += [
                    Unpinned(file.name, part.address(place), is_file=True)
                    for place in places
                    if part.digests[place] is None
                ]
    return found


def check_strict(versions: Versions, wanted: Sequence[Unpinned]) -> None:
    """Raise `BundleError` that names all of ``wanted``, if there is any."""
    if wanted:
        raise BundleError(
            "versions.yaml does not pin all that this bundle takes",
            observed=f"no digest of {', '.join(one.asked for one in wanted)}",
            expected=f"@sha256:... after each image, and each file's sha256, in {versions.path}",
            command="wavetank bundle pin",
            hint="that looks them up and writes them into versions.yaml: check them before you go on",
        )


class Record:
    """The file in which this machine keeps what it has found, and when."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def get(self, wanted: Unpinned) -> Resolved | None:
        """Return what was found for it before."""
        known = self._known.get(wanted.asked)
        return Resolved(wanted.what, **known) if known else None

    def keep(self, found: Collection[Resolved]) -> None:
        """Add to the record what was found now."""
        for one in found:
            self._known[one.asked] = {key: value for key, value in asdict(one).items() if key != "what"}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(self._known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        new.replace(self._path)


@dataclass(frozen=True, slots=True)
class Resolver:
    """What it takes to look something up."""

    web: Web
    registries: Registries
    downloads: Downloads
    record: Record

    def resolve(self, wanted: Sequence[Unpinned], report: Report, accept: Collection[str] = ()) -> list[Resolved]:
        """Return the digests of ``wanted``; what ``accept`` names may be another one than before.

        A file that was looked up once is not fetched again to see whether it changed: it is taken by the digest that
        is on record, and refused then. Raises `BundleError` for what has moved, `InputError` for something in
        ``accept`` that is pinned, `StepError` for what cannot be looked up.
        """
        for name in sorted(set(accept) - {one.asked for one in wanted}):
            raise InputError(
                f"{name} is nothing that had to be looked up",
                expected=f"one of {', '.join(one.asked for one in wanted) or 'nothing: versions.yaml pins everything'}",
            )
        found: dict[str, Resolved] = {}
        asking = []
        for one in wanted:
            known = None if one.asked in accept else self.record.get(one)
            if known and one.is_file:
                found[one.asked] = known
            else:
                asking.append(one)
        run_steps([Step(f"look up {one.asked}", self._action(one, found)) for one in asking], report)
        for one in asking:
            known, now = self.record.get(one), found[one.asked]
            if known and known.digest != now.digest and one.asked not in accept:
                raise troubles.moved(one.what, one.asked, now.digest, known.digest, known.when)
        self.record.keep(found.values())
        return [found[one.asked] for one in wanted]

    def _action(self, wanted: Unpinned, found: dict[str, Resolved]) -> Callable[[], str]:
        def act() -> str:
            progress = Progress()
            if wanted.is_file:
                name = f"at-{hashlib.sha256(wanted.asked.encode()).hexdigest()[:24]}"
                digest = self.downloads.unknown(name, lambda part: fetch_url(self.web, wanted.asked, part, progress))
            else:
                digest = self.registries.digest(ImageName.parse(wanted.asked), progress)
            when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            found[wanted.asked] = Resolved(wanted.what, wanted.asked, digest, when)
            return digest

        return act


def pinned_by(versions: Versions, resolved: Collection[Resolved]) -> Versions:
    """Return ``versions`` with the digests that were found."""
    digests = {one.asked: one.digest for one in resolved}
    return replace(versions, components={name: _row(row, digests) for name, row in versions.components.items()})


def _row(row: Component, digests: Mapping[str, str]) -> Component:
    images = {
        ref: f"{pulled.rpartition(':')[0]}@{digests[pulled]}" if pulled in digests else pulled
        for ref, pulled in row.images.items()
    }
    files = tuple(replace(file, parts=tuple(_part(part, digests) for part in file.parts)) for file in row.files)
    return replace(row, images=images, files=files)


def _part(part: Download, digests: Mapping[str, str]) -> Download:
    return replace(
        part,
        digests={place: digest or digests.get(part.address(place)) for place, digest in part.digests.items()},
    )

"""A bundle as one file, for a class room behind a bad network: `save` writes it, `load` takes it over.

The archive is a plain tar of the bundle's folder. Its layers are uncompressed, so an archive named .gz is about a third
of the size and takes about half a minute longer.
"""

from __future__ import annotations

import errno
import tarfile
from pathlib import Path

from wavetank.bundle.bundle import Bundle, verify
from wavetank.bundle.index import read_index
from wavetank.bundle.stages import STAGES
from wavetank.bundle.store import keep, workplace
from wavetank.bundle.unpacking import unpack
from wavetank.errors import BundleError, InputError
from wavetank.pasted import pasted

__all__ = ["load", "save"]

FAST = 1


def save(bundle: Bundle, target: Path) -> Path:
    """Write ``bundle`` to the file ``target``, compressed when it is named .gz, and return ``target``.

    Every byte is checked first. The file appears when it is complete. Raises `BundleError` when the bundle is damaged
    or not whole yet, `InputError` when the file cannot be written.
    """
    if bundle.stages != STAGES:
        raise BundleError(
            f"the bundle {bundle.name} is not whole yet",
            observed=f"it holds {', '.join(bundle.stages)}",
            expected=", ".join(STAGES),
            command="wavetank bundle build",
            hint="`wavetank status` tells whether it is being made",
        )
    verify(bundle)
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        with _writing(unfinished) as tar:
            for member in _members(bundle):
                tar.add(bundle.path / member, f"{bundle.name}/{member}")
        unfinished.replace(target)
    except OSError as error:
        raise InputError(
            f"cannot write {target}: {error.strerror}", expected="a folder that may be written to, with enough space"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def load(archive: Path, digest: str = "") -> Bundle:
    """Take over the bundle in ``archive`` and make it the current one; nothing is kept unless every byte is as it was.

    A bundle vouches for itself only: with ``digest``, what `save` has told (`Bundle.digest`), it has to be that one.
    Raises `BundleError` when the archive is truncated or damaged, by name for an image that is missing or changed, for
    another bundle than ``digest`` says, and for one whose name another bundle has already; `InputError` when there is
    no such file.
    """
    if not archive.is_file():
        raise InputError(f"there is no file {archive}", expected="an archive made by `wavetank bundle save`")
    with workplace() as folder:
        found = _unpacked(archive, folder)
        if not (found / "bundle.json").is_file():
            raise BundleError(
                f"{archive} is not the archive of a bundle",
                observed="no file bundle.json in it",
                expected="an archive made by `wavetank bundle save`",
            )
        bundle = Bundle(found, read_index(found))
        if digest and bundle.digest != digest:
            raise BundleError(
                f"{archive} is another bundle than it should be",
                observed=bundle.digest,
                expected=digest,
                hint="ask whoever saved it which digest `wavetank bundle save` told",
            )
        verify(bundle)
        return keep(found)


def _unpacked(archive: Path, folder: Path) -> Path:
    try:
        return unpack(archive, folder)
    except BundleError:
        raise
    except Exception as error:  # tarfile raises whatever its parsers of foreign headers do
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        raise BundleError(
            f"the disk is full: cannot unpack {archive}" if full else f"the archive {archive} cannot be read",
            observed=str(error),
            expected="enough free space" if full else "an archive made by `wavetank bundle save`, whole",
            command=pasted("df", "-h", folder.parent) if full else pasted("ls", "-l", archive),
            hint="" if full else "copy it again: it may have been cut off on its way",
        ) from error


def _writing(path: Path) -> tarfile.TarFile:
    if path.name.endswith(".gz.unfinished"):
        return tarfile.open(path, "w:gz", compresslevel=FAST)
    return tarfile.open(path, "w")


def _members(bundle: Bundle) -> list[str]:
    """Return the bundle's files; bundle.json first, so that a reader knows at once what is to come."""
    paths = sorted(path.relative_to(bundle.path).as_posix() for path in bundle.path.rglob("*") if path.is_file())
    return ["bundle.json", *(path for path in paths if path != "bundle.json")]

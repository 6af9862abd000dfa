"""The running Python interpreter as the content of an image.

Where no image registry can be reached, the base of our images is what runs this very program: the interpreter, its
standard library without what a service never needs, and the shared libraries `ldd` names. It moves to /usr/local;
Python finds its library relative to its program.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from wavetank.bundle.closure import libraries, programs_with_libraries
from wavetank.bundle.entries import Entry, directory, from_folder, link, text
from wavetank.bundle.programs import run

__all__ = ["VERSION", "compile_python", "interpreter_entries"]

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
NOT_NEEDED = (
    "test",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "pydoc_data",
    "config-*",
    "site-packages",
    "dist-packages",
    "*/test",
    "*/tests",
    "lib-dynload/_test*",
    "lib-dynload/_tkinter*",
)
FOR_WHEELS = (
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
)
"""What manylinux wheels may expect of any system (PEP 600), and libgcc, which glibc opens itself to end a thread."""
STANDARD_PLACES = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
OWN_LIBRARIES = "/usr/local/lib"


def interpreter_entries(scratch: Path, programs: Iterable[str] = ()) -> Iterator[Entry]:
    """Yield the interpreter, compiled in ``scratch``, and ``programs`` of this machine (absolute paths)."""
    library = Path(sysconfig.get_path("stdlib"))
    for entry in from_folder(library, "/", exclude=(*NOT_NEEDED, "__pycache__", "*/__pycache__")):
        _copy(entry, scratch)
    compile_python(scratch)
    yield from from_folder(scratch, f"{OWN_LIBRARIES}/python{VERSION}")

    program = Path(sys.executable).resolve()
    yield Entry(f"/usr/local/bin/python{VERSION}", 0o755, content=program)
    yield link("/usr/local/bin/python3", f"python{VERSION}")
    yield link("/usr/local/bin/python", "python3")

    loaded = libraries([str(program), *(str(path) for path in (library / "lib-dynload").glob("*.so"))])
    for path in {*loaded, *_expected_by_wheels(loaded)}:
        place = path if path.startswith(STANDARD_PLACES) else f"{OWN_LIBRARIES}/{Path(path).name}"
        yield Entry(place, 0o755, content=Path(path).resolve())

    yield from programs_with_libraries(programs)
    yield directory("/tmp", 0o1777)  # noqa: S108 - a path in the image
    yield text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n")
    yield text("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
    yield text("/etc/nsswitch.conf", "hosts: files dns\n")


def compile_python(folder: Path) -> None:
    """Compile every module in ``folder``; what is made does not depend on times, so that it stays valid in a layer."""
    command = [sys.executable, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    # The paths in tracebacks must not be those of this machine.
    run([*command, "-s", str(folder), folder], timeout=300)


def _copy(entry: Entry, folder: Path) -> None:
    place = folder / entry.path.lstrip("/")
    if isinstance(entry.content, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(entry.content.read_bytes())
        place.chmod(entry.mode)


def _expected_by_wheels(loaded: Iterable[str]) -> list[str]:
    """Return the libraries beside the C library that wheels may load."""
    (place,) = {Path(path).parent for path in loaded if Path(path).name.startswith("libc.so")}
    return [str(place / name) for name in FOR_WHEELS if (place / name).exists()]

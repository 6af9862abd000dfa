"""Notebooks under nbval: in parallel as well, and without a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[2]


def write(path: Path, *cells: str) -> Path:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, path)
    return path


def prove(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the notebooks of ``folder`` as the project's own are run."""
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\n")
    own = {"XDG_STATE_HOME": str(folder / "state"), "IPYTHONDIR": str(folder / "ipython"), "HOME": str(folder)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "KUBECONFIG"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--nbval-lax",
        *options,
        *map(str, folder.glob("*.ipynb")),
    ]
    return subprocess.run(command, cwd=folder, env={**inherited, **own}, capture_output=True, text=True, timeout=110)


def test_in_parallel_cells_come_one_after_the_other_and_so_do_notebooks(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for name in ("first", "second"):
        note = f"open({str(log)!r}, 'a').write('{name} ')"
        write(tmp_path / f"{name}.ipynb", "ran = 1", *[f"ran += 1; {note}"] * 2, "assert ran == 3")
    done = prove(tmp_path, "-n", "2", "--dist", "loadscope")
    assert done.returncode == 0, done.stdout
    assert log.read_text() in ("first first second second ", "second second first first ")


def test_without_a_cluster_a_cell_fails_in_words_alone(tmp_path: Path) -> None:
    write(tmp_path / "lab.ipynb", "from wavetank import open_lab\nopen_lab('02-kubernetes').load('passengers')")
    done = prove(tmp_path)
    assert done.returncode == 1
    assert "no cluster to connect to" in done.stdout
    assert "Traceback (most recent call last)" not in done.stdout
    assert "session.py" not in done.stdout

"""What Wavetank needs: one file says it, and every page says the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from scripts.needs_tables import PAGES, filled, table

from wavetank.cluster.needs import MIB, NEEDS, Free, LabNeeds, Measured, Needs, Opening, load_needs, save_needs
from wavetank.errors import InputError
from wavetank.lesson import lab_ids

SMALL = Needs(
    measured=Measured("2026-05-01", "a raft", "by hand", 41.6),
    jupyterlab=Opening(1.46, 0.4),
    labs={"00-start": LabNeeds(3.96, None, 900), "04-serverless": LabNeeds(None, 0.01, 2867)},
    free=Free(memory=4096, disk_bundle=5000, disk_source=17408),
    bundle=1536,
)


def test_every_lab_is_there_in_the_order_they_are_taught() -> None:
    assert list(load_needs().labs) == lab_ids()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_pages_say_what_the_file_says(path: Path) -> None:
    assert path.read_text() == filled(path.read_text(), load_needs()), "run: make docs"


def test_the_file_is_as_a_bench_writes_it(tmp_path: Path) -> None:
    save_needs(load_needs(), tmp_path / "needs.yaml")
    assert (tmp_path / "needs.yaml").read_text() == NEEDS.read_text()


def test_what_was_measured_comes_back_rounded_to_a_tenth_of_a_minute(tmp_path: Path) -> None:
    save_needs(SMALL, tmp_path / "needs.yaml")
    read = load_needs(tmp_path / "needs.yaml")
    assert read == replace(
        SMALL,
        jupyterlab=Opening(1.5, 0.4),
        labs={"00-start": LabNeeds(4.0, None, 900), "04-serverless": LabNeeds(None, 0.1, 2867)},
    )


def test_a_number_that_nobody_measured_is_said_to_be_so() -> None:
    assert "| JupyterLab, on the list of labs | 1.5 min | 0.4 min | none yet |" in table(SMALL)
    assert "| the first checkpoint of Lab 0, Start here | 4.0 min | not measured | 900 MiB |" in table(SMALL)
    assert "Lab 4, Serverless | not measured | 0.0 min | 2.8 GiB |" in table(SMALL)
    assert "A fixed Go build takes 42 s there. The bundle is 1.5 GiB." in table(SMALL)


def test_a_machine_is_held_against_the_smallest_lab_and_against_all_of_them() -> None:
    limits = SMALL.thresholds()
    assert (limits.least_memory, limits.good_memory) == (900 * MIB, 4096 * MIB)
    assert (limits.least_disk, limits.good_disk) == (5000 * MIB, 17408 * MIB)


def test_without_a_measured_lab_the_least_memory_is_what_should_be_free() -> None:
    unknown = replace(SMALL, labs={"00-start": LabNeeds(None, None, None)})
    assert unknown.thresholds().least_memory == 4096 * MIB


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("memory: 2867", "memory: none", "04-serverless/memory"),
        ("bundle: null", "bundle: -1", "bundle"),
        ("how:", "hows:", "measured"),
        ("'2026-05-01'", "yesterday", "measured/date"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    path = tmp_path / "needs.yaml"
    save_needs(replace(SMALL, bundle=None), path)
    path.write_text(path.read_text().replace(right, wrong))
    with pytest.raises(InputError, match=message) as caught:
        load_needs(path)
    assert caught.value.where.startswith(f"{path}:")


def test_a_page_without_its_markers_is_no_page_of_needs() -> None:
    with pytest.raises(ValueError, match="no <!-- needs"):
        filled("# Install\n", SMALL)

"""docs/digests.md says where the digests of versions.yaml are on record, and of no others."""

from __future__ import annotations

import re
from pathlib import Path

from wavetank.bundle.resolving import unpinned
from wavetank.bundle.versions import load_versions

PROJECT = Path(__file__).parents[3]
PAGE = (PROJECT / "docs" / "digests.md").read_text()
VERSIONS = PROJECT / "clusters" / "versions.yaml"
ROW = re.compile(r"^\| (\S+).* \| (sha256:[0-9a-f]{64}) \| (.+) \|$", re.MULTILINE)


def test_each_row_is_of_a_digest_that_is_pinned_and_names_a_place() -> None:
    rows = ROW.findall(PAGE)
    assert len(rows) == PAGE.count("sha256:")
    text = VERSIONS.read_text()
    for name, digest, place in rows:
        (line,) = (line for line in text.splitlines() if digest in line)
        image = name.rpartition(":")[0]
        assert f"{image}@{digest}" in line or "/" not in name
        assert place


def test_what_is_on_no_record_is_named() -> None:
    versions = load_versions(VERSIONS)
    assert {one.what.rpartition("/")[2].partition(":")[0] for one in unpinned(versions)} == {"contour", "istioctl"}
    assert "On no record: the image of Contour" in PAGE

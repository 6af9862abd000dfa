"""Every pinned Python package has a wheel wherever Wavetank is installed and for each architecture of a bundle."""

from __future__ import annotations

import pytest
from scripts.wheels import FILES, PYTHONS, RECORD, ROOT, SOURCES_ONLY, Pin, Target, lacking, read_pins, read_record

WHERE = [(path, target) for path, targets in FILES.items() for target in targets]


def record() -> dict[str, str]:
    return read_record(RECORD.read_text())


def pins(path: str) -> list[Pin]:
    return read_pins((ROOT / path).read_text())


@pytest.mark.parametrize(("path", "target"), WHERE, ids=[f"{path}, {target.name}" for path, target in WHERE])
def test_nothing_lacks_a_wheel(path: str, target: Target) -> None:
    missing = {python: [pin.name for pin in lacking(pins(path), target, python, record())] for python in PYTHONS}
    assert missing == {python: [] for python in PYTHONS}, "after `make lock`: python scripts/wheels.py"


def test_every_file_of_pins_is_looked_at() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "clusters").rglob("requirements.txt")]
    assert sorted(FILES) == sorted([*files, "requirements.lock"])
    for path in FILES:
        text = (ROOT / path).read_text()
        assert len(pins(path)) == sum("==" in line.partition(";")[0] for line in text.splitlines())
        assert all(pin.version and pin.hashes for pin in pins(path))


def test_a_bundle_is_made_for_both_architectures_of_linux() -> None:
    for path in FILES:
        machines = {target.machine for target in FILES[path] if target.system == "Linux"}
        assert machines == {"x86_64", "aarch64"}


def test_images_hold_nothing_that_has_no_wheel_at_all() -> None:
    assert not SOURCES_ONLY & {pin.name for path in FILES if path != "requirements.lock" for pin in pins(path)}


@pytest.mark.parametrize(
    ("wheel", "lacks"),
    [
        ("sail-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", ["Linux on aarch64"]),
        ("sail-1.0-cp39-abi3-manylinux_2_28_aarch64.whl", ["Linux on x86_64"]),
        ("sail-1.0-py3-none-any.whl", []),
        ("sail-1.0-cp311-cp311-manylinux_2_35_aarch64.whl", ["Linux on x86_64", "Linux on aarch64"]),
        ("sail-1.0-cp312-cp312-manylinux_2_17_aarch64.whl", ["Linux on x86_64", "Linux on aarch64"]),
        ("sail-1.1-py3-none-any.whl", ["Linux on x86_64", "Linux on aarch64"]),
        ("anchor-1.0-py3-none-any.whl", ["Linux on x86_64", "Linux on aarch64"]),
    ],
)
def test_a_platform_that_has_no_wheel_is_noticed(wheel: str, lacks: list[str]) -> None:
    pinned = read_pins(
        "sail==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via x\n"
    )
    targets = FILES["requirements.lock"]
    assert [target.name for target in targets if list(lacking(pinned, target, "3.11", {"bb": wheel}))] == lacks

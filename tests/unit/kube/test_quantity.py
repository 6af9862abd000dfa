"""Quantities as Kubernetes writes them."""

from __future__ import annotations

import pytest

from wavetank.kube.quantity import quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250m", 0.25),
        ("64Mi", 64 * 2**20),
        ("3", 3),
        ("1k", 1000),
        ("1.5G", 1.5e9),
        ("5710014n", 0.005710014),
        ("12u", 12e-6),
    ],
)
def test_quantities_are_read(text: str, value: float) -> None:
    assert quantity(text) == pytest.approx(value)

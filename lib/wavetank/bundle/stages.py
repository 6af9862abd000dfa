"""The stages of a bundle: what is needed first is made first, and can be used before the rest is there."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["STAGES", "Stage", "up_to"]

Stage = Literal["containers", "kubernetes", "mesh", "functions"]
"""``containers`` is what images are built on and pushed to, ``kubernetes`` the nodes and what every cluster carries,
``mesh`` Istio, ``functions`` Knative."""

STAGES: tuple[Stage, ...] = get_args(Stage)
"""In the order they are made. Each stands on those before it."""


def up_to(stage: Stage) -> tuple[Stage, ...]:
    """Return ``stage`` and all it stands on."""
    return STAGES[: STAGES.index(stage) + 1]

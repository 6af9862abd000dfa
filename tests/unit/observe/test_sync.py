"""A change counts when every proxy has taken it over: as istiod tells, and without istiod at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from wavetank.errors import KubeError, NotFoundError, WaitTimeoutError
from wavetank.kube import Obj
from wavetank.observe import sync
from wavetank.observe.sync import Sync, heard, sync_of

OLD = {"web-1.tidewater": Sync(("c1", "l1", "r1", "e1"), ("c1", "l1", "r1", "e1"))}
SENT = {"web-1.tidewater": Sync(("c1", "l1", "r2", "e1"), ("c1", "l1", "r1", "e1"))}
TAKEN = {"web-1.tidewater": Sync(("c1", "l1", "r2", "e1"), ("c1", "l1", "r2", "e1"))}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let istiod answer these one after the other, the last for ever; returns how many are left."""

    def answers(*those: Any) -> Sequence[Any]:
        left = list(those)

        def read(kube: object) -> Any:
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(sync, "read_sync", read)
        return left

    return answers


def test_what_istiod_says_is_read_by_proxy() -> None:
    answer: list[Obj] = [
        {
            "proxy": "web-1.tidewater",
            "cluster_sent": "c1",
            "cluster_acked": "c1",
            "route_sent": "r2",
            "route_acked": "r1",
        },
        {"proxy": "gateway.istio-system"},
    ]
    read = sync_of(answer)
    assert {name: one.done for name, one in read.items()} == {"web-1.tidewater": False, "gateway.istio-system": True}


def test_a_change_is_waited_for_until_it_is_taken_over(told: Any) -> None:
    left = told(OLD, OLD, SENT, SENT, TAKEN)
    with heard(None):  # type: ignore[arg-type]
        pass
    assert left == [TAKEN]


def test_a_change_that_is_none_for_a_proxy_is_not_waited_for_long(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "_NOTICED_WITHIN", 0.2)
    told(OLD)
    with heard(None, timeout=5):  # type: ignore[arg-type]
        pass


def test_who_lags_behind_is_named(told: Any) -> None:
    told(OLD, SENT)
    with pytest.raises(WaitTimeoutError) as caught, heard(None, timeout=0.3):  # type: ignore[arg-type]
        pass
    assert "web-1.tidewater" in caught.value.help.observed


@pytest.mark.parametrize("answers", [(NotFoundError("no istiod is ready"),), (OLD, KubeError("gone in the middle"))])
def test_without_istiod_nobody_is_waited_for(told: Any, answers: tuple[Any, ...]) -> None:
    told(*answers)
    with heard(None):  # type: ignore[arg-type]
        pass

"""After a restart the API server answers before anybody makes what is declared."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.apiserver import ApiServer

from wavetank.errors import WaitTimeoutError
from wavetank.kube import Kube
from wavetank.kube.controllers import await_controllers


def renew(api: ApiServer, ago: float) -> None:
    renewed = (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()
    metadata = {"name": "kube-controller-manager", "namespace": "kube-system"}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
    api.put({**lease, "spec": {"holderIdentity": "it", "renewTime": renewed}})


def test_those_at_work_and_those_that_nobody_tells_of_are_not_waited_for(api: ApiServer, kube: Kube) -> None:
    await_controllers(kube, timeout=0.1)
    renew(api, ago=1)
    await_controllers(kube, timeout=0.1)


def test_those_that_were_away_are_waited_for_until_they_renew(api: ApiServer, kube: Kube) -> None:
    renew(api, ago=40)
    back = threading.Timer(0.3, renew, [api, 0])
    back.start()
    await_controllers(kube, timeout=10)
    assert back.finished.is_set()


def test_a_clock_that_is_another_one_than_ours_is_believed_once_it_moves(api: ApiServer, kube: Kube) -> None:
    renew(api, ago=40)
    threading.Timer(0.3, renew, [api, 38]).start()
    await_controllers(kube, timeout=10)


def test_those_that_stay_away_are_named(api: ApiServer, kube: Kube) -> None:
    renew(api, ago=40)
    with pytest.raises(WaitTimeoutError, match="the cluster's controllers, which make its pods, to be at work again"):
        await_controllers(kube, timeout=0.3)

"""Who has refused an object is read from the API server's words: it has no other."""

from __future__ import annotations

import pytest

from wavetank.errors import KubeError
from wavetank.kube.refused import is_for_good, refused_by

POD = 'pods "load-a" is forbidden: '


@pytest.mark.parametrize(
    ("words", "who"),
    [
        ("exceeded quota: small, requested: pods=1, used: pods=9, limited: pods=9", "ResourceQuota small"),
        ("failed quota: cpu-only: must specify limits.cpu for: load", "ResourceQuota cpu-only"),
        ("maximum cpu usage per Container is 50m, but limit is 100m", "LimitRange"),
        ("[minimum memory usage per Pod is 1Gi, but request is 64Mi, maximum cpu usage per Pod is 1]", "LimitRange"),
        ("memory max limit to request ratio per Container is 2, but provided ratio is 4.000000", "LimitRange"),
        ('violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true)', ""),
        ("unable to create new content in namespace a because it is being terminated", ""),
    ],
)
def test_a_quota_or_a_limit_range_is_named(words: str, who: str) -> None:
    error = KubeError(POD + words, status=403)
    assert (refused_by(error), is_for_good(error)) == (who, True)


@pytest.mark.parametrize(
    ("words", "status"),
    [("status unknown for quota: small, resources: pods", 403), ("exceeded quota: a", 500), ("timed out", 504)],
)
def test_what_may_be_taken_in_the_next_second_is_not_refused_for_good(words: str, status: int) -> None:
    assert not is_for_good(KubeError(POD + words, status=status))
    assert status == 403 or not refused_by(KubeError(POD + words, status=status))

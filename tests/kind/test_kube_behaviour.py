"""The behaviour suite on the real cluster, which holds the tests' own API server to it."""

import pytest

pytest.register_assert_rewrite("tests.support.kube_behaviour")

from tests.support.kube_behaviour import *  # noqa: E402, F403

pytestmark = pytest.mark.kind

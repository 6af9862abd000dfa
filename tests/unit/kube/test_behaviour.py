"""The behaviour suite on the tests' own API server."""

import pytest

pytest.register_assert_rewrite("tests.support.kube_behaviour")

from tests.support.kube_behaviour import *  # noqa: E402, F403

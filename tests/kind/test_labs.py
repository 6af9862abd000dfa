"""Every lab on the real cluster: both notebooks run, and each exercise is red on its starter and green on its solution.

The delivered notebook goes through the whole lab, the solved one through its exercises; both check every exercise
(`wavetank prove --written` holds them to that), and what came of it is in the progress they leave behind.
"""

from __future__ import annotations

import pytest

from wavetank.cluster import ClusterSpec
from wavetank.lesson import find_lab, lab_ids
from wavetank.prove.nbval import run_notebook

pytestmark = [pytest.mark.kind, pytest.mark.timeout(900)]


@pytest.mark.parametrize("lab", lab_ids())
@pytest.mark.parametrize("folder", ["labs", "solutions"])
def test_the_notebook_runs_and_says_what_it_said(
    folder: str, lab: str, request: pytest.FixtureRequest, spec: ClusterSpec
) -> None:
    declared = find_lab(lab)
    request.getfixturevalue("knative_kube" if "knative" in declared.addons else "kube")
    ran = run_notebook(declared, solved=folder == "solutions", namespace=declared.namespace, cluster=spec.name)
    assert not ran.trouble, ran.trouble

"""Every lab on the real cluster: both notebooks run, and each exercise is red on its starter and green on its solution.

The delivered notebook goes through the whole lab, the solved one through its exercises; both check every exercise
(`wavetank prove --written` holds them to that), and what came of it is in the progress they leave behind. One solved
notebook is left to test_private_internet.py, which runs it on the cluster that it has pulled.
"""

from __future__ import annotations

import pytest
from tests.support.publishing import PULLED_LAB, cannot_be_published

from wavetank.cluster import ClusterSpec
from wavetank.lesson import find_lab, lab_ids
from wavetank.prove.nbval import run_notebook

pytestmark = [pytest.mark.kind, pytest.mark.timeout(900)]


@pytest.mark.parametrize("lab", lab_ids())
@pytest.mark.parametrize("folder", ["labs", "solutions"])
def test_the_notebook_runs_and_says_what_it_said(
    folder: str, lab: str, request: pytest.FixtureRequest, spec: ClusterSpec
) -> None:
    if (folder, lab) == ("solutions", PULLED_LAB) and not cannot_be_published():
        pytest.skip("test_private_internet.py runs it")
    declared = find_lab(lab)
    request.getfixturevalue("knative_kube" if "knative" in declared.addons else "kube")
    ran = run_notebook(declared, solved=folder == "solutions", namespace=declared.namespace, cluster=spec.name)
    assert not ran.trouble, ran.trouble

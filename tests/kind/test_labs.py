"""Every lab on the real cluster: both notebooks run, and each exercise is red on its starter and green on its solution.

The delivered notebook goes through the whole lab, the solved one through its exercises; both check every exercise
(`wavetank prove --written` holds them to that), and what came of it is in the progress they leave behind.
"""

from __future__ import annotations

import pytest

from wavetank.cluster import ClusterSpec
from wavetank.kube import Kube
from wavetank.lesson import find_lab, lab_ids
from wavetank.prove.nbval import run_notebook

pytestmark = [pytest.mark.kind, pytest.mark.timeout(900)]

LABS = lab_ids()
ON_ITS_OWN = [("solutions", "01-containers"), ("solutions", "03-service-mesh"), ("solutions", "04-serverless")]
"""What needs nothing that there is once, as a node or the door to the site is, and has a namespace of its own."""
RUNS = [("labs", lab) for lab in LABS] + [("solutions", lab) for lab in LABS]


@pytest.mark.parametrize(
    ("folder", "lab"),
    [pytest.param(*run, marks=() if run in ON_ITS_OWN else pytest.mark.alone) for run in RUNS],
)
def test_the_notebook_runs_and_says_what_it_said(
    folder: str,
    lab: str,
    kube: Kube,
    spec: ClusterSpec,
) -> None:
    declared = find_lab(lab)
    namespace = f"test-{lab}" if (folder, lab) in ON_ITS_OWN else declared.namespace
    ran = run_notebook(declared, solved=folder == "solutions", namespace=namespace, cluster=spec.name)
    assert not ran.trouble, ran.trouble
    if namespace != declared.namespace:
        kube.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

"""What is recorded of kubectl's reading is what kubectl does against a real API server; and what that refuses, and how.

The recording was made with the tests' own API server, which has no schemas. Here kubectl runs as a learner runs it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.kubectl import FILES, alike, asked, recorded

from wavetank.cluster import ClusterSpec, kubeconfig_path
from wavetank.errors import InputError
from wavetank.kube import Kube

pytestmark = pytest.mark.kind

AT_ONCE = 4


def test_kubectl_reads_every_file_as_it_is_recorded(kube: Kube, spec: ClusterSpec) -> None:
    files = sorted(FILES.iterdir())
    kubeconfig = kubeconfig_path(spec.name)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(zip(files, pool.map(lambda file: asked(kubeconfig, file), files), strict=True))
    differing = []
    for file, answer in answers.items():
        told = recorded()["files"][file.name]
        if not alike(answer.get("objects"), told.get("objects")):
            differing.append(f"{file.name}: recorded {told}, now {answer}")
    assert not differing, "\n".join(differing)


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: wavetank.dev/tidewater/web:v1
        ports:
        - containerPort: 80
"""
LOAD = """\
apiVersion: wavetank.dev/v1alpha1
kind: Load
metadata: {name: evening}
spec:
  target: {service: web}
  profile: steady
  rate: 1
  duration: 10s
  burst: 7
"""


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (DEPLOYMENT.replace("replicas", "replicass"), 5, "there is no field replicass in spec"),
        (
            DEPLOYMENT.replace("image:", "imagee:"),
            12,
            "there is no field imagee in spec.template.spec.containers",
        ),
        (
            DEPLOYMENT.replace("80\n", "80\n          nam: http\n"),
            15,
            "there is no field nam in spec.template.spec.containers.ports",
        ),
        (DEPLOYMENT.replace("replicas: 0", "replicas: none"), 5, "spec.replicas: expected numeric"),
        (LOAD, 9, "there is no field burst in spec"),
    ],
)
def test_what_the_server_refuses_of_a_file_is_told_with_its_line(
    kube: Kube, namespace: str, tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        kube.apply(path, namespace=namespace)
    assert caught.value.where == f"{path}:{line}"
    assert said in caught.value.summary
    assert kube.find("Deployment", "web", namespace) is None


def test_what_is_no_mistake_is_taken_by_the_strict_server(kube: Kube, namespace: str, tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(DEPLOYMENT.replace("replicas: 0", "replicas: 0.0"))
    (stored,) = kube.apply(path, namespace=namespace)
    assert stored["spec"]["replicas"] == 0

"""A field that the server refuses is found in the file that names it. The server's words are those of a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.apiserver import ApiServer

from wavetank.errors import InputError, KubeError
from wavetank.kube import Kube
from wavetank.kube.fields import complaints, keys_of

WEB = """\
# the ferry's site
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: web
    labels: {app.kubernetes.io/name: web, app: web}
  spec:
    replicass: 2
    template:
      spec:
        containers:
        - name: log
          image: log:v1
        - name: web
          imagee: web:v1
          ports:
          - containerPort: 80
            nam: http
"""
WHOSE = "failed to create typed patch object (harbour/web; apps/v1, Kind=Deployment): "


def test_what_the_server_says_of_fields_is_taken_apart() -> None:
    one = f"{WHOSE}.spec.replicass: field not declared in schema"
    assert list(complaints(one)) == [(".spec.replicass", "field not declared in schema")]
    value = "&value.valueUnstructured{Value:8}"
    two = (
        f"{WHOSE}errors:\n  .spec.a: field not declared in schema\n"
        f'  .spec.b[name="x: y"].c: expected string, got {value}'
    )
    assert list(complaints(two)) == [
        (".spec.a", "field not declared in schema"),
        ('.spec.b[name="x: y"].c', "expected string, got 8"),
    ]
    strict = 'strict decoding error: unknown field "spec.a[0].b", unknown field "spec.c"'
    assert list(complaints(strict)) == [
        (".spec.a[0].b", "field not declared in schema"),
        (".spec.c", "field not declared in schema"),
    ]
    assert list(complaints("Deployment.apps is invalid: spec.selector: Required value")) == []


OBJ = {
    "metadata": {"labels": {"app": "x", "app.kubernetes.io/name": "y"}},
    "ports": [{"port": 80}, {"port": 80, "protocol": "UDP"}, {"port": 81, "name": 'a]"b'}],
    "set": ["a", "b"],
}


@pytest.mark.parametrize(
    ("field", "keys"),
    [
        (".metadata.labels.app.kubernetes.io/name", ("metadata", "labels", "app.kubernetes.io/name")),
        (".metadata.labels.app", ("metadata", "labels", "app")),
        (".metadata.lab", ("metadata",)),
        ('.ports[port=80,protocol="TCP"]', ("ports", 0)),
        ('.ports[port=80,protocol="UDP"].port', ("ports", 1, "port")),
        (r'.ports[name="a]\"b",port=81].name', ("ports", 2, "name")),
        (".ports[2].name", ("ports", 2, "name")),
        (".ports[7].name", ("ports",)),
        ('.set[="b"]', ("set", 1)),
        (".ports[port=9].x", ("ports",)),
        ("nothing", ()),
    ],
)
def test_a_field_is_found_as_far_as_it_is_there(field: str, keys: tuple[str | int, ...]) -> None:
    assert keys_of(field, OBJ) == keys


class Refusing(Kube):
    """An API server that refuses what is applied, in these words."""

    words = ""

    def patch(self, *_: Any, **__: Any) -> Any:
        raise KubeError(self.words, status=500)


@pytest.mark.parametrize(
    ("words", "line", "said", "explained"),
    [
        (".spec.replicass: field not declared in schema", 11, "there is no field replicass in spec", "deployment.spec"),
        (
            '.spec.template.spec.containers[name="web"].imagee: field not declared in schema',
            18,
            "there is no field imagee in spec.template.spec.containers",
            "deployment.spec.template.spec.containers",
        ),
        (
            '.spec.template.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].nam: '
            "field not declared in schema",
            21,
            "there is no field nam in spec.template.spec.containers.ports",
            "deployment.spec.template.spec.containers.ports",
        ),
        (
            ".spec.template.spec.containers: expected map, got 8",
            14,
            "spec.template.spec.containers: expected map, got 8",
            "deployment.spec.template.spec.containers",
        ),
    ],
)
def test_a_field_that_is_refused_is_told_with_its_line(
    tmp_path: Path, words: str, line: int, said: str, explained: str
) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    with ApiServer() as api:
        kube = Refusing.connect(api.kubeconfig(tmp_path))
        kube.words = WHOSE + words
        with pytest.raises(InputError) as caught:
            kube.apply(path)
        assert caught.value.where == f"{path}:{line}"
        assert caught.value.summary == f"{path}:{line}: Deployment/web: {said}"
        assert caught.value.help.command.endswith(f"explain {explained}")
        with pytest.raises(KubeError):  # nobody has written these: there is no line
            kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tides"}})


def test_a_server_is_asked_to_be_strict(tmp_path: Path) -> None:
    with ApiServer() as api:
        kube = Kube.connect(api.kubeconfig(tmp_path))
        kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tides"}})
        assert [path for verb, path in api.requests if verb == "PATCH" and "fieldValidation=Strict" in path]

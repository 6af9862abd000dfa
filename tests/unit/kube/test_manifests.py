"""Manifests as people write them, and their mistakes with file and line."""

from pathlib import Path

import pytest

from wavetank.errors import InputError
from wavetank.kube.manifest import parse, written

TWO = """\
# comments and empty documents are no objects
---
apiVersion: v1
kind: Secret
metadata: {name: b}
---
---
apiVersion: v1
kind: Namespace
metadata: {name: harbour}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tides.example.org}
"""


def kinds(objs: list[dict[str, object]]) -> list[object]:
    return [obj["kind"] for obj in objs]


def test_kinds_come_first_then_namespaces_then_the_rest_as_written() -> None:
    assert kinds(parse(TWO)) == ["CustomResourceDefinition", "Namespace", "Secret"]


def test_a_folder_is_read_in_the_order_of_its_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.json"):  # JSON is YAML
        (tmp_path / name).write_text(
            f'{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "{name[0]}"}}}}'
        )
    (tmp_path / "notes.txt").write_text("not one of them")
    assert [obj["metadata"]["name"] for obj in parse(tmp_path)] == ["a", "b", "c"]


def test_a_list_is_its_items() -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert kinds(parse({"apiVersion": "v1", "kind": "List", "items": [item, item]})) == ["ConfigMap", "ConfigMap"]


def test_the_namespace_of_an_object_is_kept() -> None:
    objs = parse(
        [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "deep"}},
        ],
        "harbour",
    )
    assert [obj["metadata"]["namespace"] for obj in objs] == ["harbour", "deep"]


def test_an_object_of_another_namespace_is_refused_where_only_one_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: deep\n")
    assert parse(path, "harbour")[0]["metadata"]["namespace"] == "deep"
    assert parse(path, "deep", enforce_namespace=True)
    with pytest.raises(InputError, match="ConfigMap/a is in the namespace deep") as caught:
        parse(path, "harbour", enforce_namespace=True)
    assert caught.value.where == f"{path}:5"


def test_the_line_of_each_part_is_known_in_lists_and_json(tmp_path: Path) -> None:
    path = tmp_path / "web.json"
    path.write_text(
        '{"kind": "List", "items": [\n {"apiVersion": "v1", "kind": "ConfigMap",\n  "metadata": {"name": "a"}}]}'
    )
    (each,) = written(path)
    assert each.where("metadata", "name") == f"{path}:3"


@pytest.mark.parametrize(
    ("text", "line", "mistake"),
    [
        ("apiVersion: v1\nkind: [\n", 3, "not valid YAML"),
        ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: 7\n", 4, "metadata.name is no text: it is read as 7"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels:\n    mesh: on\n",
            6,
            "metadata.labels.mesh is no text: it is read as true",
        ),
        ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: [b]\n", 5, "metadata.labels is no mapping"),
        ("kind: List\nitems:\n- web\n", 3, "it has no apiVersion"),
        ("# nothing\n", 1, "there is no object in it"),
        ("", 1, "there is no object in it"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nkind: Pod\n", 5, "it has no apiVersion"),
        ("\n\n- a list\n", 3, "it has no apiVersion"),
        ("apiVersion: v1\nkind: Pod\nmetadata: web\n", 1, "it has no metadata"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}\n", 1, "Pod without a name"),
    ],
)
def test_a_mistake_is_reported_with_file_and_line(tmp_path: Path, text: str, line: int, mistake: str) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=mistake) as caught:
        parse(path)
    assert caught.value.where == f"{path}:{line}"


def test_a_file_or_folder_without_manifests_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no manifest"):
        parse(tmp_path)
    with pytest.raises(InputError, match=r"cannot read .*absent\.yaml: No such file"):
        parse(tmp_path / "absent.yaml")

"""Manifests as people write them, and their mistakes with file and line."""

from pathlib import Path

import pytest

from wavetank.errors import InputError
from wavetank.kube.apply import parse

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


@pytest.mark.parametrize(
    ("text", "line", "mistake"),
    [
        ("apiVersion: v1\nkind: [\n", 3, "not valid YAML"),
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

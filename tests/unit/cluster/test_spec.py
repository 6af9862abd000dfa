from pathlib import Path

import pytest

from wavetank.cluster import find_spec, load_spec
from wavetank.errors import InputError


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_the_projects_own_spec_is_valid_and_names_its_nodes_as_kind_does() -> None:
    spec = load_spec(find_spec("kind"))
    assert spec.node_names == ("wavetank-control-plane", "wavetank-worker", "wavetank-worker2")


def test_what_a_file_leaves_out_has_defaults(tmp_path: Path) -> None:
    spec = load_spec(write(tmp_path, 'provider: kind\nkubernetes: "1.36"\n'))
    assert (spec.name, spec.workers, spec.ports.ingress, spec.ports.registry) == ("wavetank", 2, 8080, 5001)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('provider: kind\nkubernetes: "1.36"\nworkers: many\n', 3, "many"),
        ('provider: kind\nkubernetes: "1.36"\nworkers: 0\n', 3, "minimum"),
        ("provider: kind\nkubernetes: 1.36\n", 2, "in quotes"),
        ('provider: minikube\nkubernetes: "1.36"\n', 1, "kind"),
        ('provider: kind\nkubernetes: "1.36"\nname: Nope\n', 3, "lower-case"),
        ('provider: kind\nkubernetes: "1.36"\nworker: 2\n', 1, "worker"),
        ('provider: kind\nkubernetes: "1.36"\naddons:\n  - ingress\n  - istio-ambient\n', 5, "metrics-server"),
        ('provider: kind\nkubernetes: "1.36"\nports:\n  ingress: 8080\n  registry: 8080\n', 5, "different ports"),
        ('provider: kind\nkubernetes: "1.36"\nports: {ingress: 99999}\n', 3, "65535"),
        ('provider: kind\nkubernetes: "1.36"\nname: [\n', 4, "YAML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_what_was_expected(
    tmp_path: Path, text: str, line: int, told: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_spec(path)
    assert f"{path}:{line}: " in str(caught.value)
    assert told in str(caught.value)


def test_an_unknown_cluster_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="kind, or a path"):
        find_spec("nope")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.yaml"):
        load_spec(find_spec(str(tmp_path / "gone.yaml")))


def test_a_labs_addons_come_on_top_and_only_once(tmp_path: Path) -> None:
    spec = load_spec(write(tmp_path, 'provider: kind\nkubernetes: "1.36"\naddons: [ingress]\n'))
    assert spec.with_addons(("metrics-server", "ingress")).addons == ("ingress", "metrics-server")

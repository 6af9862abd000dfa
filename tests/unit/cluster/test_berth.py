"""Where a cluster lies, and what of a lab's text depends on it."""

from pathlib import Path

import pytest

from wavetank.cluster import SHIPPED, Berth, Ports, berth_of, find_spec, load_spec
from wavetank.cluster.addons import with_registry
from wavetank.cluster.berth import label_of, ports_from
from wavetank.errors import InputError

MOVED = Berth(name="wavetank-2", ports=Ports(8090, 8091, 5011))


def test_what_is_shipped_is_written_for_the_projects_own_spec() -> None:
    spec = load_spec(find_spec("kind"))
    assert (SHIPPED.name, SHIPPED.ports, SHIPPED.registry) == (spec.name, spec.ports, spec.registry)


@pytest.mark.parametrize(
    ("written", "here"),
    [
        ("image: localhost:5001/tidewater/timetable:v1", "image: localhost:5011/tidewater/timetable:v1"),
        ("image: localhost:5001/mine:v1", "image: localhost:5011/mine:v1"),
        ("image: localhost:5021/tidewater/web@sha256:1", "image: localhost:5011/tidewater/web@sha256:1"),
        ("kubernetes.io/hostname: wavetank-worker", "kubernetes.io/hostname: wavetank-2-worker"),
        ("node: wavetank-3-worker2, wavetank-control-plane", "node: wavetank-2-worker2, wavetank-2-control-plane"),
        ("localhost:50010/x http://localhost:5001 localhost:8080/ready", None),
        ("wavetank-system wavetank-workers my-wavetank", None),
    ],
)
def test_a_text_of_a_lab_is_told_for_where_the_cluster_lies(written: str, here: str | None) -> None:
    assert MOVED.told(written) == (here or written)
    assert MOVED.told(MOVED.told(written)) == MOVED.told(written)
    if "5021" not in written and "-3-" not in written:
        assert SHIPPED.told(MOVED.told(written)) in (
            written,
            written.replace("localhost:5001/mine", "localhost:5011/mine"),
        )


@pytest.mark.parametrize(
    "written", ["", "{", "[]", "{}", '{"ports": {"ingress": 1, "more": 2}}', '{"ports": [], "x": 1}']
)
def test_a_berth_that_cannot_be_read_is_said_in_one_sentence(tmp_path: Path, written: str) -> None:
    (tmp_path / "berth.json").write_text(written)
    with pytest.raises(InputError, match="does not say where the cluster lies") as caught:
        berth_of(tmp_path / "kubeconfig")
    assert "wavetank up" in caught.value.help.hint
    assert berth_of(tmp_path / "elsewhere" / "kubeconfig") is None


def test_ports_are_written_on_a_network_and_read_again() -> None:
    assert ports_from(label_of(MOVED.ports)) == MOVED.ports
    assert ports_from("") is ports_from(None) is None


def test_knative_asks_no_registry_of_the_clusters_for_digests() -> None:
    settings = {"kind": "ConfigMap", "data": {"registries-skipping-tag-resolving": "wavetank.dev,localhost:5001"}}
    assert with_registry(settings, "localhost:5001") == settings
    told = with_registry(settings, "localhost:5011")["data"]["registries-skipping-tag-resolving"]
    assert told == "wavetank.dev,localhost:5001,localhost:5011"
    assert with_registry({"kind": "Service"}, "localhost:5011") == {"kind": "Service"}


def test_only_ports_that_a_person_has_written_are_not_moved(tmp_path: Path) -> None:
    assert load_spec(find_spec("kind")).movable == {"ingress", "gateway", "registry"}
    own = tmp_path / "own.yaml"
    own.write_text('provider: kind\nkubernetes: "1.36"\nports: {registry: 5002}\n')
    assert load_spec(own).movable == {"ingress", "gateway"}

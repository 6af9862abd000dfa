import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.basin import IMAGES as BASIN_IMAGES
from tests.support.basin import Basin, small_bundle

from wavetank.cli import COMMANDS
from wavetank.cluster import addons
from wavetank.cluster.addons import (
    ADDONS,
    IMAGES,
    OWN_MANIFESTS,
    Addon,
    addon_steps,
    images_in,
    objects_of,
    with_digests,
)
from wavetank.cluster.providers.kind_config import INGRESS_NODE_PORT
from wavetank.document import load_schema
from wavetank.errors import BundleError, InputError
from wavetank.observe.traces.collector import PORT

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def documents(name: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all((OWN_MANIFESTS / f"{name}.yaml").read_text()) if document]


def own() -> list[str]:
    return [name for addon in ADDONS.values() for name in addon.manifests if (OWN_MANIFESTS / f"{name}.yaml").is_file()]


def test_images_are_found_in_whatever_kind_of_object() -> None:
    pod = {"spec": {"containers": [{"image": "a"}, {"image": "b"}], "initContainers": [{"image": "c"}]}}
    cron = {"spec": {"jobTemplate": {"spec": {"template": pod}}}}
    schema = {"properties": {"containers": {"type": "array", "items": {"type": "object"}}}}
    assert images_in([cron, schema]) == {"a", "b", "c"}


@pytest.mark.parametrize("name", own())
def test_everything_of_ours_says_so(name: str) -> None:
    for document in documents(name):
        assert document["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "wavetank", document["metadata"]


@pytest.mark.parametrize("name", own())
def test_an_addons_pods_stand_on_the_control_plane_where_its_images_are(name: str) -> None:
    for document in documents(name):
        if document["kind"] == "Deployment":
            pod = document["spec"]["template"]["spec"]
            assert pod["nodeSelector"] == {CONTROL_PLANE: ""}
            assert any(toleration["key"] == CONTROL_PLANE for toleration in pod["tolerations"])
            policies = {each["imagePullPolicy"] for each in [*pod["containers"], *pod.get("initContainers", [])]}
            assert policies == {"IfNotPresent"}


@pytest.mark.parametrize("name", own())
def test_versions_are_those_of_the_one_place_where_versions_stand(name: str) -> None:
    versions = yaml.safe_load((OWN_MANIFESTS.parent / "versions.yaml").read_text())["components"]
    for image in images_in(documents(name)):
        repository, _, tag = image.rpartition(":")
        assert tag.removeprefix("v") == versions[repository.rpartition("/")[2]]["version"], image


def the(kind: str, name: str) -> dict[str, Any]:
    (found,) = [document for document in documents(name) if document["kind"] == kind]
    return found


def test_what_shares_a_namespace_agrees_about_it() -> None:
    assert the("Namespace", "traces") == the("Namespace", "operator")


def test_the_trace_collector_runs_where_proxies_and_notebooks_look_for_it() -> None:
    service, template = the("Service", "traces"), the("Deployment", "traces")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (port,) = service["spec"]["ports"]
    assert (service["metadata"]["name"], port["port"]) == ("wavetank-traces", PORT)
    assert {"name": port["targetPort"], "containerPort": PORT} in container["ports"]
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    assert container["args"] == ["traces"]
    assert "traces" in COMMANDS


def test_the_trace_collector_is_not_traced_itself() -> None:
    labels = the("Deployment", "traces")["spec"]["template"]["metadata"]["labels"]
    assert labels["sidecar.istio.io/inject"] == "false"


@pytest.mark.parametrize("name", ["operator", "traces", "netlayer"])
def test_our_pods_are_allowed_where_only_restricted_ones_are(name: str) -> None:
    pod = the("Deployment", name)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]


def test_every_addon_may_be_named_in_a_clusters_file() -> None:
    schema = load_schema(Path(addons.__file__).with_name("spec.schema.json"))
    assert set(ADDONS) <= set(schema["properties"]["addons"]["items"]["enum"])


def test_an_addon_without_what_it_needs_is_refused_before_anything_is_done(basin: Basin) -> None:
    with pytest.raises(InputError, match="'knative' needs the addon 'istio'"):
        addon_steps(basin.spec.with_addons(("knative",)), basin.bundle, basin.provider())


def test_an_addon_waits_for_what_it_needs_but_what_can_be_there_before_is(basin: Basin) -> None:
    steps = addon_steps(basin.spec.with_addons(("knative", "istio")), basin.bundle, basin.provider())
    assert {step.name: "istio" in step.needs for step in steps if not step.name.endswith("images")} == {
        "istio objects": False,
        "istio": False,
        "knative objects": False,
        "knative": True,
    }


def test_what_takes_longest_is_given_to_the_api_server_first_and_one_at_a_time(basin: Basin) -> None:
    steps = addon_steps(basin.spec.with_addons(tuple(reversed(ADDONS))), basin.bundle, basin.provider())
    given = [step for step in steps if step.name.endswith("objects")]
    assert [step.name for step in given] == [f"{name} objects" for name in ADDONS]
    assert {step.alone for step in given} == {"objects"}


def test_pods_come_after_what_they_mount_and_after_the_one_without_which_they_cannot_start(
    basin: Basin, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = [
        ("Deployment", "gateway"),
        ("Deployment", "control"),
        ("ConfigMap", "settings"),
        ("Service", "gateway"),
    ]
    texts = [
        f"apiVersion: {'apps/v1' if kind == 'Deployment' else 'v1'}\nkind: {kind}\nmetadata: {{name: {name}}}\n"
        for kind, name in named
    ]
    monkeypatch.setattr(addons, "OWN_MANIFESTS", basin.folder)
    (basin.folder / "mesh.yaml").write_text("---\n".join(texts), encoding="utf-8")
    mesh = Addon(("mesh", "last"), "mesh", ("control", "gateway"), first="control", last=("last",))
    (basin.folder / "last.yaml").write_text(texts[2].replace("settings", "late"), encoding="utf-8")
    at_once, later = objects_of(mesh, basin.bundle)
    assert [each["metadata"]["name"] for each in at_once] == ["settings", "gateway", "control"]
    assert [(each["kind"], each["metadata"]["name"]) for each in later] == [
        ("ConfigMap", "late"),
        ("Deployment", "gateway"),
    ]


def test_the_ingress_is_published_where_the_nodes_expect_it() -> None:
    services = [document for document in documents("contour") if document["kind"] == "Service"]
    assert [port["nodePort"] for service in services for port in service["spec"]["ports"]] == [INGRESS_NODE_PORT]


def test_other_bytes_under_the_same_name_are_another_rollout(basin: Basin) -> None:
    (deployment,) = [document for document in documents("metrics-server") if document["kind"] == "Deployment"]
    before = copy.deepcopy(deployment)
    marked = with_digests(deployment, basin.bundle)
    (ref,) = images_in(deployment)
    assert marked["spec"]["template"]["metadata"]["annotations"] == {IMAGES: basin.bundle.image(ref).digest}
    assert deployment == before


def test_an_object_without_pods_is_left_as_it_is(basin: Basin) -> None:
    service = {"kind": "Service", "metadata": {"name": "web"}}
    assert with_digests(service, basin.bundle) is service


def test_a_missing_image_is_named(basin: Basin) -> None:
    (deployment,) = [document for document in documents("metrics-server") if document["kind"] == "Deployment"]
    (ref,) = images_in(deployment)
    less = small_bundle(basin.folder / "less", [image for image in BASIN_IMAGES if image != ref])
    with pytest.raises(BundleError, match=ref):
        with_digests(deployment, less)

import copy
from typing import Any

import pytest
import yaml
from tests.support.basin import IMAGES as BASIN_IMAGES
from tests.support.basin import Basin, small_bundle

from wavetank.cluster.addons import ADDONS, IMAGES, OWN_MANIFESTS, images_in, with_digests
from wavetank.cluster.providers.kind_config import INGRESS_NODE_PORT
from wavetank.errors import BundleError

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

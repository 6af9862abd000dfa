"""What is applied of Knative: upstream's manifests, as the recipes collect them, with our changes merged in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from wavetank.bundle.recipe import load_recipes
from wavetank.bundle.versions import load_versions
from wavetank.cluster.addons import ADDONS, OVERLAYS, OWN_MANIFESTS, images_in
from wavetank.cluster.overlay import overlaid
from wavetank.durations import parse_duration
from wavetank.kube.apply import parse
from wavetank.kube.quantity import quantity

CLUSTERS = OWN_MANIFESTS.parent
PROJECT = CLUSTERS.parent
RECORDED = Path(__file__).with_name("recorded")
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ADDON_OF = {"knative-serving": "knative", "knative-eventing": "eventing"}
BOTH = pytest.mark.parametrize("component", ADDON_OF)


def applied(component: str) -> list[dict[str, Any]]:
    changes = OVERLAYS / f"{component}.yaml"
    return overlaid(parse(RECORDED / f"{component}.yaml"), parse(changes), str(changes))


def deployments(component: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each["spec"] for each in applied(component) if each["kind"] == "Deployment"}


def settings(name: str) -> dict[str, str]:
    (found,) = [each for each in applied("knative-serving") if each["metadata"]["name"] == name]
    data: dict[str, str] = found["data"]
    return data


def made() -> set[str]:
    """Return every image that a build from source makes."""
    recipes = load_recipes(CLUSTERS / "source", load_versions(CLUSTERS / "versions.yaml"))
    return {image.ref for recipe in recipes.values() for image in recipe.images}


@BOTH
def test_what_is_recorded_is_of_the_version_that_is_built(component: str) -> None:
    row = load_versions(CLUSTERS / "versions.yaml").components[component]
    assert f"{row.module} v{row.version}," in (RECORDED / f"{component}.yaml").read_text().splitlines()[0]


@BOTH
def test_every_pod_is_of_an_image_in_the_bundle(component: str) -> None:
    documents = applied(component)
    assert images_in(documents) <= made()
    assert "ko://" not in json.dumps(documents)


@BOTH
def test_the_bundle_has_no_image_of_it_that_nothing_runs(component: str) -> None:
    module = load_versions(CLUSTERS / "versions.yaml").components[component].module
    run = images_in(applied(component)) | {settings("config-deployment")["queue-sidecar-image"]}
    assert {ref for ref in made() if f"/{module}/" in ref} <= run


@BOTH
def test_up_waits_for_all_that_is_applied(component: str) -> None:
    addon = ADDONS[ADDON_OF[component]]
    own = [each for name in addon.manifests if (OWN_MANIFESTS / f"{name}.yaml").is_file() for each in documents(name)]
    ours = {each["metadata"]["name"] for each in own if each["kind"] == "Deployment"}
    assert {*deployments(component), *ours} == set(addon.deployments)
    assert not [each for each in applied(component) if each["kind"] in ("StatefulSet", "DaemonSet", "Job")]


def documents(name: str) -> list[dict[str, Any]]:
    return parse(OWN_MANIFESTS / f"{name}.yaml")


@BOTH
def test_its_pods_are_single_small_and_on_the_control_plane_where_their_images_are(component: str) -> None:
    for name, spec in deployments(component).items():
        pod = spec["template"]["spec"]
        assert spec.get("replicas", 1) == 1
        assert pod["nodeSelector"] == {CONTROL_PLANE: ""}
        assert any(toleration["key"] == CONTROL_PLANE for toleration in pod["tolerations"])
        for container in pod["containers"]:
            assert container["imagePullPolicy"] == "IfNotPresent", name
            assert quantity(container["resources"]["requests"]["cpu"]) <= 0.05, name
            assert quantity(container["resources"]["requests"]["memory"]) <= 64 * 2**20, name
    assert not [each for each in applied(component) if each["kind"] == "HorizontalPodAutoscaler"]


@BOTH
def test_a_repeated_up_leaves_alone_what_a_webhook_says_of_itself(component: str) -> None:
    webhooks = [webhook for each in applied(component) for webhook in each.get("webhooks", [])]
    assert webhooks
    for webhook in webhooks:
        assert "rules" not in webhook
        assert "caBundle" not in webhook["clientConfig"]


@BOTH
def test_a_repeated_up_asks_no_webhook_that_may_be_away(component: str) -> None:
    """Who judges Knative's kinds has to be up for one to be applied; who judges settings may be passed over."""
    for each in applied(component):
        assert ".knative.dev/" not in each["apiVersion"], each["metadata"]["name"]
        if each["metadata"]["name"].startswith("config.webhook."):
            assert [webhook["failurePolicy"] for webhook in each["webhooks"]] == ["Ignore"]


def test_the_queue_proxy_goes_to_every_node() -> None:
    image = settings("config-deployment")["queue-sidecar-image"]
    assert image in made()
    assert image.rpartition(":")[0] == ADDONS["knative"].injects


def test_nobody_is_asked_for_the_digests_of_images_that_labs_run() -> None:
    skipped = settings("config-deployment")["registries-skipping-tag-resolving"].split(",")
    files = [*PROJECT.glob("labs/**/*.yaml"), *PROJECT.glob("solutions/**/*.yaml")]
    images = {ref for file in files for ref in re.findall(r"^\s*(?:- )?image: (\S+/\S+)$", file.read_text(), re.M)}
    assert {ref.partition("/")[0] for ref in images} <= set(skipped)


def test_the_autoscalers_windows_are_ones_it_takes() -> None:
    """It refuses a stable window below 6 s, and looks every 2 s: a shorter panic window would be over unseen."""
    config = settings("config-autoscaler")
    stable = parse_duration(config["stable-window"])
    assert stable >= 6
    assert stable * float(config["panic-window-percentage"]) / 100 >= 2


def test_eventing_stands_in_the_way_of_nobody_elses_deployments() -> None:
    (container,) = deployments("knative-eventing")["eventing-webhook"]["template"]["spec"]["containers"]
    assert {"name": "SINK_BINDING_SELECTION_MODE", "value": "inclusion"} in container["env"]


def test_brokers_are_made_of_channels_in_memory_unless_they_say_otherwise() -> None:
    texts = {
        each["metadata"]["name"]: each["data"] for each in applied("knative-eventing") if each["kind"] == "ConfigMap"
    }
    defaults = yaml.safe_load(texts["config-br-defaults"]["default-br-config"])["clusterDefault"]
    channel = yaml.safe_load(texts[defaults["name"]]["channel-template-spec"])
    assert (defaults["brokerClass"], channel["kind"]) == ("MTChannelBasedBroker", "InMemoryChannel")
    assert (
        yaml.safe_load(texts["default-ch-webhook"]["default-ch-config"])["clusterDefault"]["kind"] == "InMemoryChannel"
    )


def test_what_the_eventing_controller_reads_at_its_start_is_there() -> None:
    (container,) = deployments("knative-eventing")["eventing-controller"]["template"]["spec"]["containers"]
    there = {
        each["metadata"]["name"]: each["data"] for each in applied("knative-eventing") if each["kind"] == "ConfigMap"
    }
    asked = [
        each["valueFrom"]["configMapKeyRef"]
        for each in container["env"]
        if "configMapKeyRef" in each.get("valueFrom", {})
    ]
    assert asked
    assert all(ref["key"] in there[ref["name"]] for ref in asked)


def test_routes_are_the_networking_layers_whose_gateways_are_there() -> None:
    assert settings("config-network")["ingress-class"] == "wavetank.ingress.networking.knative.dev"
    gateways = documents("knative-gateways")
    ports = {
        each["metadata"]["name"]: each["spec"]["servers"][0]["port"]["number"]
        for each in gateways
        if each["kind"] == "Gateway"
    }
    (service,) = [each for each in gateways if each["kind"] == "Service"]
    assert ports == {
        "knative-ingress-gateway": 80,
        service["metadata"]["name"]: service["spec"]["ports"][0]["targetPort"],
    }

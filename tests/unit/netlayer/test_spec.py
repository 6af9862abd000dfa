"""What an Ingress asks for is read, and what does not add up is refused by the name of its field."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.ingresses import ingress, path, rule, split, stored

from wavetank.errors import InputError
from wavetank.kube import Obj
from wavetank.netlayer.spec import CLASS, is_ours, read_ingress

TLS = {"secretName": "cert", "secretNamespace": "tidewater"}


def with_paths(*paths: Obj) -> Obj:
    return ingress(rule("tides.example.com", paths=list(paths)))


def test_what_is_left_out_has_its_default() -> None:
    bare = {"hosts": ["tides.example.com"], "http": {"paths": [path(split())]}}
    read = read_ingress(stored(ingress(bare, httpOption="", tls=[TLS])))
    assert read.rules[0].visibility == "ExternalIP"
    assert read.rules[0].paths[0].splits[0].percent == 100
    assert read.tls[0].hosts == ("tides.example.com",)
    assert not read.redirects


def test_one_of_several_may_get_nothing() -> None:
    (rule,) = read_ingress(stored(with_paths(path(split("new"), split("old", 100))))).rules
    assert [one.percent for one in rule.paths[0].splits] == [0, 100]


@pytest.mark.parametrize(
    ("wrong", "field", "observed"),
    [
        (with_paths(path(split("a", 60), split("b", 30))), "spec.rules[0].http.paths[0].splits", "add up to 90"),
        (with_paths(path(split("a", 80))), "spec.rules[0].http.paths[0].splits", "add up to 80"),
        (with_paths(path(split("a"), split("b"))), "spec.rules[0].http.paths[0].splits", "add up to 0"),
        (with_paths(path(split("a", 120), split("b", -20))), "splits[0].percent", "120"),
        (with_paths(path(), {"splits": []}), "spec.rules[0].http.paths[1].splits", "none"),
        (with_paths(path(path="tides")), "spec.rules[0].http.paths[0].path", "tides"),
        (with_paths(path({**split(), "serviceNamespace": "harbour"})), "splits[0].serviceNamespace", "harbour"),
        (with_paths(path({**split(), "servicePort": "http"})), "splits[0].servicePort", "http"),
        (with_paths(path({**split(), "serviceName": ""})), "splits[0].serviceName", "nothing"),
        (ingress({"hosts": ["a.example.com"]}), "spec.rules[0].http.paths", "none"),
        (ingress(rule()), "spec.rules[0].hosts", "none"),
        (ingress({**rule("a.example.com"), "visibility": "Hidden"}), "spec.rules[0].visibility", "Hidden"),
        (ingress(httpOption="Disabled"), "spec.httpOption", "Disabled"),
        (ingress(tls=[{"secretName": "cert"}]), "spec.tls[0].secretNamespace", "nothing"),
        (ingress(rule("a.b", local=True), tls=[{**TLS, "hosts": ["a.b"]}]), "spec.tls[0].hosts", "a.b"),
        (ingress(tls=[TLS, {**TLS, "hosts": ["other.example"]}]), "spec.tls[1].hosts", "other.example"),
        ({**ingress(), "spec": {}}, "spec.rules", "none"),
    ],
)
def test_what_does_not_add_up_is_refused_by_its_name(wrong: Obj, field: str, observed: str) -> None:
    with pytest.raises(InputError) as refused:
        read_ingress(stored(wrong))
    assert refused.value.summary.endswith(f"{field} is wrong")
    assert observed in refused.value.help.observed
    assert refused.value.help.expected


@pytest.mark.parametrize(
    ("annotations", "ours"),
    [
        ({"networking.knative.dev/ingress.class": CLASS}, True),
        ({"networking.knative.dev/ingress-class": CLASS}, True),
        ({"networking.knative.dev/ingress.class": "istio", "networking.knative.dev/ingress-class": CLASS}, False),
        ({"networking.knative.dev/ingress.class": ""}, False),
        ({}, False),
        (None, False),
    ],
)
def test_only_its_own_class_is_its_business(annotations: Any, ours: bool) -> None:
    assert is_ours({"metadata": {"annotations": annotations}}) is ours

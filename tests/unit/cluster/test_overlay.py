"""Changes are merged as Kubernetes merges them, and a change that fits nothing is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.merging import merge

from wavetank.cluster.overlay import overlaid
from wavetank.errors import InputError

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "harbour", "labels": {"app": "web"}},
    "spec": {
        "template": {
            "spec": {
                "tolerations": [{"key": "ice", "operator": "Exists"}],
                "containers": [
                    {
                        "name": "web",
                        "image": "ko://web",
                        "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}},
                    },
                    {"name": "log", "image": "ko://log"},
                ],
            }
        }
    },
}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "harbour"}}


def of(obj: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a change of ``obj``."""
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": obj["metadata"], **parts}


def in_pods(spec: dict[str, Any]) -> dict[str, Any]:
    return of(DEPLOYMENT, spec={"template": {"spec": spec}})


def pods(documents: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = documents[0]["spec"]["template"]["spec"]
    return spec


def test_what_a_change_does_not_name_stays_as_it_is() -> None:
    change = in_pods({"containers": [{"name": "web", "resources": {"requests": {"cpu": "20m"}}}]})
    changed = overlaid([SERVICE, DEPLOYMENT], [change], "here")
    assert changed[0] == SERVICE
    web, log = pods(changed[1:])["containers"]
    assert web == {
        "name": "web",
        "image": "ko://web",
        "resources": {"requests": {"cpu": "20m"}, "limits": {"cpu": "2"}},
    }
    assert log == {"name": "log", "image": "ko://log"}


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"name": "log", "image": "log:v1"}]},
        {"containers": [{"name": "new", "image": "new:v1"}]},
        {"containers": [{"name": "web", "resources": {"limits": None}}]},
        {"nodeSelector": {"zone": "north"}},
        {"containers": None},
    ],
)
def test_it_is_what_the_server_would_make_of_the_same_patch(spec: dict[str, Any]) -> None:
    change = in_pods(spec)
    assert overlaid([DEPLOYMENT], [change], "here") == [merge(DEPLOYMENT, change, lists_by_name=True)]


def test_a_list_of_things_without_names_is_replaced() -> None:
    other = [{"key": "night", "operator": "Exists"}]
    assert pods(overlaid([DEPLOYMENT], [in_pods({"tolerations": other})], "here"))["tolerations"] == other


def test_an_object_can_be_left_out() -> None:
    assert overlaid([DEPLOYMENT, SERVICE], [of(DEPLOYMENT) | {"$patch": "delete"}], "here") == [SERVICE]


def test_what_is_given_is_not_changed() -> None:
    before = str(DEPLOYMENT)
    overlaid([DEPLOYMENT], [in_pods({"containers": [{"name": "web", "image": "web:v1"}]})], "here")
    assert str(DEPLOYMENT) == before


def test_a_change_of_what_is_not_there_is_refused() -> None:
    elsewhere = SERVICE | {"metadata": {"name": "web", "namespace": "quay"}}
    with pytest.raises(InputError, match=r"overlays/web\.yaml: there is no Service web to change"):
        overlaid([SERVICE], [elsewhere], "overlays/web.yaml")


def test_two_changes_of_one_object_are_refused() -> None:
    with pytest.raises(InputError, match="Service web is changed twice"):
        overlaid([SERVICE], [of(SERVICE), of(SERVICE)], "here")

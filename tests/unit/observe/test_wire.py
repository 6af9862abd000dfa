"""Listening on a node: the pod that does it, what it is told to have heard, and that it never stays."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.apiserver import ApiServer
from tests.support.merging import Obj
from tests.support.packets import POD, application_data, client_hello, packet

from wavetank.errors import InputError, KubeError, NotFoundError
from wavetank.kube import Kube
from wavetank.observe import wiretap
from wavetank.observe.wire import Heard, Wire, listen, wiretap_pod
from wavetank.observe.wiretap import Ear, overhear

NAMESPACE = "lab-03"
IMAGE = "wavetank.dev/tidewater/payment:v1"
REQUEST = packet(b"POST /payments HTTP/1.1\r\nHost: payment\r\n\r\n")
BODY = packet(b'{"amount": 12}', place=50)
HELLO = packet(client_hello("outbound_.80_._.payment", "istio"), source_port=40001)
DATA = packet(application_data(312), source_port=40002)


def pod(name: str, *, ready: bool = True) -> Obj:
    status = {"phase": "Running", "podIP": POD, "conditions": [{"type": "Ready", "status": str(ready)}]}
    containers = [{"name": "payment", "image": IMAGE}, {"name": "istio-proxy", "image": "docker.io/istio/proxyv2"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "payment"}},
        "spec": {"nodeName": "worker2", "containers": containers},
        "status": status,
    }


@pytest.fixture(autouse=True)
def payment(api: ApiServer) -> None:
    selector = {"selector": {"matchLabels": {"app": "payment"}}}
    metadata = {"name": "payment", "namespace": NAMESPACE}
    api.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": selector})
    api.put(pod("payment-1", ready=False))
    api.put(pod("payment-2"))


def play_node(api: ApiServer, end: Callable[[Obj], list[str]], phase: str = "Succeeded") -> list[Obj]:
    """Have the pod that listens end with what ``end`` returns as its log; return the list such pods get into."""
    seen: list[Obj] = []

    def run(change: str, obj: Obj) -> None:
        if change == "ADDED" and obj["metadata"]["name"].startswith("wiretap-"):
            seen.append(obj)
            api.log(obj["metadata"]["name"], *end(obj), namespace=NAMESPACE)
            state = {"terminated": {"exitCode": int(phase == "Failed"), "reason": "Error"}}
            status = {"phase": phase, "containerStatuses": [{"name": "wiretap", "state": state}]}
            api.put({**obj, "status": status})

    api.on_write(run)
    return seen


def hears(*packets: bytes) -> Callable[[Obj], list[str]]:
    """Return what the script prints of ``packets``, asked as the pod asks it."""

    def end(tap: Obj) -> list[str]:
        *_, address, port, seconds = tap["spec"]["containers"][0]["command"]
        assert float(seconds) == 5
        return [json.dumps(line) for line in overhear(packets, Ear(address, int(port)))]

    return end


def test_plain_http_is_read_aloud(api: ApiServer, kube: Kube) -> None:
    seen = play_node(api, hears(REQUEST, BODY))
    wire = listen(kube, NAMESPACE, "payment")
    assert (wire.pod, wire.node, wire.port, wire.segments, wire.readable) == ("payment-2", "worker2", 8080, 2, 2)
    assert repr(wire) == ('plain HTTP: anyone on the node reads it\n  POST /payments HTTP/1.1\n  {"amount": 12}')
    assert str(wire.heard[0]) == "10.244.2.3:40000, 42 bytes: POST /payments HTTP/1.1"
    assert kube.find("Pod", seen[0]["metadata"]["name"], NAMESPACE) is None


def test_of_mutual_tls_only_its_outside_is_seen(api: ApiServer, kube: Kube) -> None:
    play_node(api, hears(HELLO, DATA))
    wire = listen(kube, NAMESPACE, "payment-1")
    assert (wire.pod, wire.encrypted, wire.heard[1].encrypted) == ("payment-1", 2, True)
    assert repr(wire).splitlines() == [
        "TLS: anyone on the node sees that something is said, and not what",
        "  TLS ClientHello for outbound_.80_._.payment that offers istio",
        "  TLS application data",
    ]


@pytest.mark.parametrize(
    ("packets", "verdict"),
    [
        ((), "nothing was sent in 5 s"),
        ((REQUEST, DATA), "both: plain HTTP, which anyone on the node reads, and TLS"),
        ((BODY,), "plain text: anyone on the node reads it"),
        ((packet(bytes(9)),), "neither text nor TLS: bytes that say nothing without their protocol"),
    ],
)
def test_the_verdict_says_what_it_means(api: ApiServer, kube: Kube, packets: tuple[bytes, ...], verdict: str) -> None:
    play_node(api, hears(*packets))
    assert listen(kube, NAMESPACE, "payment").verdict == verdict


def test_the_text_is_short_and_has_no_addresses_and_sizes() -> None:
    heard = tuple(Heard("10.0.0.1:4", 100 + number, ("GET / HTTP/1.1", f"{number}"), False) for number in range(9))
    told = str(Wire("web-1", "worker", 80, 3, 9, 9, 0, heard))
    assert len(told.splitlines()) == 5
    assert "10.0.0.1" not in told


def test_who_listens_may_open_packet_sockets_and_nothing_else() -> None:
    spec = wiretap_pod(pod("payment-2"), IMAGE, 8080, 4.5)["spec"]
    (container,) = spec["containers"]
    assert (spec["hostNetwork"], spec["nodeName"], spec["activeDeadlineSeconds"]) == (True, "worker2", 35)
    assert (spec["automountServiceAccountToken"], spec["restartPolicy"]) == (False, "Never")
    assert "hostPID" not in spec
    assert "volumes" not in spec
    assert container["image"] == IMAGE
    security = container["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["NET_RAW"]}
    assert (security["runAsUser"], security["allowPrivilegeEscalation"]) == (0, False)
    assert container["command"][3:] == [POD, "8080", "4.5"]


def test_it_is_no_part_of_the_mesh_and_ours() -> None:
    labels = wiretap_pod(pod("a" * 60), IMAGE, 80, 1)["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/managed-by": "wavetank", "sidecar.istio.io/inject": "false"}
    assert len(wiretap_pod(pod("a" * 60), IMAGE, 80, 1)["metadata"]["name"]) <= 63


def test_what_runs_there_needs_only_the_standard_library() -> None:
    imported = re.findall(r"^(?:import|from) (\w+)", Path(wiretap.__file__).read_text(), re.MULTILINE)
    assert imported
    assert set(imported) <= sys.stdlib_module_names


def test_it_goes_after_ctrl_c_too(api: ApiServer, kube: Kube, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Kube, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        listen(kube, NAMESPACE, "payment")
    assert [pod["metadata"]["name"] for pod in kube.list("Pod", NAMESPACE)] == ["payment-1", "payment-2"]


def test_a_listener_that_fails_tells_its_last_words(api: ApiServer, kube: Kube) -> None:
    seen = play_node(api, lambda _: ["PermissionError: [Errno 1] Operation not permitted"], "Failed")
    with pytest.raises(KubeError, match="nobody could listen on the node worker2") as caught:
        listen(kube, NAMESPACE, "payment")
    assert caught.value.help.observed == "phase Failed; Error, exit code 1"
    assert caught.value.help.logs == ["PermissionError: [Errno 1] Operation not permitted"]
    assert IMAGE in caught.value.help.hint
    assert kube.find("Pod", seen[0]["metadata"]["name"], NAMESPACE) is None


@pytest.mark.parametrize(
    ("words", "who"),
    [
        ("exceeded quota: small, requested: pods=1, used: pods=9, limited: pods=9", "ResourceQuota small"),
        ("minimum memory usage per Container is 1Gi, but request is 32Mi", "LimitRange"),
    ],
)
def test_a_quota_that_refuses_it_is_named(
    api: ApiServer, kube: Kube, monkeypatch: pytest.MonkeyPatch, words: str, who: str
) -> None:
    def refuse(self: Kube, obj: Obj) -> Obj:
        raise KubeError(f'pods "wiretap" is forbidden: {words}', status=403)

    monkeypatch.setattr(Kube, "create", refuse)
    with pytest.raises(KubeError, match=f"a {who} in the namespace refuses the pod that would listen") as caught:
        listen(kube, NAMESPACE, "payment")
    assert words in caught.value.help.observed
    assert "describe resourcequotas,limitranges" in caught.value.help.command


def test_the_image_is_the_application_s_whatever_stands_before_it(api: ApiServer, kube: Kube) -> None:
    seen = play_node(api, hears(REQUEST))
    helped = pod("payment-2")
    helped["spec"]["containers"].insert(0, {"name": "cache", "image": "redis:7"})
    api.put(helped)
    listen(kube, NAMESPACE, "payment")
    assert seen[0]["spec"]["containers"][0]["image"] == IMAGE


def test_a_namespace_that_forbids_it_is_told_in_its_words(
    api: ApiServer, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Kube, obj: Obj) -> Obj:
        raise KubeError('violates PodSecurity "restricted:latest": host namespaces', status=403)

    monkeypatch.setattr(Kube, "create", refuse)
    with pytest.raises(KubeError, match="the cluster lets nobody listen here") as caught:
        listen(kube, NAMESPACE, "payment")
    assert "PodSecurity" in caught.value.help.observed


def test_a_pod_that_is_not_there_is_said(kube: Kube) -> None:
    with pytest.raises(NotFoundError, match="there is no pod to listen to: boking"):
        listen(kube, NAMESPACE, "boking")


@pytest.mark.parametrize("seconds", [0, -1, 61])
def test_nobody_listens_for_no_time_or_for_ever(kube: Kube, seconds: float) -> None:
    with pytest.raises(InputError, match="seconds is wrong"):
        listen(kube, NAMESPACE, "payment", seconds=seconds)

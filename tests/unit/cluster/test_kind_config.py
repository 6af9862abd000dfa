import json

from wavetank.cluster.providers.kind_config import kind_config
from wavetank.cluster.spec import ClusterSpec, Ports

SPEC = ClusterSpec(
    provider="kind",
    kubernetes="1.36",
    name="basin",
    workers=3,
    ports=Ports(ingress=8888, gateway=8889),
    api_server={"default-not-ready-toleration-seconds": "5"},
    controller_manager={"node-monitor-period": "1s", "node-monitor-grace-period": "8s"},
    kubelet={"nodeStatusUpdateFrequency": "2s"},
)


def test_one_control_plane_and_the_workers_of_one_image() -> None:
    nodes = kind_config(SPEC, "node:v1.36.3")["nodes"]
    assert [node["role"] for node in nodes] == ["control-plane", "worker", "worker", "worker"]
    assert {node["image"] for node in nodes} == {"node:v1.36.3"}


def test_every_node_says_from_the_first_moment_who_has_made_it() -> None:
    nodes = kind_config(SPEC, "node:v1.36.3")["nodes"]
    assert [node["labels"] for node in nodes] == [{"wavetank.dev/cluster": "basin"}] * 4


def test_everything_published_is_on_loopback() -> None:
    config = kind_config(SPEC, "node:v1.36.3")
    mappings = [mapping for node in config["nodes"] for mapping in node.get("extraPortMappings", [])]
    assert [(mapping["hostPort"], mapping["listenAddress"]) for mapping in mappings] == [
        (8888, "127.0.0.1"),
        (8889, "127.0.0.1"),
    ]
    assert config["networking"]["apiServerAddress"] == "127.0.0.1"


def test_flags_are_added_to_those_kind_sets_itself() -> None:
    patches = kind_config(SPEC, "node:v1.36.3")["kubeadmConfigPatchesJSON6902"]
    operations = [operation for patch in patches for operation in json.loads(patch["patch"])]
    assert all(operation["op"] == "add" and operation["path"].endswith("/extraArgs/-") for operation in operations)
    assert {operation["value"]["name"]: operation["value"]["value"] for operation in operations} == {
        "default-not-ready-toleration-seconds": "5",
        "node-monitor-period": "1s",
        "node-monitor-grace-period": "8s",
    }


def test_a_kubelet_on_cgroup_v1_is_told_to_run_all_the_same() -> None:
    (kubelet,) = kind_config(SPEC, "node:v1.36.3")["kubeadmConfigPatches"]
    assert json.loads(kubelet) == {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "nodeStatusUpdateFrequency": "2s",
    }

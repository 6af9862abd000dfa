import json

from tests.support.basin import Basin

from wavetank.cluster import status, up
from wavetank.steps import StepEvent


def silent(_: StepEvent) -> None:
    pass


def bring_up(basin: Basin) -> None:
    up(basin.spec.with_addons(("metrics-server",)), basin.bundle, report=silent)


def test_a_cluster_that_is_not_there_is_absent(basin: Basin) -> None:
    told = status(basin.spec)
    assert (told.state, told.nodes, dict(told.addons)) == ("absent", (), {})


def test_a_cluster_that_is_well_is_up(basin: Basin) -> None:
    bring_up(basin)
    told = status(basin.spec)
    assert told.state == "up"
    assert [(node.name, node.role, node.state, node.ready) for node in told.nodes] == [
        ("basin-control-plane", "control-plane", "running", True),
        ("basin-worker", "worker", "running", True),
        ("basin-worker2", "worker", "running", True),
    ]
    assert dict(told.addons) == {"metrics-server": "ready"}


def test_a_node_that_is_not_ready_is_told(basin: Basin) -> None:
    bring_up(basin)
    basin.put_node("basin-worker", ready="Unknown")
    told = status(basin.spec)
    assert told.state == "degraded"
    assert [node.name for node in told.nodes if not node.ready] == ["basin-worker"]
    assert "NotReady" in str(told)


def test_an_addon_that_is_not_ready_is_told_in_words(basin: Basin) -> None:
    bring_up(basin)
    deployment = basin.api.get("Deployment", "metrics-server", "kube-system")
    assert deployment
    basin.api.put(deployment | {"status": {"observedGeneration": 99, "replicas": 1, "unavailableReplicas": 1}})
    told = status(basin.spec)
    assert told.state == "degraded"
    assert told.addons["metrics-server"] not in ("", "ready")


def test_an_api_server_that_is_gone_is_told(basin: Basin) -> None:
    bring_up(basin)
    basin.api.stop()
    assert status(basin.spec).state == "down"


def test_the_times_are_those_of_making_the_nodes(basin: Basin) -> None:
    bring_up(basin)
    made = status(basin.spec).times
    assert {"nodes", "nodes ready", "metrics-server"} <= {step["step"] for step in made["steps"]}
    assert made["seconds"] >= max(step["seconds"] for step in made["steps"])
    bring_up(basin)
    assert status(basin.spec).times == made


def test_all_of_it_is_json_that_comes_back_the_same(basin: Basin) -> None:
    bring_up(basin)
    told = status(basin.spec).as_dict()
    assert json.loads(json.dumps(told))["capabilities"]["node-stop"]["ok"] is True
    assert set(told) == {
        "name",
        "provider",
        "state",
        "nodes",
        "addons",
        "kubeconfig",
        "ingress",
        "capabilities",
        "times",
        "on_engine",
        "neighbours",
    }

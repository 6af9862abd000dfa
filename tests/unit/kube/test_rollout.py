"""Where a rollout stands is read from the Deployment; what it can go back to, from its ReplicaSets."""

from typing import Any

import pytest
from tests.support.apiserver import ApiServer

from wavetank.errors import KubeError, NotFoundError, WaitTimeoutError
from wavetank.kube import Kube, history, rollout_state

Obj = dict[str, Any]


def deployment(generation: int = 2, wanted: int = 3, **status: Any) -> Obj:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:v2"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "uid": "d",
            "generation": generation,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": "web"}}, "template": template},
        "status": {"observedGeneration": 2, **status},
    }


def replica_set(revision: int, image: str, owner: str = "d") -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"web-{revision}",
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": owner}],
        },
        "spec": {
            "template": {
                "metadata": {"labels": {"app": "web", "pod-template-hash": f"h{revision}"}},
                "spec": {"containers": [{"name": "web", "image": image}]},
            }
        },
    }


REFUSED = [{"type": "ReplicaFailure", "status": "True", "message": 'pods "web-" is forbidden: exceeded quota: small'}]
STUCK = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (deployment(generation=3), "the change has not been taken up yet"),
        (deployment(updatedReplicas=1), "1 of 3 pods are of the new template"),
        (deployment() | {"status": {}}, "the change has not been taken up yet"),
        (deployment(updatedReplicas=3), "0 of 3 new pods are available"),
        (deployment(updatedReplicas=3, availableReplicas=3), "all pods (3) are of the newest template and available"),
        (deployment(updatedReplicas=5, availableReplicas=5, replicas=5), "2 pods too many are still there"),
        (deployment(wanted=0), "all pods (0) are of the newest template and available"),
        (deployment(updatedReplicas=1, conditions=STUCK), "no progress for 600 s"),
        (
            deployment(updatedReplicas=1, conditions=REFUSED),
            '1 of 3 pods are of the new template; pods "web-" is forbidden: exceeded quota: small',
        ),
        (
            deployment(updatedReplicas=3, availableReplicas=3, conditions=REFUSED),
            "all pods (3) are of the newest template and available",
        ),
    ],
)
def test_a_rollout_says_what_it_waits_for(given: Obj, words: str) -> None:
    assert rollout_state(given).words == words


def test_old_pods_that_still_go_keep_a_rollout_from_being_done() -> None:
    state = rollout_state(deployment(replicas=5, updatedReplicas=3, availableReplicas=3))
    assert (state.old, state.done, state.words) == (2, False, "2 pods of an old template are still there")


def test_a_deadline_passed_by_an_older_generation_is_not_held_against_this_one() -> None:
    assert not rollout_state(deployment(generation=3, updatedReplicas=1, conditions=STUCK)).failed


def test_history_is_that_of_this_deployment_oldest_first() -> None:
    revisions = history(
        deployment(), [replica_set(2, "web:v2"), replica_set(1, "web:v1"), replica_set(7, "other:v1", owner="another")]
    )
    assert [(revision.number, revision.images) for revision in revisions] == [(1, ("web:v1",)), (2, ("web:v2",))]
    assert revisions[0].template["metadata"]["labels"] == {"app": "web"}


def store(api: ApiServer, **status: Any) -> None:
    api.put(deployment(**status))
    for number in (1, 2):
        api.put(replica_set(number, f"web:v{number}"))


def test_undo_puts_the_template_before_back(api: ApiServer, kube: Kube) -> None:
    store(api)
    kube.rollout_undo("web", "default")
    stored = api.get("Deployment", "web")
    assert stored
    assert stored["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v1"
    assert stored["spec"]["template"]["metadata"]["labels"] == {"app": "web"}


def test_undo_to_a_revision_that_is_gone_is_refused(api: ApiServer, kube: Kube) -> None:
    store(api)
    with pytest.raises(NotFoundError, match="no revision 5") as caught:
        kube.rollout_undo("web", "default", to=5)
    assert caught.value.help.observed == "revisions 1, 2"


def test_a_restart_changes_the_template_alone(api: ApiServer, kube: Kube) -> None:
    store(api)
    before = api.get("Deployment", "web")
    kube.rollout_restart("web", "default")
    after = api.get("Deployment", "web")
    assert before
    assert after
    assert after["spec"]["template"]["metadata"].pop("annotations")
    assert after["spec"] == before["spec"]


def test_a_rollout_is_waited_for(api: ApiServer, kube: Kube) -> None:
    store(api, updatedReplicas=1, replicas=3)
    steps = iter([{"updatedReplicas": 3}, {"updatedReplicas": 3, "availableReplicas": 3}])

    def controller(change: str, obj: Obj) -> None:
        if obj["kind"] == "Deployment" and (status := next(steps, None)):
            api.put(deployment(**status))

    api.on_write(controller)
    api.put(deployment(updatedReplicas=2))
    assert kube.rollout("web", "default", timeout=10).done


def test_a_rollout_past_its_deadline_names_the_pod_to_blame(api: ApiServer, kube: Kube) -> None:
    store(api, updatedReplicas=1, conditions=STUCK)
    put_crashing_pod(api)
    with pytest.raises(KubeError, match="the rollout of web has stopped: no progress for 600 s") as caught:
        kube.rollout("web", "default")
    assert caught.value.help.observed == (
        "pod web-1 container web keeps ending (3 times), last time ended with exit code 2"
    )
    assert caught.value.help.logs == ("no such port: eighty",)


def test_a_rollout_that_takes_too_long_shows_last_words_and_events(api: ApiServer, kube: Kube) -> None:
    store(api, updatedReplicas=1)
    put_crashing_pod(api)
    with pytest.raises(WaitTimeoutError, match=r"waited 0\.3 s for the rollout of web") as caught:
        kube.rollout("web", "default", timeout=0.3)
    assert str(caught.value).splitlines()[1:] == [
        "  observed: pod web-1 container web keeps ending (3 times), last time ended with exit code 2;"
        " BackOff: Back-off restarting failed container (9 times)",
        "  last words:",
        "    | no such port: eighty",
        f"  see more: kubectl --kubeconfig {kube.connection.kubeconfig} -n default describe pod web-1",
    ]


def test_an_explanation_that_cannot_be_had_hides_nothing(api: ApiServer, kube: Kube) -> None:
    store(api, updatedReplicas=1)
    api.resources = [resource for resource in api.resources if resource.kind != "Pod"]
    with pytest.raises(WaitTimeoutError) as caught:
        kube.wait_for("Deployment", "web", "default", "Available", timeout=0.2)
    assert caught.value.help.observed == "it has no status yet"


def put_crashing_pod(api: ApiServer) -> None:
    """Store a pod of the deployment in a crash loop, with an event and the log of the run that failed."""
    last = {"terminated": {"exitCode": 2, "reason": "Error"}}
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    status = {"name": "web", "restartCount": 3, "state": waiting, "lastState": last}
    pod = api.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web-1", "labels": {"app": "web"}},
            "spec": {"nodeName": "worker", "containers": [{"name": "web"}]},
            "status": {"phase": "Running", "containerStatuses": [status]},
        }
    )
    for uid, message in ((pod["metadata"]["uid"], "Back-off restarting failed container"), ("old", "of a former pod")):
        api.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"event-{uid}"},
                "involvedObject": {"kind": "Pod", "name": "web-1", "uid": uid},
                "type": "Warning",
                "reason": "BackOff",
                "message": message,
                "count": 9,
            }
        )
    api.log("web-1", "no such port: eighty", previous=True)
    api.log("web-1", "starting")

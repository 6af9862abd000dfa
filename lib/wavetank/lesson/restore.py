"""From any state to a known one: a checkpoint's objects and nothing else, nodes as before, loads and faults ended.

Nothing is assumed about what was done before; doing it twice does nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from wavetank.errors import ClusterError, KubeError, NotFoundError, WaitTimeoutError
from wavetank.faults.switch import label_selector
from wavetank.kube import FIELD_MANAGER, Kube, Obj, rollout_state
from wavetank.kube.controllers import await_controllers
from wavetank.kube.mark import is_made_here
from wavetank.kube.pods import is_ready
from wavetank.kube.power import POWER_OFF_UNTIL
from wavetank.kube.sidecar import has_sidecar, stays_out
from wavetank.lesson.declared import (
    account,
    declared,
    full_name,
    going,
    has_a_past,
    in_the_mesh,
    is_function,
    surplus,
    take_over,
)
from wavetank.lesson.holding import held_up, require_operator
from wavetank.lesson.lab import Lab
from wavetank.lesson.refusals import IN_THE_WAY, apply_once_free, have_pods_made_again
from wavetank.lesson.sweeping import delete_now, is_going, let_go, sweep
from wavetank.observe.serverless import await_subscriptions
from wavetank.observe.serverless.events import TRIGGER
from wavetank.observe.serverless.revisions import SERVICE_LABEL
from wavetank.waves import let_operator_in

__all__ = ["SECURITY", "restore"]

_MANAGED_BY = {"app.kubernetes.io/managed-by": "wavetank"}
SECURITY = "pod-security.kubernetes.io/enforce"
"""The label of a namespace by which Kubernetes lets in no pod that could take over its node."""
INJECTION = "istio-injection"
"""The label of a namespace by which Istio puts sidecars into its new pods."""
_NO_ACCOUNT = {"spec": {"template": {"spec": {"serviceAccount": None, "serviceAccountName": None}}}}
"""The API server copies the one to the other: who takes away only the second gets it back from the first."""
_GONE_WITHIN = 45.0
"""Seconds for what was deleted to be gone: the grace period of a pod, and some."""
_REVERTED_WITHIN = 30.0
_READY_WITHIN = 120.0
_NODES_WITHIN = 60.0


def restore(kube: Kube, lab: Lab, checkpoint: str) -> None:
    """Bring the lab's namespace to ``checkpoint`` and return when everything there is ready.

    Raises `InputError` for a checkpoint that is none, `ClusterError` when the cluster or the namespace is not
    Wavetank's or nobody is there to end what goes on in it, `WaitTimeoutError` with the reason when something does not
    become ready.
    """
    wanted = declared(lab, checkpoint)
    kube.require_mark()
    meshed = in_the_mesh(lab, checkpoint)
    await_controllers(kube, _NODES_WITHIN)
    require_operator(kube, lab.namespace)
    _own_namespace(kube, lab, meshed)
    let_operator_in(kube, lab.namespace)
    _end_waves(kube, lab.namespace)
    _raise_nodes(kube)
    found = list(_everything(kube, lab.namespace))
    unwanted = [*surplus(found, wanted), *going(found, wanted)]
    let_go(kube, unwanted)
    sweep(kube, found, unwanted)
    for obj in unwanted:
        if obj["kind"] in IN_THE_WAY or obj not in surplus(found, wanted):
            _wait_until_gone(kube, lab.namespace, obj)
    _end_changed_functions(kube, wanted)
    for obj in wanted:
        _make_exactly(kube, obj, lab.namespace, found)
    worn = [
        pod
        for pod in kube.list("Pod", lab.namespace)
        if pod["metadata"].get("ownerReferences")
        and (has_a_past(pod) or is_going(pod) or _lacks_or_has_too_much(pod, meshed))
    ]
    delete_now(kube, worn)
    _wait_until_settled(kube, lab.namespace, wanted, [*unwanted, *worn])
    _forget_events(kube, lab.namespace)


def _lacks_or_has_too_much(pod: Obj, meshed: bool) -> bool:
    """Tell whether a pod has a sidecar and should not, or the other way round."""
    return has_sidecar(pod) is not (meshed and not stays_out(pod))


def _own_namespace(kube: Kube, lab: Lab, meshed: bool) -> None:
    """Make sure that the namespace is there, in the mesh or not, and that what is in it may be deleted.

    Sidecars set up the network of their pods, and who listens on the wire stands in the node's: a lab with a mesh lets
    in any pod.
    """
    name = lab.namespace
    wanted = {INJECTION: "enabled" if meshed else None, SECURITY: "privileged" if "istio" in lab.addons else "baseline"}
    labels = _MANAGED_BY | {key: value for key, value in wanted.items() if value}
    namespace = kube.find("Namespace", name)
    if namespace is not None and "deletionTimestamp" in namespace["metadata"]:
        words = f"the namespace {name} to be gone, before it is made again"
        try:
            kube.wait_for("Namespace", name, None, lambda obj: obj is None, timeout=_GONE_WITHIN, waiting_for=words)
        except WaitTimeoutError as error:
            raise held_up(kube, name, _everything(kube, name), error) from error
        namespace = None
    if namespace is None:
        kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    elif not _MANAGED_BY.items() <= (namespace["metadata"].get("labels") or {}).items():
        raise ClusterError(
            f"the namespace {name} is not Wavetank's",
            observed=f"labels {namespace['metadata'].get('labels') or {}}",
            expected="the label app.kubernetes.io/managed-by=wavetank: a lab deletes whatever is in its namespace",
            command=f"kubectl get all -n {name}",
            hint=f"the right cluster? Then: kubectl label namespace {name} app.kubernetes.io/managed-by=wavetank",
        )
    elif any(namespace["metadata"]["labels"].get(key) != value for key, value in wanted.items()):
        kube.patch("Namespace", name, None, {"metadata": {"labels": wanted}})


def _end_waves(kube: Kube, namespace: str) -> None:
    """Delete the lab's loads and faults; a fault is gone when its effect is."""
    for kind in ("Load", "Fault"):
        try:
            kube.delete(kube.list(kind, namespace), namespace=namespace, wait=_REVERTED_WITHIN)
        except NotFoundError:  # a cluster that does not have the kind has none of them
            continue


def _raise_nodes(kube: Kube) -> None:
    """Power on and uncordon what a lab has powered off or cordoned: nodes of ours, and only what was done as Wavetank.

    What a person has done to a node is theirs, a cordon or a taint: no lab sets taints.
    """
    for node in filter(is_made_here, kube.list("Node")):
        patch: Obj = {}
        if POWER_OFF_UNTIL in (node["metadata"].get("annotations") or {}):
            patch["metadata"] = {"annotations": {POWER_OFF_UNTIL: None}}
        if node["spec"].get("unschedulable") and _is_cordoned_by_us(node):
            patch["spec"] = {"unschedulable": None}
        if patch:
            kube.patch("Node", node["metadata"]["name"], None, patch)


def _is_cordoned_by_us(node: Obj) -> bool:
    """Tell who has cordoned it, as the API server remembers for each field."""
    return any(
        "f:unschedulable" in (entry.get("fieldsV1") or {}).get("f:spec", {})
        for entry in node["metadata"].get("managedFields") or ()
        if entry["manager"] == FIELD_MANAGER
    )


def _end_changed_functions(kube: Kube, wanted: Sequence[Obj]) -> None:
    """Delete every function that is not as it should be: made anew, it has one revision, which starts once.

    So it is for one that is right, of which somebody else has set a field. Knative has written into its annotations and
    lets nobody take that away; who no longer sets an annotation, though, takes with it all those that nobody is said to
    own, and that is what admission webhooks have written.
    """
    there = ((obj, kube.find((obj["apiVersion"], obj["kind"]), *_place(obj))) for obj in wanted if is_function(obj))
    _end_functions(kube, [found for obj, found in there if found and _is_changed(kube, obj, found)])


def _is_changed(kube: Kube, obj: Obj, found: Obj) -> bool:
    metadata = found["metadata"]
    if metadata["generation"] > 1 or take_over(metadata.get("managedFields") or []):
        return True
    try:
        then = kube.patch((obj["apiVersion"], obj["kind"]), *_place(obj), obj, type="apply", force=True, dry_run=True)
    except KubeError as error:
        if error.status not in (400, 403, 422):
            raise
        return True  # what cannot be changed is made anew
    return bool(then["spec"] != found["spec"])


def _end_functions(kube: Kube, functions: Sequence[Obj]) -> None:
    """Delete Knative Services, and return when nothing is left of them."""
    for function in functions:
        kube.delete_object((function["apiVersion"], function["kind"]), *_place(function), foreground=True)
    for function in functions:
        name, namespace = _place(function)
        own = f"{SERVICE_LABEL}={name}"
        for replica_set in kube.list("ReplicaSet", namespace, own):  # until it goes itself, it replaces pods
            words = f"{full_name(replica_set)} to go"
            here = replica_set["metadata"]["name"]
            kube.wait_for("ReplicaSet", here, namespace, _going, timeout=_GONE_WITHIN, waiting_for=words)
        delete_now(kube, kube.list("Pod", namespace, own))
        _wait_until_gone(kube, namespace, function)


def _place(obj: Obj) -> tuple[str, str]:
    return obj["metadata"]["name"], obj["metadata"]["namespace"]


def _everything(kube: Kube, namespace: str) -> Iterator[Obj]:
    """Yield every object in ``namespace`` once, whatever its kind and however many versions it is served in."""
    seen = set()
    for kind in kube.namespaced_kinds():
        try:
            objects = kube.list(kind, namespace)
        except KubeError as error:
            if error.status in (404, 405, 503):  # an aggregated API that is away keeps nothing of the learner's
                continue
            raise
        for obj in objects:
            if obj["metadata"].get("uid") not in seen:
                seen.add(obj["metadata"].get("uid"))
                yield obj


def _make_exactly(kube: Kube, obj: Obj, namespace: str, found_before: Sequence[Obj]) -> None:
    """Apply ``obj`` so that no field remains that somebody else has added; make it anew where it cannot be changed.

    A Deployment whose pods would have to be replaced is made anew, too: old pods may keep new ones from coming, by a
    rule of affinity or a port of their node, and a rollout keeps the old ones until the new are ready.
    """
    kind, name = (obj["apiVersion"], obj["kind"]), obj["metadata"]["name"]
    found = kube.find(kind, name, namespace)
    if found and account(found) and not account(obj):
        found = kube.patch(kind, name, namespace, _NO_ACCOUNT)
    owners = take_over(found["metadata"].get("managedFields") or []) if found else None
    try:
        if owners:
            kube.patch(kind, name, namespace, {"metadata": {"managedFields": owners}})
        if found and obj["kind"] == "Deployment":
            then = kube.patch(kind, name, namespace, obj, type="apply", force=True, dry_run=True)
            if then["spec"]["template"] != found["spec"]["template"] or rollout_state(found).old:
                _make_room(kube, found, found_before)
        apply_once_free(kube, obj, namespace)
    except KubeError as error:
        if error.status != 422 or found is None:
            raise
        _make_room(kube, found, found_before)
        apply_once_free(kube, obj, namespace)


def _make_room(kube: Kube, found: Obj, found_before: Sequence[Obj]) -> None:
    """Delete an object with all that comes of it, and return when it is gone."""
    let_go(kube, [found])
    sweep(kube, [*found_before, *_owned_now(kube, found)], [found])
    _wait_until_gone(kube, found["metadata"]["namespace"], found)


def _owned_now(kube: Kube, found: Obj) -> list[Obj]:
    """Return what a workload may have made since everything was looked at."""
    place = found["metadata"]["namespace"]
    return [one for kind in ("ReplicaSet", "Pod") for one in kube.list(kind, place)]


def _forget_events(kube: Kube, namespace: str) -> None:
    """Delete what is told about the past, so that what is told from now on has happened from now on."""
    events = kube.kinds.find(("v1", "Event")).path(namespace)
    kube.connection.call("DELETE", events)


def _wait_until_settled(kube: Kube, namespace: str, wanted: Sequence[Obj], deleted: Sequence[Obj]) -> None:
    """Return when what was deleted has gone, and nodes, Deployments and pods are ready."""
    for node in kube.list("Node"):
        name = node["metadata"]["name"]
        kube.wait_for("Node", name, None, "Ready", timeout=_NODES_WITHIN, waiting_for=f"the node {name} to be ready")
    for obj in deleted:  # only then does a Deployment's status know that it lacks a pod
        _wait_until_gone(kube, namespace, obj)
    have_pods_made_again(kube, namespace)
    if any((obj["apiVersion"], obj["kind"]) == TRIGGER for obj in wanted):
        # Of a broker that was changed, nothing else tells: its triggers may still say that they are ready.
        await_subscriptions(kube, namespace, _READY_WITHIN)
    for obj in wanted:
        name = obj["metadata"]["name"]
        if obj["kind"] == "Deployment":
            words = f"the rollout of {name}"
            found = kube.wait_for("Deployment", name, namespace, _rolled_out, timeout=_READY_WITHIN, waiting_for=words)
            _await_pods(kube, namespace, found)
        elif obj["apiVersion"].partition("/")[0].endswith(".knative.dev"):
            kube.wait_for((obj["apiVersion"], obj["kind"]), name, namespace, "Ready", timeout=_READY_WITHIN)
    for pod in kube.list("Pod", namespace):
        name = pod["metadata"]["name"]
        words = f"the pod {name} to be ready"
        if not is_going(pod):
            kube.wait_for("Pod", name, namespace, _ready_or_gone, timeout=_READY_WITHIN, waiting_for=words)
    leaving = list(filter(is_going, kube.list("Pod", namespace)))
    let_go(kube, leaving)
    delete_now(kube, leaving)
    for pod in leaving:
        _wait_until_gone(kube, namespace, pod)


def _await_pods(kube: Kube, namespace: str, deployment: Obj) -> None:
    """Return when the pods of a Deployment are there and ready: its own word for it may be from before a restart."""
    name, selector = deployment["metadata"]["name"], label_selector(deployment["spec"]["selector"])
    saw = ""
    for _ in chain([None], kube.watch("Pod", namespace, selector, timeout=_READY_WITHIN)):
        ready = sum(map(is_ready, kube.list("Pod", namespace, selector)))
        now = kube.get("Deployment", name, namespace)  # an autoscaler may have changed its mind
        if ready >= (wanted := now["spec"].get("replicas", 1)):
            return
        saw = f"{ready} of {wanted} are ready, though it says: {rollout_state(now).words}"
    raise WaitTimeoutError(
        f"waited {_READY_WITHIN:g} s for the pods of {name}",
        observed=saw,
        command=kube.connection.kubectl("-n", namespace, "describe", "deployment", name),
        hint="do the cluster's controllers run? kubectl -n kube-system get pods",
    )


def _wait_until_gone(kube: Kube, namespace: str, obj: Obj) -> None:
    uid, kind, name = obj["metadata"]["uid"], (obj["apiVersion"], obj["kind"]), obj["metadata"]["name"]
    try:
        kube.wait_for(
            kind,
            name,
            namespace,
            lambda now: now is None or now["metadata"]["uid"] != uid,
            timeout=_GONE_WITHIN,
            waiting_for=f"{full_name(obj)} to be gone",
        )
    except WaitTimeoutError as error:
        raise held_up(kube, namespace, filter(None, [kube.find(kind, name, namespace)]), error) from error


def _rolled_out(deployment: Obj | None) -> bool:
    return deployment is not None and rollout_state(deployment).done


def _going(obj: Obj | None) -> bool:
    return obj is None or is_going(obj)


def _ready_or_gone(pod: Obj | None) -> bool:
    return pod is None or is_going(pod) or is_ready(pod) or pod.get("status", {}).get("phase") == "Succeeded"

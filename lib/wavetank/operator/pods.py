"""Faults in pods: killing them, crashing their containers, and the trouble an application switches on itself."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus

from wavetank.errors import KubeError, NotFoundError, UnreachableError
from wavetank.faults.switch import PORT, restarts, running, switch_target
from wavetank.faults.switch import order as switch_order
from wavetank.kube import HttpAnswer, Obj, application_container
from wavetank.operator.effects import Order, Outcome
from wavetank.operator.rules import selector_of

__all__ = ["CrashContainers", "KillPods", "SwitchInPods"]

_ANSWER_WITHIN = 1.0
"""Seconds a pod has to answer about its faults."""
_AT_ONCE = 16


class KillPods:
    """Deletes pods, once. The pods are chosen before, so that a crash in between kills no others."""

    def prepare(self, order: Order) -> Obj | None:
        """Choose the pods."""
        return _choose(order)

    def act(self, order: Order, original: Obj, affected: Sequence[str]) -> Outcome:
        """Delete what is left of the chosen pods."""
        for chosen in original["pods"]:
            try:
                order.kube.delete_object(
                    "Pod",
                    chosen["name"],
                    order.namespace,
                    grace=int(order.fault.settings["graceSeconds"]),
                    uid=chosen["uid"],
                )
            except KubeError as error:
                if error.status != HTTPStatus.CONFLICT:  # another pod of this name by now: the chosen one is gone
                    raise
        names = tuple(chosen["name"] for chosen in original["pods"])
        return Outcome(names, f"killed {', '.join(names)}", over=True)

    def revert(self, order: Order, original: Obj, affected: Sequence[str]) -> str:
        """Do nothing: whoever made the pods makes new ones."""
        return "nothing to put back"


class CrashContainers:
    """Makes the application's process in pods exit, once."""

    def prepare(self, order: Order) -> Obj | None:
        """Choose the pods, and remember how often the application had been restarted in them before."""
        return _choose(order)

    def act(self, order: Order, original: Obj, affected: Sequence[str]) -> Outcome:
        """Crash the chosen pods that have not crashed since they were chosen."""
        crashed, trouble = list(affected), []
        for chosen in original["pods"]:
            if chosen["name"] in crashed:
                continue
            pod = order.kube.find("Pod", chosen["name"], order.namespace)
            same = pod is not None and pod["metadata"]["uid"] == chosen["uid"]
            if pod is not None and same and restarts(pod, chosen.get("container", "")) == chosen["restarts"]:
                try:
                    _switch_on(order, pod)
                except KubeError as error:
                    trouble.append(f"{chosen['name']}: {error.summary}")
                    continue
            crashed.append(chosen["name"])
        message = "; ".join([f"crashed {', '.join(crashed) or 'nothing yet'}", *trouble])
        return Outcome(tuple(crashed), message, over=not trouble, pending=bool(trouble))

    def revert(self, order: Order, original: Obj, affected: Sequence[str]) -> str:
        """Do nothing: the node starts the containers again."""
        return "nothing to put back"


class SwitchInPods:
    """Latency, errors and the like: on in the matching pods, and in those that appear or restart while it lasts."""

    def prepare(self, order: Order) -> Obj:
        """Settle which labels the pods have: the target itself may be broken or gone later."""
        return {"selector": selector_of(order.kube, order.fault.target, order.namespace)}

    def act(self, order: Order, original: Obj, affected: Sequence[str]) -> Outcome:
        """Switch it on wherever it should be and is not; pods that have had it come before those that have not.

        What has been ``affected`` stays so: a container that crashes of it is affected, though it cannot be asked.
        """
        pods = _running(order, original)
        chosen = sorted(pods, key=lambda pod: pod["metadata"]["name"] not in affected)
        chosen = chosen[: int(order.fault.settings["pods"])]
        trouble = _in_each(chosen, lambda pod: _switch_on_if_off(order, pod))
        names = [pod["metadata"]["name"] for pod in chosen if pod["metadata"]["name"] not in trouble]
        words = [f"on in {len(names)} of {len(pods)} pods", *(f"{name}: {why}" for name, why in trouble.items())]
        return Outcome(tuple(dict.fromkeys([*affected, *names])), "; ".join(words), pending=bool(trouble))

    def revert(self, order: Order, original: Obj, affected: Sequence[str]) -> str:
        """Switch it off everywhere. After its end the application has done so itself, reachable or not."""
        pods = _running(order, original)
        trouble = _in_each(pods, lambda pod: _switch_off(order, pod))
        if trouble and order.seconds_left > 0:
            name, why = next(iter(trouble.items()))
            raise KubeError(f"the fault is still on in {len(trouble)} pods", observed=f"{name}: {why}")
        return f"off in {len(pods)} pods"


def _choose(order: Order) -> Obj | None:
    selector = selector_of(order.kube, order.fault.target, order.namespace)
    pods = running(order.kube.list("Pod", order.namespace, selector=selector))
    if not pods:
        return None
    chosen = random.sample(pods, min(len(pods), int(order.fault.settings["pods"])))
    services = order.kube.list("Service", order.namespace)  # what tells the application from its helpers in a pod
    return {"pods": [_remembered(pod, application_container(pod, services)["name"]) for pod in chosen]}


def _remembered(pod: Obj, container: str) -> Obj:
    metadata = pod["metadata"]
    counted = {"container": container, "restarts": restarts(pod, container)}
    return {"name": metadata["name"], "uid": metadata["uid"], **counted}


def _running(order: Order, original: Obj) -> list[Obj]:
    return running(order.kube.list("Pod", order.namespace, selector=original["selector"]))


def _in_each(pods: Iterable[Obj], do: Callable[[Obj], None]) -> dict[str, str]:
    """Do it in every pod at the same time, so that one that hangs delays no other; return what went wrong by pod."""
    trouble: dict[str, str] = {}

    def tried(pod: Obj) -> None:
        with suppress(NotFoundError):  # gone since it was listed
            try:
                do(pod)
            except KubeError as error:
                trouble[pod["metadata"]["name"]] = error.summary

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="pods") as pool:
        list(pool.map(tried, pods))
    return trouble


def _switch_on_if_off(order: Order, pod: Obj) -> None:
    answer = _ask(order, pod, "GET", "/faults")
    try:
        on = {fault["id"] for fault in answer.json()["faults"]}
    except (ValueError, KeyError, TypeError) as error:
        raise KubeError("it has no fault switch", observed=f"GET /faults answered {answer.text[:200]}") from error
    if order.uid not in on:
        _switch_on(order, pod)


def _switch_on(order: Order, pod: Obj) -> None:
    seconds = max(order.seconds_left, 0.1)
    _ask(order, pod, "POST", "/faults", json.dumps(switch_order(order.fault, order.uid, seconds)))


def _switch_off(order: Order, pod: Obj) -> None:
    _ask(order, pod, "DELETE", f"/faults/{order.uid}", fine=(404,))


def _ask(
    order: Order,
    pod: Obj,
    method: str,
    path: str,
    body: str | None = None,
    fine: Sequence[int] = (),
) -> HttpAnswer:
    """Talk to the pod's fault switch. Raises `KubeError` when it refuses or does not answer."""
    target = switch_target(pod)
    try:
        answer = order.kube.request(
            target,
            path,
            order.namespace,
            method=method,
            body=body,
            headers={"Content-Type": "application/json"},
            timeout=_ANSWER_WITHIN,
        )
    except (NotFoundError, UnreachableError):
        raise
    except KubeError as error:
        raise KubeError(
            f"its fault switch does not answer at :{PORT}",
            status=error.status,
            observed=error.summary,
        ) from error
    if answer.status >= 400 and answer.status not in fine:
        raise KubeError(
            f"{method} {path} at {target} answered {answer.status}: {answer.text[:200]}", status=answer.status
        )
    return answer

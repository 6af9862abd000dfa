"""Faults that change one value of one object, and put it back if it is still as they left it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from wavetank.errors import KubeError
from wavetank.faults.breakers import Break, read
from wavetank.faults.remembered import remembered_break
from wavetank.kube import Obj
from wavetank.kube.power import agent_word
from wavetank.operator.effects import Order, Outcome
from wavetank.operator.rules import plan_break

__all__ = ["BreakObject"]

_TRIES = 5
"""A Node's status changes every few seconds, a Deployment's during a rollout: a write may have to be repeated."""


class BreakObject:
    """Bad image, missing configuration, wrong selector, wrong port, and the annotation by which a node is stopped."""

    def prepare(self, order: Order) -> Obj:
        """Return the value as it is and as it will be."""
        return plan_break(order.kube, order.fault, order.namespace, order.ends_at).to_status()

    def act(self, order: Order, original: Obj, affected: Sequence[str]) -> Outcome:
        """Change the value, once: a value that is as it was after that has been repaired, and stays so."""
        planned = remembered_break(order.fault, original)
        if not affected:
            current, _ = _change(order, planned, planned.broken)
            if current is None:
                return Outcome((), f"{planned.kind} {planned.name} is gone", over=True)
            if not planned.is_on(current):
                return Outcome((), f"{planned} was changed by somebody else meanwhile", over=True)
        if planned.kind == "Node" and not affected:
            return _switched_off(order, planned)
        return Outcome((planned.name,), f"{planned} is {_words(planned.became)}, was {_words(planned.was)}")

    def revert(self, order: Order, original: Obj, affected: Sequence[str]) -> str:
        """Put the value back, unless it is no longer as this fault left it."""
        planned = remembered_break(order.fault, original)
        current, changed = _change(order, planned, planned.restored)
        if current is None:
            return f"{planned.kind} {planned.name} is gone: nothing to put back"
        if not changed:
            now, left = _words(read(current, planned.path)), _words(planned.became)
            return f"{planned} is {now} now, not {left} as this fault left it: somebody's change stays"
        return f"{planned} is {_words(planned.was)} again"


def _switched_off(order: Order, planned: Break) -> Outcome:
    """Tell by the power agent's word whether the node is off; until then the annotation is only a wish."""
    agent = agent_word(order.kube)
    if planned.name in agent.off and agent.is_there:
        return Outcome((planned.name,), f"the power agent has stopped the node {planned.name}")
    why = f"the power agent is to stop the node {planned.name}" + ("" if agent.is_there else f", but {agent}")
    return Outcome((), why, pending=True)


def _words(value: Any) -> str:
    """Return a value of an object as a person would write it."""
    return "nothing" if value is None else json.dumps(value)


def _change(order: Order, planned: Break, change: Callable[[Obj], Obj | None]) -> tuple[Obj | None, bool]:
    """Write what ``change`` makes of the object; return it as it is then (None: gone), and whether it was written.

    What was read carries its resourceVersion: the server refuses the write if anybody was faster.
    """
    for _ in range(_TRIES):
        current = order.kube.find(planned.kind, planned.name, order.namespace)
        changed = change(current) if current is not None else None
        if changed is None:
            return current, False
        try:
            return order.kube.replace(changed), True
        except KubeError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
    raise KubeError(f"{planned.kind} {planned.name} changes faster than it can be written", status=HTTPStatus.CONFLICT)

"""Faults that are put into the mesh, beside what the learner has in place there, and come out without a trace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus

from wavetank.errors import KubeError
from wavetank.faults.mesh import Injection
from wavetank.faults.ownership import MANAGER, handed_back, is_taken, owners_of
from wavetank.faults.remembered import remembered_injection
from wavetank.faults.virtualservice import VIRTUAL_SERVICE, http_routes, joined, left, members, virtual_service
from wavetank.kube import Obj
from wavetank.operator.effects import Order, Outcome
from wavetank.operator.meshrules import in_force
from wavetank.operator.rules import plan_injection
from wavetank.waves import API_VERSION

__all__ = ["InjectInMesh"]

_TRIES = 5
_REWRITING = threading.Lock()
"""Between the two updates of a change (see `wavetank.faults.ownership`) no other fault must look."""


class InjectInMesh:
    """Delays and aborts in the callers' sidecars, through the VirtualService by which these go.

    Where the Service has none, faults make one. It belongs to each fault that is in it, and the last one deletes it.
    """

    def prepare(self, order: Order) -> Obj:
        """Return what the routes are, who has set them, and what will be put into them."""
        with _REWRITING:
            return plan_injection(order.kube, order.fault, order.namespace, order.uid).to_status()

    def act(self, order: Order, original: Obj, affected: Sequence[str]) -> Outcome:
        """Put the fault in, once: a route that is without it after that was cleaned, and stays so."""
        planned = remembered_injection(order.fault, original)
        with _REWRITING:
            found = _find(order, planned) if affected else _inject(order, planned)
        if found is None:
            return Outcome(tuple(affected), f"VirtualService {planned.name} is gone", over=not affected)
        if not affected and not planned.count(found):
            return Outcome((), f"{planned} was changed by somebody else meanwhile", over=True)
        names = in_force(order.kube, planned.service, order.namespace)
        rivals = [name for name in names if name != planned.name]
        words = [f"{', '.join(rivals)} is for {planned.service} too: sidecars go by {names[0]} alone"] if rivals else []
        idle = names[:1] != [planned.name]
        return Outcome((planned.name,), "; ".join([_where(planned, found), *words]), idle=idle)

    def revert(self, order: Order, original: Obj, affected: Sequence[str]) -> str:
        """Take the fault out of every route that is as this fault left it."""
        planned = remembered_injection(order.fault, original)
        with _REWRITING:
            found = _find(order, planned)
            if found is None:
                return f"VirtualService {planned.name} is gone: nothing to put back"
            if planned.made:
                return _leave(order, planned, found)
            _rewrite(order, planned, planned.restored)
            if count := planned.count(found):
                return f"the {planned.part} is out of {_routes(count)} of VirtualService {planned.name}"
            return f"{planned} was taken out already: somebody's change stays"


def _inject(order: Order, planned: Injection) -> Obj | None:
    """Put the fault in; return the VirtualService as it is then, None if it is gone."""
    if not planned.made:
        return _rewrite(order, planned, planned.injected)
    me = {"apiVersion": API_VERSION, "kind": "Fault", "name": order.fault.name, "uid": order.uid}
    if _find(order, planned) is None:
        bare = virtual_service(planned.name, order.namespace, planned.service)
        return order.kube.create(joined(planned.injected(bare) or bare, me))

    def with_me(found: Obj) -> Obj | None:
        injected = planned.injected(found) or found
        # Somebody's own of the same name may have come since this was planned.
        return joined(injected, me) if members(found) and planned.count(injected) else None

    return _rewrite(order, planned, with_me)


def _leave(order: Order, planned: Injection, found: Obj) -> str:
    """Delete a VirtualService that faults have made, or only leave it while another one is in it."""
    if order.uid not in members(found):
        return f"VirtualService {planned.name} is not this fault's: nothing to put back"
    if members(found) != [order.uid]:
        _rewrite(order, planned, lambda one: left(planned.restored(one) or one, order.uid))
        return f"the {planned.part} is out of VirtualService {planned.name}, which another fault still needs"
    order.kube.delete_object(VIRTUAL_SERVICE, planned.name, order.namespace, uid=found["metadata"]["uid"])
    return f"VirtualService {planned.name} is deleted"


def _rewrite(order: Order, planned: Injection, change: Callable[[Obj], Obj | None]) -> Obj | None:
    """Write what ``change`` makes of the VirtualService; return it as it is then, None if it is gone.

    Who has set its routes is afterwards who had set them before; if a crash came between, who had when it was planned.
    """
    for _ in range(_TRIES):
        found = _find(order, planned)
        if found is None:
            return None
        owners = planned.owners if is_taken(found) else owners_of(found)
        try:
            if (changed := change(found)) is not None:
                found = order.kube.replace(changed, MANAGER)
            if (given := handed_back(found, owners)) is not None:
                found = order.kube.replace(given, MANAGER)
            return found
        except KubeError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
    raise KubeError(f"VirtualService {planned.name} changes faster than it can be written", status=HTTPStatus.CONFLICT)


def _find(order: Order, planned: Injection) -> Obj | None:
    return order.kube.find(VIRTUAL_SERVICE, planned.name, order.namespace)


def _where(planned: Injection, found: Obj) -> str:
    of, made = _routes(len(http_routes(found))), ", which was made for it" if planned.made else ""
    return f"the {planned.part} is in {planned.count(found)} of {of} of VirtualService {planned.name}{made}"


def _routes(count: int) -> str:
    return f"{count} {'route' if count == 1 else 'routes'}"

"""The operator as kopf sees it: one daemon per load and fault that is not over, and events that wake them.

kopf watches, starts and ends the daemons, and keeps a finalizer on what they tend; it stores nothing of its own in the
resources. What is to be done at each look is `LoadTender`'s and `FaultTender`'s business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import kopf

from wavetank.errors import ClusterError, KubeError
from wavetank.faults.resource import ENDED as FAULT_ENDED
from wavetank.kube import Kube
from wavetank.operator import session
from wavetank.operator.bells import Bells
from wavetank.operator.faults import FaultTender
from wavetank.operator.loads import LoadTender
from wavetank.operator.look import Look
from wavetank.traffic.resource import ENDED as LOAD_ENDED
from wavetank.waves import FINALIZER, is_held

__all__ = ["GROUP", "VERSION", "register"]

GROUP, VERSION = "wavetank.dev", "v1alpha1"
_TRY_AGAIN = 1.0
_LOOK_ANYWAY = 30.0
"""Seconds after which a tender looks even if nothing has woken it: an event may have been lost with a connection."""
_AT_ONCE = 12
"""How many tenders may look at the same time."""

log = logging.getLogger("wavetank.operator")


class Tender(Protocol):
    """Whoever tends one resource."""

    def look(self) -> Look:
        """Do what is to be done now."""


def register(registry: kopf.OperatorRegistry, kube: Kube) -> None:
    """Add the handlers that tend loads and faults over ``kube`` to ``registry``."""
    bells = Bells()
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="look")

    @kopf.on.startup(registry=registry)
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.persistence.finalizer = FINALIZER
        settings.posting.reporting_component = "wavetank"
        settings.posting.reporting_instance = "operator"
        settings.posting.event_name_prefix = "wavetank-"
        settings.peering.standalone = True
        # A daemon ends by itself once what it tends has ended; how soon kopf notices is how long a deletion takes.
        settings.background.instant_exit_timeout = 0.5
        settings.background.cancellation_polling = 1.0

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        return await session.log_in(kube)

    @kopf.on.event(GROUP, VERSION, "loads", registry=registry)
    @kopf.on.event(GROUP, VERSION, "faults", registry=registry)
    async def wake_one(meta: kopf.Meta, **_: Any) -> None:
        bells.ring(meta["namespace"], meta["uid"])

    @kopf.on.event(GROUP, VERSION, "faults", registry=registry)
    async def end_one_deleted_meanwhile(type: str | None, body: kopf.Body, meta: kopf.Meta, **_: Any) -> None:
        """Revert a fault that was deleted while no operator ran: kopf begins no daemon for it, and would let it go."""
        leaves = "deletionTimestamp" in meta and is_held(dict(body)) and type != "DELETED"
        if leaves and not bells.has(meta["namespace"], meta["uid"]):
            tender = FaultTender(kube, meta["namespace"], meta["name"], meta["uid"])
            with bells.hung(meta["namespace"], meta["uid"]) as bell:
                await _tend(tender, pool, bell, None, body)

    @kopf.on.event("v1", "pods", registry=registry)
    async def wake_for_pod(meta: kopf.Meta, **_: Any) -> None:
        loads = [owner["uid"] for owner in meta.get("ownerReferences", ()) if owner["kind"] == "Load"]
        for uid in loads:
            bells.ring(meta["namespace"], uid)
        if not loads:  # it may be one of those that any fault in its namespace is about
            bells.ring_all(meta["namespace"])

    @kopf.daemon(GROUP, VERSION, "loads", registry=registry, when=_not_in(LOAD_ENDED), backoff=_TRY_AGAIN)
    async def tend_load(body: kopf.Body, meta: kopf.Meta, stopped: kopf.DaemonStopped, **_: Any) -> None:
        with bells.hung(meta["namespace"], meta["uid"]) as bell:
            tender = LoadTender(kube, meta["namespace"], meta["name"], meta["uid"])
            await _tend(tender, pool, bell, stopped, body)

    @kopf.daemon(GROUP, VERSION, "faults", registry=registry, when=_not_in(FAULT_ENDED), backoff=_TRY_AGAIN)
    async def tend_fault(body: kopf.Body, meta: kopf.Meta, stopped: kopf.DaemonStopped, **_: Any) -> None:
        with bells.hung(meta["namespace"], meta["uid"]) as bell:
            tender = FaultTender(kube, meta["namespace"], meta["name"], meta["uid"])
            await _tend(tender, pool, bell, stopped, body)


async def _tend(
    tender: Tender, pool: ThreadPoolExecutor, bell: asyncio.Event, stopped: kopf.DaemonStopped | None, body: kopf.Body
) -> None:
    """Look again and again until there is nothing left to do, or the operator itself ends."""
    loop = asyncio.get_running_loop()
    words = f"{body['kind']} {body.meta.namespace}/{body.meta.name}"
    while not _is_exiting(stopped):
        bell.clear()
        try:
            look = await loop.run_in_executor(pool, tender.look)
        except (KubeError, ClusterError) as error:  # ClusterError: the cluster's mark was taken away meanwhile
            log.warning("%s: %s", words, error.summary)
            look = Look(again=_TRY_AGAIN)
        for news in look.news:
            log.info("%s: %s: %s", words, news.reason, news.message)
            kopf.event(body, type=news.type, reason=news.reason, message=news.message)
        if look.again is None:
            return
        waits = [bell.wait()] if stopped is None or stopped else [bell.wait(), stopped.wait()]
        await _first_of(*waits, timeout=min(look.again, _LOOK_ANYWAY))


async def _first_of(*awaited: Awaitable[Any], timeout: float) -> None:
    tasks = [asyncio.ensure_future(one) for one in awaited]
    await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _is_exiting(stopped: kopf.DaemonStopped | None) -> bool:
    """Tell whether the operator itself ends: then everything stays as it is, for the next operator to go on with."""
    return (
        stopped is not None
        and stopped.reason is not None
        and kopf.DaemonStoppingReason.OPERATOR_EXITING in stopped.reason
    )


def _not_in(phases: frozenset[str]) -> Callable[..., bool]:
    def going(status: kopf.Status, **_: Any) -> bool:
        return status.get("phase") not in phases

    return going

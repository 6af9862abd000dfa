"""The admission webhook: what cannot work is refused when it is asked for, in words.

The webhook's configuration is part of clusters/manifests/operator.yaml; only the certificate is filled in here. It says
``failurePolicy: Ignore``: while the operator is down, loads and faults can still be created, and wait; and because the
operator asks the same rules before it begins, nothing slips through. Only creation is judged: whatever exists can
always be stopped and deleted.

What is refused names what there is instead, so nobody but the API server gets an answer, which asks for somebody whom
it has let create a load or fault in that namespace. It is known by where it asks: at a path that is made anew whenever
the operator starts, and stands in the webhook's configuration, which no account but a cluster's administrator reads.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import kopf

from wavetank.errors import InputError, NotFoundError
from wavetank.faults.resource import Fault
from wavetank.kube import Kube, Obj
from wavetank.operator.certificates import make_certificate
from wavetank.operator.handlers import GROUP, VERSION
from wavetank.operator.rules import check_fault, check_load
from wavetank.traffic.resource import Load

__all__ = ["CONFIGURATION", "HOST", "register"]

CONFIGURATION = "wavetank"
"""Name of the ValidatingWebhookConfiguration."""
HOST = "wavetank-operator.wavetank-system.svc"
PORT = 9443
UNPROCESSABLE = 422

log = logging.getLogger("wavetank.operator")


def register(registry: kopf.OperatorRegistry, kube: Kube, port: int = PORT) -> None:
    """Add the handlers that judge new loads and faults to ``registry``, served on ``port`` to the API server."""

    @kopf.on.startup(registry=registry)
    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.admission.server = _serving(kube, port)

    @kopf.on.validate(GROUP, VERSION, "faults", registry=registry, id="faults", operations=["CREATE"])
    def judge_fault(body: kopf.Body, meta: kopf.Meta, warnings: list[str], **_: Any) -> None:
        warnings += _judged(lambda: check_fault(kube, Fault.from_resource(dict(body)), meta["namespace"]))

    @kopf.on.validate(GROUP, VERSION, "loads", registry=registry, id="loads", operations=["CREATE"])
    def judge_load(body: kopf.Body, meta: kopf.Meta, warnings: list[str], **_: Any) -> None:
        warnings += _judged(lambda: check_load(kube, Load.from_resource(dict(body)), meta["namespace"]))


def _service(path: str) -> Obj:
    """Return whom the API server is to ask, and where."""
    name, namespace, _ = HOST.split(".")
    return {"name": name, "namespace": namespace, "path": path}


def _judged(check: Callable[[], list[str]]) -> list[str]:
    try:
        return check()
    except InputError as error:
        parts = [error.summary, *(line.strip() for line in error.help.lines())]
        raise kopf.AdmissionError("; ".join(parts), code=UNPROCESSABLE) from error


def _serving(kube: Kube, port: int) -> Callable[[kopf.WebhookFn], AsyncIterator[kopf.WebhookClientConfig]]:
    """Return kopf's server with a certificate that the API server has been told to trust."""

    async def serve(judge: kopf.WebhookFn) -> AsyncIterator[kopf.WebhookClientConfig]:
        certificate, key = make_certificate(HOST)
        path = f"/{secrets.token_hex(16)}"
        with tempfile.TemporaryDirectory() as folder:  # the ssl module reads files only
            certfile, keyfile = Path(folder, "tls.crt"), Path(folder, "tls.key")
            certfile.write_bytes(certificate)
            keyfile.write_bytes(key)
            await asyncio.to_thread(_tell, kube, certificate, path)
            server = kopf.WebhookServer(
                addr="0.0.0.0",  # noqa: S104
                port=port,
                host=HOST,
                path=path,
                certfile=certfile,
                pkeyfile=keyfile,
            )
            async with server:
                async for client_config in server(judge):
                    yield client_config

    return serve


def _tell(kube: Kube, certificate: bytes, path: str) -> None:
    """Tell the API server whom to trust and where to ask; where it does not ask, there is nothing to tell it."""
    bundle = base64.b64encode(certificate).decode()
    webhooks = [
        {"name": f"{plural}.{GROUP}", "clientConfig": {"caBundle": bundle, "service": _service(f"{path}/{plural}")}}
        for plural in ("faults", "loads")
    ]
    try:
        kube.patch("ValidatingWebhookConfiguration", CONFIGURATION, None, {"webhooks": webhooks}, type="strategic")
    except NotFoundError as error:
        log.warning("nothing will be refused at creation: %s", error.summary)

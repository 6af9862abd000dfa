"""How kopf reaches the API server: as the operator does, and writing only what may be written.

kopf keeps a finalizer on what it tends, and posts events, by a way of its own. Its session passes the same gate as
everything else that leaves (see `wavetank.kube.mark`), so that it too leaves a cluster alone whose mark is taken away.
"""

from __future__ import annotations

import asyncio

import aiohttp
import kopf

from wavetank.kube import Kube
from wavetank.kube.connection import READS

__all__ = ["log_in"]


async def log_in(kube: Kube) -> kopf.AiohttpSession:
    """Return kopf's session with the server and the identity of ``kube``; it has to be asked for in kopf's own loop."""
    info = _credentials(kube)

    async def gate(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if request.method not in READS:
            await asyncio.to_thread(kube.require_mark)
        return await send(request)

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        proxy=info.proxy_url,
        middlewares=(gate,),
    )
    return kopf.AiohttpSession(server=info.server, aiohttp_session=session)


def _credentials(kube: Kube) -> kopf.ConnectionInfo:
    configuration = kube.connection.configuration
    scheme, _, token = kube.connection.credentials().get("authorization", "").partition(" ")
    return kopf.ConnectionInfo(
        server=kube.connection.server,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        scheme=scheme or None,
        token=token or None,
        proxy_url=configuration.proxy,
    )

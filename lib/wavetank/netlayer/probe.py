"""Asking the gateway's pods, each at its own address, whether they route as an Ingress now wants it.

Who answers a probe is the Service behind the route: Knative's activator and queue-proxy send the hash back that the
gateway has put in (knative.dev/networking pkg/http/probe). A Service that knows nothing of probes is taken at its word
that there is a route to it, and so is a redirect; upstream does the same (pkg/status).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack

import urllib3

from wavetank.kube import Kube
from wavetank.netlayer.doors import NAMESPACE
from wavetank.netlayer.translate import HASH_HEADER, OVERRIDE, Probe

__all__ = ["Address", "gateway_addresses", "unanswered"]

Address = tuple[str, int]
"""The IP address of a gateway's pod, and one of its ports."""

_TIMEOUT = 1.0
_NOT_YET = (404, 503)
"""What a gateway answers by itself for a host or a destination that it does not know yet."""
_HEADERS = {"User-Agent": "Knative-Ingress-Probe", "K-Network-Probe": "probe", HASH_HEADER: OVERRIDE}


def gateway_addresses(kube: Kube, services: Iterable[str]) -> dict[tuple[str, str], list[Address]]:
    """Return the ready pods behind each of the gateway's ``services``, by Service and name of its port."""
    found: dict[tuple[str, str], list[Address]] = {}
    for service in services:
        selector = f"kubernetes.io/service-name={service}"
        for piece in kube.list(("discovery.k8s.io/v1", "EndpointSlice"), NAMESPACE, selector=selector):
            ready = [end for end in piece["endpoints"] or () if (end.get("conditions") or {}).get("ready") is not False]
            for port in piece.get("ports") or ():
                addresses = found.setdefault((service, port.get("name") or ""), [])
                addresses += [(ip, port["port"]) for end in ready for ip in end["addresses"]]
    return found


def unanswered(probes: Iterable[Probe], addresses: Mapping[tuple[str, str], list[Address]], expected: str) -> str:
    """Ask every gateway pod each of ``probes``; return in words the first that is not answered for ``expected`` yet.

    The empty string says that all are. Each question takes a second at most.
    """
    with ExitStack() as opened:
        pools: dict[tuple[Address, str], urllib3.HTTPConnectionPool] = {}
        for probe in probes:
            pods = addresses.get((probe.service, probe.port))
            if not pods:
                return f"no pod of the gateway {probe.service} is ready at its port {probe.port}"
            # Over TLS, the host is said before anything is asked: each is a connection of its own.
            sni = probe.host if probe.tls else ""
            for address in pods:
                if (address, sni) not in pools:
                    pools[address, sni] = opened.enter_context(_pool(address, sni))
                if answered := _ask(pools[address, sni], probe, expected):
                    where = f"the gateway pod {address[0]} does not route {probe.host}"
                    return f"{where} as this generation says: {answered}"
    return ""


def _ask(pool: urllib3.HTTPConnectionPool, probe: Probe, expected: str) -> str:
    """Return what is wrong with the answer, or the empty string."""
    headers = {**probe.headers, **_HEADERS, "Host": probe.host}
    try:
        answer = pool.request("GET", probe.path, headers=headers, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        return f"it does not answer ({type(error).__name__})"
    if answer.status in _NOT_YET:
        return f"it answers {answer.status}"
    told = answer.headers.get(HASH_HEADER)
    if answer.status == 200 and told not in (None, expected):
        return "it still answers with another one"
    return ""


def _pool(address: Address, sni: str) -> urllib3.HTTPConnectionPool:
    if not sni:
        return urllib3.HTTPConnectionPool(*address, timeout=_TIMEOUT, retries=False)
    # Whether the gateway has the certificate is the question, not whether anybody should trust it.
    return urllib3.HTTPSConnectionPool(
        *address, timeout=_TIMEOUT, retries=False, cert_reqs="CERT_NONE", assert_hostname=False, server_hostname=sni
    )

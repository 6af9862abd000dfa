"""From what a kubeconfig means to what the official client needs: certificates, tokens and their renewal, the way."""

from __future__ import annotations

import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavetank.kube.kubeconfig import Target
from wavetank.kube.plugin import log_in

if TYPE_CHECKING:
    from wavetank.proxies import Proxy

__all__ = ["configure", "end_of", "way_to"]

_ANEW = "write the kubeconfig anew, as the cluster's own tool does"


def configure(target: Target) -> Any:
    """Return the official client's configuration of ``target``; its program to log in is run, if it has one.

    Raises `InputError` for what cannot be read in it, and for a program that gives nothing.
    """
    from kubernetes.client import Configuration
    from kubernetes.config import load_kube_config_from_dict

    configuration: Any = Configuration()
    given = log_in(target) if target.user.get("exec") else None
    try:
        document = target.document(given.as_user() if given else target.user)
        load_kube_config_from_dict(document, client_configuration=configuration, persist_config=False)
    except Exception as error:  # the loader raises whatever its parsers do
        raise target.refused(
            " ".join(str(error).split()) or type(error).__name__,
            expected="certificates and keys in base64, and files that are there",
            hint=_ANEW,
        ) from error
    _refuse_unusable_certificates(target, configuration)
    if given and given.token and given.until:
        renewing = threading.Lock()

        def renew(configuration: Any) -> None:
            nonlocal given
            with renewing:  # one login for all threads
                if given is not None and given.has_run_out:
                    given = log_in(target)
                    configuration.api_key["BearerToken"] = f"Bearer {given.token}"

        configuration.refresh_api_key_hook = renew
    return configuration


def _refuse_unusable_certificates(target: Target, configuration: Any) -> None:
    """Try what the connection will load: what it would say itself tells of no file."""
    context, doing = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ""
    try:
        if configuration.ssl_ca_cert:
            doing = "its certificate-authority is no certificate in PEM"
            context.load_verify_locations(configuration.ssl_ca_cert)
        if configuration.cert_file:
            doing = "its client-certificate and client-key are no pair in PEM"
            context.load_cert_chain(configuration.cert_file, configuration.key_file, password="")
    except OSError as error:
        raise target.refused(
            f"{doing} ({' '.join(map(str, error.args[-1:]))})",
            expected="certificates and keys in PEM, without a password",
            hint=_ANEW,
        ) from error


def way_to(target: Target) -> Proxy | None:
    """Return the proxy on the way to a target, by its kubeconfig or else by the environment.

    Raises `InputError` for a proxy that does not speak HTTP.
    """
    from wavetank.proxies import Proxy, proxy_for

    server, file = target.origin.server, target.origin.file
    told = str(target.cluster.get("proxy-url") or "")
    proxy = Proxy(told, f"proxy-url in {file}") if told else proxy_for(server)
    if proxy is None:
        return None
    try:
        usable = proxy.parts.scheme in ("http", "https") and bool(proxy.parts.hostname) and proxy.parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise target.refused(
            f"the way to {server} leads by the proxy {proxy}, and Wavetank speaks only HTTP with a proxy",
            expected="an HTTP proxy, or none",
            hint=f"if the server can be reached without it: export NO_PROXY={target.host}",
        )
    return proxy


def end_of(certificate: str | None) -> datetime | None:
    """Return when a client certificate, a file in PEM, has run out; None while it is good, or cannot be read."""
    from cryptography import x509

    try:
        end = x509.load_pem_x509_certificate(Path(certificate or "").read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
    return end if end < datetime.now(UTC) else None

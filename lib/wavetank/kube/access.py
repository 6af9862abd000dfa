"""From what a kubeconfig means to what the official client needs: certificates, tokens and their renewal, the way."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavetank.kube.kubeconfig import Target
from wavetank.kube.plugin import Credential, log_in

if TYPE_CHECKING:
    from wavetank.proxies import Proxy

__all__ = ["Login", "configure", "end_of", "way_to"]

Obj = dict[str, Any]

_ANEW = "write the kubeconfig anew, as the cluster's own tool does"


class Login:
    """Logs in to a target by the program that its kubeconfig names, as often as that is due."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._given = Credential()

    @property
    def is_due(self) -> bool:
        """Whether what the program gave last has run out."""
        return self._given.has_run_out

    def configuration(self) -> Any:
        """Run the program and return the configuration with what it gives. Raises as `log_in` and `configure` do."""
        given = log_in(self._target)
        configuration = configure(self._target, given.as_user())
        self._given = given
        return configuration


def configure(target: Target, user: Obj) -> Any:
    """Return the official client's configuration of ``target``, used by ``user``.

    Raises `InputError` for what cannot be read in it.
    """
    from kubernetes.client import Configuration
    from kubernetes.config import load_kube_config_from_dict

    configuration: Any = Configuration()
    try:
        document = target.document(user)
        load_kube_config_from_dict(document, client_configuration=configuration, persist_config=False)
    except Exception as error:  # the loader raises whatever its parsers do
        raise target.refused(
            " ".join(str(error).split()) or type(error).__name__,
            expected="certificates and keys in base64, and files that are there",
            hint=_ANEW,
        ) from error
    _refuse_unusable_certificates(target, configuration)
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

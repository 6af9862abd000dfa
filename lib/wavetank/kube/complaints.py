"""What a person is told when a server does not answer, is none, or does not know who asks: with where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from urllib3.exceptions import SSLError

from wavetank.errors import KubeError, UnreachableError
from wavetank.kube.access import end_of
from wavetank.kube.refusals import innermost, reason

if TYPE_CHECKING:
    from wavetank.kube.connection import Connection

__all__ = ["no_answer", "no_api_server", "unauthorized"]


def unauthorized(connection: Connection, error: KubeError) -> KubeError:
    """Return the error for a server that does not know who asks."""
    ended = end_of(connection.configuration.cert_file)
    return KubeError(
        error.summary,
        status=error.status,
        observed=f"the client certificate ran out at {ended}" if ended else "it does not take the kubeconfig's user",
        expected=f"a user that it knows; {connection.origin}",
        command=connection.kubectl("auth", "whoami"),
        hint="log in again, or write the kubeconfig anew: of a cluster that `wavetank up` has made, it does so",
    )


def no_answer(connection: Connection, error: Exception) -> UnreachableError:
    """Return the error for a server that did not answer, whichever way."""
    cause, proxy, configuration = innermost(error), connection.proxy, connection.configuration
    if proxy:
        hint = "is that proxy meant for this server, and up?"
        if proxy.said_by.startswith("$"):
            hint += f" where the server can be reached without: export NO_PROXY={urlsplit(connection.server).hostname}"
    elif not isinstance(cause, SSLError):
        hint = "is the cluster up? wavetank status"
    elif ended := end_of(configuration.cert_file):
        hint = f"the client certificate ran out at {ended}: log in again, or write the kubeconfig anew"
    elif configuration.verify_ssl and not configuration.ssl_ca_cert:
        hint = "the kubeconfig names no certificate-authority, so only public ones are trusted: write it anew"
    else:
        hint = "the certificate is not this kubeconfig's: is it of a cluster that was deleted and made again?"
    return UnreachableError(
        f"the API server at {connection.server} does not answer",
        observed=reason(cause) + _way(connection),
        expected=f"an answer; {connection.origin}",
        command=connection.kubectl("get", "--raw", "/readyz"),
        hint=hint,
    )


def no_api_server(connection: Connection, said: bytes) -> UnreachableError:
    """Return the error for a server that has answered something else than an API server would."""
    return UnreachableError(
        f"what answers at {connection.server} is no API server",
        observed=f"{' '.join(said.decode(errors='replace').split())[:100]!r}{_way(connection)}",
        expected=f"an object in JSON; {connection.origin}",
        command=connection.kubectl("get", "--raw", "/readyz"),
        hint="is something else in its place: a page to log in to a network, another program on that port?",
    )


def _way(connection: Connection) -> str:
    return f", by way of the proxy {connection.proxy}" if connection.proxy else ""

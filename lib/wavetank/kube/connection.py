"""One connection to one API server: a request out, JSON or lines back, every refusal one of Wavetank's errors.

The official client knows kubeconfig files, certificates, tokens and their renewal; its generated models know every type
of one Kubernetes release. This project wants the first and not the second, because plain dicts keep what a newer server
says. So the official client makes the configuration and the connection pool, and what travels over it is said here.
"""

from __future__ import annotations

import json
import os
import shlex
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

import urllib3
from urllib3.exceptions import HTTPError

from wavetank.errors import InputError, KubeError, UnreachableError
from wavetank.kube.access import Login, configure, way_to
from wavetank.kube.complaints import no_answer, no_api_server, unauthorized
from wavetank.kube.kubeconfig import VARIABLE, read
from wavetank.kube.mark import ANSWER_WITHIN, Gate
from wavetank.kube.origin import Origin
from wavetank.kube.refusals import refusal

if TYPE_CHECKING:
    from wavetank.proxies import Proxy

__all__ = ["FIELD_MANAGER", "ONCE", "READS", "Connection", "Obj"]

Obj = dict[str, Any]
"""A Kubernetes object as the API returns it."""

Query = Mapping[str, Any] | Sequence[tuple[str, str]]
"""Query parameters: by name, those that are empty or None left out; or pairs, sent as they are."""

FIELD_MANAGER = "wavetank"
CONNECT_TIMEOUT = 5.0
SERVICE_ACCOUNT_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

LOG_IN_AGAIN_AFTER = 60.0
"""Seconds in which a program that logs in is not asked again, although what it gave is refused: it may ask a person."""

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""

# A kept connection that the server has closed is noticed without a retry. Worth repeating is 429, which a server
# answers while it starts to serve a kind it has just learned; it says after how long.
_RETRIES = urllib3.Retry(
    3, connect=0, read=0, other=0, status_forcelist=[429], allowed_methods=None, raise_on_status=False
)
ONCE = urllib3.Retry(0)
"""Whatever is answered the first time is the caller's to judge, 429 too."""


class Connection:
    """Requests to one API server. Safe to use from several threads.

    Nothing is written to a cluster that does not say that it is Wavetank's (`wavetank.kube.mark`).

    ``configuration`` is the official client's; ``origin`` says where the server's address came from; ``kubeconfig`` is
    the file and ``context`` what was chosen in it, for commands to paste; ``proxy`` is what stands on the way;
    ``login`` is how to log in anew, where a program does that.
    """

    def __init__(
        self,
        configuration: Any,
        origin: Origin,
        kubeconfig: Path | None = None,
        context: str | None = None,
        proxy: Proxy | None = None,
        login: Login | None = None,
    ) -> None:
        self.origin = origin
        self.kubeconfig = kubeconfig
        self._context = context
        self.proxy = proxy
        self._gate = Gate()
        self._login, self._logging_in = login, threading.Lock()
        self._use(configuration)

    @classmethod
    def open(cls, kubeconfig: Path | None, context: str | None) -> Connection:
        """Read the configuration; nothing is sent yet, but a kubeconfig's own program may be run to log in.

        Without ``kubeconfig`` it is the pod's own service account inside a cluster, else ``$KUBECONFIG``. The user's
        default file is never guessed at: what breaks things on purpose must be pointed at its cluster.
        Raises `InputError` when there is none or it cannot be used.
        """
        # Half a second of imports that `--help` and a unit test of a pure function should not pay for.
        from kubernetes.client import Configuration
        from kubernetes.config import load_incluster_config

        if kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ and SERVICE_ACCOUNT_TOKEN.exists():
            configuration = Configuration()
            load_incluster_config(client_configuration=configuration)
            return cls(configuration, Origin(configuration.host, "KUBERNETES_SERVICE_HOST"))
        target = read(kubeconfig, context)
        file = target.origin.file
        if kubeconfig is None and str(file) == os.environ.get(VARIABLE):
            kubeconfig = file
        login = Login(target) if target.user.get("exec") else None
        configuration = login.configuration() if login else configure(target, target.user)
        return cls(configuration, target.origin, kubeconfig, context, way_to(target), login)

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return str(self.configuration.host).rstrip("/")

    def require_mark(self, within: float = ANSWER_WITHIN) -> None:
        """Return when the cluster says that it is Wavetank's, so that it may be written to.

        Raises `ClusterError` that names the server and where its address came from, when it does not, and
        `UnreachableError` when it says nothing ``within`` seconds.
        """
        self._gate.pass_through(self, within)

    def kubectl(self, *arguments: str) -> str:
        """Return a kubectl command for this cluster that can be pasted."""
        known = self.kubeconfig is None or str(self.kubeconfig) == os.environ.get("KUBECONFIG")
        flags = [] if known else ["--kubeconfig", str(self.kubeconfig)]
        flags += ["--context", self._context] if self._context else []
        return shlex.join(["kubectl", *flags, *arguments])

    def flags(self) -> list[str]:
        """Return by which flags a program that takes kubectl's asks this cluster, wherever its default leads by now."""
        flags = ["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else []
        return flags + (["--context", self.origin.context] if self.origin.context else [])

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 30.0,
        retries: urllib3.Retry = _RETRIES,
        marking: bool = False,
    ) -> Obj:
        """Send one request and return the JSON answered; ``timeout`` is in seconds.

        Raises `NotFoundError`, `UnreachableError`, or `KubeError` with the server's words, and what `exchange` raises.
        """
        headers = {"Accept": accept, "Content-Type": content_type}
        data = None if body is None else json.dumps(body).encode()
        response = self.exchange(
            method, path, query=query, body=data, headers=headers, timeout=timeout, retries=retries, marking=marking
        )
        if response.status >= 400:
            raise self.refused(response.status, response.data)
        try:
            answer: Obj = json.loads(response.data)
        except ValueError as error:
            raise no_api_server(self, response.data) from error
        return answer

    def text(self, path: str, *, query: Query | None = None, timeout: float = 30.0) -> str:
        """Return the text answered to a GET. Raises as `call` does."""
        response = self.exchange("GET", path, query=query, timeout=timeout)
        if response.status >= 400:
            raise self.refused(response.status, response.data)
        return response.data.decode(errors="replace")

    def exchange(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        preload: bool = True,
        retries: urllib3.Retry = _RETRIES,
        marking: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request and return whatever was answered, read whole unless ``preload`` is false.

        Raises `UnreachableError` when there was no answer within ``timeout`` seconds, and `ClusterError`, with nothing
        sent, for what writes to a cluster that is not Wavetank's. ``marking`` is for the mark itself, and nothing else.
        """
        if method not in READS and not marking:
            self._gate.pass_through(self, min(timeout or ANSWER_WITHIN, ANSWER_WITHIN))
        connect = CONNECT_TIMEOUT if timeout is None else min(CONNECT_TIMEOUT, timeout)

        def send() -> urllib3.BaseHTTPResponse:
            given = self.credentials()  # which may change the pool
            try:
                return self._pool.request(
                    method,
                    self.url(path, query),
                    body=body,
                    headers={**(headers or {}), **given},
                    timeout=urllib3.Timeout(connect=connect, read=timeout),
                    retries=retries,
                    redirect=False,
                    preload_content=preload,
                )
            except HTTPError as error:
                raise self.unreachable(error) from error

        used = self.configuration
        response = send()
        if response.status == HTTPStatus.UNAUTHORIZED and self.log_in_again(used):
            response.close()
            response = send()
        return response

    def lines(
        self,
        path: str,
        *,
        query: Query | None = None,
        timeout: float | None,
        stop: threading.Event | None = None,
    ) -> Iterator[bytes]:
        """Yield the lines of a streamed answer until the server ends it or ``stop`` is set.

        ``timeout`` is the longest silence in seconds. Raises `UnreachableError` when the stream breaks or is silent for
        longer.
        """
        response = self.exchange("GET", path, query=query, timeout=timeout, preload=False)
        if response.status >= 400:
            raise self.refused(response.status, response.read())
        try:
            with _hung_up_on(stop, response):
                rest = b""
                for chunk in response.stream(65536):
                    if stop is not None and stop.is_set():  # what is read after the hanging up may be ciphertext
                        return
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from lines
                if rest:
                    yield rest
        except (HTTPError, ValueError) as error:  # ValueError: what ssl raises when hung up on between two reads
            if stop is None or not stop.is_set():
                raise self.unreachable(error) from error
        finally:
            response.close()

    def url(self, path: str, query: Query | None = None) -> str:
        """Return the address of ``path`` on this server."""
        if isinstance(query, Mapping):
            query = [(key, _as_text(value)) for key, value in query.items() if value not in ("", None)]
        asked = urlencode(query or ())
        return self.server + quote(path, safe="/:@%") + (f"?{asked}" if asked else "")

    def credentials(self) -> dict[str, str]:
        """Return the headers that say who asks (none when a client certificate does); renews what has run out.

        Raises `UnreachableError` when the kubeconfig's program does not log in any more.
        """
        if self._login and self._login.is_due:
            self.log_in_again(self.configuration, at_once=True)
        settings = self.configuration.auth_settings().values()
        return {setting["key"]: setting["value"] for setting in settings if setting["value"]}

    def log_in_again(self, used: Any, *, at_once: bool = False) -> bool:
        """Have other credentials than those of ``used``, a configuration; tell whether there are any.

        Several threads may ask: the program is run once, and not again within `LOG_IN_AGAIN_AFTER` unless ``at_once``.
        Raises `UnreachableError` when it gives nothing.
        """
        with self._logging_in:
            if self.configuration is not used:
                return True
            if self._login is None or (not at_once and time.monotonic() < self._logged_in + LOG_IN_AGAIN_AFTER):
                return False
            try:
                self._use(self._login.configuration())
            except InputError as error:
                summary = f"nobody is logged in at {self.server} any more: {error.summary}"
                raise UnreachableError(summary, **error.help.parts()) from error
            return True

    def _use(self, configuration: Any) -> None:
        """Ask the server by ``configuration`` from now on; what is on its way goes on as it is."""
        from kubernetes.client.rest import RESTClientObject

        configuration.connection_pool_maxsize = 32  # each running watch keeps one
        # What the library has found in the environment is not asked: `proxy_for` knows better (see wavetank.proxies).
        configuration.proxy, configuration.no_proxy = self.proxy and self.proxy.url, None
        if self.proxy and self.proxy.parts.username:
            named = f"{unquote(self.proxy.parts.username)}:{unquote(self.proxy.parts.password or '')}"
            configuration.proxy_headers = urllib3.make_headers(proxy_basic_auth=named)
        self._pool: urllib3.PoolManager = RESTClientObject(configuration).pool_manager
        self.configuration, self._logged_in = configuration, time.monotonic()

    def refused(self, status: int, body: bytes) -> KubeError:
        """Return the error for what the server has refused; who asks, it knows by the kubeconfig."""
        error = refusal(status, body)
        return unauthorized(self, error) if status == HTTPStatus.UNAUTHORIZED else error

    def unreachable(self, error: Exception) -> UnreachableError:
        """Return the error for a server that did not answer, whichever way."""
        return no_answer(self, error)


@contextmanager
def _hung_up_on(stop: threading.Event | None, response: urllib3.BaseHTTPResponse) -> Iterator[None]:
    """Break off a read that waits for more as soon as ``stop`` is set."""
    if stop is None:
        yield
        return
    over = threading.Event()

    def hang_up() -> None:
        while not over.is_set():
            if stop.wait(0.1):
                with suppress(RuntimeError, ValueError, OSError):  # it ended by itself just now
                    response.shutdown()
                return

    thread = threading.Thread(target=hang_up, name="wavetank-hang-up", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

"""Asking public servers for something: politely, again when that helps, and going on with what has come already.

Proxies of the environment are honoured, and authorities of the system, of SSL_CERT_FILE and of REQUESTS_CA_BUNDLE are
trusted. A server that is busy is asked again after the time that it names; one that names too long a time is believed.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from wavetank.bundle import troubles
from wavetank.bundle.progress import Progress
from wavetank.errors import BundleError
from wavetank.proxies import Session

__all__ = ["SystemTrust", "Web"]

CONNECT_SECONDS = 15.0
SILENCE_SECONDS = 30.0
"""How long a server may say nothing at all."""
STALL_SECONDS = 60.0
STALL_BYTES = 64 * 1024
"""What has to come in each `STALL_SECONDS`, or the connection counts as broken."""
TRIES = 5
"""How often something is asked for that does not come; a connection over which more has come begins anew."""
FIRST_PAUSE_SECONDS = 1.0
"""The pause before the second try; each is twice the one before."""
PATIENCE_SECONDS = 300.0
"""How long one transfer may wait for busy servers altogether."""
BUSY = (408, 429, 500, 502, 503, 504)
WALLED = 511
"""Network Authentication Required: said by a network that wants a login first."""
CHUNK = 1 << 16
DOCUMENT_BYTES = 16 << 20
"""No manifest or configuration is larger."""

Ask = Callable[[Mapping[str, str]], requests.Response]


class Web:
    """A session with all servers; usable by several threads."""

    def __init__(self, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._session = Session()
        self._session.mount("https://", SystemTrust())

    def ask(
        self,
        url: str,
        what: str,
        progress: Progress,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        credentials: tuple[str, str] | None = None,
        let_pass: tuple[int, ...] = (),
    ) -> requests.Response:
        """Return the answer to a request, its body still to be read; ``let_pass`` are statuses that the caller wants.

        Raises `BundleError`, as `troubles` tells it, for any other answer than a good one.
        """
        patience = _Patience(self._pause, progress)
        # An `auth` of its own keeps requests from looking for the host in ~/.netrc.
        auth: Any = credentials or (lambda request: request)
        while True:
            try:
                answer = self._session.request(
                    method,
                    url,
                    headers={"Accept-Encoding": "identity", **(headers or {})},
                    auth=auth,
                    stream=True,
                    allow_redirects=True,
                    timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
                )
            except requests.RequestException as error:
                trouble = troubles.unreachable(what, url, error)
                if troubles.is_lasting(error):
                    raise trouble from error
                patience.wait(trouble, "the network")
                continue
            if answer.status_code in let_pass:
                return answer
            if answer.status_code in BUSY:
                asked = _retry_after(answer)
                answer.close()
                trouble = troubles.refused(what, url, answer.status_code, asked)
                patience.wait(trouble, f"the server ({answer.status_code})", asked)
                continue
            _check(answer, what, url)
            return answer

    def read(self, ask: Ask, url: str, what: str, progress: Progress) -> bytes:
        """Return the whole of what ``ask`` answers, a small document; raises `BundleError` as `fetch` does."""
        patience = _Patience(self._pause, progress)
        while True:
            answer = ask({})
            try:
                return bytes(answer.raw.read(DOCUMENT_BYTES, decode_content=True))
            except (urllib3.exceptions.HTTPError, OSError) as error:
                trouble = troubles.broken(what, url, 0, None, error)
            finally:
                answer.close()
            patience.wait(trouble, "a new connection")

    def fetch(self, ask: Ask, url: str, what: str, target: Path, size: int | None, progress: Progress) -> None:
        """Fetch what ``ask`` answers into ``target``, going on behind what is there; ``size`` in bytes, if known.

        ``ask`` is given the headers of the request. Raises `BundleError` as `ask` does, when the connection breaks too
        often, and when the disk is full; what has come stays in ``target``.
        """
        patience = _Patience(self._pause, progress)
        progress.had(_size(target))
        furthest = _size(target)
        while True:
            have = _size(target)
            if size is not None and have >= size:
                return
            answer = ask({"Range": f"bytes={have}-"} if have else {})
            if have and answer.status_code != requests.codes.partial_content:
                # The server does not go on in the middle, or has nothing behind it.
                progress.lost(have)
                target.unlink()
                if answer.status_code == requests.codes.range_not_satisfiable:
                    answer.close()
                    continue
                have = 0
            if size is None:
                size = _announced(answer, have)
                progress.expect(size or 0)
            try:
                _copy(answer, target, progress, size)
                if size is None or _size(target) >= size:
                    return
                raise EOFError("the server ended it too early")
            except (_StalledError, urllib3.exceptions.ReadTimeoutError, TimeoutError):
                trouble = troubles.stalled(what, url, _size(target), size)
            except (urllib3.exceptions.HTTPError, EOFError, OSError) as error:
                if isinstance(error, OSError) and troubles.is_disk_full(error):
                    raise troubles.disk_full(what, target.parent, error) from error
                trouble = troubles.broken(what, url, _size(target), size, error)
            finally:
                answer.close()
            if _size(target) - furthest >= STALL_BYTES:  # one that begins anew each time gets nowhere
                furthest = _size(target)
                patience = _Patience(self._pause, progress)
            patience.wait(trouble, "a new connection")


class _Patience:
    """How often, and how long altogether, something is waited for."""

    def __init__(self, pause: Callable[[float], None], progress: Progress) -> None:
        self._pause = pause
        self._progress = progress
        self._tries = 1
        self._waited = 0.0

    def wait(self, trouble: BundleError, whom: str, asked: float | None = None) -> None:
        """Wait before the next try, as long as ``asked`` if that is longer; raises ``trouble`` when it is too long."""
        seconds = max(FIRST_PAUSE_SECONDS * 2 ** (self._tries - 1), asked or 0.0)
        self._tries += 1
        self._waited += seconds
        if self._tries > TRIES or self._waited > PATIENCE_SECONDS:
            raise trouble
        with self._progress.waiting(f"waiting {seconds:.0f} s for {whom}"):
            self._pause(seconds)


class _StalledError(Exception):
    """Too little came for too long."""


class SystemTrust(HTTPAdapter):
    """Trusts what the system trusts, beside what requests brings."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> Any:
        """Make connections that trust the system's authorities."""
        return super().init_poolmanager(*arguments, ssl_context=ssl.create_default_context(), **options)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """Make connections through a proxy that trust the system's authorities."""
        return super().proxy_manager_for(*arguments, ssl_context=ssl.create_default_context(), **options)


def _check(answer: requests.Response, what: str, url: str) -> None:
    """Raise what is wrong with an answer, if anything."""
    plain = next((hop for hop in (*answer.history, answer) if hop.url.startswith("http:")), None)
    html = answer.headers.get("Content-Type", "").startswith("text/html")
    if answer.status_code == WALLED or (answer.ok and html) or (plain and url.startswith("https:")):
        shown = answer.raw.read(4096, decode_content=True).decode(errors="replace") if html else ""
        answer.close()
        raise troubles.login_page(what, url, shown or f"{answer.status_code} at {answer.url}")
    if not answer.ok and answer.status_code != requests.codes.range_not_satisfiable:
        answer.close()
        raise troubles.refused(what, url, answer.status_code)


def _copy(answer: requests.Response, target: Path, progress: Progress, size: int | None) -> None:
    """Append what comes to ``target`` until it has ``size``; raises `_StalledError` when next to nothing comes."""
    since, came = time.monotonic(), 0
    have = _size(target)
    with target.open("ab") as sink:
        while chunk := answer.raw.read1(CHUNK, decode_content=False):
            sink.write(chunk)
            progress.came(len(chunk))
            came += len(chunk)
            have += len(chunk)
            if size is not None and have > size:
                return  # more than was announced: its digest will tell
            if time.monotonic() - since > STALL_SECONDS:
                if came < STALL_BYTES:
                    raise _StalledError
                since, came = time.monotonic(), 0


def _retry_after(answer: requests.Response) -> float | None:
    """Return the seconds that the server asks to wait, which it gives as such or as a date."""
    told = answer.headers.get("Retry-After", "")
    if told.isdigit():
        return float(told)
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _announced(answer: requests.Response, have: int) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return have + int(length) if length.isdigit() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

"""What can go wrong between this machine and a public registry, each told so that a person can act on it.

`make docs` writes the table of docs/troubles.md from these very texts.
"""

from __future__ import annotations

import errno
import re
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3

from wavetank.errors import BundleError
from wavetank.pasted import pasted

__all__ = [
    "broken",
    "disk_full",
    "is_disk_full",
    "is_lasting",
    "login_page",
    "moved",
    "refused",
    "stalled",
    "unreachable",
    "wrong_digest",
]

AGAIN = "run the same command again: it goes on where it stopped"
TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
HUB = ("registry-1.docker.io", "auth.docker.io")
FILE_HOSTS = ("github.com", "raw.githubusercontent.com")


def refused(what: str, url: str, status: int, wait: float | None = None) -> BundleError:
    """Return the error for an answer with ``status`` when ``what`` was asked for at ``url``.

    ``wait`` is how many seconds the server asks to wait, if it does.
    """
    host = _host(url)
    login = "docker login" if host in HUB else f"docker login {host}"
    asked = "" if wait is None else f", and asks to wait {_duration(wait)}"
    if status == requests.codes.too_many_requests:
        return BundleError(
            f"{host} gives no more for now: too much was fetched from this address",
            observed=f"{status} Too Many Requests for {what}{asked}",
            expected=f"{what}, after a wait of a few minutes at most",
            command=pasted("curl", "-sSI", url) if host in FILE_HOSTS else login,
            hint=f"wait, then {AGAIN}"
            if host in FILE_HOSTS
            else f"who has logged in (a free account does) may fetch more: `{login}`, then {AGAIN}",
        )
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        return BundleError(
            f"{host} does not give {what} to you",
            observed=f"{status} {HTTPStatus(status).phrase} at {url}",
            expected="something that everybody may fetch",
            command=pasted("curl", "-sSI", url),
            hint="a proxy may forbid it (then `wavetank bundle load FILE` takes over a bundle made elsewhere); "
            f"if you are logged in, that login may have ended: `{login.replace('login', 'logout')}` and try again",
        )
    if status == requests.codes.not_found:
        return BundleError(
            f"{host} does not have {what}, or no longer",
            observed=f"404 Not Found at {url}",
            expected="what clusters/versions.yaml names",
            command=pasted("curl", "-sSI", url),
            hint="get a newer Wavetank, or build from source: `wavetank bundle build`",
        )
    return BundleError(
        f"{host} is out of order",
        observed=f"{status} for {what}, again and again{asked}",
        expected=f"{what}",
        command=pasted("curl", "-sSI", url),
        hint=f"wait some minutes, then {AGAIN}",
    )


def unreachable(what: str, url: str, error: Exception) -> BundleError:
    """Return the error for a request to ``url`` that met no server, or one that is not trusted."""
    host, reasons = _host(url), _chain(error)
    said = _last_words(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return BundleError(
            f"the proxy does not lead to {host}",
            observed=said,
            expected="a proxy that answers at the address in HTTPS_PROXY",
            command="env | grep -i _proxy",
            hint=f"correct HTTPS_PROXY and NO_PROXY, then {AGAIN}",
        )
    if isinstance(error, requests.exceptions.SSLError):
        return BundleError(
            f"the certificate of {host} is not trusted",
            observed=said,
            expected="a certificate of an authority that this machine knows",
            command=f"curl -svo /dev/null https://{host}/",
            hint="a company's proxy shows its own: save its authority's certificate as a file, set SSL_CERT_FILE and "
            "REQUESTS_CA_BUNDLE to that file, and try again; in a cafe or hotel, log in to the network first",
        )
    if any(isinstance(reason, urllib3.exceptions.NameResolutionError) for reason in reasons):
        return BundleError(
            f"nobody here knows the address of {host}",
            observed=said,
            expected="a network, and a name server that answers",
            command=f"curl -sSI https://{host}/",
            hint="is this machine online? Without a network, `wavetank bundle load FILE` takes over a saved bundle",
        )
    return BundleError(
        f"{host} does not answer",
        observed=f"{said}, when {what} was asked for",
        expected="an answer within half a minute",
        command=f"curl -sSI https://{host}/",
        hint=f"a firewall may be in the way; if not, {AGAIN}",
    )


def is_lasting(error: requests.RequestException) -> bool:
    """Tell whether asking again would change nothing: a certificate that is not trusted, an address that is none."""
    return isinstance(error, requests.exceptions.SSLError | requests.exceptions.InvalidURL | requests.TooManyRedirects)


def login_page(what: str, url: str, told: str) -> BundleError:
    """Return the error for an HTML page, or a way to one, in the place of ``what``; ``told`` is what it showed."""
    title = TITLE.search(told)
    return BundleError(
        f"a login page answered instead of {_host(url)}",
        observed=f"a web page called {title[1].strip()!r}" if title else told[:200],
        expected=what,
        command=f"{pasted('curl', '-sSL', url)} | head -n 20",
        hint=f"open any page in a browser and log in to this network, then {AGAIN}",
    )


def broken(what: str, url: str, have: int, size: int | None, error: Exception) -> BundleError:
    """Return the error for a transfer that broke off after ``have`` of ``size`` bytes, more often than is borne."""
    return BundleError(
        f"the connection to {_host(url)} breaks again and again",
        observed=f"{_so_far(have, size)} of {what}, then: {_last_words(error)}",
        expected="the rest of it",
        command=pasted("curl", "-sSI", url),
        hint=f"what has come is kept; try another network, or {AGAIN}",
    )


def stalled(what: str, url: str, have: int, size: int | None) -> BundleError:
    """Return the error for a line over which next to nothing comes."""
    return BundleError(
        f"next to nothing comes from {_host(url)}",
        observed=f"{_so_far(have, size)} of {what}, then next to nothing, again and again",
        expected="at least some KB each second",
        command=pasted("curl", "-o", "/dev/null", url),
        hint=f"what has come is kept; try another network, or {AGAIN}",
    )


def wrong_digest(what: str, url: str, observed: str, expected: str) -> BundleError:
    """Return the error for content that is not what was asked for by digest."""
    return BundleError(
        f"{what} is not what it should be",
        observed=f"{observed} from {_host(url)}",
        expected=expected,
        command=f"{pasted('curl', '-sSL', url)} | sha256sum",
        hint="a proxy may have answered in its place, or the release was replaced: only change the digest in "
        "clusters/versions.yaml when you know why it changed",
    )


def moved(what: str, asked: str, observed: str, expected: str, when: str) -> BundleError:
    """Return the error for a tag or file that had the digest ``expected`` when it was looked up at ``when``."""
    return BundleError(
        f"{what} is another one than before",
        observed=f"{asked} is {observed} now",
        expected=f"{expected}, as on {when}",
        command=pasted("wavetank", "bundle", "build", "--from", "registry", "--accept", asked),
        hint="its publisher may have replaced it, or somebody else: find out why, then accept it with this command",
    )


def is_disk_full(error: OSError) -> bool:
    """Tell whether it is the disk, or the user's share of it, that has no room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_full(what: str, folder: Path, error: OSError) -> BundleError:
    """Return the error for a disk that has no room for ``what``."""
    return BundleError(
        f"the disk is full: {what} was not kept",
        observed=f"{error.strerror} in {folder}",
        expected="about 5 GiB free for a bundle from the registries",
        command=pasted("df", "-h", folder),
        hint=f"free some space (`docker system prune`, `wavetank bundle rm NAME`), then {AGAIN}",
    )


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _chain(error: BaseException) -> list[object]:
    """Return the error with what it stands for: requests wraps urllib3's, which wraps the system's."""
    found: list[object] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]
    return found


def _last_words(error: BaseException) -> str:
    """Return what the innermost of an error says, without the addresses of objects."""
    if any(isinstance(reason, urllib3.exceptions.IncompleteRead) for reason in _chain(error)):
        return "it ended"
    system = [reason for reason in _chain(error) if isinstance(reason, OSError) and reason.strerror]
    if system:
        return re.sub(r" \(_ssl\.c:\d+\)", "", str(system[-1].strerror))
    return re.sub(r"<[^>]*>:? ?| \(read timeout=[^)]*\)", "", str(error))


def _so_far(have: int, size: int | None) -> str:
    return f"{have} bytes" if size is None else f"{have} of {size} bytes"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"

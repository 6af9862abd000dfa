"""Which way a connection goes, whatever the environment says of proxies."""

import ipaddress
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.support.proxied import ENVIRONMENTS, everywhere, proxy, surround

from wavetank.proxies import (
    Proxy,
    Session,
    _is_container,
    except_loopback,
    is_here,
    open_here,
    proxy_for,
    without_proxies,
)

P = "http://proxy:3128"


@pytest.fixture
def server() -> Iterator[str]:
    """Return the address of a server on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path == "/on" else 200)
            self.send_header("Location", "/off")
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"here")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "web.localhost", "127.0.0.1", "127.8.8.8", "127.1", "[::1]", "0.0.0.0", "[::]"]
)
def test_loopback_is_here_in_every_form(host: str) -> None:
    assert is_here(f"https://{host}:6443")
    assert is_here("http+docker://localhost/version")
    assert proxy_for(f"https://{host}:6443", {"HTTPS_PROXY": P}) is None


def test_an_ipv4_address_in_ipv6_is_what_it_stands_for() -> None:
    assert is_here("https://[::ffff:127.0.0.1]:6443")
    assert not is_here("https://[::ffff:10.0.0.1]:6443")


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example.com", "k8s", "[fe80::1]", "128.0.0.1"])
def test_everything_else_is_not(host: str) -> None:
    assert not is_here(f"https://{host}")


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("https://k8s.example.com:6443", {}, None),
        ("https://k8s.example.com:6443", {"HTTPS_PROXY": P}, Proxy(P, "$HTTPS_PROXY")),
        ("https://k8s.example.com:6443", {"https_proxy": P}, Proxy(P, "$https_proxy")),
        ("https://k8s.example.com:6443", {"https_proxy": "", "HTTPS_PROXY": P}, Proxy(P, "$HTTPS_PROXY")),
        ("https://k8s.example.com:6443", {"HTTPS_PROXY": "proxy:3128"}, Proxy(P, "$HTTPS_PROXY")),
        ("http://k8s.example.com", {"HTTPS_PROXY": P}, None),  # each scheme has its own
        ("https://k8s.example.com", {"ALL_PROXY": P}, None),  # kubectl does not know that one
        ("https://k8s.example.com", {"HTTPS_PROXY": P, "NO_PROXY": "other.com"}, Proxy(P, "$HTTPS_PROXY")),
        ("tcp://10.0.0.1:2375", {"HTTPS_PROXY": P, "HTTP_PROXY": P}, None),
    ],
)
def test_a_server_elsewhere_is_reached_as_kubectl_reaches_it(
    url: str, environment: dict[str, str], expected: Proxy | None
) -> None:
    assert proxy_for(url, environment) == expected


@pytest.mark.parametrize(
    ("host", "no_proxy", "left_out"),
    [
        ("k8s.example.com", "*", True),
        ("k8s.example.com", "example.com", True),
        ("k8s.example.com", ".example.com", True),
        ("k8s.example.com", "*.example.com", True),
        ("k8s.example.com", "EXAMPLE.com ,x", True),
        ("k8s.example.com", "ample.com", False),
        ("example.com", "example.com", True),
        ("example.com", ".example.com", False),
        ("example.com", "*.example.com", False),
        ("k8s.example.com", "k8s.example.com:6443", True),
        ("k8s.example.com", "k8s.example.com:443", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:6443", True),
        ("10.1.2.3", "10.1.2.3:80", False),
        ("10.1.2.3", "11.0.0.0/8,nonsense/8,", False),
        ("10.1.2.3", "2.3", False),
        ("[fd00::7]", "fd00::/8", True),
        ("[fd00::7]", "fd00::7", True),
        ("[fd00::7]", "[fd00::7]:6443", True),
        ("[fd00::7]", "[fd00::7]:80", False),
    ],
)
def test_no_proxy_is_read_in_every_form_that_kubectl_reads(host: str, no_proxy: str, left_out: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        found = proxy_for(f"https://{host}:6443", {"HTTPS_PROXY": P, name: no_proxy})
        assert (found is None) == left_out


def test_a_container_is_on_a_bridge_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "br-1" / "bridge").mkdir(parents=True)
    (tmp_path / "eth0").mkdir()
    routes = tmp_path / "route"
    routes.write_text(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        "br-1\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
        "br-1\t0000130A\t010012AC\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )

    def judged(address: str) -> bool:
        return _is_container(ipaddress.ip_address(address), routes, tmp_path)

    assert judged("172.18.0.3")
    assert not judged("10.0.0.9")  # a neighbour
    assert not judged("10.19.0.1")  # behind a router that happens to be a container
    assert not judged("8.8.8.8")
    assert not _is_container(ipaddress.ip_address("172.18.0.3"), tmp_path / "no-linux", tmp_path)


def test_a_proxy_is_told_without_its_password() -> None:
    assert str(Proxy("http://me:tide@proxy:3128", "$HTTPS_PROXY")) == "http://proxy:3128, which $HTTPS_PROXY names"


def test_what_a_program_must_not_find_is_left_out() -> None:
    kept = {"PATH": "/bin", "MY_PROXY": "x", "NO_PROXY_HERE": "y"}
    set_ = {"HTTP_PROXY": P, "https_proxy": P, "All_Proxy": P, "no_proxy": "*", "FTP_PROXY": P}
    assert without_proxies(kept | set_) == kept


@pytest.mark.parametrize(
    ("environment", "left_out"),
    [
        ({"PATH": "/bin"}, None),
        ({"NO_PROXY": "x"}, None),
        ({"HTTP_PROXY": P, "NO_PROXY": "*"}, None),
        ({"HTTP_PROXY": P}, "localhost,127.0.0.1,::1"),
        ({"all_proxy": P, "no_proxy": " x, 127.0.0.1,"}, "x,127.0.0.1,localhost,::1"),
    ],
)
def test_a_learners_own_programs_are_told_to_leave_loopback_out(
    environment: dict[str, str], left_out: str | None
) -> None:
    expected = {} if left_out is None else {"NO_PROXY": left_out, "no_proxy": left_out}
    assert except_loopback(environment) == expected


@everywhere
def test_this_machine_is_asked_without_a_proxy(named: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, ENVIRONMENTS[named])
    with open_here(server, timeout=5) as answer:
        assert answer.read() == b"here"
    with Session() as session:
        assert session.get(server, timeout=5).text == "here"
        assert session.get(f"{server}/on", timeout=5).text == "here"


def test_the_internet_is_still_asked_by_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy() as between, Session() as session:
        surround(monkeypatch, {"HTTP_PROXY": between.url})
        assert session.get("http://registry.example.com/v2/", timeout=5).text == "from afar"
    assert between.asked == ["GET http://registry.example.com/v2/"]

"""What an eavesdropper reads: bytes of HTTP and real TLS in packets made by hand, and real packets where it may."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.support.packets import POD, PORT, application_data, client_hello, packet
from tests.support.waiting import eventually

from wavetank.observe import wiretap
from wavetank.observe.wiretap import Ear, overhear, read_text, read_tls, segment

NAME = "outbound_.80_._.payment.lab-03.svc.cluster.local"
REQUEST = b"POST /payments HTTP/1.1\r\nHost: payment\r\nAuthorization: Bearer tide\r\n\r\n"
BODY = b'{"amount": 12.5, "card": "4000 0012"}'


def may_listen() -> bool:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM).close()
    except (AttributeError, OSError):
        return False
    return True


@pytest.fixture
def ear() -> Ear:
    return Ear(POD, PORT)


def test_a_segment_is_read_whatever_its_headers_carry() -> None:
    for options in (b"", b"\x01\x01\x08\x0a" + bytes(8)):
        told = segment(packet(b"aye", place=77, options=options))
        assert told is not None
        assert (told.sender, told.receiver, told.place, told.content) == (
            "10.244.2.3:40000",
            f"{POD}:{PORT}",
            77,
            b"aye",
        )
    six = segment(packet(b"aye", source="fd00::3", to="fd00::7"))
    assert six is not None
    assert (six.sender, six.receiver, six.content) == ("[fd00::3]:40000", "[fd00::7]:8080", b"aye")


def test_what_fills_a_short_frame_is_not_content() -> None:
    padded = segment(packet(b"ay") + bytes(6))
    assert padded is not None
    assert padded.content == b"ay"
    assert segment(packet(b"") + bytes(6)) is None


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"\x45",
        packet(b"aye")[:30],
        bytes.fromhex("0001080006040001") + bytes(20),  # ARP
        packet(b"aye")[:9] + b"\x11" + packet(b"aye")[10:],  # UDP
        packet(b"aye")[:6] + b"\x00\x10" + packet(b"aye")[8:],  # a later fragment
    ],
)
def test_what_is_no_tcp_segment_is_none(other: bytes) -> None:
    assert segment(other) is None


def test_plain_http_is_read_line_and_body(ear: Ear) -> None:
    told = ear.hear(packet(REQUEST + BODY))
    assert told == {
        "from": "10.244.2.3:40000",
        "to": "10.244.1.7:8080",
        "bytes": len(REQUEST + BODY),
        "text": ["POST /payments HTTP/1.1", BODY.decode()],
    }
    body = ear.hear(packet(BODY, place=1 + len(REQUEST + BODY)))
    assert body is not None
    assert body["text"] == [BODY.decode()]
    assert ear.counts == {"segments": 2, "readable": 2, "encrypted": 0}


def test_of_a_long_text_only_the_beginning_is_told() -> None:
    assert read_text(b"PUT / HTTP/1.1\r\n\r\n" + "\N{WATER WAVE}".encode() * 900) == [
        "PUT / HTTP/1.1",
        "\N{WATER WAVE}" * 120,
    ]


@pytest.mark.parametrize("content", [b"\x00\x00\x12\x04", b"tide\x00", "\u00e9".encode("latin-1")])
def test_bytes_that_are_no_text_are_not_taken_for_it(content: bytes) -> None:
    assert read_text(content) is None


def test_a_client_hello_says_for_whom_it_is_and_what_it_offers(ear: Ear) -> None:
    hello = client_hello(NAME, "istio-peer-exchange", "istio")
    told = ear.hear(packet(hello))
    assert told is not None
    assert told["tls"] == [f"TLS ClientHello for {NAME} that offers istio-peer-exchange, istio"]


@pytest.mark.parametrize("kept", range(5, 120, 7))
def test_a_client_hello_that_is_cut_off_is_one_all_the_same(kept: int) -> None:
    told = read_tls(client_hello("web.test", "h2")[:kept])
    assert told is not None
    assert told[0].startswith("TLS ClientHello" if kept > 5 else "TLS handshake")


def test_records_are_told_by_their_kind_and_the_rest_of_one_as_such(ear: Ear) -> None:
    first = application_data(700)
    assert read_tls(first + application_data(20)) == ["TLS application data", "TLS application data"]
    cut = 300
    ear.hear(packet(first[:cut], place=1))
    rest = ear.hear(packet(first[cut:], place=1 + cut))
    assert rest is not None
    assert rest["tls"] == ["TLS, in the middle of a record"]
    assert ear.counts == {"segments": 2, "readable": 0, "encrypted": 2}


def test_what_is_neither_is_told_in_bytes(ear: Ear) -> None:
    told = ear.hear(packet(bytes([0, 0, 18, 4]) + bytes(40)))
    assert told is not None
    assert told["hex"] == "00 00 12 04" + " 00" * 12
    assert ear.counts == {"segments": 1, "readable": 0, "encrypted": 0}


def test_a_packet_that_passes_several_interfaces_is_told_once(ear: Ear) -> None:
    one, two = packet(b"one", place=4294967294), packet(b"two", place=1)  # the count of bytes begins anew
    assert [bool(ear.hear(each)) for each in (one, two, one, two, one)] == [True, True, False, False, False]
    assert ear.hear(packet(b"one", place=5, source_port=40001))


def test_what_is_for_others_and_the_nodes_own_probe_are_left_alone(ear: Ear) -> None:
    for other in (
        packet(b"aye", to="10.244.1.8"),
        packet(b"aye", port=15020),
        packet(b"GET /readyz HTTP/1.1\r\nHost: x\r\nUser-Agent: kube-probe/1.36\r\n\r\n"),
    ):
        assert ear.hear(other) is None
    assert ear.counts["segments"] == 0


@pytest.mark.skipif(not may_listen(), reason="this user may not open packet sockets here")
def test_a_real_request_and_a_real_handshake_are_overheard() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_take_all, args=(server,), daemon=True).start()
        script = Path(wiretap.__file__).read_text()
        command = [sys.executable, "-c", script, "127.0.0.1", str(port), "5"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            eventually(lambda: _has_packet_socket(process.pid), "the packet socket")
            with socket.create_connection(("127.0.0.1", port)) as plain:
                plain.sendall(REQUEST)
                plain.sendall(BODY)
            with socket.create_connection(("127.0.0.1", port)) as encrypted:
                encrypted.sendall(client_hello(NAME, "istio"))
                encrypted.sendall(application_data(200))
            out, _ = process.communicate()
    *told, counts = [json.loads(line) for line in out.splitlines()]
    words = [word for line in told for word in line.get("text", line.get("tls"))]
    hello = f"TLS ClientHello for {NAME} that offers istio"
    assert words == ["POST /payments HTTP/1.1", BODY.decode(), hello, "TLS application data"]
    assert counts == {"segments": 4, "readable": 2, "encrypted": 2}


def _take_all(server: socket.socket) -> None:
    for _ in range(2):
        connection, _ = server.accept()
        while connection.recv(65536):
            pass
        connection.close()


def _has_packet_socket(pid: int) -> bool:
    inodes = {line.split()[-1] for line in Path("/proc/net/packet").read_text().splitlines()[1:]}
    return any(_target(link) in {f"socket:[{inode}]" for inode in inodes} for link in Path(f"/proc/{pid}/fd").iterdir())


def _target(link: Path) -> str:
    """Return where a link of /proc leads, nowhere if the file was closed since it was listed."""
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


def test_few_of_what_is_alike_are_told_and_all_of_it_is_counted(ear: Ear) -> None:
    packets = [packet(b"same\r\n", place=1 + 6 * number) for number in range(50)]
    packets += [packet(f"other {number}".encode(), source_port=5000 + number) for number in range(50)]
    *told, counts = overhear(packets, ear)
    texts = [line["text"][0] for line in told]
    assert texts[:5] == ["same", "same", "same", "same", "other 0"]
    assert len(texts) == 40
    assert counts == {"segments": 100, "readable": 100, "encrypted": 0}

"""What an eavesdropper on a node reads of the traffic to a pod: ``python3 -c <this file> ADDRESS PORT SECONDS``.

It is run in a pod of the node's own network, whose Python may be another: it needs only the standard library, Python
3.10 or newer, and the capability NET_RAW. It prints a line of JSON for a TCP segment with content to ADDRESS:PORT, few
of those that are alike, and counts all of them in the last line.

A packet socket (man 7 packet) hears whatever passes any interface of the node, so the same packet once on each that it
takes; by the place in its connection's stream every byte is told once. Formats: RFC 791, 8200 (IP), 9293 (TCP), 8446
(TLS records and ClientHello).
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Ear", "Segment", "overhear", "read_text", "read_tls", "segment"]

EVERY_PROTOCOL = 3
MOST_LINES, MOST_ALIKE = 40, 4
TEXT_READ, TEXT_TOLD = 600, 120
"""Bytes that are looked at, and characters that are told, of each piece of text."""
PROBE = b"\r\nUser-Agent: kube-probe/"
"""The node's own question whether the pod is well; nobody has sent it over the wire."""
RECORDS = {20: "change of cipher", 21: "alert", 22: "handshake", 23: "application data"}
CLIENT_HELLO = 1
SERVER_NAME, APPLICATION_PROTOCOLS = 0, 16
LONGEST_RECORD = (1 << 14) + 256


@dataclass(frozen=True)
class Segment:
    """The content of one TCP segment, ``place`` being where it is in the stream of its connection."""

    sender: str
    receiver: str
    place: int
    content: bytes


def segment(packet: bytes) -> Segment | None:
    """Read an IP packet, of version 4 or 6; None for what is no TCP segment with content."""
    try:
        return _tcp(*{4: _ipv4, 6: _ipv6}[packet[0] >> 4](packet))
    except (struct.error, IndexError, KeyError, ValueError):
        return None


def read_text(content: bytes) -> list[str] | None:
    """Return how a text begins: its first line, and its body if it is HTTP; None for what nobody can read."""
    text = content[:TEXT_READ].decode(errors="replace")
    if len(content) > TEXT_READ:
        text = text.rstrip("\ufffd")  # a character was cut in two
    if "\ufffd" in text or not all(letter.isprintable() or letter in "\r\n\t" for letter in text):
        return None
    head, _, body = text.partition("\r\n\r\n")
    lines = [*head.splitlines()[:1], *body.splitlines()[:1]]
    return [line.strip()[:TEXT_TOLD] for line in lines if line.strip()]


def read_tls(content: bytes) -> list[str] | None:
    """Return what TLS says in the open: its records, and for whom a ClientHello asks; None for what is no TLS."""
    told: list[str] = []
    at = 0
    while at + 5 <= len(content):
        kind, major, minor, length = struct.unpack_from("!BBBH", content, at)
        if kind not in RECORDS or major != 3 or minor > 4 or not 0 < length <= LONGEST_RECORD:
            break
        record = content[at + 5 : at + 5 + length]
        opens = RECORDS[kind] == "handshake" and record[:1] == bytes([CLIENT_HELLO])
        told.append(f"TLS {_client_hello(record) if opens else RECORDS[kind]}")
        at += 5 + length
    return told or None


class Ear:
    """Takes packets, and tells of those to one port what can be read of them."""

    def __init__(self, address: str, port: int) -> None:
        self._receiver = _endpoint(address, port)
        self._next: dict[str, int] = {}
        self._encrypted: set[str] = set()
        self.counts = {"segments": 0, "readable": 0, "encrypted": 0}

    def hear(self, packet: bytes) -> dict[str, Any] | None:
        """Return what a packet tells; None for one that is none of our business or was heard before."""
        heard = segment(packet)
        if heard is None or heard.receiver != self._receiver or PROBE in heard.content or self._knows(heard):
            return None
        self.counts["segments"] += 1
        told = {"from": heard.sender, "to": heard.receiver, "bytes": len(heard.content)}
        if text := read_text(heard.content):
            self.counts["readable"] += 1
            return {**told, "text": text}
        tls = read_tls(heard.content) or (
            ["TLS, in the middle of a record"] if heard.sender in self._encrypted else None
        )
        if tls:
            self._encrypted.add(heard.sender)
            self.counts["encrypted"] += 1
            return {**told, "tls": tls}
        return {**told, "hex": heard.content[:16].hex(" ")}

    def _knows(self, heard: Segment) -> bool:
        """Tell whether the segment was heard before, on another interface, or is sent again."""
        ahead = (heard.place - self._next.get(heard.sender, heard.place)) % (1 << 32)
        if ahead >= 1 << 31:
            return True
        self._next[heard.sender] = (heard.place + len(heard.content)) % (1 << 32)
        return False


def overhear(packets: Iterable[bytes], ear: Ear) -> Iterator[dict[str, Any]]:
    """Yield what is heard, of what is alike only the first few, and in the end the counts of all of it."""
    yielded = Counter[str]()
    for told in filter(None, map(ear.hear, packets)):
        said = str(told.get("text", told.get("tls", ["bytes"]))[0])
        if yielded[said] < MOST_ALIKE and yielded.total() < MOST_LINES:
            yielded[said] += 1
            yield told
    yield dict(ear.counts)


def _ipv4(packet: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the addresses of sender and receiver, and the TCP segment."""
    (total,) = struct.unpack_from("!H", packet, 2)
    (fragment,) = struct.unpack_from("!H", packet, 6)
    if packet[9] != socket.IPPROTO_TCP or fragment & 0x1FFF:
        raise ValueError
    return packet[12:16], packet[16:20], packet[(packet[0] & 15) * 4 : total or None]


def _ipv6(packet: bytes) -> tuple[bytes, bytes, bytes]:
    (length,) = struct.unpack_from("!H", packet, 4)
    if packet[6] != socket.IPPROTO_TCP:
        raise ValueError
    return packet[8:24], packet[24:40], packet[40 : 40 + length if length else None]


def _tcp(source: bytes, destination: bytes, tcp: bytes) -> Segment | None:
    source_port, destination_port, place = struct.unpack_from("!HHI", tcp)
    content = tcp[(tcp[12] >> 4) * 4 :]
    if not content:
        return None
    family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
    sender = _endpoint(socket.inet_ntop(family, source), source_port)
    return Segment(sender, _endpoint(socket.inet_ntop(family, destination), destination_port), place, content)


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _client_hello(hello: bytes) -> str:
    """Return whom a ClientHello, as much of it as there is, asks for, and what it offers to speak."""
    at = 38  # type and length, version, random
    for size in (1, 2, 1):  # session, ciphers, compressions
        at += size + int.from_bytes(hello[at : at + size], "big")
    at += 2
    words = "ClientHello"
    while at + 4 <= len(hello):
        kind, length = struct.unpack_from("!HH", hello, at)
        extension = hello[at + 4 : at + 4 + length]
        if kind == SERVER_NAME:
            words += f" for {extension[5:].decode(errors='replace')}"
        elif kind == APPLICATION_PROTOCOLS:
            words += f" that offers {', '.join(_names(extension[2:]))}"
        at += 4 + length
    return words


def _names(listed: bytes) -> list[str]:
    names = []
    while listed:
        names.append(listed[1 : 1 + listed[0]].decode(errors="replace"))
        listed = listed[1 + listed[0] :]
    return names


def main(address: str, port: int, seconds: float) -> None:
    """Listen, and print what is heard as it is heard."""
    for line in overhear(_packets(seconds), Ear(address, port)):
        print(json.dumps(line), flush=True)


def _packets(seconds: float) -> Iterator[bytes]:
    """Yield every packet that passes an interface, without the header of its link, for some ``seconds``."""
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERY_PROTOCOL)) as tap:
        while (left := end - time.monotonic()) > 0:
            tap.settimeout(left)
            try:
                yield tap.recv(65535)
            except TimeoutError:
                return


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))

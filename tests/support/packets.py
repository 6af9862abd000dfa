"""Packets as they pass an interface, made by hand, and what a real TLS client says first."""

from __future__ import annotations

import socket
import ssl
import struct

POD, PORT = "10.244.1.7", 8080


def packet(
    content: bytes,
    *,
    place: int = 1,
    source: str = "10.244.2.3",
    source_port: int = 40000,
    to: str = POD,
    port: int = PORT,
    options: bytes = b"\x01\x01\x08\x0a" + bytes(8),
) -> bytes:
    """Return an IP packet with a TCP segment; ``place`` is its sequence number."""
    words = (20 + len(options)) // 4
    tcp = struct.pack("!HHIIBBHHH", source_port, port, place, 0, words << 4, 0x18, 501, 0, 0) + options + content
    if ":" in to:
        addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, to)
        return struct.pack("!IHBB", 6 << 28, len(tcp), socket.IPPROTO_TCP, 64) + addresses + tcp
    addresses = socket.inet_aton(source) + socket.inet_aton(to)
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 7, 0, 64, socket.IPPROTO_TCP, 0) + addresses + tcp


def client_hello(server: str, *protocols: str) -> bytes:
    """Return a real ClientHello that asks for ``server`` and offers ``protocols``."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(protocols)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without a server")


def application_data(size: int, padding: bytes = b"") -> bytes:
    """Return a TLS record of ``size`` encrypted bytes."""
    return struct.pack("!BBBH", 23, 3, 3, size) + bytes(range(256)) * (size // 256) + bytes(size % 256) + padding

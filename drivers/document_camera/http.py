"""Pictures over HTTP (multipart/x-mixed-replace): their own bytes, only the newest, never waited for long.

A library of video would decode every picture, hold several back and keep a hundred megabytes.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import http.client
import io
import socket
import ssl
import sys
import termios
from typing import Final
from urllib.parse import unquote, urlsplit

from drivers.device import Clock, Fault, FaultCode
from drivers.document_camera.protocol import Parts

HEAD_LIMIT_BYTES: Final = 16 << 10
PIECE_BYTES: Final = 256 << 10


class HttpPictures:
    """An open stream. One thread reads."""

    def __init__(self, wire: socket.socket, parts: Parts, clock: Clock) -> None:
        self._wire = wire
        self._parts = parts
        self._clock = clock

    @classmethod
    def open(cls, url: str, limit_s: float, clock: Clock) -> HttpPictures | Fault:
        """DISCONNECTED when nobody answers in time; BAD_REPLY when it is no stream of pictures."""
        address = urlsplit(url)
        secure = address.scheme == "https"
        try:
            host, port = address.hostname or "", address.port or (443 if secure else 80)
            wire = socket.create_connection((host, port), timeout=limit_s)
        except (OSError, ValueError):
            return Fault(FaultCode.DISCONNECTED, "the stream does not open")
        try:
            if secure:
                wire = ssl.create_default_context().wrap_socket(wire, server_hostname=host)
            wire.sendall(_request(url))
            answer = _answer(wire, clock.monotonic() + limit_s, clock)
        except (OSError, ValueError, http.client.HTTPException):
            answer = None
        if answer is None:
            wire.close()
            return Fault(FaultCode.BAD_REPLY, "no stream of pictures")
        boundary, rest = answer
        pictures = cls(wire, Parts(boundary), clock)
        pictures._parts.feed(rest)
        return pictures

    def newest(self, limit_s: float) -> bytes | None:
        """The newest whole picture; None when none became whole in time, or the stream ended."""
        until = self._clock.monotonic() + limit_s
        newest: bytes | None = None
        stored = self._stored()  # what a faster camera sends meanwhile is left for the next call
        while newest is None or stored > 0:
            left = until - self._clock.monotonic()
            if left <= 0:
                break
            self._wire.settimeout(left)
            try:
                piece = self._wire.recv(PIECE_BYTES)
            except OSError:
                break
            if not piece:
                break
            stored -= len(piece)
            whole = self._parts.feed(piece)
            if self._parts.broken:
                return None
            if whole:
                newest = whole[-1]
        return newest

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)  # also wakes a read that is under way
        self._wire.close()

    def _stored(self) -> int:
        """Bytes that have come and were not yet taken."""
        answer = fcntl.ioctl(self._wire.fileno(), termios.FIONREAD, bytes(4))
        return int.from_bytes(answer, sys.byteorder)


def _request(url: str) -> bytes:
    """HTTP/1.0, so that the answer comes in no chunks."""
    address = urlsplit(url)
    path = address.path or "/"
    if address.query:
        path += "?" + address.query
    host = address.netloc.rpartition("@")[2]
    lines = [f"GET {path} HTTP/1.0", f"Host: {host}", "Accept: multipart/x-mixed-replace, */*"]
    if address.username is not None:
        known = f"{unquote(address.username)}:{unquote(address.password or '')}"
        lines.append("Authorization: Basic " + base64.b64encode(known.encode()).decode())
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii", "strict")


def _answer(wire: socket.socket, until: float, clock: Clock) -> tuple[str, bytes] | None:
    """The boundary between pictures and what came after the head; None when it is no such stream."""
    held = b""
    while b"\r\n\r\n" not in held:
        left = until - clock.monotonic()
        if left <= 0 or len(held) > HEAD_LIMIT_BYTES:
            return None
        wire.settimeout(left)
        piece = wire.recv(4096)
        if not piece:
            return None
        held += piece
    head, _, rest = held.partition(b"\r\n\r\n")
    status, _, fields = head.partition(b"\r\n")
    if status.split(b" ")[1:2] != [b"200"]:
        return None
    kind = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    boundary = kind.get_boundary()
    if kind.get_content_maintype() != "multipart" or not boundary:
        return None
    return boundary, rest

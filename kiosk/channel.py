"""Messages with blobs over a socket pair between two processes of the terminal.

A frame: 4-byte big-endian length of the JSON header, 4-byte count of blobs, a 4-byte length for
each blob, the JSON, the blobs. Both ends are ours, but a child may be half dead: lengths are
limited, and anything wrong closes the channel instead of being guessed at.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field

MAX_JSON_BYTES = 1 << 20  # strokes of a long signature are the largest message
MAX_BLOBS = 32
MAX_BLOB_BYTES = 64 << 20  # a ten-page PDF at full resolution


@dataclass(frozen=True, slots=True)
class Frame:
    json: bytes = field(repr=False)
    blobs: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """The other end is gone, or sent what no end of ours sends."""

    reason: str


class Channel:
    """One end. Sending is safe from any thread; receiving belongs to one thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sending = threading.Lock()

    def send(self, json: bytes, blobs: tuple[bytes, ...] = ()) -> ChannelClosed | None:
        """Send one frame; None when the bytes were handed over."""
        head = struct.pack(
            f">II{len(blobs)}I", len(json), len(blobs), *(len(blob) for blob in blobs)
        )
        try:
            with self._sending:
                self._sock.sendall(head + json)
                for blob in blobs:
                    self._sock.sendall(blob)
        except OSError as error:
            return ChannelClosed(error.strerror or type(error).__name__)
        return None

    def receive(self) -> Frame | ChannelClosed:
        """Wait for one whole frame."""
        head = self._exactly(8)
        if isinstance(head, ChannelClosed):
            return head
        json_bytes, blob_count = struct.unpack(">II", head)
        if json_bytes > MAX_JSON_BYTES or blob_count > MAX_BLOBS:
            return ChannelClosed("frame too large")
        sizes = self._exactly(4 * blob_count)
        if isinstance(sizes, ChannelClosed):
            return sizes
        lengths: tuple[int, ...] = struct.unpack(f">{blob_count}I", sizes)
        if any(length > MAX_BLOB_BYTES for length in lengths):
            return ChannelClosed("blob too large")
        json = self._exactly(json_bytes)
        if isinstance(json, ChannelClosed):
            return json
        blobs: list[bytes] = []
        for length in lengths:
            blob = self._exactly(length)
            if isinstance(blob, ChannelClosed):
                return blob
            blobs.append(blob)
        return Frame(json, tuple(blobs))

    def close(self) -> None:
        """Wake a thread that waits in `receive` and end the channel."""
        with contextlib.suppress(OSError):  # the other end was first
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _exactly(self, count: int) -> bytes | ChannelClosed:
        parts = bytearray()
        while len(parts) < count:
            try:
                part = self._sock.recv(min(count - len(parts), 1 << 20))
            except OSError as error:
                return ChannelClosed(error.strerror or type(error).__name__)
            if not part:
                return ChannelClosed("closed")
            parts += part
        return bytes(parts)

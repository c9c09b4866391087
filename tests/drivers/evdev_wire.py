"""An input device as a test sees it: events of 24 bytes over a Unix socket, and recorded traces."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from drivers.transport import Transport, _FileTransport

TRACES = Path(__file__).parent / "traces"


def event(kind: int, code: int, value: int, at_us: int = 0) -> bytes:
    """One input event of a 64-bit Linux, written by hand."""
    seconds, micro = divmod(at_us, 1_000_000)
    return struct.pack("<QQHHi", seconds, micro, kind, code, value)


def press(code: int) -> bytes:
    """A key down and up again, as the kernel tells it: each followed by a report."""
    return event(1, code, 1) + event(0, 0, 0) + event(1, code, 0) + event(0, 0, 0)


def trace(name: str) -> bytes:
    """A recorded trace: a line an event, `type code value`, `#` begins a remark."""
    lines = (TRACES / name).read_text(encoding="utf-8").splitlines()
    fields = [line.split("#")[0].split() for line in lines]
    return b"".join(event(int(t), int(c), int(v)) for t, c, v in (f for f in fields if f))


class SocketDevice:
    """The far end of a port: what the kernel would send."""

    def __init__(self) -> None:
        self._near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._near.setblocking(False)

    def wire(self) -> Transport:
        return _FileTransport(self._near.fileno(), self._near.close)

    def send(self, data: bytes) -> None:
        self.far.sendall(data)

    def unplug(self) -> None:
        self.far.close()

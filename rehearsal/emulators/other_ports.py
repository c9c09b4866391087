"""Wires of a card reader that are no serial line: a TCP serial server, and USB without USB.

The pipes or reports of a USB device are played on a Unix socket, with what makers wrap frames into.
No virtual USB device can be made on a machine without the kernel's help, so the emulator plays the
port one step above: each message is `pipe (1) | length (2, big-endian) | bytes`, one for each
transfer or report. Only tests can connect to it: no setting of a terminal names such a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable
from pathlib import Path

from rehearsal.emulators.base import BITS_A_BYTE, paced
from rehearsal.emulators.world import World

HOST = "127.0.0.1"
READ_BYTES = 65536
FULL_SPEED_BAUD = 10_000_000  # about a megabyte a second
HEAD_BYTES = 7  # of a SAM frame: preamble and length
TO_HEAD, TO_BODY, FROM_HEAD, FROM_BODY = 0x02, 0x06, 0x81, 0x85
REPORT_BYTES = 64
REPORTS = 0x00  # the "pipe" of HID reports

ASK, ANSWER = 0x88, 0xAA


class BulkFrames:
    """The four pipes of a SAM_V module: head and body of a frame apart, both ways."""

    def __init__(self) -> None:
        self._head = b""
        self.wrong = 0  # transfers on the wrong pipe, or of the wrong length

    def arrived(self, pipe: int, data: bytes) -> bytes:
        """The bytes of the host's frame that are whole now."""
        if pipe == TO_HEAD and len(data) == HEAD_BYTES and not self._head:
            self._head = data
            return b""
        if pipe == TO_BODY and self._head:
            whole, self._head = self._head + data, b""
            return whole
        self.wrong += 1
        self._head = b""
        return b""

    def leave(self, answer: bytes) -> list[tuple[int, bytes]]:
        return [(FROM_HEAD, answer[:HEAD_BYTES]), (FROM_BODY, answer[HEAD_BYTES:])]


class ReportFrames:
    """64-byte reports: 88 ... to the reader, AA ... from it, a 16-bit sum at the end of each."""

    def __init__(self) -> None:
        self._parts = bytearray()
        self._number = 0
        self.wrong = 0

    def arrived(self, pipe: int, data: bytes) -> bytes:
        if len(data) != REPORT_BYTES:
            self.wrong += 1
            return b""
        self._parts += data
        if self._parts[0] != ASK:
            self.wrong += 1
            self._parts.clear()
            return b""
        count = self._parts[3] + 256 * self._parts[4]
        if len(self._parts) < 5 + count + 2:
            return b""
        sum_at = 5 + count
        total = self._parts[sum_at] + 256 * self._parts[sum_at + 1]
        frame = bytes(self._parts[6:sum_at])  # after the wrapper's own command
        good = total == sum(self._parts[3:sum_at]) % 65536
        self._parts.clear()
        if not good:
            self.wrong += 1
        return frame if good else b""

    def leave(self, answer: bytes) -> list[tuple[int, bytes]]:
        self._number = (self._number + 1) % 65536
        count = len(answer) + 1  # the result byte counts
        counted = bytes([count % 256, count // 256, 0x00]) + answer
        total = sum(counted) % 65536
        packet = bytes([ANSWER, self._number % 256, self._number // 256]) + counted
        packet += bytes([total % 256, total // 256])
        packet += bytes(-len(packet) % REPORT_BYTES)
        return [
            (REPORTS, packet[at : at + REPORT_BYTES]) for at in range(0, len(packet), REPORT_BYTES)
        ]


class PortWire:
    """A port at `path`, with one host at a time. Unplugging hangs up and removes the socket."""

    def __init__(
        self,
        path: Path,
        frames: BulkFrames | ReportFrames,
        on_bytes: Callable[[bytes], None],
        world: World,
    ) -> None:
        self.link = path
        self.frames = frames
        self._on_bytes = on_bytes
        self._world = world
        self._listener: socket.socket | None = None
        self._host: socket.socket | None = None
        self._incoming = bytearray()
        self._sending = asyncio.Lock()

    @property
    def plugged(self) -> bool:
        return self._listener is not None

    @property
    def host_baud(self) -> int:
        return 0  # a port has no speed of its own

    def understands(self, baud: int) -> bool:
        return True

    def plug(self) -> None:
        if self.plugged:
            return
        self._listener = self._listen()
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _listen(self) -> socket.socket:
        self.link.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.link))
        listener.listen(1)
        return listener

    def unplug(self) -> None:
        if self._listener is None:
            return
        self._unlink()  # first of all: who is hung up on tries again at once
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        self._listener = None
        self._hang_up()

    def _unlink(self) -> None:
        self.link.unlink(missing_ok=True)

    def _accept(self) -> None:
        if self._listener is None:
            return
        host, _ = self._listener.accept()
        self._hang_up()
        host.setblocking(False)
        self._host = host
        asyncio.get_running_loop().add_reader(host, self._readable)

    def _hang_up(self) -> None:
        if self._host is not None:
            asyncio.get_running_loop().remove_reader(self._host)
            self._host.close()
            self._host = None
            self._incoming.clear()

    def _readable(self) -> None:
        if self._host is None:
            return
        try:
            data = self._host.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        self._incoming += data
        while len(self._incoming) >= 3:
            end = 3 + int.from_bytes(self._incoming[1:3], "big")
            if len(self._incoming) < end:
                return
            pipe, message = self._incoming[0], bytes(self._incoming[3:end])
            del self._incoming[:end]
            whole = self.frames.arrived(pipe, message)
            if whole:
                self._on_bytes(whole)

    async def send(self, data: bytes, baud: int, largest: int = 64) -> None:
        """One transfer or report after another, at the speed of the bus."""
        async with self._sending:
            out = self._world.outgoing(data)
            for pipe, message in self.frames.leave(out.data) if out.data else []:
                if self._host is None or not self._world.answers:
                    return
                await asyncio.sleep(len(message) * BITS_A_BYTE / FULL_SPEED_BAUD * self._world.slow)
                with contextlib.suppress(OSError):
                    head = bytes([pipe]) + len(message).to_bytes(2, "big")
                    await asyncio.get_running_loop().sock_sendall(self._host, head + message)
            if out.unplug:
                await self._world.change(plugged=False)


class TcpWire(PortWire):
    """A serial line behind a TCP serial server: the same bytes, at the line's own pace."""

    def __init__(self, on_bytes: Callable[[bytes], None], world: World, seed: int = 1) -> None:
        super().__init__(Path("/"), BulkFrames(), on_bytes, world)
        self._chance = random.Random(seed)
        self.port = 0

    def _listen(self) -> socket.socket:
        listener = socket.create_server((HOST, self.port))
        self.port = listener.getsockname()[1]
        return listener

    def _unlink(self) -> None:
        """It has no name in the file system."""

    def _take(self, data: bytes) -> None:
        self._on_bytes(data)

    async def send(self, data: bytes, baud: int, largest: int = 64) -> None:
        async with self._sending:
            out = self._world.outgoing(data)
            for piece in paced(out.data, baud, largest, self._chance):
                await asyncio.sleep(piece.after_s * self._world.slow)
                if self._host is None or not self._world.answers:
                    return
                with contextlib.suppress(OSError):
                    await asyncio.get_running_loop().sock_sendall(self._host, piece.data)
            if out.unplug:
                await self._world.change(plugged=False)

"""The ports under USB devices, over the Unix socket of an emulator (see rehearsal/emulators.other_ports.py)."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from pathlib import Path

from drivers.addresses import UsbUrl
from drivers.device import Fault, FaultCode

GONE = Fault(FaultCode.DEVICE_LOST, "the wire is gone")


class _Messages:
    def __init__(self, path: Path) -> None:
        self._link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._link.connect(str(path))
        except OSError:
            self._link.close()
            raise
        self._wake_read, self._wake_write = os.pipe()
        self._incoming = bytearray()
        self._waiting: list[tuple[int, bytes]] = []
        self._lost = False
        self._closed = False

    def take(self, pipe: int, wait_s: float) -> bytes | Fault:
        """The next message of `pipe`."""
        while True:
            for number, (of, data) in enumerate(self._waiting):
                if of == pipe:
                    del self._waiting[number]
                    return data
            if self._lost:
                return GONE
            ready, _, _ = select.select([self._link, self._wake_read], [], [], wait_s)
            if self._wake_read in ready:
                os.read(self._wake_read, 100)
            if self._link not in ready:
                return b""
            try:
                data = self._link.recv(65536)
            except OSError:
                data = b""
            self._lost = not data
            self._incoming += data
            while len(self._incoming) >= 3:
                end = 3 + int.from_bytes(self._incoming[1:3], "big")
                if len(self._incoming) < end:
                    break
                self._waiting.append((self._incoming[0], bytes(self._incoming[3:end])))
                del self._incoming[:end]

    def give(self, pipe: int, data: bytes) -> int | Fault:
        try:
            self._link.sendall(bytes([pipe]) + len(data).to_bytes(2, "big") + data)
        except OSError:
            return GONE
        return len(data)

    def wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"\x00")

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._link.close()
            os.close(self._wake_read)
            os.close(self._wake_write)


class SocketBulk(_Messages):
    pipes = (0x02, 0x06, 0x81, 0x85)

    def read(self, pipe: int, limit: int, wait_s: float) -> bytes | Fault:
        return self.take(pipe, wait_s)

    def write(self, pipe: int, data: bytes, wait_s: float) -> int | Fault:
        return self.give(pipe, data)


class SocketReports(_Messages):
    def read(self, wait_s: float) -> bytes | Fault:
        return self.take(0, wait_s)

    def write(self, report: bytes, wait_s: float) -> int | Fault:
        return self.give(0, report)


def opens_bulk(path: Path):  # type: ignore[no-untyped-def]
    def open_bulk(_address: UsbUrl) -> SocketBulk | Fault:
        try:
            return SocketBulk(path)
        except OSError:
            return Fault(FaultCode.DISCONNECTED, "no such device")

    return open_bulk


def opens_reports(path: Path):  # type: ignore[no-untyped-def]
    def open_reports(_address: UsbUrl) -> SocketReports | Fault:
        try:
            return SocketReports(path)
        except OSError:
            return Fault(FaultCode.DISCONNECTED, "no such device")

    return open_reports

"""Drives a serial rating keypad. It only listens; what a press means is for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Never

from drivers.device import DeviceClass, Fault, FaultCode, Identity, Status
from drivers.keypad.protocol import PressFilter, key_map
from drivers.keypad.values import KeyPressed
from drivers.transport import Transport
from drivers.worker import Down, Host, not_opened

LISTEN_S: Final = 60.0  # the wire wakes it; this only bounds one turn
READ_BYTES: Final = 256


class KeypadDriver:
    """`url`: serial:///dev/...?baud=9600. `keys`: byte in hexadecimal -> "5".."1" or "skip"."""

    def __init__(self, url: str, keys: Mapping[str, str]) -> None:
        self._url = url
        self._keys = key_map(keys)
        self._wire: Transport | None = None
        self._filter = PressFilter({})

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.KEYPAD

    @property
    def url(self) -> str:
        return self._url

    def connect(self, host: Host) -> Identity | Down:
        if isinstance(self._keys, Fault):
            return Down(Status.BROKEN, self._keys.detail)
        wire = host.open(self._url)
        if isinstance(wire, Fault):
            return not_opened(wire)
        self._wire = wire
        self._filter = PressFilter(self._keys)
        stale = wire.read(READ_BYTES, 0.0)  # pressed before anybody listened
        if isinstance(stale, Fault):
            return Down(Status.DISCONNECTED, stale.detail)
        return Identity("serial keypad")

    def disconnect(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def run(self, host: Host) -> Down | None:
        if self._wire is None:
            return Down(Status.DISCONNECTED, "not open")
        piece = self._wire.read(READ_BYTES, LISTEN_S)
        if isinstance(piece, Fault):
            return Down(Status.DISCONNECTED, piece.detail)
        for key in self._filter.feed(piece, host.clock.monotonic()):
            host.post(KeyPressed(key))
        return None

    def handle(self, command: Never, host: Host) -> Fault:
        return Fault(FaultCode.BAD_INPUT, "a keypad takes no command")

    def decline(self, command: Never, fault: Fault, host: Host) -> Fault:
        return fault

"""Drives a serial code scanner. Codes are passed on only while somebody asked for them."""

from __future__ import annotations

from typing import Final, assert_never

from drivers.code_scanner.protocol import CodeSplitter
from drivers.code_scanner.values import CodeScanned, ScanCodes, StopScanning
from drivers.device import DeviceClass, Fault, FaultCode, Identity, Status
from drivers.transport import Transport
from drivers.worker import Down, Host, not_opened

LISTEN_S: Final = 60.0  # the wire wakes it; this only bounds one turn
CLOCK_STEP_S: Final = 0.001  # a wait may end a rounding short of its time
READ_BYTES: Final = 4096

ScannerCommand = ScanCodes | StopScanning


class CodeScannerDriver:
    """`url`: serial:///dev/...?baud=9600."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._wire: Transport | None = None
        self._splitter = CodeSplitter()
        self._passing_on = False
        self._heard_at = 0.0

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.CODE_SCANNER

    @property
    def url(self) -> str:
        return self._url

    def connect(self, host: Host) -> Identity | Down:
        wire = host.open(self._url)
        if isinstance(wire, Fault):
            return not_opened(wire)
        self._wire = wire
        self._splitter = CodeSplitter()
        return Identity("serial code scanner")

    def disconnect(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def run(self, host: Host) -> Down | None:
        if self._wire is None:
            return Down(Status.DISCONNECTED, "not open")
        silence_s = self._splitter.silence_s
        if silence_s is None:
            wait_s = LISTEN_S
        else:
            wait_s = max(0.0, self._heard_at + silence_s - host.clock.monotonic())
        piece = self._wire.read(READ_BYTES, wait_s)
        if isinstance(piece, Fault):
            return Down(Status.DISCONNECTED, piece.detail)
        now = host.clock.monotonic()
        if piece:
            self._heard_at = now
            found = self._splitter.feed(piece)
        elif silence_s is not None and now - self._heard_at >= silence_s - CLOCK_STEP_S:
            found = self._splitter.silence()
        else:
            found = []
        for item in found:
            if isinstance(item, CodeScanned) and self._passing_on:
                host.post(item)
        return None

    def handle(self, command: ScannerCommand, host: Host) -> Fault | None:
        if self._wire is not None and not self._passing_on and isinstance(command, ScanCodes):
            # What was scanned before anybody asked belongs to nobody.
            stale = self._wire.read(READ_BYTES, 0.0)
            self._splitter.clear()
            if isinstance(stale, Fault):
                self._wish(command)
                return stale
        self._wish(command)
        return None

    def decline(self, command: ScannerCommand, fault: Fault, host: Host) -> Fault | None:
        """Without a scanner the wish is kept: codes are passed on as soon as there is one."""
        self._wish(command)
        return None if fault.code is FaultCode.DISCONNECTED else fault

    def _wish(self, command: ScannerCommand) -> None:
        match command:
            case ScanCodes():
                self._passing_on = True
            case StopScanning():
                self._passing_on = False
            case _:
                assert_never(command)

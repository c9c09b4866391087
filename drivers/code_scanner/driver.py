"""Drives a code scanner on a serial line (also USB-COM), or one that types, read exclusively.

Codes are passed on only while somebody asked for them, and only what was asked for.
"""

from __future__ import annotations

from typing import Final, assert_never

from drivers.addresses import EvdevUrl, UsbUrl, parse_url
from drivers.code_scanner.personal import ScannerMask, TypingMask
from drivers.code_scanner.protocol import CodeSplitter, checked
from drivers.code_scanner.values import (
    CodeRule,
    CodeScanned,
    ScanCodes,
    StopScanning,
    Suffix,
)
from drivers.device import DeviceClass, Fault, FaultCode, Identity, Status
from drivers.input_events import EVENT, Dropped, EventReader, Typist
from drivers.transport import Ports, Transport
from drivers.worker import Down, Host, not_opened

LISTEN_S: Final = 60.0  # the wire wakes it; this only bounds one turn
CLOCK_STEP_S: Final = 0.001  # a wait may end a rounding short of its time
READ_BYTES: Final = 4096 // EVENT.size * EVENT.size  # whole events
SPEAKS: Final = Ports(mask=ScannerMask)
TYPES: Final = Ports(mask=TypingMask)

ScannerCommand = ScanCodes | StopScanning


class CodeScannerDriver:
    """`url`: serial:///dev/...?baud=9600, or evdev:///dev/input/by-id/... for one that types."""

    def __init__(self, url: str, suffix: Suffix = Suffix.AUTO) -> None:
        self._url = url
        self._suffix = suffix
        self._types = isinstance(parse_url(url), EvdevUrl)
        self._wire: Transport | None = None
        self._events = EventReader()
        self._typist = Typist()
        self._splitter = CodeSplitter(suffix)
        self._rule: CodeRule | None = None  # of the step that asked; None: nobody did
        self._heard_at = 0.0

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.CODE_SCANNER

    @property
    def url(self) -> str:
        return self._url

    def connect(self, host: Host) -> Identity | Down:
        if isinstance(parse_url(self._url), UsbUrl):
            # Opened as a device it would go on typing into whatever window is in front.
            return Down(Status.BROKEN, "a scanner that types is read as evdev:///dev/input/by-id/…")
        wire = host.open(self._url, TYPES if self._types else SPEAKS)
        if isinstance(wire, Fault):
            return not_opened(wire)
        self._wire = wire
        self._events, self._typist = EventReader(), Typist()
        self._splitter = CodeSplitter(self._suffix)
        return Identity("code scanner that types" if self._types else "serial code scanner")

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
        found: list[CodeScanned | Fault] = []
        if piece:
            self._heard_at = now
            found = self._splitter.feed(self._typed(piece) if self._types else piece)
        elif silence_s is not None and now - self._heard_at >= silence_s - CLOCK_STEP_S:
            found = self._splitter.silence()
        if self._rule is not None:
            for code in found:
                host.post(checked(code, self._rule))
        return None

    def handle(self, command: ScannerCommand, host: Host) -> Fault | None:
        if self._wire is not None and self._rule is None and isinstance(command, ScanCodes):
            # What was scanned before anybody asked belongs to nobody.
            stale = self._wire.read(READ_BYTES, 0.0)
            if isinstance(stale, Fault):
                self._wish(command)
                return stale
            if self._types:
                self._typed(stale)  # a shift key that went up meanwhile is up
            self._splitter.clear()
        self._wish(command)
        return None

    def decline(self, command: ScannerCommand, fault: Fault, host: Host) -> Fault | None:
        """Without a scanner the wish is kept: codes are passed on as soon as there is one."""
        self._wish(command)
        return None if fault.code is FaultCode.DISCONNECTED else fault

    def _typed(self, piece: bytes) -> bytes:
        typed = bytearray()
        for event in self._events.feed(piece):
            if isinstance(event, Dropped):
                typed.clear()
                self._splitter.clear()
                self._typist.clear()
            else:
                typed += self._typist.feed(event)
        return bytes(typed)

    def _wish(self, command: ScannerCommand) -> None:
        match command:
            case ScanCodes(rule=rule):
                self._rule = rule
            case StopScanning():
                self._rule = None
            case _:
                assert_never(command)

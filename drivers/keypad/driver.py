"""Drives a rating keypad. Presses count only while a person is asked; the lamps say so where it has any."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, assert_never

from drivers.addresses import EvdevUrl, UsbUrl, parse_url
from drivers.device import DeviceClass, Fault, FaultCode, Identity, Status
from drivers.input_events import RELEASED, Dropped, EventReader
from drivers.keypad.protocol import (
    FRAME_SILENCE_S,
    SAME_PRESS_S,
    Make,
    Order,
    PressFilter,
    SignalReader,
    WireKind,
    read_make,
)
from drivers.keypad.values import KeyPressed, ListenForKeys, StopListening
from drivers.transport import MaskNothing, Ports, Transport, write_all
from drivers.worker import Down, Host, not_opened

LISTEN_S: Final = 60.0  # the wire wakes it; this only bounds one turn
READ_BYTES: Final = 960  # whole input events
WRITE_LIMIT_S: Final = 0.5
PORTS: Final = Ports(mask=MaskNothing)  # a key tells how somebody was served, and not whom
MAKES: Final = Path(__file__).parent / "makes"

KeypadCommand = ListenForKeys | StopListening


def makes() -> tuple[str, ...]:
    """Names of the makes that ship."""
    return tuple(sorted(path.stem for path in MAKES.glob("*.toml")))


def load_make(make: str, keys: Mapping[str, str] | None = None) -> Make | Fault:
    """A make that ships, by its name, or a file of the site, by its path."""
    path = Path(make) if make.startswith("/") else MAKES / f"{make}.toml"
    if path.parent == MAKES and make not in makes():
        return Fault(FaultCode.BAD_INPUT, f"keypad: makes are {', '.join(makes())} or a path")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return Fault(FaultCode.BAD_INPUT, f"keypad: {path.name} cannot be read")
    return read_make(text, keys)


class KeypadDriver:
    """`url`: serial:///dev/...?baud=9600, or evdev:///dev/input/by-id/... for one that types.

    `keys`: bytes in hexadecimal -> "5".."1" or "skip", instead of the make's own. `make`: see
    `load_make`.
    """

    def __init__(
        self, url: str, keys: Mapping[str, str] | None = None, make: str = "digits"
    ) -> None:
        self._url = url
        self._make = load_make(make, keys)
        self._wire: Transport | None = None
        self._events = EventReader()
        self._reader: SignalReader | None = None
        self._filter: PressFilter | None = None
        self._listening = False
        self._stuck = ""

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.KEYPAD

    @property
    def url(self) -> str:
        return self._url

    def connect(self, host: Host) -> Identity | Down:
        make = self._make
        if isinstance(make, Fault):
            return Down(Status.BROKEN, make.detail)
        address = parse_url(self._url)
        types = isinstance(address, EvdevUrl)
        if isinstance(address, UsbUrl) or types is not (make.wire is WireKind.EVDEV):
            return Down(Status.BROKEN, f"this make is read as {make.wire}://")
        wire = host.open(self._url, PORTS)
        if isinstance(wire, Fault):
            return not_opened(wire)
        self._wire = wire
        self._events, self._stuck = EventReader(), ""
        self._reader, self._filter = SignalReader(make), PressFilter(make.keys)
        stale = wire.read(READ_BYTES, 0.0)  # pressed before anybody listened
        if isinstance(stale, Fault):
            return Down(Status.DISCONNECTED, stale.detail)
        fault = self._tell(self._listening, host)
        if fault is not None:
            return Down(Status.DISCONNECTED, fault.detail)
        return Identity(make.title or "keypad")

    def disconnect(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def run(self, host: Host) -> Down | None:
        wire, reader, presses, make = self._wire, self._reader, self._filter, self._make
        if wire is None or reader is None or presses is None or isinstance(make, Fault):
            return Down(Status.DISCONNECTED, "not open")
        wait_s = LISTEN_S
        if self._stuck:
            wait_s = SAME_PRESS_S
        elif reader.waiting:
            wait_s = FRAME_SILENCE_S
        piece = wire.read(READ_BYTES, wait_s)
        if isinstance(piece, Fault):
            return Down(Status.DISCONNECTED, piece.detail)
        if not piece:
            reader.silence()
        now = host.clock.monotonic()
        signals = reader.feed(self._keys(piece) if make.wire is WireKind.EVDEV else piece)
        for key in presses.feed(signals, now):
            host.post(KeyPressed(key))
        stuck = presses.stuck(now)
        if stuck is not None:
            self._stuck = stuck
            host.report(Status.BROKEN, f"key {stuck} is stuck")
        elif self._stuck and not piece:
            self._stuck = ""
            host.report(Status.READY)
        return None

    def handle(self, command: KeypadCommand, host: Host) -> Fault | Down | None:
        presses, make, wire = self._filter, self._make, self._wire
        fault: Fault | None = None
        match command:
            case ListenForKeys():
                if not self._listening:
                    fault = self._tell(True, host)
                self._listening = True
            case StopListening(thank=thank):
                if thank and self._listening and wire is not None and not isinstance(make, Fault):
                    fault = write_all(wire, make.encode(Order.THANK), WRITE_LIMIT_S)
                if self._listening:
                    fault = fault or self._tell(False, host)
                self._listening = False
            case _:
                assert_never(command)
        if presses is not None and fault is not None and fault.code is FaultCode.DEVICE_LOST:
            return Down(Status.DISCONNECTED, fault.detail)
        return fault

    def decline(self, command: KeypadCommand, fault: Fault, host: Host) -> Fault | None:
        """Without a keypad the wish is kept: a rating step that still lasts is joined."""
        self._listening = isinstance(command, ListenForKeys)
        return None if fault.code is FaultCode.DISCONNECTED else fault

    def _tell(self, listen: bool, host: Host) -> Fault | None:
        """Lamps and voice, where this make has any; then the presses count or do not."""
        presses, make, wire = self._filter, self._make, self._wire
        if presses is None or wire is None or isinstance(make, Fault):
            return None
        if listen:
            presses.enable(host.clock.monotonic())
        else:
            presses.disable()
        data = make.encode(Order.ENABLE if listen else Order.DISABLE)
        return write_all(wire, data, WRITE_LIMIT_S) if data else None

    def _keys(self, piece: bytes) -> bytes:
        """Keys that went down, or stay down, as signals of two bytes."""
        signals = bytearray()
        for event in self._events.feed(piece):
            if not isinstance(event, Dropped) and event.value != RELEASED:
                signals += event.code.to_bytes(2, "big")
        return bytes(signals)

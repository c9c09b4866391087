"""Drives a relay board with guide lights, fill light and beeper. Everything works without one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final, assert_never

from drivers.device import DeviceClass, Fault, FaultCode, Identity, Status
from drivers.io_board.protocol import Kind, answer_of, channel_map, switch
from drivers.io_board.values import Buzz, Lamp, Light
from drivers.transport import MaskNothing, Ports, Transport, write_all
from drivers.worker import Down, Host, not_opened

LISTEN_S: Final = 60.0  # the wire wakes it; this only bounds one turn
ANSWER_LIMIT_S: Final = 0.3  # 16 bytes at 9600 baud take 17 ms
TRIES: Final = 2  # a byte may be spoilt; a board that is gone stays gone
MAX_BUZZ_MS: Final = 1000
READ_BYTES: Final = 64
PORTS: Final = Ports(mask=MaskNothing)  # lamps know nobody

BoardCommand = Light | Buzz


class IoBoardDriver:
    """`url`: serial:///dev/...?baud=9600 or tcp://. `channels`: name of a lamp -> channel, from 1."""

    def __init__(
        self, url: str, channels: Mapping[str, int], kind: Kind = Kind.RELAY, address: int = 1
    ) -> None:
        self._url = url
        self._channels = channel_map(channels)
        self._kind = kind
        self._address = address
        self._wire: Transport | None = None
        self._wanted: frozenset[Lamp] = frozenset()
        self._on: dict[int, bool] = {}  # channel -> as it was switched last

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.IO_BOARD

    @property
    def url(self) -> str:
        return self._url

    def connect(self, host: Host) -> Identity | Down:
        if isinstance(self._channels, Fault):
            return Down(Status.BROKEN, self._channels.detail)
        wire = host.open(self._url, PORTS)
        if isinstance(wire, Fault):
            return not_opened(wire)
        self._wire = wire
        self._on.clear()
        fault = self._show(host)  # whatever was lit before: dark or as wanted now
        if fault is not None:
            return self._down(fault)
        return Identity(f"{self._kind} board")

    def disconnect(self) -> None:
        wire, self._wire = self._wire, None
        if wire is None:
            return
        with contextlib.suppress(Exception):  # the board may be gone; the wire is closed anyway
            for channel in [channel for channel, on in self._on.items() if on]:
                wire.write(switch(self._kind, self._address, channel, False), ANSWER_LIMIT_S)
        self._on.clear()
        wire.close()

    def run(self, host: Host) -> Down | None:
        if self._wire is None:
            return Down(Status.DISCONNECTED, "not open")
        piece = self._wire.read(READ_BYTES, LISTEN_S)  # it says nothing by itself
        return Down(Status.DISCONNECTED, piece.detail) if isinstance(piece, Fault) else None

    def handle(self, command: BoardCommand, host: Host) -> Fault | Down | None:
        match command:
            case Light(lamps=lamps):
                self._wanted = lamps - {Lamp.BEEPER}
                fault = self._show(host)
            case Buzz(milliseconds=milliseconds):
                fault = self._buzz(milliseconds, host)
            case _:
                assert_never(command)
        return self._down(fault) if fault is not None else None

    def decline(self, command: BoardCommand, fault: Fault, host: Host) -> Fault | None:
        """Without a board the wish is kept; a sound that nobody heard is not made up for."""
        if isinstance(command, Light):
            self._wanted = command.lamps - {Lamp.BEEPER}
            return None if fault.code is FaultCode.DISCONNECTED else fault
        return fault

    def _show(self, host: Host) -> Fault | None:
        """Switch what is not yet as wanted."""
        channels = self._channels
        if isinstance(channels, Fault):
            return channels
        lit = {channels[lamp] for lamp in self._wanted if lamp in channels}
        for channel in sorted(set(channels.values())):
            if self._on.get(channel) is not (channel in lit):
                fault = self._switch(channel, channel in lit, host)
                if fault is not None:
                    return fault
        return None

    def _buzz(self, milliseconds: int, host: Host) -> Fault | None:
        channels = self._channels
        if isinstance(channels, Fault) or Lamp.BEEPER not in channels:
            return None
        channel = channels[Lamp.BEEPER]
        fault = self._switch(channel, True, host)
        if fault is None:
            host.pause(min(max(milliseconds, 0), MAX_BUZZ_MS) / 1000)
        return fault or self._switch(channel, False, host)

    def _switch(self, channel: int, on: bool, host: Host) -> Fault | None:
        """One channel; a Modbus board must say that it has done so."""
        wire = self._wire
        if wire is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        frame = switch(self._kind, self._address, channel, on)
        fault: Fault | None = None
        for _ in range(TRIES):
            fault = write_all(wire, frame, ANSWER_LIMIT_S)
            if fault is None and self._kind is Kind.MODBUS:
                fault = self._hear(wire, frame, host)
            if fault is None:
                self._on[channel] = on
                return None
            if fault.code is FaultCode.DEVICE_LOST:
                return fault
        return fault

    def _hear(self, wire: Transport, frame: bytes, host: Host) -> Fault | None:
        heard = b""
        until = host.clock.monotonic() + ANSWER_LIMIT_S
        while (left_s := until - host.clock.monotonic()) > 0:
            piece = wire.read(READ_BYTES, left_s)
            if isinstance(piece, Fault):
                return piece
            heard += piece
            answer = answer_of(frame, heard)
            if answer is not None:
                return answer if isinstance(answer, Fault) else None
        return Fault(FaultCode.TIMED_OUT, "does not answer")

    def _down(self, fault: Fault) -> Down:
        match fault.code:
            case FaultCode.TIMED_OUT | FaultCode.BAD_REPLY:
                return Down(Status.UNKNOWN, fault.detail, fault)
            case FaultCode.REFUSED | FaultCode.BAD_INPUT:
                return Down(Status.BROKEN, fault.detail, fault)
            case _:
                return Down(Status.DISCONNECTED, fault.detail, fault)

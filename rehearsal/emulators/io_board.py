"""Relay board with guide lights and beeper, on a serial line: eight channels.

Kinds: "relay" (A0, channel, state, sum; says nothing) and "modbus" (write single coil; says it again).
State: what every device has. Control: status -> {on: [channels], lamps: {name: lit}, buzzes}, and what
every device understands.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from rehearsal.emulators.base import SerialWire, dispatch, parser, run, state_path
from rehearsal.emulators.world import State, World

BAUD = 9600
CHANNELS = 8
ADDRESS = 1
LAMPS = (
    "reader",
    "plate",
    "printer",
    "scanner",
    "keypad",
    "fill_light",
    "beeper",
)  # from channel 1
RELAY_FRAME, MODBUS_FRAME = 4, 8
REST_S = 0.05  # half a frame is forgotten after this


def crc16(data: bytes) -> int:
    """Modbus CRC by the reflected polynomial 8005h."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            carry = register & 1
            register >>= 1
            if carry:
                register ^= 0xA001
    return register


class IoBoard:
    name = "io_board"

    def __init__(self, link: Path, state: Path, kind: str, baud: int = BAUD) -> None:
        self._kind = kind
        self._baud = baud
        self._world = World(state, {}, self._changed, self.handle)
        self._wire = SerialWire(link, self._arrived, self._world)
        self._buffer = bytearray()
        self._on: set[int] = set()
        self._answers: set[asyncio.Task[None]] = set()
        self._rest: asyncio.TimerHandle | None = None
        self.buzzes = 0
        self.bad_frames = 0

    async def start(self) -> dict[str, Any]:
        await self._world.open()
        return {"path": str(self._wire.link)}

    async def stop(self) -> None:
        await self._world.close()
        self._wire.unplug()

    def _changed(self, before: State, after: State) -> None:
        if not after["powered"]:
            self._on.clear()
        if after["plugged"]:
            self._wire.plug()
        else:
            self._on.clear()  # it has its power from the same cable
            self._wire.unplug()

    def _arrived(self, data: bytes) -> None:
        if not self._world["powered"] or self._wire.host_baud not in (self._baud, 0):
            return
        self._buffer += data
        size = RELAY_FRAME if self._kind == "relay" else MODBUS_FRAME
        while len(self._buffer) >= size:
            frame = bytes(self._buffer[:size])
            if self._take(frame):
                del self._buffer[:size]
            else:
                self.bad_frames += 1
                del self._buffer[:1]
        if self._rest:
            self._rest.cancel()
        if self._buffer:
            self._rest = asyncio.get_running_loop().call_later(REST_S, self._buffer.clear)

    def _take(self, frame: bytes) -> bool:
        """Whether it was a whole command."""
        if self._kind == "relay":
            good = frame[0] == 0xA0 and frame[2] < 2 and sum(frame[:3]) % 256 == frame[3]
            if good:
                self._switch(frame[1], bool(frame[2]))
            return good
        if frame[0] != ADDRESS or crc16(frame[:6]) != frame[6] | frame[7] << 8:
            return False
        if (
            frame[1] != 5
            or frame[2]
            or frame[3] >= CHANNELS
            or frame[4:6] not in (b"\xff\0", b"\0\0")
        ):
            refusal = bytes([ADDRESS, frame[1] | 0x80, 2])
            self._say(refusal + crc16(refusal).to_bytes(2, "little"))
            return True
        self._switch(frame[3] + 1, frame[4] == 0xFF)
        self._say(frame)
        return True

    def _switch(self, channel: int, on: bool) -> None:
        if on and channel not in self._on and channel == LAMPS.index("beeper") + 1:
            self.buzzes += 1
        (self._on.add if on else self._on.discard)(channel)

    def _say(self, data: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._wire.send(data, self._baud))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        await dispatch({"status": lambda request: {}, **self._world.requests()}, request)
        return {
            "plugged": self._wire.plugged,
            "powered": self._world["powered"],
            "on": sorted(self._on),
            "lamps": {name: number in self._on for number, name in enumerate(LAMPS, start=1)},
            "buzzes": self.buzzes,
            "bad_frames": self.bad_frames,
        }


def main() -> None:
    arguments = parser("Relay board with guide lights on a serial line.")
    arguments.add_argument("--link", type=Path, required=True, help="Where the line shall appear.")
    arguments.add_argument("--kind", choices=("relay", "modbus"), default="modbus")
    given = arguments.parse_args()
    run(IoBoard(given.link, state_path(given), given.kind), given.control)


if __name__ == "__main__":
    main()

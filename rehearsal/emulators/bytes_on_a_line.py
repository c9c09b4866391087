"""The two simplest devices: a code scanner and a rating keypad. On a serial line, or typing.

Scanner control: scan {text | hex}, status and what every device understands. How it ends a code is
set at its start, as with the bar codes of its manual.
Keypad control: press {key | byte}, hold {key, times}, status -> {lamps, clips} and what every device
understands. What it sends, and what it can be told, is its make.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from rehearsal.control import RequestError
from rehearsal.emulators.base import SerialWire, dispatch
from rehearsal.emulators.typing import ENTER, EventSocket, stroke, typed
from rehearsal.emulators.world import State, World

BAUD = 9600
SUFFIXES = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "tab": b"\t", "none": b""}
KEYS = ("5", "4", "3", "2", "1", "skip")
MAKES = ("digits", "numbers", "framed_xor", "framed_sum", "typing")
HOLD_S = 0.1  # a held key repeats so often
LAMPS, CLIP = 0x10, 0x20  # commands of framed_xor


class SpeakingDevice:
    """A serial line, or a socket with input events, on which the device speaks by itself."""

    name = "device"

    def __init__(self, link: Path, state: Path, baud: int = BAUD, *, types: bool = False) -> None:
        self._baud = baud
        self._types = types
        self._world = World(state, {}, self._changed, self.handle)
        self._wire = SerialWire(link, self._arrived, self._world)
        self._events = EventSocket(link)
        self._heard = 0
        self.said = 0

    async def start(self) -> dict[str, Any]:
        await self._world.open()
        return {"path": str(self._wire.link)}

    async def stop(self) -> None:
        await self._world.close()
        self._wire.unplug()
        await self._events.unplug()

    async def _changed(self, before: State, after: State) -> None:
        if self._types:
            await (self._events.plug() if after["plugged"] else self._events.unplug())
        elif after["plugged"]:
            self._wire.plug()
        else:
            self._wire.unplug()

    def _arrived(self, data: bytes) -> None:
        self._heard += len(data)

    async def say(self, data: bytes) -> None:
        """Put bytes on the line; with nobody at the other end's speed they come as garbage."""
        if not (self._wire.plugged or self._events.plugged):
            raise RequestError("it is unplugged")
        self.said += 1
        if self._types:
            self._events.say(self._world.outgoing(data).data)
            return
        if self._wire.host_baud not in (self._baud, 0):
            data = bytes(byte ^ 0xA5 for byte in data)
        await self._wire.send(data, self._baud)

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        await dispatch({"status": self._status, **self._world.requests()}, request)
        return self._status(request)

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "plugged": self._wire.plugged or self._events.plugged,
            "powered": self._world["powered"],
            "said": self.said,
            "heard_bytes": self._heard,
            "host_baud": self._wire.host_baud,
        }


class CodeScanner(SpeakingDevice):
    name = "code_scanner"

    def __init__(
        self, link: Path, state: Path, baud: int = BAUD, *, suffix: str = "cr", types: bool = False
    ) -> None:
        super().__init__(link, state, baud, types=types)
        self._suffix = SUFFIXES[suffix]

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] != "scan":
            return await super().handle(request)
        if self._types:
            await self.say(typed(str(request["text"])) + stroke(ENTER))
        else:
            data = bytes.fromhex(request["hex"]) if "hex" in request else request["text"].encode()
            await self.say(data + self._suffix)
        return self._status(request)


class Keypad(SpeakingDevice):
    name = "keypad"

    def __init__(self, link: Path, state: Path, baud: int = BAUD, *, make: str = "digits") -> None:
        super().__init__(link, state, baud, types=make == "typing")
        self._make = make
        self._told = bytearray()
        self.lamps = 0
        self.clips: list[int] = []

    def sent_by(self, key: str) -> bytes:
        """What a key of this make sends."""
        digit = 0 if key == "skip" else int(key)
        place = 6 if key == "skip" else 6 - digit  # from the left, very satisfied first
        match self._make:
            case "numbers":
                return bytes([place])
            case "framed_xor":
                return self._framed(0x01, place)
            case "framed_sum":
                character = 0x30 + digit
                return bytes([2, character, character, 2 * character & 0xFF, 3])
            case "typing":
                return stroke(11 if digit == 0 else 1 + digit)
            case _:
                return b"%d" % digit

    @staticmethod
    def _framed(command: int, value: int) -> bytes:
        frame = bytes([0xAA, 0x55, 2, command, value])
        check = 0
        for byte in frame:
            check ^= byte
        return frame + bytes([check])

    def _arrived(self, data: bytes) -> None:
        """Lamps and clips, for the make that has them."""
        super()._arrived(data)
        if self._make != "framed_xor":
            return
        self._told += data
        while len(self._told) >= 6:
            frame = bytes(self._told[:6])
            if frame != self._framed(frame[3], frame[4]):
                del self._told[:1]
                continue
            del self._told[:6]
            if frame[3] == LAMPS:
                self.lamps = frame[4]
            elif frame[3] == CLIP:
                self.clips.append(frame[4])

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] not in ("press", "hold"):
            return await super().handle(request)
        if "byte" in request:
            byte = request["byte"]
            data = bytes([int(byte, 16) if isinstance(byte, str) else int(byte)])
        elif request.get("key") in KEYS:
            data = self.sent_by(request["key"])
        else:
            raise RequestError(f"no such key; there are {', '.join(KEYS)}")
        for _ in range(int(request.get("times", 1))):
            await self.say(data)
            if request["do"] == "hold":
                await asyncio.sleep(HOLD_S)
        return self._status(request)

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {**super()._status(request), "lamps": self.lamps, "clips": self.clips}

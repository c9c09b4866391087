"""The two simplest devices: a code scanner and a rating keypad. They only ever speak.

Scanner control: scan {text | hex}, status and what every device understands. It ends each code with CR.
Keypad control: press {key | byte}, status and what every device understands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rehearsal.control import RequestError
from rehearsal.emulators.base import SerialWire, dispatch
from rehearsal.emulators.world import State, World

BAUD = 9600
KEYS = {"5": 0x35, "4": 0x34, "3": 0x33, "2": 0x32, "1": 0x31, "skip": 0x30}


class SpeakingDevice:
    """A serial line on which only the device speaks."""

    name = "device"

    def __init__(self, link: Path, state: Path, baud: int = BAUD) -> None:
        self._baud = baud
        self._world = World(state, {}, self._changed, self.handle)
        self._wire = SerialWire(link, self._arrived, self._world)
        self._heard = 0
        self.said = 0

    async def start(self) -> dict[str, Any]:
        await self._world.open()
        return {"path": str(self._wire.link)}

    async def stop(self) -> None:
        await self._world.close()
        self._wire.unplug()

    def _changed(self, before: State, after: State) -> None:
        if after["plugged"]:
            self._wire.plug()
        else:
            self._wire.unplug()

    def _arrived(self, data: bytes) -> None:
        self._heard += len(data)

    async def say(self, data: bytes) -> None:
        """Put bytes on the line; with nobody at the other end's speed they come as garbage."""
        if not self._wire.plugged:
            raise RequestError("it is unplugged")
        self.said += 1
        if self._wire.host_baud not in (self._baud, 0):
            data = bytes(byte ^ 0xA5 for byte in data)
        await self._wire.send(data, self._baud)

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        await dispatch({"status": self._status, **self._world.requests()}, request)
        return self._status(request)

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "plugged": self._wire.plugged,
            "powered": self._world["powered"],
            "said": self.said,
            "heard_bytes": self._heard,
            "host_baud": self._wire.host_baud,
        }


class CodeScanner(SpeakingDevice):
    name = "code_scanner"

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] != "scan":
            return await super().handle(request)
        data = bytes.fromhex(request["hex"]) if "hex" in request else request["text"].encode()
        await self.say(data + b"\r")
        return self._status(request)


class Keypad(SpeakingDevice):
    name = "keypad"

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] != "press":
            return await super().handle(request)
        if "byte" in request:
            byte = request["byte"]
            code = int(byte, 16) if isinstance(byte, str) else int(byte)
        elif request.get("key") in KEYS:
            code = KEYS[request["key"]]
        else:
            raise RequestError(f"no such key; there are {', '.join(KEYS)}")
        await self.say(bytes([code]))
        return self._status(request)

"""ID card reader: SAM_V over a serial line.

Control: place_card {card}, lift_card, unplug, plug, power_off, power_on, fail_next {sw3 [, times]},
noise {hex}, status.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from rehearsal.emulators.base import SerialWire, dispatch, parser, run
from rehearsal.emulators.sam import Command, Framer, Garbled, Sam, baud_after

FRAME_TIMEOUT_S = 0.25  # a frame whose bytes stop coming is given up


class IdReader:
    name = "id_reader"

    def __init__(self, link: Path, haste: float = 1.0) -> None:
        """`haste` divides the time that the module works on a card."""
        self._haste = haste
        self._sam = Sam()
        self._framer = Framer()
        self._wire = SerialWire(link, self._arrived)
        self._commands: asyncio.Queue[Command | Garbled] = asyncio.Queue()
        self._quiet: asyncio.TimerHandle | None = None
        self._powered = True
        self._wrong_baud_bytes = 0
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> dict[str, Any]:
        self._wire.plug()
        self._worker = asyncio.create_task(self._work())
        return {"path": str(self._wire.link)}

    async def stop(self) -> None:
        if self._worker:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        self._wire.unplug()

    def _arrived(self, data: bytes) -> None:
        if not self._powered:
            return
        if self._wire.host_baud != self._sam.baud:
            self._wrong_baud_bytes += len(data)  # at another speed the bytes mean nothing
            return
        for item in self._framer.feed(data):
            self._commands.put_nowait(item)
        if self._quiet:
            self._quiet.cancel()
        if self._framer.buffer:
            self._quiet = asyncio.get_running_loop().call_later(FRAME_TIMEOUT_S, self._silence)

    def _silence(self) -> None:
        for item in self._framer.silence():
            self._commands.put_nowait(item)

    async def _work(self) -> None:
        """One command after another, as the module does."""
        while True:
            command = await self._commands.get()
            await asyncio.sleep(self._sam.work_s(command) / self._haste)
            if not self._powered:
                continue
            answer = self._sam.answer(command)
            await self._wire.send(answer, self._sam.baud)
            self._sam.baud = baud_after(command, self._sam.baud)

    # -- control ----------------------------------------------------------------

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        return await dispatch(
            {
                "place_card": self._place,
                "lift_card": self._lift,
                "unplug": self._unplug,
                "plug": self._plug,
                "power_off": self._power_off,
                "power_on": self._power_on,
                "fail_next": self._fail,
                "noise": self._noise,
                "status": self._status,
            },
            request,
        )

    def _place(self, request: dict[str, Any]) -> dict[str, Any]:
        self._sam.place(dict(request["card"]))
        return self._status(request)

    def _lift(self, request: dict[str, Any]) -> dict[str, Any]:
        self._sam.lift()
        return self._status(request)

    def _unplug(self, request: dict[str, Any]) -> dict[str, Any]:
        self._wire.unplug()
        self._power_off(request)
        return self._status(request)

    def _plug(self, request: dict[str, Any]) -> dict[str, Any]:
        self._power_on(request)
        self._wire.plug()
        return self._status(request)

    def _power_off(self, request: dict[str, Any]) -> dict[str, Any]:
        self._powered = False
        self._framer = Framer()
        return self._status(request)

    def _power_on(self, request: dict[str, Any]) -> dict[str, Any]:
        self._powered = True
        self._sam.reset()
        return self._status(request)

    def _fail(self, request: dict[str, Any]) -> dict[str, Any]:
        sw3 = request["sw3"]
        code = int(sw3, 16) if isinstance(sw3, str) else int(sw3)
        self._sam.fail_next += [code] * int(request.get("times", 1))
        return self._status(request)

    async def _noise(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._wire.send(bytes.fromhex(request.get("hex", "00FFAAAA9669")), self._sam.baud)
        return self._status(request)

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "plugged": self._wire.plugged,
            "powered": self._powered,
            "card": self._sam.card is not None,
            "read": self._sam.read,
            "baud": self._sam.baud,
            "host_baud": self._wire.host_baud,
            "answered": self._sam.answered,
            "skipped_bytes": self._framer.skipped_bytes,
            "wrong_baud_bytes": self._wrong_baud_bytes,
        }


def main() -> None:
    arguments = parser("ID card reader (SAM_V) on a serial line.")
    arguments.add_argument("--link", type=Path, required=True, help="Where the line shall appear.")
    arguments.add_argument("--haste", type=float, default=1.0, help="Divides the card's own time.")
    given = arguments.parse_args()
    run(IdReader(given.link, given.haste), given.control)


if __name__ == "__main__":
    main()

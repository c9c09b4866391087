"""ID card reader: SAM_V over a serial line, or over a USB port played on a Unix socket.

Control: place_card {card [, second]}, lift_card, fail_next {sw3 [, times]}, noise {hex}, status, and what
every device understands (unplug, plug, power_off, power_on, silent, slow, garble, set).
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from rehearsal.emulators.base import SerialWire, dispatch, parser, run, state_path
from rehearsal.emulators.other_ports import HOST, BulkFrames, PortWire, ReportFrames, TcpWire
from rehearsal.emulators.sam import SAM_ID, Command, Framer, Garbled, Sam, baud_after
from rehearsal.emulators.world import State, World

FRESH = {
    "card": None,  # what lies on the plate; its "kind" may also be "social"
    "second_card": False,  # another card lies beside it
    "placed": 0,  # counts: the same card lifted and put down again is another placing
    "fail_next": [],  # status bytes (hex) with which the next selecting or reading ends
    "self_test": "90",  # 60 or 66: the security module refuses to work
    "sam_id": SAM_ID.hex(),
}
FRAME_TIMEOUT_S = 0.25  # a frame whose bytes stop coming is given up


class IdReader:
    name = "id_reader"

    def __init__(self, link: Path, state: Path, haste: float = 1.0, port: str = "serial") -> None:
        """`haste` divides the time that the module works on a card. `port`: serial, tcp, usb, hid;
        `link` means nothing to tcp."""
        self._haste = haste
        self._sam = Sam()
        self._framer = Framer()
        self._world = World(state, FRESH, self._changed, self.handle)
        self._wire: SerialWire | PortWire
        if port == "serial":
            self._wire = SerialWire(link, self._arrived, self._world)
        elif port == "tcp":
            self._wire = TcpWire(self._arrived, self._world)
        else:
            frames = BulkFrames() if port == "usb" else ReportFrames()
            self._wire = PortWire(link, frames, self._arrived, self._world)
        self._commands: asyncio.Queue[Command | Garbled] = asyncio.Queue()
        self._powered = 0  # counts: how often it has lost its power
        self._quiet: asyncio.TimerHandle | None = None
        self._wrong_baud_bytes = 0
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> dict[str, Any]:
        await self._world.open()
        self._worker = asyncio.create_task(self._work())
        if isinstance(self._wire, TcpWire):
            return {"host": HOST, "port": self._wire.port}
        return {"path": str(self._wire.link)}

    async def stop(self) -> None:
        await self._world.close()
        if self._worker:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        self._wire.unplug()

    # -- the wire ---------------------------------------------------------------

    def _arrived(self, data: bytes) -> None:
        if not self._world.answers:
            return
        if not self._wire.understands(self._sam.baud):
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
            powered = self._powered
            await asyncio.sleep(self._sam.work_s(command) / self._haste * self._world.slow)
            if not self._world.answers or powered != self._powered:
                continue
            answer = self._sam.answer(command)
            if len(self._sam.fail_next) != len(self._world["fail_next"]):
                self._world.note(fail_next=[f"{sw3:02X}" for sw3 in self._sam.fail_next])
            await self._wire.send(answer, self._sam.baud)
            self._sam.baud = baud_after(command, self._sam.baud)

    # -- the world --------------------------------------------------------------

    def _changed(self, before: State, after: State) -> None:
        fail_next = [int(str(sw3), 16) for sw3 in after["fail_next"]]
        if after["card"] != before["card"] or after["placed"] != before["placed"]:
            if after["card"] is None:
                self._sam.lift()
            else:
                self._sam.place(dict(after["card"]))
        self._sam.second = after["second_card"]
        self._sam.self_test = int(after["self_test"], 16)
        self._sam.sam_id = bytes.fromhex(after["sam_id"])
        self._sam.fail_next = fail_next
        has_power = after["plugged"] and after["powered"]
        if has_power and not (before["plugged"] and before["powered"]):
            self._sam.reset()
        if not has_power:
            self._framer = Framer()
            while not self._commands.empty():
                self._commands.get_nowait()
            self._powered += 1  # what is being worked on is forgotten too
        if after["plugged"]:
            self._wire.plug()
        else:
            self._wire.unplug()

    # -- control ----------------------------------------------------------------

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        own = {
            "place_card": self._place,
            "lift_card": self._lift,
            "fail_next": self._fail,
            "noise": self._noise,
            "status": self._status,
        }
        await dispatch({**self._world.requests(), **own}, request)
        return self._status(request)

    async def _place(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._world.change(
            card=dict(request["card"]),
            second_card=bool(request.get("second", False)),
            placed=self._world["placed"] + 1,  # the same card again is put down anew
        )
        return {}

    async def _lift(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._world.change(card=None, second_card=False)
        return {}

    async def _fail(self, request: dict[str, Any]) -> dict[str, Any]:
        sw3 = request["sw3"]
        code = sw3 if isinstance(sw3, str) else f"{int(sw3):02X}"
        more = [code] * int(request.get("times", 1))
        await self._world.change(fail_next=[*self._world["fail_next"], *more])
        return {}

    async def _noise(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._wire.send(bytes.fromhex(request.get("hex", "00FFAAAA9669")), self._sam.baud)
        return {}

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "plugged": self._wire.plugged,
            "powered": self._world["powered"],
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
    arguments.add_argument("--port", choices=("serial", "tcp", "usb", "hid"), default="serial")
    given = arguments.parse_args()
    run(IdReader(given.link, state_path(given), given.haste, given.port), given.control)


if __name__ == "__main__":
    main()

"""A smart card reader that the real pcscd drives: vpcd, two slots, and cards of our own.

It lives in a network and a mount namespace of its own, because vpcd listens on every interface
and pcscd has one place for its socket; the socket can be reached from outside through the folder
given (environment PCSCLITE_CSOCK_NAME of whoever speaks PC/SC). Needs root, or user namespaces.

Control: insert {slot, card}, remove {slot}, upside_down {slot}, pull_at {slot, command},
garble_at {slot, command}, mute_at {slot, command}, go_on {slot}, daemon_stop, daemon_start,
unplug, plug, status.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal import processes
from rehearsal.control import RequestError
from rehearsal.emulators.base import dispatch, parser, run
from rehearsal.emulators.smart_card_files import Card, CardError, card_of

PORT = 0x8C7B  # vpcd's first slot; the second is one more
DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
PCSCD_FOLDER = Path("/run/pcscd")  # fixed when pcscd was built
INSIDE = "REHEARSAL_SMART_CARD_INSIDE"  # set once the namespaces are entered
OFF, ON, RESET, GET_ATR = 0, 1, 2, 4
UP_S = 10.0
LOOK_S = 0.05
SILENT_S = 1.0  # pcscd looks for a card every 0.4 s
HAND_S = 0.5  # nobody changes cards faster; within one look of pcscd it would see no change


@dataclass(slots=True)
class Slot:
    """One slot, and what will go wrong in it."""

    number: int
    card: Card | None = None
    upside_down: bool = False
    pull_at: int = 0  # at this many commands from now the card is pulled out; 0: not
    garble_at: int = 0
    mute_at: int = 0
    muted: asyncio.Event | None = None
    commands: int = 0
    powered: bool = False
    free_at: float = 0.0  # when a card may be put in again, by the loop's clock
    writer: asyncio.StreamWriter | None = None
    task: asyncio.Task[None] | None = None


class SmartCardReader:
    """`folder`: where pcscd's socket appears."""

    name = "smart_card"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._slots = [Slot(0), Slot(1)]
        self._daemon: subprocess.Popen[bytes] | None = None
        self._plugged = True

    async def start(self) -> dict[str, Any]:
        self._folder.mkdir(parents=True, exist_ok=True)
        PCSCD_FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", str(self._folder), str(PCSCD_FOLDER)], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        await self._start_daemon({})
        return {"socket": str(self._folder / "pcscd.comm"), "readers": ["Virtual PCD"]}

    async def stop(self) -> None:
        for slot in self._slots:
            await self._take_out(slot)
        await self._stop_daemon({})

    # -- the service ------------------------------------------------------------

    async def _start_daemon(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._daemon is not None:
            return self._status({})
        readers = self._folder / "readers"
        readers.mkdir(exist_ok=True)
        text = (
            f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:{PORT:#06X}\n'
            f"LIBPATH {DRIVER}\nCHANNELID {PORT:#06X}\n"
        ).replace("0X", "0x")
        (readers / "vpcd").write_text(text if self._plugged else "", encoding="ascii")
        address = self._folder / "pcscd.comm"
        for old in (address, self._folder / "pcscd.pid"):
            old.unlink(missing_ok=True)
        # Errors only: a log of APDUs would hold whatever a test types as a PIN.
        self._daemon = subprocess.Popen(
            [
                "pcscd",
                "--foreground",
                "--config",
                str(readers),
                "--error",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
            start_new_session=True,
            preexec_fn=processes.die_with_parent,  # noqa: PLW1509 - no other thread runs here yet
        )
        deadline = asyncio.get_running_loop().time() + UP_S
        while not address.exists():
            if asyncio.get_running_loop().time() > deadline or self._daemon.poll() is not None:
                raise RequestError("pcscd did not come up")
            await asyncio.sleep(LOOK_S)
        for slot in self._slots:
            if slot.card is not None:
                await self._put_in(slot)
        return self._status({})

    async def _stop_daemon(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._daemon is not None:
            self._daemon.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._daemon.wait, UP_S)
            if self._daemon.poll() is None:
                self._daemon.kill()
                await asyncio.to_thread(self._daemon.wait)
            self._daemon = None
        return self._status({})

    async def _replug(self, request: dict[str, Any]) -> dict[str, Any]:
        """A reader comes or goes: pcscd reads its list of readers anew."""
        self._plugged = request["do"] == "plug"
        await self._stop_daemon({})
        return await self._start_daemon({})

    # -- the wire to vpcd ---------------------------------------------------------

    async def _put_in(self, slot: Slot) -> None:
        await self._take_out(slot, keep=True)
        await asyncio.sleep(slot.free_at - asyncio.get_running_loop().time())
        heard = asyncio.Event()
        slot.task = asyncio.create_task(self._stay(slot, heard))
        if self._plugged:
            await asyncio.wait_for(heard.wait(), UP_S)

    async def _stay(self, slot: Slot, heard: asyncio.Event) -> None:
        """Lie in the slot: connect to vpcd, again if it does not notice, until taken out."""
        while slot.card is not None:
            try:
                reader, slot.writer = await asyncio.open_connection("127.0.0.1", PORT + slot.number)
            except OSError:
                await asyncio.sleep(LOOK_S)  # vpcd listens a moment after pcscd's socket is there
                continue
            slot.powered = False
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                await self._be(slot, reader, slot.writer, heard)
            slot.writer.transport.abort()

    async def _take_out(self, slot: Slot, *, keep: bool = False) -> None:
        if slot.task is not None:
            slot.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await slot.task
        if slot.writer is not None:
            slot.writer.transport.abort()
            slot.free_at = asyncio.get_running_loop().time() + HAND_S
        slot.task = slot.writer = None
        if not keep:
            slot.card = None

    async def _be(
        self,
        slot: Slot,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        heard: asyncio.Event,
    ) -> None:
        """The card's side of the wire. vpcd asks for the ATR all the time; one that does not has
        not noticed the connection, which happens right after the last one was broken off."""
        wire = writer.get_extra_info("socket")
        while slot.card is not None:
            # vpcd sends a length, then waits for its acknowledgement: each time 40 ms otherwise
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            async with asyncio.timeout(SILENT_S):
                size = int.from_bytes(await reader.readexactly(2), "big")
            heard.set()
            payload = await reader.readexactly(size)
            answer = (
                self._control(slot, slot.card, payload[0])
                if size == 1
                else await self._command(slot, slot.card, payload)
            )
            if answer is None:
                continue
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()

    @staticmethod
    def _control(slot: Slot, card: Card, what: int) -> bytes | None:
        if what == GET_ATR:
            # A card that lies wrong is seen, and says nothing when it gets power.
            silent = slot.upside_down and slot.powered
            slot.powered = False
            return b"\x00" if silent else card.atr
        slot.powered = what != OFF
        card.reset()
        return None

    async def _command(self, slot: Slot, card: Card, command: bytes) -> bytes:
        slot.commands += 1
        for name in ("pull_at", "garble_at", "mute_at"):
            left = getattr(slot, name)
            if left:
                setattr(slot, name, left - 1)
                if left == 1:
                    if name == "pull_at":
                        slot.card = None
                        slot.free_at = asyncio.get_running_loop().time() + HAND_S
                        raise ConnectionError
                    if name == "garble_at":
                        return b"\xa5"
                    slot.muted = asyncio.Event()
                    await slot.muted.wait()
        return card.answer(command)

    # -- control ----------------------------------------------------------------

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        return await dispatch(
            {
                "insert": self._insert,
                "remove": self._remove,
                "upside_down": self._insert,
                "pull_at": self._will,
                "garble_at": self._will,
                "mute_at": self._will,
                "go_on": self._go_on,
                "daemon_stop": self._stop_daemon,
                "daemon_start": self._start_daemon,
                "unplug": self._replug,
                "plug": self._replug,
                "status": self._status,
            },
            request,
        )

    def _slot(self, request: dict[str, Any]) -> Slot:
        number = int(request.get("slot", 0))
        if number not in (0, 1):
            raise RequestError("there are slots 0 and 1")
        return self._slots[number]

    async def _insert(self, request: dict[str, Any]) -> dict[str, Any]:
        slot = self._slot(request)
        try:
            slot.card = card_of(request.get("card", {}))
        except CardError as error:
            raise RequestError(str(error)) from error
        slot.upside_down = request["do"] == "upside_down"
        slot.commands = 0
        await self._put_in(slot)
        return self._status(request)

    async def _remove(self, request: dict[str, Any]) -> dict[str, Any]:
        slot = self._slot(request)
        await self._take_out(slot)
        slot.pull_at = slot.garble_at = slot.mute_at = 0
        return self._status(request)

    def _will(self, request: dict[str, Any]) -> dict[str, Any]:
        setattr(self._slot(request), request["do"], int(request["command"]))
        return self._status(request)

    def _go_on(self, request: dict[str, Any]) -> dict[str, Any]:
        slot = self._slot(request)
        if slot.muted is not None:
            slot.muted.set()
        return self._status(request)

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "daemon": self._daemon is not None and self._daemon.poll() is None,
            "plugged": self._plugged,
            "slots": [
                {
                    "card": slot.card.kind if slot.card else "",
                    "commands": slot.commands,
                    "seen": [head.hex() for head in slot.card.seen] if slot.card else [],
                }
                for slot in self._slots
            ],
        }


def main() -> None:
    arguments = parser("A smart card reader (vpcd under the real pcscd) with cards of our own.")
    arguments.add_argument("--folder", type=Path, required=True, help="For pcscd's socket.")
    given = arguments.parse_args()
    if os.environ.get(INSIDE) != "1":
        as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
        again = [sys.executable, "-m", "rehearsal.emulators.smart_card", *sys.argv[1:]]
        os.environ[INSIDE] = "1"
        arguments = ["unshare", *as_root, "--net", "--mount", "--", *again]
        os.execvp("unshare", arguments)  # noqa: S606 - the same program, in namespaces of its own
    run(SmartCardReader(given.folder), given.control)


if __name__ == "__main__":
    main()

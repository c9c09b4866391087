"""What every emulator shares: its life as a program, its serial wire, its pace.

An emulator prints one JSON line when it is ready and ends on SIGTERM or with its parent.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rehearsal import control
from rehearsal.emulators.world import World
from rehearsal.processes import die_with_parent

BITS_A_BYTE = 10  # 8N1: start bit, eight data bits, stop bit
READ_BYTES = 4096

SPEEDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes that may be written `after_s` seconds after the piece before."""

    after_s: float
    data: bytes


def paced(data: bytes, baud: int, largest: int, chance: random.Random) -> Iterator[Piece]:
    """Cut `data` into pieces as a serial adapter delivers them: split anywhere, no faster than
    the line. The waits add up to the time that all bytes need at `baud`."""
    second_a_byte = BITS_A_BYTE / baud
    at = 0
    while at < len(data):
        size = chance.randint(1, largest)
        piece = data[at : at + size]
        yield Piece(len(piece) * second_a_byte, piece)
        at += size


class SerialWire:
    """A pty whose far end lies at `link`, as /dev/ttyUSB0 would. Unplugging removes the link and
    hangs the line up; plugging in again makes a new line, perhaps under another number.

    What it sends suffers the troubles of its `world`: slow, spoilt, silent, cut off at a byte.
    """

    def __init__(
        self, link: Path, on_bytes: Callable[[bytes], None], world: World, seed: int = 1
    ) -> None:
        self._world = world
        self.link = link
        self._on_bytes = on_bytes
        self._chance = random.Random(seed)
        self._near: int | None = None
        self._far: int | None = None
        self._sending = asyncio.Lock()
        self.sent_bytes = 0

    @property
    def plugged(self) -> bool:
        return self._near is not None

    def plug(self) -> None:
        if self.plugged:
            return
        near, far = os.openpty()
        tty.setraw(far)
        os.set_blocking(near, False)
        self._near, self._far = near, far  # far stays open, so that the line outlives its reader
        asyncio.get_running_loop().add_reader(near, self._readable)
        self.link.parent.mkdir(parents=True, exist_ok=True)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(far))

    def unplug(self) -> None:
        if self._near is None or self._far is None:
            return
        self.link.unlink(missing_ok=True)
        asyncio.get_running_loop().remove_reader(self._near)
        os.close(self._near)
        os.close(self._far)
        self._near = self._far = None

    @property
    def host_baud(self) -> int:
        """The speed that the program at the other end has set."""
        if self._far is None:
            return 0
        return SPEEDS.get(termios.tcgetattr(self._far)[5], 0)

    def understands(self, baud: int) -> bool:
        """Whether what the other end writes at its speed makes sense at `baud`."""
        return self.host_baud == baud

    def _readable(self) -> None:
        if self._near is None:
            return
        with contextlib.suppress(BlockingIOError, OSError):
            data = os.read(self._near, READ_BYTES)
            if data:
                self._on_bytes(data)

    async def send(self, data: bytes, baud: int, largest: int = 64) -> None:
        """Write at the pace of `baud`; what cannot be written any more is lost, as on a cut wire."""
        async with self._sending:
            out = self._world.outgoing(data)
            for piece in paced(out.data, baud, largest, self._chance):
                await asyncio.sleep(piece.after_s * self._world.slow)
                if self._near is None or not self._world.answers:
                    return
                with contextlib.suppress(BlockingIOError, OSError):
                    self.sent_bytes += os.write(self._near, piece.data)
            if out.unplug:
                await self._world.change(plugged=False)


class Emulator(Protocol):
    """What `run` needs of an emulator."""

    name: str

    async def start(self) -> dict[str, Any]:
        """Come up, in the state that its file says; answers what the ready line shall say (address or path)."""

    async def stop(self) -> None: ...

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out a control request. Raises RequestError."""


def parser(description: str) -> argparse.ArgumentParser:
    """Arguments that all emulators have."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--control", type=Path, required=True, help="Unix socket to make.")
    arguments.add_argument(
        "--state", type=Path, help="File with the device's world; beside the socket if not given."
    )
    return arguments


def state_path(given: argparse.Namespace) -> Path:
    """Where the state file of an emulator is."""
    path: Path = given.state or given.control.with_suffix(".json")
    return path


def run(emulator: Emulator, control_path: Path) -> None:
    """The life of the program: come up, say so, serve until told to end."""
    die_with_parent()
    asyncio.run(_live(emulator, control_path))


async def _live(emulator: Emulator, control_path: Path) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    facts = await emulator.start()
    control_path.parent.mkdir(parents=True, exist_ok=True)
    server = await control.serve(control_path, emulator.handle)
    print(json.dumps({"ready": emulator.name, **facts, "control": str(control_path)}), flush=True)
    await ended.wait()
    server.close()
    await emulator.stop()
    control_path.unlink(missing_ok=True)


Do = Callable[[dict[str, Any]], Awaitable[dict[str, Any]] | dict[str, Any]]


async def dispatch(table: Mapping[str, Do], request: dict[str, Any]) -> dict[str, Any]:
    """Call what `request` names in `table`."""
    do = table.get(request["do"])
    if do is None:
        raise control.RequestError(f"cannot do {request['do']!r}; can: {', '.join(sorted(table))}")
    answer = do(request)
    return answer if isinstance(answer, dict) else await answer

"""Receipt printer: ESC/POS over TCP, or on a serial line.

It has a memory of its own: what was sent waits there until paper has been printed, lives through an
unplugged cable, an empty roll and an opened cover, and is finished when the printer can go on, from
the row of dots where it stood still. Only power lost, a command to clear it, or one to go on after a
jam without what was there (DLE ENQ 2, obeyed in an error only) empties it.

State: paper_left_mm (0: none), near_end_mm (the sensor sees that little), near_end (the sensor
stuck), cover_open, cutter ("ok", "jams", "jammed"), paper_jam, clears (knows DLE DC4 8), and what
every device has. A jam that was cleared is told until the printer hears that it may go on
(DLE ENQ) or was off.
Control: paper_out [after_lines], near_end, refill [metres], cover_open, cover_close, cutter_jam,
paper_jam, clear_jam, tear, last, status, and what every device understands.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from rehearsal.control import RequestError
from rehearsal.emulators.base import (
    BITS_A_BYTE,
    SerialWire,
    dispatch,
    parser,
    run,
    state_path,
)
from rehearsal.emulators.escpos import RealTime, Token, Tokenizer
from rehearsal.emulators.paper import DEFAULT_LINE_DOTS, DOTS_A_MM, Paper, Receipt, Sensors, save
from rehearsal.emulators.world import State, World

HOST = "127.0.0.1"
MM_A_SECOND = 150.0
CUT_S = 0.4
STEP_S = 0.02  # how soon the paper stands still when the roll ends or the cover is opened
BUFFER_BYTES = 4096  # a small printer's; then it stops reading, and the sender feels it
READ_BYTES = 1024
ROLL_MM = 50_000.0
NEAR_END_MM = 3_000.0
XON, XOFF = b"\x11", b"\x13"
CUTTER = ("ok", "jams", "jammed")  # "jams": at the next cut


class Peer(Protocol):
    """Whoever is at the other end of the wire."""

    def say(self, data: bytes) -> None: ...


class Wire(Protocol):
    """A cable. `plug` and `unplug` may be said twice."""

    async def plug(self) -> None: ...

    async def unplug(self) -> None: ...

    def facts(self) -> dict[str, Any]: ...

    @property
    def connections(self) -> int: ...


Arrived = Callable[[bytes, Peer], None]


class TcpPeer:
    """One connection; what is said suffers the troubles of the printer's world."""

    def __init__(self, writer: asyncio.StreamWriter, world: World) -> None:
        self.writer = writer
        self._world = world
        self._pulling: asyncio.Task[None] | None = None

    def say(self, data: bytes) -> None:
        out = self._world.outgoing(data)
        if out.data and not self.writer.is_closing():
            self.writer.write(out.data)
        if out.unplug:
            self._pulling = asyncio.get_running_loop().create_task(
                self._world.change(plugged=False)
            )


class TcpWire:
    """Port 9100 of a printer with a network board. Reads no more than there is room for."""

    def __init__(self, port: int, world: World, arrived: Arrived, room: Callable[[], int]) -> None:
        self._world = world
        self._port = port
        self._arrived = arrived
        self._room = room
        self._server: asyncio.AbstractServer | None = None
        self._peers: set[TcpPeer] = set()

    async def plug(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._talk, HOST, self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for peer in list(self._peers):
            peer.writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = TcpPeer(writer, self._world)
        self._peers.add(peer)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(min(READ_BYTES, max(16, self._room()))):
                self._arrived(data, peer)
                while self._room() <= 0:
                    await asyncio.sleep(0.02)
        self._peers.discard(peer)
        writer.close()

    def facts(self) -> dict[str, Any]:
        return {"host": HOST, "port": self._port}

    @property
    def connections(self) -> int:
        return len(self._peers)


class LinePeer:
    """The one host of a serial line; answers go out at its pace, one after the other."""

    def __init__(self, wire: SerialWire, baud: int) -> None:
        self._wire = wire
        self._baud = baud
        self._saying: set[asyncio.Task[None]] = set()

    def say(self, data: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._wire.send(data, self._baud))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)


class LineWire:
    """A serial line: bytes come in no faster than its rate, and at another rate they are rubbish."""

    def __init__(
        self, link: Path, baud: int, world: World, arrived: Arrived, room: Callable[[], int]
    ) -> None:
        self._baud = baud
        self._room = room
        self._arrived = arrived
        self._line = SerialWire(link, self._heard, world)
        self._peer = LinePeer(self._line, baud)
        self._inbox = bytearray()
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._held = False

    async def plug(self) -> None:
        self._line.plug()
        if self._task is None:
            self._task = asyncio.create_task(self._pace())

    async def unplug(self) -> None:
        self._line.unplug()
        self._inbox.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def _heard(self, data: bytes) -> None:
        if self._line.host_baud not in (self._baud, 0):
            data = bytes(byte ^ 0xA5 for byte in data)
        self._inbox += data
        self._something.set()

    async def _pace(self) -> None:
        while True:
            if not self._inbox:
                self._something.clear()
                await self._something.wait()
            piece = bytes(self._inbox[:32])
            del self._inbox[:32]
            await asyncio.sleep(len(piece) * BITS_A_BYTE / self._baud)
            self._arrived(piece, self._peer)
            self._flow_control()

    def _flow_control(self) -> None:
        room = self._room()
        if not self._held and room < BUFFER_BYTES // 8:
            self._held = True
            self._peer.say(XOFF)
        elif self._held and room > BUFFER_BYTES // 2:
            self._held = False
            self._peer.say(XON)

    def moved(self) -> None:
        """The printer has worked some of its memory off."""
        if self._held:
            self._flow_control()

    def facts(self) -> dict[str, Any]:
        return {"path": str(self._line.link), "baud": self._baud}

    @property
    def connections(self) -> int:
        return int(self._line.plugged)


class ReceiptPrinter:
    name = "receipt_printer"

    def __init__(
        self,
        folder: Path,
        state: Path,
        paper_mm: int,
        *,
        port: int = 0,
        link: Path | None = None,
        baud: int = 115200,
        haste: float = 1.0,
        speed_mm_s: float = MM_A_SECOND,
    ) -> None:
        """`link`: a serial line there instead of TCP. `haste` divides the time in which paper moves."""
        self._folder = folder
        self._mm_a_second = speed_mm_s * haste
        self._cut_s = CUT_S / haste
        fresh = {
            "paper_left_mm": ROLL_MM,
            "near_end_mm": NEAR_END_MM,
            "near_end": False,
            "cover_open": False,
            "cutter": "ok",
            "paper_jam": False,
            "clears": True,
        }
        self._world = World(state, fresh, self._changed, self.handle)
        self._paper = Paper(paper_mm)
        self._sensors = Sensors()
        self._tokenizer = Tokenizer()
        self._waiting: deque[tuple[Token, Peer, int]] = deque()
        self._waiting_bytes = 0
        self._something = asyncio.Event()
        self._automatic: dict[Peer, int] = {}
        self._line: LineWire | None = None
        self._wire: Wire
        if link is None:
            self._wire = TcpWire(port, self._world, self._arrived, self._room)
        else:
            self._line = LineWire(link, baud, self._world, self._arrived, self._room)
            self._wire = self._line
        self._worker: asyncio.Task[None] | None = None
        self._left_mm = ROLL_MM  # of the roll; the file is told at each cut
        self._bytes = 0
        self.moved_dots = 0
        self._receipts = 0
        self._in_slot = 0
        self._cleared_jobs = 0
        self._forgotten = 0  # times that the memory was emptied
        self._last: tuple[Path, Receipt] | None = None

    async def start(self) -> dict[str, Any]:
        await self._world.open()
        self._worker = asyncio.create_task(self._work())
        return self._wire.facts()

    async def stop(self) -> None:
        if self._worker:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        await self._world.close()
        await self._wire.unplug()

    # -- what hands do ------------------------------------------------------------

    async def _changed(self, before: State, after: State) -> None:
        if after["cutter"] not in CUTTER:
            raise RequestError(f"cutter is one of {', '.join(CUTTER)}")
        if before["paper_left_mm"] != after["paper_left_mm"] or before["plugged"] is None:
            self._left_mm = float(after["paper_left_mm"])
        if before["powered"] and not after["powered"]:
            self._power_down()
        networked = isinstance(self._wire, TcpWire)
        if after["plugged"] and (after["powered"] or not networked):
            await self._wire.plug()
        else:
            await self._wire.unplug()
            self._automatic.clear()
        self._sense(after)

    def _power_down(self) -> None:
        """Everything in memory goes; the paper stays where it is."""
        self._forget_jobs()
        self._automatic.clear()
        self._paper.power_off()
        self._sensors = self._sensors.but(cutter_jammed=False, paper_jammed=False)

    def _forget_jobs(self) -> None:
        self._forgotten += 1
        self._something.set()
        self._waiting.clear()
        self._waiting_bytes = 0
        self._tokenizer = Tokenizer()
        self._paper.forget_line()

    def _sense(self, state: State, *, may_go_on: bool = False) -> None:
        """Sensors by what is true. An error stands until the printer is told that it may go on."""
        left = self._left_mm
        cutter, jam = state["cutter"] == "jammed", bool(state["paper_jam"])
        now = self._sensors
        self._change(
            paper=left > 0,
            near_end=bool(state["near_end"]) or left <= float(state["near_end_mm"]),
            cover_open=bool(state["cover_open"]),
            cutter_jammed=cutter or (now.cutter_jammed and not may_go_on),
            paper_jammed=jam or (now.paper_jammed and not may_go_on),
        )

    # -- the wire ---------------------------------------------------------------

    def _room(self) -> int:
        return BUFFER_BYTES - self._waiting_bytes

    def _arrived(self, data: bytes, peer: Peer) -> None:
        if not self._world["powered"]:
            return
        self._bytes += len(data)
        held = len(self._tokenizer.buffer)
        tokens = self._tokenizer.feed(data)
        size = (held + len(data) - len(self._tokenizer.buffer)) // max(1, len(tokens))
        for token in tokens:
            if isinstance(token, RealTime):
                self._at_once(token, peer)
            else:
                self._waiting.append((token, peer, size))
                self._waiting_bytes += size
                self._something.set()

    def _at_once(self, token: RealTime, peer: Peer) -> None:
        match token.kind:
            case "status":
                peer.say(self._sensors.real_time(token.n))
            case "recover":
                if not self._sensors.error:
                    return
                if token.n == 2:
                    self._forget_jobs()
                self._sense(self._world.state, may_go_on=True)
            case _:
                if not self._world["clears"]:
                    return
                self._cleared_jobs += bool(self._waiting)
                self._forget_jobs()
                self._sense(self._world.state, may_go_on=True)
                peer.say(b"\x37\x25\x00")

    def _change(self, **changes: bool) -> None:
        """A sensor changed: whoever asked for automatic status is told."""
        before, self._sensors = self._sensors, self._sensors.but(**changes)
        self._something.set()
        if before == self._sensors:
            return
        for peer in self._automatic:
            peer.say(self._sensors.automatic())

    # -- the mechanism ----------------------------------------------------------

    async def _work(self) -> None:
        """Carry out token by token at the speed of paper; stand still while offline."""
        while True:
            if not self._waiting or self._sensors.offline or not self._world["powered"]:
                self._something.clear()
                await self._something.wait()
                continue
            token, peer, size = self._waiting.popleft()
            self._waiting_bytes -= size
            if self._line is not None:
                self._line.moved()
            unknown = sum(self._paper.unknown.values())
            done = self._paper.carry_out(token)
            if sum(self._paper.unknown.values()) > unknown:
                print(f"unknown command: {token}", file=sys.stderr, flush=True)
            if done.moved_dots and not await self._move(done.moved_dots):
                continue
            if done.want_automatic is not None:
                self._subscribe(peer, done.want_automatic)
            if done.want_status:
                peer.say(self._sensors.paper_status())
            if done.want_done:
                peer.say(b"\x37\x22" + done.want_done + b"\x00")
            if done.cut:
                await self._cut()

    async def _move(self, dots: int) -> bool:
        """Until all of it is on paper; what it stands in the middle of is gone on with, or, when the
        memory is emptied meanwhile, never printed (False)."""
        forgotten = self._forgotten
        while dots:
            while self._sensors.offline or not self._world["powered"]:
                self._something.clear()
                if self._forgotten != forgotten:
                    break
                await self._something.wait()
            if self._forgotten != forgotten:
                self._paper.take_back(dots)
                return False
            seconds_a_dot = self._world.slow / self._mm_a_second / DOTS_A_MM
            left = max(1, round(self._left_mm * DOTS_A_MM))
            step = min(dots, left, max(1, round(STEP_S / seconds_a_dot)))
            await asyncio.sleep(step * seconds_a_dot)
            dots -= step
            self.moved_dots += step
            self._left_mm = max(0.0, self._left_mm - step / DOTS_A_MM)
            near = self._left_mm <= float(self._world["near_end_mm"])
            if self._left_mm <= 0 or near is not self._sensors.near_end:
                self._world.note(paper_left_mm=self._left_mm)
                self._sense(self._world.state)
        return True

    def _subscribe(self, peer: Peer, n: int) -> None:
        if n == 0:
            self._automatic.pop(peer, None)
        else:
            self._automatic[peer] = n
            peer.say(self._sensors.automatic())

    async def _cut(self) -> None:
        if self._world["cutter"] == "jams":
            await self._world.change(cutter="jammed")
            return
        await asyncio.sleep(self._cut_s * self._world.slow)
        receipt = self._paper.cut()
        self._receipts += 1
        self._in_slot += 1
        self._last = (save(receipt, self._folder, self._receipts), receipt)
        self._world.note(paper_left_mm=self._left_mm)

    # -- control ----------------------------------------------------------------

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        change = self._world.change
        table: dict[str, Any] = {
            **self._world.requests(),
            "paper_out": self._paper_out,
            "near_end": lambda request: change(near_end=True),
            "refill": self._refill,
            "cover_open": lambda request: change(cover_open=True),
            "cover_close": lambda request: change(cover_open=False),
            "cutter_jam": lambda request: change(cutter="jams"),
            "paper_jam": lambda request: change(paper_jam=True),
            "clear_jam": lambda request: change(cutter="ok", paper_jam=False),
            "tear": self._tear,
            "status": _nothing,
            "last": _nothing,
        }

        async def obey(request: dict[str, Any]) -> dict[str, Any]:
            await table[request["do"]](request)
            return self._show_last() if request["do"] == "last" else self._status()

        return await dispatch(dict.fromkeys(table, obey), request)

    async def _paper_out(self, request: dict[str, Any]) -> None:
        after = int(request.get("after_lines", 0))
        await self._world.change(paper_left_mm=after * DEFAULT_LINE_DOTS / DOTS_A_MM)

    async def _refill(self, request: dict[str, Any]) -> None:
        mm = float(request.get("metres", ROLL_MM / 1000)) * 1000
        await self._world.change(paper_left_mm=mm, near_end=False)

    async def _tear(self, request: dict[str, Any]) -> None:
        """Take what hangs in the slot."""
        self._in_slot = 0

    def _status(self) -> dict[str, Any]:
        state = self._world.state
        return {
            "plugged": bool(state["plugged"]),
            "powered": bool(state["powered"]),
            "paper": self._sensors.paper,
            "paper_left_mm": round(self._left_mm, 1),
            "near_end": self._sensors.near_end,
            "cover_open": self._sensors.cover_open,
            "cutter": state["cutter"],
            "cutter_jammed": self._sensors.cutter_jammed,
            "paper_jammed": self._sensors.paper_jammed,
            "silent": bool(state["silent"]),
            "connections": self._wire.connections,
            "bytes": self._bytes,
            "waiting": len(self._waiting),
            "cleared_jobs": self._cleared_jobs,
            "moved_mm": round(self.moved_dots / DOTS_A_MM, 1),
            "receipts": self._receipts,
            "in_slot": self._in_slot,
            "last": str(self._last[0]) if self._last else "",
            "unknown": self._paper.unknown,
            "odd": self._paper.odd,
        }

    def _show_last(self) -> dict[str, Any]:
        """The last receipt: where its picture is, what stands on it, what its codes say."""
        if self._last is None:
            return {"path": "", "text": [], "qr": []}
        path, receipt = self._last
        return {
            "path": str(path),
            "text": list(receipt.text),
            "qr": [text.decode("utf-8", "replace") for text in receipt.qr_texts],
            "qr_base64": [base64.b64encode(text).decode() for text in receipt.qr_texts],
            "lines_left_inside": receipt.lines_left_inside,
        }


async def _nothing(request: dict[str, Any]) -> None:
    """A question changes nothing."""


def arguments() -> argparse.ArgumentParser:
    wanted = parser("Receipt printer (ESC/POS) on TCP or on a serial line.")
    wanted.add_argument("--out", type=Path, required=True, help="Folder for pictures of receipts.")
    wanted.add_argument("--paper", type=int, choices=(58, 80), default=80)
    wanted.add_argument("--port", type=int, default=0, help="0: any free one.")
    wanted.add_argument("--link", type=Path, help="A serial line there instead of TCP.")
    wanted.add_argument("--baud", type=int, default=115200)
    wanted.add_argument("--speed", type=float, default=MM_A_SECOND, help="Millimetres a second.")
    wanted.add_argument("--haste", type=float, default=1.0, help="Divides the paper's time.")
    return wanted


def main() -> None:
    given = arguments().parse_args()
    printer = ReceiptPrinter(
        given.out,
        state_path(given),
        given.paper,
        port=given.port,
        link=given.link,
        baud=given.baud,
        haste=given.haste,
        speed_mm_s=given.speed,
    )
    run(printer, given.control)


if __name__ == "__main__":
    main()

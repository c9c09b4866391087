"""Receipt printer: ESC/POS over TCP.

Control: paper_out [after_lines], near_end, refill, cover_open, cover_close, cutter_jam, clear_jam,
power_off, power_on, unplug, plug, silent {on}, status, last.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import sys
from collections import deque
from pathlib import Path
from typing import Any

from rehearsal.emulators.base import dispatch, parser, run
from rehearsal.emulators.escpos import RealTime, Token, Tokenizer
from rehearsal.emulators.paper import DEFAULT_LINE_DOTS, DOTS_A_MM, Paper, Receipt, Sensors, save

HOST = "127.0.0.1"
MM_A_SECOND = 150.0
CUT_S = 0.4
BUFFER_TOKENS = 8192  # then the printer stops reading, and the sender feels it
READ_BYTES = 4096


class ReceiptPrinter:
    name = "receipt_printer"

    def __init__(self, folder: Path, paper_mm: int, port: int = 0, haste: float = 1.0) -> None:
        """`haste` divides the time in which the paper moves."""
        self._folder = folder
        self._port = port
        self._haste = haste
        self._paper = Paper(paper_mm)
        self._sensors = Sensors()
        self._tokenizer = Tokenizer()
        self._waiting: deque[tuple[Token, asyncio.StreamWriter]] = deque()
        self._something = asyncio.Event()
        self._automatic: dict[asyncio.StreamWriter, int] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.AbstractServer | None = None
        self._worker: asyncio.Task[None] | None = None
        self._silent = False
        self._jam_at_next_cut = False
        self._dots_left: int | None = None  # of the roll; None: plenty
        self._bytes = 0
        self.moved_dots = 0
        self._receipts = 0
        self._last: tuple[Path, Receipt] | None = None

    async def start(self) -> dict[str, Any]:
        await self._power_up()
        self._worker = asyncio.create_task(self._work())
        return {"host": HOST, "port": self._port}

    async def stop(self) -> None:
        if self._worker:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        await self._power_down()

    async def _power_up(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._talk, HOST, self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _power_down(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()
        self._automatic.clear()
        self._waiting.clear()
        self._tokenizer = Tokenizer()
        self._paper.power_off()

    # -- the wire ---------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(READ_BYTES):
                self._bytes += len(data)
                for token in self._tokenizer.feed(data):
                    if isinstance(token, RealTime):
                        self._at_once(token, writer)
                    else:
                        self._waiting.append((token, writer))
                        self._something.set()
                while len(self._waiting) > BUFFER_TOKENS:
                    await asyncio.sleep(0.02)
        self._writers.discard(writer)
        self._automatic.pop(writer, None)
        writer.close()

    def _at_once(self, token: RealTime, writer: asyncio.StreamWriter) -> None:
        if token.kind == "status":
            self._reply(writer, self._sensors.real_time(token.n))
            return
        if token.n == 2:
            self._waiting.clear()
        self._change(cutter_jammed=False)

    def _reply(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if data and not self._silent and not writer.is_closing():
            writer.write(data)

    def _change(self, **changes: bool) -> None:
        """A sensor changed: whoever asked for automatic status is told."""
        before, self._sensors = self._sensors, self._sensors.but(**changes)
        if before == self._sensors:
            return
        for writer in self._automatic:
            self._reply(writer, self._sensors.automatic())
        self._something.set()

    # -- the mechanism ----------------------------------------------------------

    async def _work(self) -> None:
        """Carry out token by token at the speed of paper; stand still while offline."""
        while True:
            if not self._waiting or self._sensors.offline or self._server is None:
                self._something.clear()
                await self._something.wait()
                continue
            token, writer = self._waiting.popleft()
            unknown = sum(self._paper.unknown.values())
            done = self._paper.carry_out(token)
            if sum(self._paper.unknown.values()) > unknown:
                print(f"unknown command: {token}", file=sys.stderr, flush=True)
            if done.moved_dots:
                await self._move(done.moved_dots)
            if done.want_automatic is not None:
                self._subscribe(writer, done.want_automatic)
            if done.want_status:
                self._reply(writer, self._sensors.paper_status())
            if done.cut:
                await self._cut()

    async def _move(self, dots: int) -> None:
        self.moved_dots += dots
        await asyncio.sleep(dots / DOTS_A_MM / MM_A_SECOND / self._haste)
        if self._dots_left is not None:
            self._dots_left -= dots
            if self._dots_left <= 0:
                self._dots_left = None
                self._change(paper=False)

    def _subscribe(self, writer: asyncio.StreamWriter, n: int) -> None:
        if n == 0:
            self._automatic.pop(writer, None)
        else:
            self._automatic[writer] = n
            self._reply(writer, self._sensors.automatic())

    async def _cut(self) -> None:
        if self._jam_at_next_cut:
            self._jam_at_next_cut = False
            self._change(cutter_jammed=True)
            return
        await asyncio.sleep(CUT_S / self._haste)
        receipt = self._paper.cut()
        self._receipts += 1
        self._last = (save(receipt, self._folder, self._receipts), receipt)

    # -- control ----------------------------------------------------------------

    async def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        return await dispatch(
            {
                "paper_out": self._paper_out,
                "near_end": lambda request: self._set(near_end=True),
                "refill": self._refill,
                "cover_open": lambda request: self._set(cover_open=True),
                "cover_close": lambda request: self._set(cover_open=False),
                "cutter_jam": self._jam,
                "clear_jam": lambda request: self._set(cutter_jammed=False),
                "power_off": self._off,
                "power_on": self._on,
                "unplug": self._off,
                "plug": self._on,
                "silent": self._be_silent,
                "status": self._status,
                "last": self._show_last,
            },
            request,
        )

    def _set(self, **changes: bool) -> dict[str, Any]:
        self._change(**changes)
        return self._status({})

    def _paper_out(self, request: dict[str, Any]) -> dict[str, Any]:
        after = int(request.get("after_lines", 0))
        if after:
            self._dots_left = after * DEFAULT_LINE_DOTS
            return self._status(request)
        return self._set(paper=False)

    def _refill(self, request: dict[str, Any]) -> dict[str, Any]:
        self._dots_left = None
        return self._set(paper=True, near_end=False)

    def _jam(self, request: dict[str, Any]) -> dict[str, Any]:
        self._jam_at_next_cut = True
        return self._status(request)

    async def _off(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._power_down()
        return self._status(request)

    async def _on(self, request: dict[str, Any]) -> dict[str, Any]:
        await self._power_up()
        self._set(cutter_jammed=False)
        self._something.set()
        return self._status(request)

    def _be_silent(self, request: dict[str, Any]) -> dict[str, Any]:
        self._silent = bool(request.get("on", True))
        return self._status(request)

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "plugged": self._server is not None,
            "paper": self._sensors.paper,
            "near_end": self._sensors.near_end,
            "cover_open": self._sensors.cover_open,
            "cutter_jammed": self._sensors.cutter_jammed,
            "silent": self._silent,
            "connections": len(self._writers),
            "bytes": self._bytes,
            "waiting": len(self._waiting),
            "moved_mm": round(self.moved_dots / DOTS_A_MM, 1),
            "receipts": self._receipts,
            "last": str(self._last[0]) if self._last else "",
            "unknown": self._paper.unknown,
            "odd": self._paper.odd,
        }

    def _show_last(self, request: dict[str, Any]) -> dict[str, Any]:
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


def main() -> None:
    arguments = parser("Receipt printer (ESC/POS) on TCP.")
    arguments.add_argument(
        "--out", type=Path, required=True, help="Folder for pictures of receipts."
    )
    arguments.add_argument("--paper", type=int, choices=(58, 80), default=80)
    arguments.add_argument("--port", type=int, default=0, help="0: any free one.")
    arguments.add_argument("--haste", type=float, default=1.0, help="Divides the paper's time.")
    given = arguments.parse_args()
    run(ReceiptPrinter(given.out, given.paper, given.port, given.haste), given.control)


if __name__ == "__main__":
    main()

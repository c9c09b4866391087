"""`kiosk bench devices`: our time beside the wire's, on emulated devices of the rehearsal.

Each row measures in turns: the bare wire (the same bytes by hand, and the wait for the last byte of
the answer) and our driver with its thread, checks and events; each has a device of its own.
"""

from __future__ import annotations

import importlib.util
import json as to_json
import queue
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import serial

from drivers.device import Fault, Status, StatusChanged
from drivers.id_reader.driver import IdReaderDriver
from drivers.id_reader.protocol import Command, encode
from drivers.id_reader.values import CardFound, CardRead, CardRemoved, WatchForCard
from drivers.receipt_printer.driver import ReceiptPrinterDriver
from drivers.receipt_printer.protocol import (
    AUTOMATIC_STATUS_ON,
    PrinterState,
    Question,
    ask_now,
    columns_of_paper,
    encode_receipt,
    layout,
    question_after,
)
from drivers.receipt_printer.raster import CUT, RowPainter, find_font
from drivers.receipt_printer.values import Confirm, Printed, PrintReceipt
from drivers.transport import STREAMS_ONLY, Ports, Transport, open_transport
from drivers.voice.driver import VoiceCommand, VoiceDriver
from drivers.voice.values import Hush, Say
from drivers.worker import DeviceWorker
from kiosk.clock import SystemClock
from kiosk.entry.commands.answer import Exit, fault_line
from kiosk.entry.commands.bench.report import Table, Timing, interleaved, noise
from kiosk.identity.person import person_card
from kiosk.receipts.samples import sample

COLUMNS: Final = ("what", "wire_ms", "ours_ms", "ours_p95_ms", "more_ms", "ratio")
RECEIPT_ROUNDS: Final = 15
POLL_ROUNDS: Final = 200
HUSH_ROUNDS: Final = 15
CARD_ROUNDS: Final = 30
CARD_LIMIT_MS: Final = 100.0  # what a card may take beyond its time on the wire, at p95
HASTE: Final = 20  # paper moves so much faster than in a hall: what is ours shows better
READY_S: Final = 20.0
ANSWER_S: Final = 60.0
HUSH_LIMIT_MS: Final = 100.0

E = TypeVar("E")
Ask = Callable[[bytes, int], bytes]
"""Send bytes, take so many."""


def run(corpus: Path | None, *, json: bool) -> int:
    """`corpus` is not used: devices are emulated."""
    if importlib.util.find_spec("rehearsal") is None:
        detail = "the rehearsal is not installed on this machine"
        print(fault_line("not_found", detail) if json else detail)
        return Exit.NOT_THERE
    table = Table("devices", COLUMNS)
    before = noise()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="k-")))
        tcp = [stack.enter_context(_printer(folder, f"tcp{n}")) for n in range(2)]
        lines = [
            stack.enter_context(_printer(folder, f"line{n}", "--link", str(folder / f"l{n}")))
            for n in range(2)
        ]
        for words, urls in (("TCP", tcp), ("serial 115200", lines)):
            bare, ours = urls
            with _bare(bare) as ask:
                _status(table, f"status poll, {words}", ask, ours)
                _receipt(table, f"receipt, {words}, paper x{HASTE}", ask, ours)
        readers = [stack.enter_context(_reader(folder, f"reader{n}")) for n in range(2)]
        _card(table, "card, serial 115200", *readers)
        _hush(table, folder / "voice")
    table.note(
        "card: from the first find that succeeds to the masked fields of the page, not yet drawn; "
        f"more_ms at p95 may be {CARD_LIMIT_MS:.0f}"
    )
    table.note(
        f"hush: {HUSH_LIMIT_MS:.0f} ms is the limit; its wire is a process killed and waited for"
    )
    table.note(f"noise of the machine {before} before, {noise()} after (1.0: quiet)")
    table.show(json=json)
    return Exit.DONE


def _add(table: Table, what: str, timings: dict[str, Timing]) -> None:
    wire, ours = timings["wire"], timings["ours"]
    table.add(
        what=what,
        wire_ms=wire.median * 1000,
        ours_ms=ours.median * 1000,
        ours_p95_ms=ours.quantile(0.95) * 1000,
        more_ms=(ours.median - wire.median) * 1000,
        ratio=ours.median / wire.median,
    )


# -- the wire by hand -----------------------------------------------------------


@contextmanager
def _printer(folder: Path, name: str, *arguments: str) -> Iterator[str]:
    """A receipt printer of the rehearsal, as a program of its own; answers its address."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [
            *(sys.executable, "-m", "rehearsal.emulators.receipt_printer"),
            *("--control", str(folder / f"{name}.sock"), "--out", str(folder / name)),
            *("--haste", str(HASTE)),
            *arguments,
        ],
        stdout=subprocess.PIPE,
    )
    try:
        if process.stdout is None or not select.select([process.stdout], [], [], READY_S)[0]:
            raise TimeoutError(f"{name} does not come up")
        ready = to_json.loads(process.stdout.readline())
        has_port = "port" in ready
        yield f"tcp://{ready['host']}:{ready['port']}" if has_port else f"serial://{ready['path']}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def _bare(url: str) -> Iterator[Ask]:
    """Nothing of ours between the program and the wire."""
    if url.startswith("tcp://"):
        host, port = url.removeprefix("tcp://").split(":")
        with socket.create_connection((host, int(port)), timeout=ANSWER_S) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def ask_tcp(data: bytes, count: int) -> bytes:
                link.sendall(data)
                heard = b""
                while len(heard) < count:
                    heard += link.recv(count - len(heard))
                return heard

            yield ask_tcp
        return
    with serial.Serial(url.removeprefix("serial://"), 115200, timeout=ANSWER_S) as line:

        def ask_line(data: bytes, count: int) -> bytes:
            line.write(data)
            heard: bytes = line.read(count)
            return heard

        yield ask_line


@dataclass(frozen=True, slots=True)
class _Reader:
    """A card reader of the rehearsal: its line, and a hand that lays cards on it."""

    path: str
    control: Path

    def hand(self, do: str, **arguments: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.connect(str(self.control))
            link.sendall(to_json.dumps({"do": do, **arguments}).encode() + b"\n")
            with link.makefile("rb") as lines:
                lines.readline()


@contextmanager
def _reader(folder: Path, name: str) -> Iterator[_Reader]:
    link, control = folder / name, folder / f"{name}.sock"
    process = subprocess.Popen(  # noqa: S603 - our own program
        [
            *(sys.executable, "-m", "rehearsal.emulators.id_reader"),
            *("--control", str(control), "--link", str(link), "--haste", str(HASTE)),
        ],
        stdout=subprocess.PIPE,
    )
    try:
        if process.stdout is None or not select.select([process.stdout], [], [], READY_S)[0]:
            raise TimeoutError(f"{name} does not come up")
        process.stdout.readline()
        yield _Reader(str(link), control)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


# -- rows -------------------------------------------------------------------------


def _receipt(table: Table, what: str, ask: Ask, url: str) -> None:
    lines = sample("accepted", "zh", 80) or ()
    items = layout(lines, columns_of_paper(80))
    if isinstance(items, Fault):
        raise TypeError(items.detail)
    question = question_after(Confirm.STATUS, b"0001")
    job = encode_receipt(items, RowPainter(find_font()), CUT, after_a_torn_one=False)
    commands = [command for segment in job for command in segment.commands]
    # By hand only the last answer is waited for: no automatic status before it.
    data = b"".join([*commands, question]).replace(AUTOMATIC_STATUS_ON, b"")
    posts: queue.SimpleQueue[object] = queue.SimpleQueue()
    worker = DeviceWorker(ReceiptPrinterDriver(url), posts.put, SystemClock(), _no_log)
    worker.start()
    _until_ready(posts)
    jobs = iter(range(10**9))

    def ours() -> None:
        if not isinstance(worker.submit(PrintReceipt(str(next(jobs)), lines)).result(), Printed):
            raise RuntimeError("the emulated printer did not print")

    ours()  # fonts and libraries are loaded once in a terminal's life
    timings = interleaved({"wire": lambda: ask(data, 1), "ours": ours}, RECEIPT_ROUNDS)
    worker.stop()
    _add(table, what, timings)


def _status(table: Table, what: str, ask: Ask, url: str) -> None:
    driver, host = ReceiptPrinterDriver(url), _Host()
    driver.connect(host)

    def wire() -> None:
        for question in Question:
            ask(ask_now(question), 1)

    def ours() -> None:
        if not isinstance(driver.ask_state(host), PrinterState):
            raise RuntimeError("the emulated printer does not answer")

    _add(table, what, interleaved({"wire": wire, "ours": ours}, POLL_ROUNDS))
    driver.disconnect()


CARD: Final = {  # made up, with a valid check digit
    "name": "王小明",
    "sex_code": "1",
    "nation_code": "01",
    "birth": "1999-01-10",
    "address": "广东省深圳市示例区示例路1号",
    "number": "440308199901101512",
    "issuer": "示例市公安局",
    "valid_from": "2015-03-01",
    "valid_to": "长期",
}
FIND_BYTES: Final = 15  # whole frames of the answers
SELECT_BYTES: Final = 19
READ_BYTES: Final = 1295
NO_ADDRESS_BYTES: Final = 11


def _card(table: Table, what: str, bare: _Reader, ours: _Reader) -> None:
    """The same card read by hand and by us, from the moment at which it was found."""
    posts: queue.SimpleQueue[tuple[float, object]] = queue.SimpleQueue()
    driver = IdReaderDriver(f"serial://{ours.path}?baud=115200")
    worker = DeviceWorker(
        driver,
        lambda event: posts.put((time.perf_counter(), event)),
        SystemClock(),
        _no_log,
    )
    worker.start()
    worker.submit(WatchForCard())
    taken: dict[str, list[float]] = {"wire": [], "ours": []}
    with _bare(f"serial://{bare.path}") as ask:
        for _ in range(CARD_ROUNDS):
            bare.hand("place_card", card=CARD)
            ask(encode(Command.FIND), FIND_BYTES)
            began = time.perf_counter()
            ask(encode(Command.SELECT), SELECT_BYTES)
            ask(encode(Command.READ_BASE), READ_BYTES)
            ask(encode(Command.READ_APPENDED_ADDRESS), NO_ADDRESS_BYTES)
            taken["wire"].append(time.perf_counter() - began)
            bare.hand("lift_card")
            ours.hand("place_card", card=CARD)
            began, _found = _next(posts, CardFound)
            _at, read = _next(posts, CardRead)
            person_card(read.card)
            taken["ours"].append(time.perf_counter() - began)
            ours.hand("lift_card")
            _next(posts, CardRemoved)
    worker.stop()
    _add(table, what, {name: Timing(tuple(s)) for name, s in taken.items()})


def _next(posts: queue.SimpleQueue[tuple[float, object]], kind: type[E]) -> tuple[float, E]:
    """The next event of a kind and when it was posted."""
    while True:
        at, event = posts.get(timeout=ANSWER_S)
        if isinstance(event, kind):
            return at, event


def _hush(table: Table, folder: Path) -> None:
    posts: queue.SimpleQueue[object] = queue.SimpleQueue()
    driver = VoiceDriver(f"file://{folder}")
    worker: DeviceWorker[VoiceCommand] = DeviceWorker(driver, posts.put, SystemClock(), _no_log)
    worker.start()
    if not _until_ready(posts):
        worker.stop()
        table.note("hush: not measured, the voice needs espeak-ng")
        return
    said = Say("请把身份证放在读卡处。" * 100)
    taken: dict[str, list[float]] = {"wire": [], "ours": []}
    for _ in range(HUSH_ROUNDS):
        process = subprocess.Popen(["/bin/sleep", "60"])

        def kill(process: subprocess.Popen[bytes] = process) -> None:
            process.kill()
            process.wait()

        worker.submit(said).result()
        once = interleaved({"wire": kill, "ours": lambda: worker.submit(Hush()).result()}, 1)
        for name, timing in once.items():
            taken[name] += timing.seconds
    worker.stop()
    _add(table, "hush: speech stopped", {name: Timing(tuple(s)) for name, s in taken.items()})


def _until_ready(posts: queue.SimpleQueue[object]) -> bool:
    while True:
        event = posts.get(timeout=ANSWER_S)
        if isinstance(event, StatusChanged) and event.status is not Status.STARTING:
            return event.status.usable


def _no_log(event: str, /, **fields: str | float | bool | None) -> None:
    """What happens is measured, not written down."""


class _Host:
    """What a driver needs of a worker, on the measuring thread itself."""

    clock = SystemClock()

    def open(self, url: str, ports: Ports = STREAMS_ONLY) -> Transport | Fault:
        return open_transport(url, ports)

    def wake_by(self, wake: Callable[[], None] | None) -> None: ...

    def post(self, event: object) -> None: ...

    def report(self, status: Status, reason: str = "") -> None: ...

    def interruption(self) -> Fault | None:
        return None

    def pause(self, seconds: float) -> None: ...

"""`kiosk receipt`: print one receipt and wait for its end, or say how the printer is.

`--sample NAME` prints a receipt that ships; a FILE.json holds `{"lines": [...]}` with lines such as
`{"text": "受理回执", "align": "centre", "large": true, "bold": true}`, `{"pair": ["事项", "…"]}`,
`{"rule": true}`, `{"qr": "ZW1…"}`, `{"feed": 2}`.
"""

from __future__ import annotations

import queue
import time
from pathlib import Path
from typing import Annotated, Final, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from drivers.addresses import address_of
from drivers.device import DeviceClass, Fault, FaultCode, Status, StatusChanged
from drivers.receipt_printer.driver import DRAIN_LIMIT_S, PRINT_LIMIT_S, ReceiptPrinterDriver
from drivers.receipt_printer.protocol import columns_of_paper, layout
from drivers.receipt_printer.values import (
    Align,
    Confirm,
    Feed,
    Line,
    Pair,
    Printed,
    PrintReceipt,
    QrCode,
    Rule,
    Text,
)
from drivers.worker import DeviceWorker
from kiosk.clock import SystemClock
from kiosk.entry.commands.answer import Exit, bad_use, exit_code, fault_line, ok_line
from kiosk.receipts.samples import NAMES, sample

KNOWN_LIMIT_S: Final = 12.0  # to open, to ask, to try five speeds of a serial line
END_LIMIT_S: Final = DRAIN_LIMIT_S + PRINT_LIMIT_S + 15.0
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # some editors put it before UTF-8
MAX_FILE_BYTES: Final = 1_000_000


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Text(_Line):
    text: str
    align: Align = Align.LEFT
    large: bool = False
    bold: bool = False


class _Pair(_Line):
    pair: tuple[str, str]
    bold: bool = False


class _Rule(_Line):
    rule: Literal[True]


class _Qr(_Line):
    qr: str
    modules_dots: Annotated[int, Field(ge=1, le=16)] = 6


class _Feed(_Line):
    feed: Annotated[int, Field(ge=0, le=40)]


class _Receipt(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    lines: Annotated[list[_Text | _Pair | _Rule | _Qr | _Feed], Field(min_length=1)]


def run(
    url: str,
    file: Path | None,
    *,
    sample_name: str,
    language: str,
    paper_mm: int,
    confirm: str,
    status: bool,
    json: bool,
) -> int:
    """Exit codes of the command line; a fault is a word of the device vocabulary."""
    address = address_of(DeviceClass.RECEIPT_PRINTER, url)
    if isinstance(address, Fault):
        return bad_use(address.detail, json=json)
    if paper_mm not in (58, 80):
        return bad_use("--width is 58 or 80", json=json)
    if confirm not in list(Confirm):
        return bad_use(f"--confirm is one of {', '.join(Confirm)}", json=json)
    if language not in ("zh", "en"):
        return bad_use("--language is zh or en", json=json)
    lines: tuple[Line, ...] = ()
    if not status:
        wanted = _lines(file, sample_name, language, paper_mm)
        if isinstance(wanted, Fault):
            if wanted.code is FaultCode.NOT_FOUND:
                return _tell_fault("unreadable_path", wanted.detail, json=json)
            return bad_use(wanted.detail, json=json)
        lines = wanted
        laid_out = layout(lines, columns_of_paper(paper_mm))
        if isinstance(laid_out, Fault):
            return bad_use(laid_out.detail, json=json)
    driver = ReceiptPrinterDriver(url, paper_mm, confirm=Confirm(confirm), only_look=status)
    posts: queue.SimpleQueue[object] = queue.SimpleQueue()
    worker = DeviceWorker(driver, posts.put, SystemClock(), _no_log)
    worker.start()
    try:
        known = _first_status(posts)
        if status:
            return _tell_status(known, json=json)
        if not known.status.usable:
            return _tell_fault(_word_of_status(known.status), known.reason, json=json)
        started = time.monotonic()
        answer = worker.submit(PrintReceipt("command", lines), END_LIMIT_S).result(END_LIMIT_S + 5)
    finally:
        worker.stop()
    match answer:
        case Printed():
            seconds = round(time.monotonic() - started, 2)
            print(
                ok_line(state="printed", width=paper_mm, seconds=seconds)
                if json
                else f"printed in {seconds} s"
            )
            return Exit.DONE
        case Fault(code=code, detail=detail):
            return _tell_fault(_word_of_fault(code), detail, json=json)
        case _:
            return _tell_fault(str(Status.UNKNOWN), "no answer", json=json)


def _no_log(event: str, /, **fields: str | float | bool | None) -> None:
    """A command says what happened by its answer."""


def _first_status(posts: queue.SimpleQueue[object]) -> StatusChanged:
    """What the printer is when it has been asked."""
    clock = SystemClock()
    until = clock.monotonic() + KNOWN_LIMIT_S
    while (left_s := until - clock.monotonic()) > 0:
        try:
            event = posts.get(timeout=left_s)
        except queue.Empty:
            break
        if isinstance(event, StatusChanged) and event.status is not Status.STARTING:
            return event
    driver = ReceiptPrinterDriver("")
    return StatusChanged(driver.device, Status.UNKNOWN, "does not answer", clock.utc())


def _tell_status(known: StatusChanged, *, json: bool) -> int:
    state, usable = str(known.status), known.status.usable
    if json:
        fields = {"state": state, "status": state, "reason": known.reason}
        fault = _word_of_status(known.status)
        print(ok_line(**fields) if usable else fault_line(fault, known.reason, **fields))
    else:
        print(f"{state}: {known.reason}" if known.reason else state)
    return Exit.DONE if usable else exit_code(_word_of_status(known.status))


def _tell_fault(word: str, detail: str, *, json: bool) -> int:
    print(fault_line(word, detail, state=word) if json else f"not printed: {word}: {detail}")
    return exit_code(word)


def _word_of_status(status: Status) -> str:
    return str(status)


def _word_of_fault(code: FaultCode) -> str:
    """Why a receipt is not known to be printed, in the words of a device's status."""
    match code:
        case FaultCode.PAPER_OUT:
            return Status.OUT
        case FaultCode.COVER_OPEN:
            return Status.COVER_OPEN
        case FaultCode.JAMMED | FaultCode.CUTTER:
            return Status.JAMMED
        case FaultCode.DISCONNECTED | FaultCode.DEVICE_LOST:
            return Status.DISCONNECTED
        case FaultCode.SILENT | FaultCode.TIMED_OUT | FaultCode.CANCELLED | FaultCode.BAD_REPLY:
            return Status.UNKNOWN
        case FaultCode.BUSY:
            return Status.PERSON_IN_THE_WAY
        case FaultCode.NOT_INSTALLED:
            return Status.NOT_INSTALLED
        case FaultCode.BAD_INPUT | FaultCode.NOT_FOUND:
            return str(code)
        case _:
            return Status.BROKEN


def _lines(file: Path | None, name: str, language: str, paper_mm: int) -> tuple[Line, ...] | Fault:
    if (file is None) == (not name):
        return Fault(FaultCode.BAD_INPUT, "give a FILE.json, or --sample NAME, or --status")
    if file is None:
        lines = sample(name, language, paper_mm)
        if lines is None:
            return Fault(FaultCode.BAD_INPUT, f"samples are {', '.join(NAMES)}")
        return lines
    try:
        content = file.read_bytes()[: MAX_FILE_BYTES + 1]
    except OSError as error:
        return Fault(FaultCode.NOT_FOUND, f"{file} cannot be read: {error.strerror}")
    if len(content) > MAX_FILE_BYTES:
        return Fault(FaultCode.BAD_INPUT, f"{file} is longer than a receipt can be")
    try:
        receipt = TypeAdapter(_Receipt).validate_json(content.removeprefix(BYTE_ORDER_MARK))
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"][:2])
        return Fault(FaultCode.BAD_INPUT, f"{file}: {where}: {problem['msg']}")
    return tuple(map(_line, receipt.lines))


def _line(line: _Text | _Pair | _Rule | _Qr | _Feed) -> Line:
    match line:
        case _Text():
            return Text(line.text, line.align, line.large, line.bold)
        case _Pair(pair=(label, value)):
            return Pair(label, value, line.bold)
        case _Rule():
            return Rule()
        case _Qr():
            return QrCode(line.qr, line.modules_dots)
        case _Feed():
            return Feed(line.feed)
        case _:
            assert_never(line)

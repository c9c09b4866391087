"""A receipt is printed when the printer has said so; all else is told apart, nothing sent twice."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable

import pytest
from driver_fakes import FakeClock, FakeHost, Posts, RecordingLog
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.device import Fault, FaultCode, Identity, Status
from drivers.receipt_printer.driver import (
    ANSWER_ALONE_S,
    ASK_AGAIN_S,
    DRAIN_LIMIT_S,
    PRINT_LIMIT_S,
    RECOVER_EVERY_S,
    WINDOW_MM,
    ReceiptPrinterDriver,
    end_limit_s,
)
from drivers.receipt_printer.protocol import CLEAR_NOW
from drivers.receipt_printer.values import (
    Confirm,
    Printed,
    PrintFailed,
    PrintReceipt,
    QrCode,
    Text,
)
from drivers.transport import MemoryTransport
from drivers.worker import DeviceWorker, Down
from kiosk.clock import SystemClock
from rehearsal.emulators.escpos import Tokenizer
from rehearsal.emulators.paper import Paper

RECEIPT = PrintReceipt("job-1", (Text("受理回执", large=True), Text("王㛃"), QrCode("ZW1.X")))
IDLE = {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12}
NO_PAPER = {1: 0x1A, 2: 0x32, 3: 0x12, 4: 0x7E}
COVER = {1: 0x1A, 2: 0x16, 3: 0x12, 4: 0x12}
CUTTER = {1: 0x1A, 2: 0x52, 3: 0x1A, 4: 0x12}
QUESTION = b"\x1dr\x01"
CUT = b"\x1dV\x00"
NAMED = b"\x1d(H\x06\x00\x30\x30"
NEAR_END = {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x1E}


class Printer:
    """Answers DLE EOT at once, GS r when its buffer has drained: `seconds` after the last byte."""

    def __init__(self, url: str = "tcp://127.0.0.1:9100") -> None:
        self.clock = FakeClock()
        self.wire = MemoryTransport(self._handle, self._pass)
        self.host = FakeHost(lambda: self.wire, self.clock)
        self.driver = ReceiptPrinterDriver(url)
        self.status: dict[int, int] = dict(IDLE)
        self.answers = True
        self.seconds = 2.0
        self.paper = b""
        self.confirms = True
        self.due: list[float] = []  # when the answers to GS r are given
        self.held = 0  # answers that wait for paper
        self.happens: dict[float, dict[int, int] | str] = {}  # seconds into printing
        self.printing_since: float | None = None
        self.takes = 1 << 30  # bytes until it is lost
        self.says_when_fed = b""
        self.knows_clear = True
        self.cleared = 0
        self.recovered = 0
        self.after_recover: dict[int, int] | None = None
        self.tells_by_itself = False  # automatic status; forgotten while it waits in the memory

    def _handle(self, data: bytes) -> bytes | Fault:
        if data[:2] == b"\x10\x04":
            return bytes([self.status[data[2]]]) if self.answers else b""
        if data.endswith(CLEAR_NOW):
            if not (self.knows_clear and self.answers):
                return b""
            self.cleared += 1
            self.tells_by_itself = False
            self.held = 0
            self.due.clear()
            self.printing_since = None
            return b"\x37\x25\x00"
        if data.startswith(b"\x10\x05\x02"):
            self.recovered += 1
            self.status = self.after_recover or self.status
            data = data[3:]
        self.tells_by_itself |= b"\x1da\x0e" in data
        if data in (b"", b"\x1da\x0e"):
            return b""
        if data == QUESTION:
            return self._asked_alone()
        if self.printing_since is None:
            self.printing_since = self.clock.now
        self.takes -= len(data)
        if self.takes < 0:
            return Fault(FaultCode.DEVICE_LOST, "the wire was closed")
        self.paper += data
        if data.endswith(CUT + QUESTION) and not data.startswith(b"\x1b@"):
            self.due.append(self.clock.now + self.seconds)
        elif data.endswith(QUESTION):
            return self._asked_alone() + self.says_when_fed
        return self.says_when_fed

    def _asked_alone(self) -> bytes:
        """In order: after what is still to be printed, at once where nothing is."""
        if not self.confirms or not self.answers:
            return b""
        if self.held:
            self.held += 1
            return b""
        if self.due:
            self.due.append(self.due[-1])
            return b""
        return b"\x00"

    def _pass(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.advance(min(0.05, end - self.clock.now))
            if self.printing_since is not None:
                into = self.clock.now - self.printing_since
                for at in [at for at in self.happens if at <= into]:
                    what = self.happens.pop(at)
                    if what == "pulled":
                        self.wire.lose()
                    elif what == "mute":
                        self.answers = False
                        self.due.clear()
                    elif isinstance(what, dict):
                        self.status, self.held = what, len(self.due)
                        self.due.clear()
            if self.due and self.clock.now >= self.due[0]:
                self.due.pop(0)
                self.printing_since = None
                if self.confirms:
                    self.wire.deliver(b"\x00")
                    return

    def refill(self) -> None:
        """Paper is put in: what was left of the job comes out and is confirmed."""
        self.status = dict(IDLE)
        self.due = [self.clock.now + 0.3] * self.held

    def connect(self) -> Printer:
        assert isinstance(self.driver.connect(self.host), Identity)
        return self

    def printed(self) -> Printer:
        self.print()
        return self

    def print(self, job: str = "job-1") -> object:
        self.paper = b""
        return self.driver.handle(PrintReceipt(job, RECEIPT.lines), self.host)


def test_a_receipt_is_printed_when_the_printer_has_confirmed_it() -> None:
    printer = Printer().connect()
    began = printer.clock.now
    assert printer.print() == Printed("job-1")
    assert printer.host.posted == [Printed("job-1")]
    assert printer.clock.now - began >= 2.0, "not before the paper has moved"
    assert "受理回执".encode("gb18030") in printer.paper
    assert b"\x1dv0" in printer.paper, "the rare name as a picture"
    assert printer.paper.endswith(b"\x1dV\x00\x1dr\x01")
    assert printer.host.reports == [
        (Status.READY, ""),
        (Status.BUSY, "printing"),
        (Status.READY, ""),
    ]


def test_an_idle_printer_is_asked_to_tell_by_itself_what_happens_to_it() -> None:
    """After the clearing: a question before it is forgotten with everything else."""
    printer = Printer().connect()
    assert printer.cleared == 1
    assert printer.tells_by_itself


def test_two_receipts_are_two_jobs() -> None:
    printer = Printer().connect()
    printer.print("a")
    printer.print("b")
    assert printer.host.posted == [Printed("a"), Printed("b")]


@pytest.mark.parametrize(
    ("status", "reported", "code"),
    [
        (NO_PAPER, Status.OUT, FaultCode.PAPER_OUT),
        (COVER, Status.COVER_OPEN, FaultCode.COVER_OPEN),
        (CUTTER, Status.JAMMED, FaultCode.CUTTER),
    ],
)
def test_nothing_is_sent_to_a_printer_that_cannot_print(
    status: dict[int, int], reported: Status, code: FaultCode
) -> None:
    printer = Printer().connect()
    printer.status = dict(status)
    printer.print()
    assert printer.paper == b""
    [failed] = printer.host.posted
    assert isinstance(failed, PrintFailed)
    assert not failed.begun
    assert failed.fault.code is code
    assert printer.host.reports[-1][0] is reported


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (NO_PAPER, FaultCode.PAPER_OUT),
        (COVER, FaultCode.COVER_OPEN),
        (CUTTER, FaultCode.CUTTER),
    ],
)
def test_what_goes_wrong_in_the_middle_is_told_within_a_second(
    status: dict[int, int], code: FaultCode
) -> None:
    printer = Printer().connect()
    printer.happens = {1.0: dict(status)}
    began = printer.clock.now
    printer.print()
    [failed] = printer.host.posted
    assert isinstance(failed, PrintFailed)
    assert failed.fault.code is code
    assert printer.clock.now - began < 2.0


class Swallowing(Printer):
    """Does not stop in trouble: loses the lines, goes on to the end and answers all the same."""

    trouble: dict[int, int] = IDLE
    frame = b""
    mended_s = 0.0  # how long the trouble lasts; 0: it stays
    said = b"\x00"  # to GS r

    def _handle(self, data: bytes) -> bytes | Fault:
        answer = super()._handle(data)
        if data.endswith(QUESTION) and data != QUESTION:
            self.due.clear()
            if not self.frame:
                self.status = dict(self.trouble)
            return self.frame + self.said
        return self.said if data == QUESTION else answer


@pytest.mark.parametrize(
    ("trouble", "frame", "said", "code"),
    [
        (NO_PAPER, "", "00", FaultCode.PAPER_OUT),
        (COVER, "", "00", FaultCode.COVER_OPEN),
        (CUTTER, "", "00", FaultCode.CUTTER),
        (IDLE, "18 00 0f 00 10 00 00 00", "00", FaultCode.PAPER_OUT),
        (IDLE, "38 00 00 00 10 00 00 00", "00", FaultCode.COVER_OPEN),
        (IDLE, "18 08 00 00 10 00 00 00", "00", FaultCode.CUTTER),
        (IDLE, "", "0c", FaultCode.PAPER_OUT),
    ],
)
@pytest.mark.parametrize("confirm", Confirm)
def test_a_printer_that_swallows_the_rest_in_trouble_and_answers_has_not_printed(
    trouble: dict[int, int], frame: str, said: str, code: FaultCode, confirm: Confirm
) -> None:
    printer = Swallowing()
    if confirm is Confirm.PROCESS_ID:
        if said != "00":
            return  # there is no such answer
        printer.driver = ReceiptPrinterDriver("tcp://127.0.0.1:9100", confirm=confirm, first_id=0)
    printer.connect()
    printer.trouble, printer.frame = trouble, bytes.fromhex(frame)
    printer.said = bytes.fromhex(said)
    original = printer._handle

    def handle(data: bytes) -> bytes | Fault:
        answer = original(data)
        if data.endswith(b"\x1d(H\x06\x00\x30\x300001"):
            printer.status = dict(trouble)
            return printer.frame + b"\x37\x220001\x00"
        return answer

    printer.wire._handler = handle
    printer.print()
    [failed] = printer.host.posted
    assert isinstance(failed, PrintFailed)
    assert failed.fault.code is code


def test_paper_near_its_end_is_a_warning_and_the_receipt_is_printed() -> None:
    printer = Swallowing().connect()
    printer.trouble, printer.frame, printer.said = NEAR_END, bytes.fromhex("10000300"), b"\x03"
    printer.status = dict(NEAR_END)
    assert printer.print() == Printed("job-1")
    assert printer.host.reports[-1][0] is Status.LOW


@pytest.mark.parametrize("stray", ["00", "00 00 00", "00 0f 00"])
@pytest.mark.parametrize("at_s", [0.0, 1.0])
def test_a_stray_byte_is_not_the_end_of_a_receipt(stray: str, at_s: float) -> None:
    printer = Printer().connect()
    handled, passed = printer._handle, printer._pass
    told: list[float] = []

    def handle(data: bytes) -> bytes | Fault:
        if data.startswith(b"\x1b@"):
            printer.confirms = False
        return handled(data)

    def wait(seconds: float) -> None:
        passed(seconds)
        since = printer.printing_since
        if since is not None and not told and printer.clock.now - since >= at_s:
            told.append(printer.clock.now)
            printer.wire.deliver(bytes.fromhex(stray))

    printer.wire._handler, printer.wire._waited = handle, wait
    printer.print()
    [failed] = printer.host.posted
    assert told
    assert isinstance(failed, PrintFailed)
    assert failed.fault.code is FaultCode.SILENT


def test_what_came_before_the_question_was_sent_answers_nothing() -> None:
    """One stray byte while the data is sent, and one while it is printed, are no two answers."""
    printer = Printer().connect()
    handled, passed = printer._handle, printer._pass
    strays = [0.0, 1.0]  # seconds after the first byte

    def handle(data: bytes) -> bytes | Fault:
        answer = handled(data)
        if data.startswith(b"\x1b@"):
            printer.confirms = False
            strays.pop(0)
            return b"\x00"
        return answer

    def wait(seconds: float) -> None:
        passed(seconds)
        since = printer.printing_since
        if since is not None and len(strays) == 1 and printer.clock.now >= since + strays[0]:
            strays.pop()
            printer.wire.deliver(b"\x00")

    printer.wire._handler, printer.wire._waited = handle, wait
    printer.print()
    assert not strays
    [failed] = printer.host.posted
    assert isinstance(failed, PrintFailed)
    assert failed.fault.code is FaultCode.SILENT


def test_a_stray_byte_does_not_hide_the_end_that_comes_after_it() -> None:
    printer = Printer().connect()
    printer.says_when_fed = b"\x00"
    began = printer.clock.now
    assert printer.print() == Printed("job-1")
    assert printer.clock.now - began >= 2.0


@pytest.mark.parametrize("old_answers", [(4.0,), (4.0, 4.0), (2.0, 4.0)])
def test_an_older_job_comes_out_before_a_receipt_is_sent_and_its_answer_confirms_nothing(
    old_answers: tuple[float, ...],
) -> None:
    """A make that cannot be cleared prints, after a refill, what another run had left in it."""
    printer = Printer()
    printer.knows_clear = False
    printer.connect()
    printer.due = [printer.clock.now + seconds for seconds in old_answers]
    printer.printing_since = printer.clock.now
    began = printer.clock.now
    sent_at: list[float] = []
    original = printer._handle

    def handle(data: bytes) -> bytes | Fault:
        if data.startswith(b"\x1b@"):
            sent_at.append(printer.clock.now - began)
        return original(data)

    printer.wire._handler = handle
    assert printer.print() == Printed("job-1")
    assert sent_at[0] >= 4.0
    assert printer.clock.now - began >= 6.0


def test_a_printer_that_never_answers_in_order_is_waited_for_once() -> None:
    printer = Printer().connect()
    printer.confirms = False
    began = printer.clock.now
    printer.print("a")
    first_s = printer.clock.now - began
    printer.connect()
    began = printer.clock.now
    printer.print("b")
    assert printer.paper, "somebody waits for it"
    assert printer.clock.now - began <= first_s - DRAIN_LIMIT_S + 1.0
    assert {type(event) for event in printer.host.posted} == {PrintFailed}


def test_the_ids_of_jobs_differ_from_run_to_run_and_from_job_to_job() -> None:
    ids: set[bytes] = set()
    for _ in range(6):
        printer = Printer()
        printer.driver = ReceiptPrinterDriver(printer.driver.url, confirm=Confirm.PROCESS_ID)
        printer.connect()
        printer.print()
        ids.add(printer.paper[-4:])
    assert len(ids) > 1


def test_a_receipt_is_unknown_when_its_printer_fell_silent_before_it_was_sent() -> None:
    printer = Printer().connect()
    printer.answers = False
    assert isinstance(printer.driver.run(printer.host), Down)
    fault = printer.driver.decline(
        RECEIPT, Fault(FaultCode.DISCONNECTED, "does not answer"), printer.host
    )
    assert fault.code is FaultCode.SILENT


def test_a_long_receipt_is_waited_for_longer_than_a_short_one() -> None:
    assert 9 < end_limit_s(60) < end_limit_s(200) < end_limit_s(2000) == PRINT_LIMIT_S


def test_after_a_refill_the_old_confirmation_is_not_taken_for_the_new_receipts() -> None:
    printer = Printer().connect()
    printer.happens = {1.0: dict(NO_PAPER)}
    printer.print("first")
    printer.refill()
    printer.seconds = 5.0
    began = printer.clock.now
    assert printer.print("second") == Printed("second")
    assert printer.clock.now - began >= 5.0


def test_a_receipt_given_up_is_cleared_out_of_the_printer_before_paper_is_put_in() -> None:
    printer = Printer().connect()
    before = printer.cleared
    printer.happens = {1.0: dict(NO_PAPER)}
    printer.print("first")
    assert printer.cleared == before + 1, "while it stands still"
    assert printer.held == 0


def test_a_printer_is_cleared_of_what_a_crash_left_in_it_before_anything_is_printed() -> None:
    assert Printer().connect().cleared == 1


def test_what_hangs_out_of_the_slot_is_cut_off_and_the_receipt_printed_whole() -> None:
    printer = Printer().connect()
    printer.happens = {1.0: dict(NO_PAPER)}
    printer.print("first")
    assert printer.paper.count(b"\x1dV\x00") == 1
    printer.refill()
    printer.print("second")
    assert printer.paper.count(b"\x1dV\x00") == 2
    assert "受理回执".encode("gb18030") in printer.paper
    printer.print("third")
    assert printer.paper.count(b"\x1dV\x00") == 1


def test_a_job_that_was_printed_is_not_printed_again_under_its_name() -> None:
    printer = Printer().connect()
    printer.print("a")
    printer.paper = b""
    assert printer.driver.handle(PrintReceipt("a", RECEIPT.lines), printer.host) == Printed("a")
    assert printer.paper == b""


@given(st.integers(1, 400))
def test_a_command_cut_off_in_its_middle_is_filled_before_the_next_receipt(after: int) -> None:
    """The printer counts the dots of a picture: what is missing must come before anything else."""
    printer = Printer().connect()
    printer.takes = after
    printer.print()
    half = printer.driver._half_sent
    again = MemoryTransport(printer._handle, printer._pass)
    printer.wire, printer.takes = again, 1 << 30
    printer.printing_since = None
    written_before = len(again.written)
    assert isinstance(printer.driver.connect(printer.host), Identity)
    sent = bytes(again.written[written_before:])
    assert bytes(half) + CLEAR_NOW in sent


class Confused(Printer):
    """Answers one thing too many."""

    def __init__(self) -> None:
        super().__init__()
        self.surplus = b"\x00\x00\x00"

    def _handle(self, data: bytes) -> bytes | Fault:
        answer = super()._handle(data)
        if self.surplus and data.endswith(b"\x1dr\x01"):
            surplus, self.surplus = self.surplus, b""
            return surplus
        return answer


def test_the_rest_of_a_garbled_frame_is_not_taken_for_the_end() -> None:
    """Three bytes that look like answers to one question: none of them is believed."""
    printer = Confused().connect()
    printer.seconds = 3.0
    began = printer.clock.now
    assert printer.print() == Printed("job-1")
    assert printer.clock.now - began >= 3.0


def test_the_last_answer_lost_on_the_line_is_asked_for_again() -> None:
    printer = Printer().connect()
    original = printer._handle
    asked: list[float] = []

    def handle(data: bytes) -> bytes | Fault:
        if data == QUESTION and CUT in printer.paper:
            asked.append(printer.clock.now)
        if data.endswith(CUT + QUESTION):
            printer.paper += data
            return b""
        return original(data)

    printer.wire._handler = handle
    began = printer.clock.now
    assert printer.print() == Printed("job-1")
    assert asked[0] - began >= ASK_AGAIN_S
    assert printer.clock.now - began < PRINT_LIMIT_S


def test_with_ids_only_the_answer_with_this_jobs_id_counts() -> None:
    printer = Printer()
    printer.driver = ReceiptPrinterDriver(
        "tcp://127.0.0.1:9100", confirm=Confirm.PROCESS_ID, first_id=0
    )
    printer.connect()
    original = printer._handle

    def handle(data: bytes) -> bytes | Fault:
        answer = original(data)
        if data[:-4].endswith(NAMED):
            return b"\x00\x00\x37\x229999\x00\x37\x22" + data[-4:] + b"\x00"
        return answer

    printer.wire._handler = handle
    assert printer.print() == Printed("job-1")
    printer.wire._handler = original
    assert isinstance(printer.print("job-2"), Down), "old ids and other answers are not its end"


def test_a_cutter_that_was_freed_is_told_to_go_on_and_not_while_fingers_are_at_it() -> None:
    printer = Printer().connect()
    printer.status = dict(CUTTER)
    for _ in range(3):
        printer.driver.run(printer.host)
    assert printer.recovered == 1
    printer.after_recover = dict(IDLE)
    printer.clock.advance(RECOVER_EVERY_S)
    printer.driver.run(printer.host)
    assert printer.host.reports[-1] == (Status.READY, "")


def test_a_press_tries_a_freed_cutter_at_once() -> None:
    printer = Printer().connect()
    printer.status, printer.after_recover = dict(CUTTER), dict(IDLE)
    assert printer.print() == Printed("job-1")


class Meter:
    def __init__(self, used_mm: float = 0.0) -> None:
        self.mm = used_mm
        self.begun = False

    def used_mm(self) -> float:
        return self.mm

    def add(self, mm: float) -> None:
        self.mm += mm

    def new_roll(self) -> None:
        self.mm = 0.0

    def torn(self) -> bool:
        return self.begun

    def set_torn(self, torn: bool) -> None:
        self.begun = torn


def metered(used_mm: float) -> tuple[Printer, Meter]:
    printer, meter = Printer(), Meter(used_mm)
    printer.driver = ReceiptPrinterDriver("tcp://127.0.0.1:9100", meter=meter, roll_m=50)
    return printer.connect(), meter


def test_the_paper_used_is_counted_and_a_roll_near_its_end_is_told_without_a_sensor() -> None:
    printer, meter = metered(46_950)
    assert printer.host.reports[-1] == (Status.READY, "")
    printer.print()
    assert 46_990 < meter.mm < 47_100
    assert printer.host.reports[-1] == (Status.LOW, "paper near its end, by what was printed")
    printer.status = dict(NO_PAPER)
    printer.driver.run(printer.host)
    printer.status = dict(IDLE)
    printer.driver.run(printer.host)
    assert meter.mm == 0.0, "a new roll"
    assert printer.host.reports[-1] == (Status.READY, "")


def test_a_receipt_torn_by_a_restart_is_cut_off_by_the_next_start() -> None:
    printer, meter = metered(0)
    printer.happens = {1.0: dict(NO_PAPER)}
    printer.print()
    assert meter.begun
    again = Printer()
    again.driver = ReceiptPrinterDriver("tcp://127.0.0.1:9100", meter=meter)
    again.connect().print()
    assert again.paper.count(b"\x1dV\x00") == 2
    assert not meter.begun


def test_a_roll_changed_before_it_was_empty_counts_as_new() -> None:
    printer, meter = metered(10_000)
    printer.status = dict(NEAR_END)
    printer.driver.run(printer.host)
    assert printer.host.reports[-1] == (Status.LOW, "paper near its end")
    printer.status = dict(IDLE)
    printer.driver.run(printer.host)
    assert meter.mm == 0.0


def test_a_printer_at_another_speed_than_the_settings_is_used_and_the_technician_told() -> None:
    printer = Printer("serial:///dev/example?baud=115200")

    def wire() -> MemoryTransport:
        printer.answers = printer.host.opened[-1].endswith("baud=19200")
        return MemoryTransport(printer._handle, printer._pass)

    printer.host._wire = wire
    assert isinstance(printer.driver.connect(printer.host), Identity)
    assert printer.host.reports[-1] == (
        Status.READY,
        "answers at 19200 baud, the settings say 115200",
    )


def test_xoff_stops_the_sending_until_xon() -> None:
    printer = Printer().connect()
    printer.says_when_fed = b"\x13"
    original = printer._pass
    held: list[int] = []

    def wait(seconds: float) -> None:
        original(seconds)
        if printer.driver._held:
            held.append(len(printer.paper))
            printer.says_when_fed = b""
            printer.wire.deliver(b"\x11")

    printer.wire._waited = wait
    assert printer.print() == Printed("job-1")
    assert len(held) == 1


def test_a_printer_that_forgot_the_old_job_is_not_waited_for_in_vain() -> None:
    printer = Printer().connect()
    printer.happens = {1.0: dict(NO_PAPER)}
    printer.print("first")
    printer.status = dict(IDLE)  # refilled, its buffer cleared
    for _ in range(3):
        assert printer.driver.run(printer.host) is None
    assert printer.print("second") == Printed("second")


def test_an_automatic_status_in_the_middle_of_sending_stops_the_job() -> None:
    printer = Printer().connect()
    printer.says_when_fed = bytes.fromhex("38 00 00 00")
    printer.print()
    [failed] = printer.host.posted
    assert isinstance(failed, PrintFailed)
    assert failed.fault.code is FaultCode.COVER_OPEN
    assert printer.host.reports[-1] == (Status.COVER_OPEN, "cover open")


def test_an_automatic_status_while_nothing_prints_is_looked_into_at_once() -> None:
    printer = Printer().connect()
    printer.status = dict(COVER)
    printer.wire.deliver(bytes.fromhex("38 00 00 00"))
    began = printer.clock.now
    assert printer.driver.run(printer.host) is None
    assert printer.host.reports[-1] == (Status.COVER_OPEN, "cover open")
    assert printer.clock.now == began


def test_a_printer_that_never_confirms_leaves_the_outcome_unknown() -> None:
    printer = Printer().connect()
    printer.confirms = False
    began = printer.clock.now
    down = printer.print()
    assert printer.host.posted == [
        PrintFailed("job-1", Fault(FaultCode.SILENT, "end not confirmed"))
    ]
    assert printer.clock.now - began < DRAIN_LIMIT_S + end_limit_s(200) < PRINT_LIMIT_S
    assert isinstance(down, Down), "its wire is opened anew, so that no old answer is left in it"
    assert down.status is Status.UNKNOWN


def test_a_printer_that_falls_silent_while_printing_leaves_the_outcome_unknown_sooner() -> None:
    printer = Printer().connect()
    printer.happens = {1.0: "mute"}
    began = printer.clock.now
    printer.print()
    assert printer.host.posted == [
        PrintFailed("job-1", Fault(FaultCode.SILENT, "does not answer any more"))
    ]
    assert printer.clock.now - began < 10


def test_a_cable_pulled_while_printing_is_a_loss() -> None:
    printer = Printer().connect()
    printer.happens = {1.0: "pulled"}
    assert isinstance(printer.print(), Down)
    [failed] = printer.host.posted
    assert isinstance(failed, PrintFailed)
    assert failed.fault.code is FaultCode.DEVICE_LOST


JOB_BYTES = len(Printer().connect().printed().paper)


@given(st.integers(0, JOB_BYTES - 1))
def test_a_cable_pulled_at_any_byte_is_a_loss_and_nothing_is_sent_again(after: int) -> None:
    printer = Printer().connect()
    printer.takes = after
    assert isinstance(printer.print(), Down)
    assert [type(e) for e in printer.host.posted] == [PrintFailed]
    assert printer.paper.count(b"\x1b@") <= 1


def test_a_job_cancelled_while_it_prints_is_unknown_not_undone() -> None:
    printer = Printer().connect()
    printer.host.stop_at = printer.clock.now + 1.0
    printer.print()
    [failed] = printer.host.posted
    assert isinstance(failed, PrintFailed)
    assert failed.fault.code is FaultCode.SILENT


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:9100", "serial:///dev/example"])
def test_a_silent_printer_is_never_fine(url: str) -> None:
    printer = Printer(url)
    printer.answers = False
    down = printer.driver.connect(printer.host)
    assert isinstance(down, Down)
    assert (down.status, down.reason) == (Status.UNKNOWN, "does not answer")
    assert printer.host.reports == []


def test_a_serial_printer_that_has_answered_and_does_no_more_was_switched_off() -> None:
    printer = Printer("serial:///dev/example").connect()
    printer.answers = False
    down = printer.driver.run(printer.host)
    assert isinstance(down, Down)
    assert down.status is Status.POWERED_OFF


def test_answers_that_are_no_status_bytes_are_silence() -> None:
    printer = Printer()
    printer.status = {1: 0xFF, 2: 0xFF, 3: 0xFF, 4: 0xFF}
    assert isinstance(printer.driver.connect(printer.host), Down)


def test_a_cover_opened_while_nothing_prints_is_noticed_and_paper_near_its_end_is_low() -> None:
    printer = Printer().connect()
    printer.status = dict(COVER)
    printer.driver.run(printer.host)
    assert printer.host.reports[-1] == (Status.COVER_OPEN, "cover open")
    printer.status = dict(NEAR_END)
    printer.driver.run(printer.host)
    assert printer.host.reports[-1] == (Status.LOW, "paper near its end")
    assert printer.print() == Printed("job-1")
    assert printer.host.reports[-1][0] is Status.LOW


def test_a_printer_that_falls_silent_while_nothing_prints_is_unknown() -> None:
    printer = Printer().connect()
    printer.answers = False
    assert printer.driver.run(printer.host) == Down(
        Status.UNKNOWN, "does not answer", Fault(FaultCode.TIMED_OUT, "does not answer")
    )


def test_a_receipt_for_a_printer_that_is_not_there_fails_at_once() -> None:
    printer = Printer()
    fault = Fault(FaultCode.DISCONNECTED, "refused")
    assert printer.driver.decline(RECEIPT, fault, printer.host) == fault
    assert printer.host.posted == [PrintFailed("job-1", fault, begun=False)]


class Paced(Printer):
    """Prints what it is sent at the speed of paper, and answers GS r when the paper is there.

    It knows no command to clear its memory. `lag_s`: how long bytes are on the way to it, and as
    long its answers back; `out_at_mm`: where its roll ends.
    """

    MM_S = 150.0
    CUT_S = 0.4

    def __init__(self) -> None:
        super().__init__()
        self.knows_clear = False
        self.driver = ReceiptPrinterDriver("tcp://127.0.0.1:9100", 80)
        self.wire = MemoryTransport(self._handle, self._pass)
        self.tokens, self.strip = Tokenizer(), Paper(80)
        self.memory: deque[tuple[float, float, bytes]] = deque()  # arrives at, seconds, answer
        self.on_the_way: list[tuple[float, bytes]] = []
        self.head_s = self.clock.now  # until when it is at work
        self.idle_s = 0.0  # it stood, with a receipt begun and not at its end
        self.lag_s = 0.0
        self.baud = 0  # of a serial line
        self.line_s = 0.0  # until when there are bytes on it
        self.out_at_mm = float("inf")
        self.mm = 0.0
        self.cuts = 0
        self.ended_at: list[float] = []
        self.loses: set[int] = set()  # answers that do not come, counted from the first
        self.said = 0
        self.names: deque[bytes] = deque()  # answers that are blocks with a name
        self.strays: list[float] = []  # when a byte comes that nobody has sent

    def _handle(self, data: bytes) -> bytes | Fault:
        if self.baud:
            self.line_s = max(self.line_s, self.clock.now) + len(data) * 10 / self.baud
        arrives = max(self.line_s, self.clock.now) + self.lag_s
        at_once = data[:2] in (b"\x10\x04", b"\x10\x05") or data.endswith(CLEAR_NOW)
        if at_once or data == b"\x1da\x0e":
            answer = super()._handle(data)
            assert isinstance(answer, bytes)
            self.on_the_way.append((arrives, answer))
            return self._due()
        self.paper += data
        for token in self.tokens.feed(data):
            done = self.strip.carry_out(token)
            mm = done.moved_dots / 8
            self.cuts += done.cut
            seconds = self.CUT_S if done.cut else mm / self.MM_S
            answer = b"\x00" if done.want_status and self.confirms else b""
            self.memory.append((arrives, seconds, answer))
        self._work()
        return self._due()

    def _work(self) -> None:
        while self.memory and self.status == IDLE:
            arrives, seconds, answer = self.memory[0]
            ends = max(arrives, self.head_s) + seconds
            if ends > self.clock.now:
                return
            self.memory.popleft()
            if seconds:
                self.idle_s += max(0.0, arrives - self.head_s) if self.mm else 0.0
                self.head_s = ends
            if seconds == self.CUT_S:
                self.ended_at.append(self.head_s)
            else:
                self.mm += seconds * self.MM_S
            if self.mm >= self.out_at_mm:
                self.status = dict(NO_PAPER)
            if answer:
                self.said += 1
                answer = self.names.popleft() if self.names else answer
                if self.said not in self.loses:
                    self.on_the_way.append((ends + self.lag_s, answer))

    def _next(self) -> float:
        """When something happens."""
        soon = [at for at, _ in self.on_the_way] + self.strays[:1]
        if self.memory and self.status == IDLE:
            arrives, seconds, _ = self.memory[0]
            soon.append(max(arrives, self.head_s) + seconds)
        return min(soon, default=float("inf"))

    def _due(self) -> bytes:
        due = [answer for at, answer in self.on_the_way if at <= self.clock.now]
        self.on_the_way = [(at, a) for at, a in self.on_the_way if at > self.clock.now]
        return b"".join(due)

    def _pass(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(end, max(self._next(), self.clock.now + 0.0005))
            self._work()
            heard = self._due()
            while self.strays and self.clock.now >= self.strays[0]:
                self.strays.pop(0)
                heard += b"\x00"
            if heard:
                self.wire.deliver(heard)
                return

    def left_mm(self) -> float:
        """What comes out of its memory when paper is put in."""
        return sum(seconds * self.MM_S for _, seconds, _ in self.memory if seconds != self.CUT_S)

    def long_receipt(self, job: str = "job-1") -> object:
        rows = tuple(Text(f"王小明 {number}") for number in range(20))
        return self.driver.handle(
            PrintReceipt(job, (Text("回执", large=True), *rows, QrCode("ZW1.X" * 9), *rows)),
            self.host,
        )


@pytest.mark.parametrize("confirm", Confirm)
@pytest.mark.parametrize("out_at_mm", [*range(4, 80, 7), 95, 110, 130, 150, 180, 190])
def test_what_a_printer_without_paper_has_in_its_memory_is_a_fingers_breadth(
    out_at_mm: int, confirm: Confirm
) -> None:
    """A make that cannot be told to forget it prints that after the refill, and no more."""
    printer = Paced()
    printer.driver = ReceiptPrinterDriver("tcp://127.0.0.1:9100", 80, confirm=confirm)
    if confirm is Confirm.PROCESS_ID:
        printer.wire._handler = answering_by_name(printer)
    printer.connect()
    printer.out_at_mm = out_at_mm
    printer.long_receipt()
    [failed] = printer.host.posted
    assert isinstance(failed, PrintFailed)
    assert failed.fault.code is FaultCode.PAPER_OUT
    code_mm = 33 * 6 / 8 + 30 / 8
    in_the_code = 6.75 + 20 * 3.75 < out_at_mm < 6.75 + 20 * 3.75 + code_mm
    assert printer.left_mm() <= (code_mm if in_the_code else WINDOW_MM)


def answering_by_name(printer: Paced) -> Callable[[bytes], bytes | Fault]:
    """Its answers carry the name that was asked for, in the order of the questions."""
    handled = printer._handle

    def handle(data: bytes) -> bytes | Fault:
        if data[:-4].endswith(NAMED):
            printer.names.append(b"\x37\x22" + data[-4:] + b"\x00")
            data = data[: -len(NAMED) - 4] + QUESTION
        return handled(data)

    return handle


@pytest.mark.parametrize("lag_s", [0.0005, 0.01])
def test_the_head_does_not_stop_while_a_receipt_is_sent_piece_by_piece(lag_s: float) -> None:
    """But once before the code, for an answer, and once before the cut, for six and a silence."""
    printer = Paced().connect()
    printer.lag_s = lag_s
    assert printer.long_receipt() == Printed("job-1")
    assert printer.idle_s <= (1 + 6) * 2 * lag_s + ANSWER_ALONE_S + 0.005


def test_rows_that_are_pictures_take_their_time_on_a_slow_line_and_that_is_no_silence() -> None:
    """A rare character in a large row: four seconds at 9,600 baud, behind which each question waits."""
    printer = Paced()
    printer.driver = ReceiptPrinterDriver("serial:///dev/example?baud=9600")
    printer.baud = 9600
    printer.connect()
    lines = (Text("王㛃的受理回执一二三四五", large=True), *(Text("㛃" * 24) for _ in range(3)))
    assert printer.driver.handle(PrintReceipt("a", lines), printer.host) == Printed("a")
    assert printer.cuts == 1


@pytest.mark.parametrize("lost", [{5}, {9}, {5, 6}, {7, 9}, {30}])
@pytest.mark.parametrize("confirm", Confirm)
def test_answers_lost_on_the_line_cost_a_moment_and_the_receipt_comes_out_once(
    lost: set[int], confirm: Confirm
) -> None:
    printer = Paced()
    printer.driver = ReceiptPrinterDriver("tcp://127.0.0.1:9100", 80, confirm=confirm)
    if confirm is Confirm.PROCESS_ID:
        printer.wire._handler = answering_by_name(printer)
    printer.connect()
    printer.loses = lost
    assert printer.long_receipt() == Printed("job-1")
    assert printer.cuts == 1
    assert printer.paper.count("王小明".encode("gb18030")) == 40


@pytest.mark.parametrize("after", [5, 8, 14])
def test_one_that_answers_no_more_in_the_middle_prints_the_rest_and_it_is_unknown(
    after: int,
) -> None:
    printer = Paced().connect()
    printer.loses = set(range(after, 1000))
    printer.long_receipt()
    assert printer.cuts == 1, "somebody waits for the paper"
    [failed] = printer.host.posted
    assert isinstance(failed, PrintFailed)
    assert failed.fault.code is FaultCode.SILENT


def test_one_that_answers_only_what_is_asked_alone_is_waited_for_once_in_a_receipt() -> None:
    printer = Paced().connect()
    handled = printer._handle

    def handle(data: bytes) -> bytes | Fault:
        if data.endswith(QUESTION) and data != QUESTION and CUT not in data:
            data = data.removesuffix(QUESTION)
        return handled(data)

    printer.wire._handler = handle
    began = printer.clock.now
    assert printer.long_receipt() == Printed("job-1")
    assert printer.clock.now - began < 20


@given(st.lists(st.floats(0.0, 4.0), max_size=4), st.sets(st.integers(1, 50), max_size=8))
@settings(max_examples=40)
def test_bytes_that_nobody_has_sent_never_confirm_a_receipt_before_it_is_cut(
    strays: list[float], lost: set[int]
) -> None:
    printer = Paced().connect()
    printer.strays = sorted(printer.clock.now + at for at in strays)
    printer.loses = lost
    outcome = printer.long_receipt()
    if isinstance(outcome, Printed):
        assert printer.ended_at
        assert printer.clock.now >= printer.ended_at[0]


@pytest.mark.parametrize("gaps", [(1.0,), (1.0, 1.06, 1.12), (0.5, 2.0, 4.0), (1.0,) * 3])
def test_answers_to_a_receipt_that_a_crash_left_behind_confirm_nothing(
    gaps: tuple[float, ...],
) -> None:
    """As many questions as ever lie in a printer: it goes on with the old one after its refill."""
    printer = Paced().connect()
    for at in gaps:
        printer.memory.append((printer.clock.now + at, 0.0, b"\x00"))
    assert printer.long_receipt() == Printed("job-1")
    assert printer.ended_at
    assert printer.ended_at[0] - 1000.0 >= gaps[-1] + 1.0


def test_one_that_knows_no_clearing_is_asked_to_by_another_command_unless_the_knife_would_move() -> (
    None
):
    printer = Paced().connect()
    assert printer.recovered == 1, "of a make that does so, and no other answers it"
    printer.out_at_mm = 40
    printer.long_receipt()
    assert printer.recovered == 2
    printer = Paced().connect()
    printer.happens = {}
    before = printer.recovered
    printer.status = dict(CUTTER)
    assert isinstance(printer.driver.connect(printer.host), Identity)
    assert printer.recovered == before + 1, "once, by the poll that frees a knife"


def test_over_a_real_socket_with_a_thread() -> None:
    paper = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            """What comes may be cut anywhere, and may come together."""
            peer, _ = server.accept()
            held = b""
            with peer:
                while data := peer.recv(4096):
                    held += data
                    while held:
                        if held[:2] == b"\x10\x04":
                            if len(held) < 3:
                                break
                            held = held[3:]
                            peer.sendall(b"\x12")
                            continue
                        if held == b"\x10":
                            break
                        paper.append(held[0])
                        held = held[1:]
                        if paper.endswith(b"\x1dr\x01"):
                            peer.sendall(b"\x00")

        thread = threading.Thread(target=serve)
        thread.start()
        posts = Posts()
        driver = ReceiptPrinterDriver(f"tcp://127.0.0.1:{port}", 58)
        worker = DeviceWorker(driver, posts, SystemClock(), RecordingLog())
        worker.start()
        posts.until_status(Status.READY)
        assert worker.submit(RECEIPT).result(30) == Printed("job-1")
        assert worker.stop(10)
        thread.join(10)
        assert not thread.is_alive()
    assert "受理回执".encode("gb18030") in paper
    assert posts.statuses() == [Status.STARTING, Status.READY, Status.BUSY, Status.READY]

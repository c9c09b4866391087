"""Drives a receipt printer over TCP or a serial line.

A receipt is printed when the printer has answered, in order, the question sent after the cut.
What DLE EOT says meanwhile tells why it does not come: out of paper, cover open, cutter. Nothing
is ever sent twice: whoever wants a second receipt asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from drivers.device import DeviceClass, Fault, FaultCode, Identity, Status
from drivers.receipt_printer.protocol import (
    Automatic,
    InOrder,
    Noise,
    PrinterState,
    Question,
    RealTime,
    StatusParser,
    ask_now,
    columns_of_paper,
    encode_receipt,
    layout,
    state_of_answers,
    state_of_frame,
)
from drivers.receipt_printer.values import Line, Printed, PrintFailed, PrintReceipt
from drivers.transport import TcpUrl, Transport, parse_url
from drivers.worker import Down, Host, not_opened

if TYPE_CHECKING:
    from drivers.receipt_printer.raster import RowPainter

ANSWER_LIMIT_S: Final = 1.0  # a real-time answer takes milliseconds; a busy TCP board longer
IDLE_POLL_S: Final = 5.0  # how old the status on the home page may be
PROGRESS_POLL_S: Final = 0.5  # how soon an opened cover is told while it prints
PRINT_LIMIT_S: Final = 40.0  # 300 mm at the slowest 50 mm/s is 6 s, raster rows and cutting more
MUTE_LIMIT_S: Final = 3.0  # while printing: so long without any answer is no delay any more
WRITE_PIECE_BYTES: Final = 512
WRITE_LIMIT_S: Final = 0.5  # a full buffer of the printer: look at its status, then go on
SETTLED_POLLS: Final = 2  # fine for so many polls: a late answer of an older job will not come
CLOCK_STEP_S: Final = 0.001  # a wait may end a rounding short of its time
READ_BYTES: Final = 1024


class ReceiptPrinterDriver:
    """`url`: tcp://host:9100 or serial:///dev/...?baud=115200. `paper_mm`: 58 or 80."""

    def __init__(self, url: str, paper_mm: int = 80) -> None:
        self._url = url
        self._columns = columns_of_paper(paper_mm)
        self._wire: Transport | None = None
        self._parser = StatusParser()
        self._real_time: list[int] = []
        self._automatic: PrinterState | None = None
        self._in_order = 0  # answers to GS r received since the last job began
        self._owed = 0  # answers that jobs which failed may still bring
        self._settled_polls = 0
        self._painter: RowPainter | None = None

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.RECEIPT_PRINTER

    @property
    def url(self) -> str:
        return self._url

    # -- the worker's calls ---------------------------------------------------

    def connect(self, host: Host) -> Identity | Down:
        wire = host.open(self._url)
        if isinstance(wire, Fault):
            return not_opened(wire)
        self._wire = wire
        self._parser = StatusParser()
        self._owed = self._in_order = self._settled_polls = 0
        self._automatic = None
        state = self._ask_state(host)
        if isinstance(state, Fault):
            return self._down(state)
        host.report(*state.status)
        return Identity("ESC/POS")

    def disconnect(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def run(self, host: Host) -> Down | None:
        """Listen until the next poll; what the printer says by itself is told at once."""
        self._take_automatic()
        deadline = host.clock.monotonic() + IDLE_POLL_S
        lost = self._listen(host, IDLE_POLL_S)
        if lost is not None:
            return self._down(lost)
        self._settle()
        if self._take_automatic() is None and host.clock.monotonic() < deadline - CLOCK_STEP_S:
            return None  # woken for a command
        state = self._ask_state(host)
        if isinstance(state, Fault) and state.code is FaultCode.TIMED_OUT:
            state = self._ask_state(host)  # one answer may be late; two are silence
        if isinstance(state, Fault):
            return self._down(state)
        host.report(*state.status)
        self._settled_polls = self._settled_polls + 1 if state.fault is None else 0
        if self._settled_polls >= SETTLED_POLLS:
            self._owed = 0
        return None

    def handle(self, command: PrintReceipt, host: Host) -> Printed | Fault | Down:
        outcome = self._print(command.lines, host)
        if outcome is None:
            printed = Printed(command.job)
            host.post(printed)
            state = self._ask_state(host)
            if isinstance(state, Fault):
                # Printed all the same; that it has gone since is the next turn's business.
                return printed
            host.report(*state.status)
            return printed
        host.post(PrintFailed(command.job, outcome))
        if outcome.code in (FaultCode.DEVICE_LOST, FaultCode.SILENT, FaultCode.TIMED_OUT):
            return self._down(outcome)
        return outcome

    def decline(self, command: PrintReceipt, fault: Fault, host: Host) -> Fault:
        host.post(PrintFailed(command.job, fault))
        return fault

    # -- one receipt ----------------------------------------------------------

    def _print(self, lines: tuple[Line, ...], host: Host) -> Fault | None:
        """None when the printer confirmed the end."""
        items = layout(lines, self._columns)
        if isinstance(items, Fault):
            return items
        before = self._ask_state(host)
        if isinstance(before, Fault):
            return before  # nothing was sent: nothing is printed
        if before.fault is not None:
            host.report(*before.status)
            return before.fault
        draw, cut = self._painter_and_cut()
        job = encode_receipt(items, draw, cut)
        host.report(Status.BUSY, "printing")
        self._settle()
        self._take_automatic()
        awaited = self._owed + 1
        self._owed = awaited  # until the answer is here, it may come at any time
        self._settled_polls = 0
        fault = self._send(job, host) or self._await_end(awaited, host)
        if fault is None:
            self._owed = 0
        return fault

    def _painter_and_cut(self) -> tuple[RowPainter, bytes]:
        # Loaded here, on the printer's thread: it takes half a second.
        from drivers.receipt_printer.raster import CUT, RowPainter, find_font  # noqa: PLC0415

        if self._painter is None:
            self._painter = RowPainter(find_font())
        return self._painter, CUT

    def _send(self, job: bytes, host: Host) -> Fault | None:
        """All bytes, as fast as the printer takes them; a fault of the paper ends it."""
        wire = self._wire
        if wire is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        sent = 0
        taken_at = host.clock.monotonic()
        while sent < len(job):
            stop = host.interruption()
            if stop is not None:
                return Fault(FaultCode.SILENT, "stopped while sending")
            taken = wire.write(job[sent : sent + WRITE_PIECE_BYTES], WRITE_LIMIT_S)
            if isinstance(taken, Fault):
                return taken
            sent += taken
            if taken:
                taken_at = host.clock.monotonic()
            elif host.clock.monotonic() - taken_at >= MUTE_LIMIT_S:
                # It takes neither data nor questions; whether paper moved nobody knows.
                return Fault(FaultCode.SILENT, "takes no data")
            lost = self._listen(host, 0.0)
            if lost is not None:
                return lost
            state = self._take_automatic()
            if state is not None and state.fault is not None:
                host.report(*state.status)
                return state.fault
        return None

    def _await_end(self, awaited: int, host: Host) -> Fault | None:
        began = heard_at = host.clock.monotonic()
        next_poll = began + PROGRESS_POLL_S
        while self._in_order < awaited:
            now = host.clock.monotonic()
            if host.interruption() is not None:
                return Fault(FaultCode.SILENT, "stopped before the end was confirmed")
            if now - began >= PRINT_LIMIT_S:
                return Fault(FaultCode.SILENT, "end not confirmed")
            if now < next_poll:
                lost = self._listen(host, next_poll - now)
                if lost is not None:
                    return lost
                continue
            state = self._ask_state(host, done=lambda: self._in_order >= awaited)
            now = host.clock.monotonic()
            next_poll = now + PROGRESS_POLL_S
            if isinstance(state, PrinterState):
                heard_at = now
                if state.fault is not None and self._in_order < awaited:
                    host.report(*state.status)
                    return state.fault
            elif state.code is not FaultCode.TIMED_OUT:
                lost_now = state.code is FaultCode.DEVICE_LOST
                return state if lost_now else Fault(FaultCode.SILENT, "stopped before the end")
            elif now - heard_at >= MUTE_LIMIT_S and self._in_order < awaited:
                return Fault(FaultCode.SILENT, "does not answer any more")
        return None

    def _settle(self) -> None:
        """Between two jobs: an answer that came meanwhile belongs to one that had failed."""
        self._owed = max(0, self._owed - self._in_order)
        self._in_order = 0

    def _take_automatic(self) -> PrinterState | None:
        state, self._automatic = self._automatic, None
        return state

    # -- status ---------------------------------------------------------------

    def _ask_state(
        self, host: Host, done: Callable[[], bool] = lambda: False
    ) -> PrinterState | Fault:
        """DLE EOT 1 to 4, one after the other: their answers look alike. TIMED_OUT: it is silent."""
        answers: dict[Question, int] = {}
        for question in Question:
            answer = self._ask(host, question, done)
            if isinstance(answer, Fault):
                return answer
            answers[question] = answer
        return state_of_answers(answers)

    def _ask(self, host: Host, question: Question, done: Callable[[], bool]) -> int | Fault:
        wire = self._wire
        if wire is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        lost = self._listen(host, 0.0)  # what is still there answers an older question
        if lost is not None:
            return lost
        self._real_time.clear()
        request = ask_now(question)
        taken = wire.write(request, ANSWER_LIMIT_S)
        if isinstance(taken, Fault):
            return taken
        deadline = host.clock.monotonic() + (ANSWER_LIMIT_S if taken == len(request) else 0.0)
        while not self._real_time:
            stop = host.interruption()
            if stop is not None:
                return stop
            wait_s = deadline - host.clock.monotonic()
            if wait_s <= 0 or done():
                return Fault(FaultCode.TIMED_OUT, "does not answer")
            lost = self._listen(host, wait_s)
            if lost is not None:
                return lost
        return self._real_time[0]

    def _listen(self, host: Host, wait_s: float) -> Fault | None:
        """Take in what the printer says; a Fault when the wire is lost."""
        wire = self._wire
        if wire is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        piece = wire.read(READ_BYTES, wait_s)
        if isinstance(piece, Fault):
            return piece
        if not piece and wait_s > 0:
            self._parser.silence()
        for heard in self._parser.feed(piece):
            match heard:
                case RealTime(byte=byte):
                    self._real_time.append(byte)
                case InOrder():
                    self._in_order += 1
                case Automatic(frame=frame):
                    self._automatic = state_of_frame(frame)
                case Noise():
                    pass
        return None

    def _down(self, fault: Fault) -> Down:
        match fault.code:
            case FaultCode.TIMED_OUT | FaultCode.SILENT:
                # Through TCP something answered the call, so that it is not simply switched off.
                through_tcp = isinstance(parse_url(self._url), TcpUrl)
                status = Status.UNKNOWN if through_tcp else Status.POWERED_OFF
                return Down(status, "does not answer", fault)
            case _:
                return Down(Status.DISCONNECTED, fault.detail, fault)

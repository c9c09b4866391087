"""Drives a receipt printer over TCP or a serial line.

A receipt is printed when the printer has answered, in order, the question sent after the cut, is
well when it is asked after that, and has told of no trouble in between: a printer that does not
stop in trouble swallows the rest and answers all the same. An answer to GS r is one byte without
a name, so one is never enough: the printer is asked until it answers in order before a job begins
(an older job may still be coming out), and once more after its end. One stray byte, or one answer
that belonged to an older job, is then one too few. Nothing is ever sent twice: whoever wants a
second receipt asks for it, and what an older one left in the printer's memory is cleared first.
"""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from drivers.addresses import SerialUrl, TcpUrl, parse_url
from drivers.device import DeviceClass, Fault, FaultCode, Identity, Status
from drivers.receipt_printer.personal import ReceiptMask
from drivers.receipt_printer.protocol import (
    ASK_PAPER_IN_ORDER,
    AUTOMATIC_STATUS_ON,
    CLEAR_NOW,
    RECOVER_NOW,
    Automatic,
    Cleared,
    Flow,
    InOrder,
    JobDone,
    Noise,
    PrinterState,
    Question,
    RealTime,
    StatusParser,
    ask_now,
    columns_of_paper,
    encode_receipt,
    layout,
    length_mm,
    question_after,
    state_of_answers,
    state_of_frame,
    state_of_paper,
)
from drivers.receipt_printer.values import (
    Confirm,
    Line,
    Logo,
    PaperMeter,
    Printed,
    PrintFailed,
    PrintReceipt,
)
from drivers.transport import Ports, Transport, write_all
from drivers.worker import Down, Host, not_opened

if TYPE_CHECKING:
    from drivers.receipt_printer.raster import RowPainter

ANSWER_LIMIT_S: Final = 1.0  # a real-time answer takes milliseconds; a busy TCP board longer
CLEAR_LIMIT_S: Final = 0.5  # makes that know the command answer it at once
IDLE_POLL_S: Final = 5.0  # how old the status on the home page may be
PROGRESS_POLL_S: Final = 0.5  # how soon an opened cover is told while it prints
PRINT_LIMIT_S: Final = 40.0  # the longest receipt that anybody waits for
END_GRACE_S: Final = 5.0  # to heat, to cut, to answer
SLOWEST_MM_S: Final = 12.0  # the slowest print 50; dense pictures on a weak supply far less
ASK_AGAIN_S: Final = 8.0  # an answer may be lost on the line; a second question prints nothing
ANSWER_ALONE_S: Final = 0.05  # bytes that follow at once show that it was the rest of something
MUTE_LIMIT_S: Final = 3.0  # while printing: so long without any answer is no delay any more
WRITE_PIECE_BYTES: Final = 512
WRITE_LIMIT_S: Final = 0.5  # a full buffer of the printer: look at its status, then go on
DRAIN_LIMIT_S: Final = 8.0  # the rest of an older receipt, of a make that cannot be cleared
DRAINED_ANSWERS: Final = 2  # the first may be the older job's own
JOB_IDS: Final = 10_000  # four digits
RECOVER_EVERY_S: Final = 15.0  # the cutter moves each time: not while fingers are at it
CLOCK_STEP_S: Final = 0.001  # a wait may end a rounding short of its time
READ_BYTES: Final = 1024
REMEMBERED_JOBS: Final = 32  # more than one citizen ever asks for
OTHER_BAUDS: Final = (9600, 19200, 38400, 57600, 115200)  # what printers leave the factory with
BAUD_ANSWER_S: Final = 0.3
PORTS: Final = Ports(mask=ReceiptMask)
LOW_PAPER_MM: Final = 3000.0  # about ten receipts


def end_limit_s(receipt_mm: float) -> float:
    """How long the end of a receipt of this length is waited for, when the printer took all of it."""
    return min(PRINT_LIMIT_S, END_GRACE_S + receipt_mm / SLOWEST_MM_S)


class ReceiptPrinterDriver:
    """`url`: tcp://host:9100 or serial:///dev/...?baud=115200. `paper_mm`: 58 or 80.

    `roll_m`: length of a new roll, so that a printer without a near-end sensor is told low by what
    `meter` has counted; 0: not counted. `only_look`: the printer is asked how it is and told
    nothing, for somebody who looks at one that another program may be printing on. `first_job`: where
    the ids of jobs begin; None: anywhere, so that no run awaits an id that an older one has sent.
    """

    def __init__(
        self,
        url: str,
        paper_mm: int = 80,
        *,
        confirm: Confirm = Confirm.STATUS,
        logo: Logo | None = None,
        meter: PaperMeter | None = None,
        roll_m: float = 0.0,
        only_look: bool = False,
        first_job: int | None = None,
    ) -> None:
        self._url = url
        self._only_look = only_look
        self._columns = columns_of_paper(paper_mm)
        self._confirm = confirm
        self._logo = logo
        self._meter = meter
        self._roll_mm = roll_m * 1000
        self._wire: Transport | None = None
        self._parser = StatusParser()
        self._real_time: list[int] = []
        self._automatic: PrinterState | None = None
        self._cleared = False
        self._held = False  # by XOFF
        self._done_ids: set[bytes] = set()
        self._in_order = 0  # answers to GS r received since the job at hand began
        self._owed = 0  # and the questions that they may answer
        self._paper_said = 0  # what those answers say of the paper, together
        self._answers_in_order = True  # until a job has waited in vain for it
        self._trouble: PrinterState | None = None  # the first that was told since the job began
        # A receipt was begun and not confirmed: paper, memory or both hold some of it.
        self._torn = meter is not None and meter.torn()
        self._begun = False  # the job at hand, or the one before
        self._half_sent = 0  # bytes that a command in the printer still waits for
        self._recovered_at = float("-inf")
        self._was_out = self._was_near_end = False
        self._answered = False  # ever: then silence means that it was switched off
        self._fell_silent = False  # why it is down
        self._hint = ""  # what a technician should know although it works
        self._jobs = secrets.randbelow(JOB_IDS) if first_job is None else first_job
        self._printed: deque[str] = deque(maxlen=REMEMBERED_JOBS)
        self._painter: RowPainter | None = None

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.RECEIPT_PRINTER

    @property
    def url(self) -> str:
        return self._url

    # -- the worker's calls ---------------------------------------------------

    def connect(self, host: Host) -> Identity | Down:
        state = self._open(self._url, host, ANSWER_LIMIT_S)
        self._hint = ""
        if isinstance(state, Fault) and state.code is FaultCode.TIMED_OUT:
            state = self._find_baud(host) or state
        if isinstance(state, Down):
            return state
        if isinstance(state, Fault):
            return self._down(state)
        if self._only_look:
            self._report(state, host)
            return Identity("ESC/POS")
        # A job of before (a crash, a pulled cable) must not come out when paper is put in. Nothing
        # may follow before the answer, and what came before is forgotten with it.
        cleared = self._clear(host)
        lost = cleared if isinstance(cleared, Fault) else None
        known = lost or self._recover(state, host)
        if isinstance(known, PrinterState):
            lost = self._tell(AUTOMATIC_STATUS_ON)
            known = lost if lost is not None else known
        if isinstance(known, Fault):
            return self._down(known)
        self._report(known, host)
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
        if self._take_automatic() is None and host.clock.monotonic() < deadline - CLOCK_STEP_S:
            return None  # woken for a command
        state = self.ask_state(host)
        if isinstance(state, Fault) and state.code is FaultCode.TIMED_OUT:
            state = self.ask_state(host)  # one answer may be late; two are silence
        if isinstance(state, PrinterState):
            state = self._recover(state, host)
        if isinstance(state, Fault):
            return self._down(state)
        self._report(state, host)
        return None

    def handle(self, command: PrintReceipt, host: Host) -> Printed | Fault | Down:
        if command.job in self._printed:  # asked twice: it is printed, once
            host.post(Printed(command.job))
            return Printed(command.job)
        outcome = self._print(command.lines, host)
        if outcome is None:
            self._printed.append(command.job)
            printed = Printed(command.job)
            host.post(printed)
            state = self.ask_state(host)
            if isinstance(state, Fault):
                # Printed all the same; that it has gone since is the next turn's business.
                return printed
            self._report(state, host)
            return printed
        host.post(PrintFailed(command.job, outcome, self._begun))
        if outcome.code in (FaultCode.DEVICE_LOST, FaultCode.SILENT, FaultCode.TIMED_OUT):
            return self._down(outcome)
        return outcome

    def decline(self, command: PrintReceipt, fault: Fault, host: Host) -> Fault:
        if fault.code is FaultCode.DISCONNECTED and self._fell_silent:
            fault = Fault(FaultCode.SILENT, fault.detail)  # it may be there: nobody knows
        host.post(PrintFailed(command.job, fault, begun=False))
        return fault

    # -- opening --------------------------------------------------------------

    def _open(self, url: str, host: Host, limit_s: float) -> PrinterState | Fault | Down:
        """Open the wire at `url` and ask how the printer is; TIMED_OUT: it is silent."""
        self.disconnect()
        self._fell_silent = False
        wire = host.open(url, PORTS)
        if isinstance(wire, Fault):
            return not_opened(wire)
        self._wire = wire
        self._parser = StatusParser()
        self._owed = self._in_order = 0
        self._automatic = None
        self._held = False
        self._done_ids.clear()
        return self.ask_state(host, limit_s=limit_s)

    def _find_baud(self, host: Host) -> PrinterState | Down | None:
        """A printer at a rate other than the settings' is used, and the technician told so."""
        address = parse_url(self._url)
        if not isinstance(address, SerialUrl):
            return None
        for baud in OTHER_BAUDS:
            if baud == address.baud or host.interruption() is not None:
                continue
            url = re.sub(r"\?.*$", "", self._url) + f"?baud={baud}"
            state = self._open(url, host, BAUD_ANSWER_S)
            if isinstance(state, PrinterState):
                self._hint = f"answers at {baud} baud, the settings say {address.baud}"
                return state
            if isinstance(state, Down):
                return state
        return None

    # -- one receipt ----------------------------------------------------------

    def _print(self, lines: tuple[Line, ...], host: Host) -> Fault | None:
        """None when the printer confirmed the end."""
        self._begun = False
        from drivers.receipt_printer import raster  # noqa: PLC0415 - half a second, on this thread

        wanted = lines if self._logo is None else (self._logo, *lines)
        items = layout(wanted, self._columns, raster.draw_logo)
        if isinstance(items, Fault):
            return items
        before = self.ask_state(host)
        if isinstance(before, PrinterState):
            self._recovered_at = float("-inf")  # somebody waits: try at once
            before = self._recover(before, host)
        if isinstance(before, Fault):
            return before  # nothing was sent: nothing is printed
        if before.fault is not None:
            self._report(before, host)
            return before.fault
        if self._torn:
            cleared = self._clear(host)
            if isinstance(cleared, Fault):
                return cleared
        if self._painter is None:
            self._painter = raster.RowPainter(raster.find_font())
        self._jobs += 1
        job_id = f"{self._jobs % JOB_IDS:04d}".encode()
        question = question_after(self._confirm, job_id)
        job = encode_receipt(
            items, self._painter, raster.CUT, question, after_a_torn_one=self._torn
        )
        host.report(Status.BUSY, "printing")
        if self._confirm is Confirm.STATUS:
            undrained = self._drain(host)
            if undrained is not None:
                return undrained  # nothing was sent
        self._take_automatic()
        self._done_ids.clear()
        self._trouble = None
        self._set_torn(True)
        self._begun = True
        fault = self._send(job, host)
        if self._meter is not None:  # what was begun is counted whole: low too early, not too late
            self._meter.add(length_mm(items))
        fault = fault or self._await_end(job_id, end_limit_s(length_mm(items)), host)
        if fault is None:
            self._set_torn(False)
        elif fault.code is not FaultCode.DEVICE_LOST:
            self._clear(host)  # while it is stopped, so that a refill does not bring the old one
        return fault

    def _send(self, job: tuple[bytes, ...], host: Host) -> Fault | None:
        """All bytes, as fast as the printer takes them; a fault of the paper ends it."""
        wire = self._wire
        if wire is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        # What an older job's last command still waits for is filled with nothing.
        pieces = (bytes(self._half_sent), *job) if self._half_sent else job
        self._half_sent = 0
        taken_at = host.clock.monotonic()
        for number, piece in enumerate(pieces, start=1):
            if number == len(pieces):  # the question is in it: what came before is no answer
                self._in_order = 0
                self._owed += 1
            sent = 0
            while sent < len(piece):
                if host.interruption() is not None:
                    self._half_sent = len(piece) - sent if sent else 0
                    return Fault(FaultCode.SILENT, "stopped while sending")
                taken: int | Fault = 0
                if not self._held:
                    taken = wire.write(piece[sent : sent + WRITE_PIECE_BYTES], WRITE_LIMIT_S)
                if isinstance(taken, Fault):
                    self._half_sent = len(piece) - sent
                    return taken
                sent += taken
                self._half_sent = len(piece) - sent
                if taken:
                    taken_at = host.clock.monotonic()
                elif host.clock.monotonic() - taken_at >= (
                    PRINT_LIMIT_S if self._held else MUTE_LIMIT_S
                ):
                    # It takes neither data nor questions; whether paper moved nobody knows.
                    return Fault(FaultCode.SILENT, "takes no data")
                lost = self._listen(host, WRITE_LIMIT_S if self._held else 0.0)
                if lost is not None:
                    return lost
                self._take_automatic()
                fault = self._fault_told(host)
                if fault is not None:
                    return fault
        return None

    def _drain(self, host: Host) -> Fault | None:
        """Wait until the printer answers in order: an older job is out, and no answer is owed.

        A printer that does not answer for long is printed on all the same, as somebody waits for
        paper; the questions it owes an answer to are then counted, and it is not waited for again.
        """
        self._in_order = self._owed = self._paper_said = 0
        self._trouble = None
        if not self._answers_in_order:
            return None
        deadline = host.clock.monotonic() + DRAIN_LIMIT_S
        for asked in range(1, DRAINED_ANSWERS + 1):
            self._owed += 1
            lost = self._tell(ASK_PAPER_IN_ORDER)
            while lost is None and self._in_order < asked:
                stop = host.interruption()
                if stop is not None:
                    return stop
                wait_s = deadline - host.clock.monotonic()
                if wait_s <= CLOCK_STEP_S:
                    self._answers_in_order = False
                    return None
                lost = self._listen(host, min(wait_s, PROGRESS_POLL_S))
                if lost is None and self._in_order < asked:
                    state = self.ask_state(host, done=partial(self._heard_in_order, asked))
                    fault = self._fault_told(host)
                    if fault is not None:
                        return fault
                    if isinstance(state, Fault) and state.code is FaultCode.DEVICE_LOST:
                        return state
            lost = lost or self._listen(host, ANSWER_ALONE_S)
            if lost is not None:
                return lost
        self._in_order = self._owed = self._paper_said = 0
        return self._fault_told(host)

    def _heard_in_order(self, count: int) -> bool:
        return self._in_order >= count

    def _fault_told(self, host: Host) -> Fault | None:
        """What the printer has told of a trouble since the job began, by whatever way."""
        state = self._trouble
        if state is None:
            return None
        self._report(state, host)
        return state.fault

    def _await_end(self, job_id: bytes, limit_s: float, host: Host) -> Fault | None:
        began = heard_at = asked_at = host.clock.monotonic()
        next_poll = began + PROGRESS_POLL_S
        awaited = first = self._owed
        sure = False  # the first answer was followed by a look and a second question

        def answered() -> bool:
            match self._confirm:
                case Confirm.STATUS:
                    return self._in_order >= awaited
                case Confirm.PROCESS_ID:
                    return job_id in self._done_ids
                case _:
                    assert_never(self._confirm)

        while True:
            fault = self._fault_told(host)
            if fault is not None:
                return fault
            now = host.clock.monotonic()
            if host.interruption() is not None:
                return Fault(FaultCode.SILENT, "stopped before the end was confirmed")
            if now - began >= limit_s:
                return Fault(FaultCode.SILENT, "end not confirmed")
            if answered():
                lost = self._listen(host, ANSWER_ALONE_S)
                if lost is not None:
                    return lost
                by_count = self._confirm is Confirm.STATUS
                if by_count and self._in_order > self._owed:
                    # More answers than questions: some were the rest of something garbled.
                    self._in_order = self._paper_said = 0
                    awaited, sure = first, False
                    continue
                if by_count:
                    self._keep_trouble(state_of_paper(self._paper_said))
                if sure and self._trouble is None:
                    return None
            elif now < next_poll:
                lost = self._listen(host, next_poll - now)
                if lost is not None:
                    return lost
                continue
            ended = answered()
            state = self.ask_state(host, done=(lambda: False) if ended else answered)
            now = host.clock.monotonic()
            next_poll = now + PROGRESS_POLL_S
            if isinstance(state, PrinterState):
                heard_at = now
                if self._trouble is not None:
                    continue
                if ended and self._confirm is Confirm.PROCESS_ID:
                    return None  # nobody else can know the id
                if ended or (now - asked_at >= ASK_AGAIN_S and not answered()):
                    if ended:
                        awaited, sure = self._in_order + 1, True
                    asked_at = now
                    self._owed += 1
                    lost = self._tell(question_after(self._confirm, job_id))
                    if lost is not None:
                        return lost
            elif state.code is not FaultCode.TIMED_OUT:
                lost_now = state.code is FaultCode.DEVICE_LOST
                return state if lost_now else Fault(FaultCode.SILENT, "stopped before the end")
            elif now - heard_at >= MUTE_LIMIT_S and (ended or not answered()):
                return Fault(FaultCode.SILENT, "does not answer any more")

    def _keep_trouble(self, state: PrinterState) -> None:
        """The first counts: a trouble that has passed has cost lines all the same."""
        if state.fault is not None and self._trouble is None:
            self._trouble = state

    def _set_torn(self, torn: bool) -> None:
        self._torn = torn
        if self._meter is not None:
            self._meter.set_torn(torn)

    def _take_automatic(self) -> PrinterState | None:
        state, self._automatic = self._automatic, None
        return state

    def _clear(self, host: Host) -> bool | Fault:
        """Empty the printer's memory of older jobs. False: this make does not know how."""
        self._cleared = False
        # Inside a command of which a part was sent, this one would be part of it: fill that first.
        lost = self._tell(bytes(self._half_sent) + CLEAR_NOW)
        if lost is not None and lost.code is not FaultCode.TIMED_OUT:
            return lost
        deadline = host.clock.monotonic() + CLEAR_LIMIT_S
        while not self._cleared:
            wait_s = deadline - host.clock.monotonic()
            if wait_s <= CLOCK_STEP_S or host.interruption() is not None:
                return False
            lost = self._listen(host, wait_s)
            if lost is not None:
                return lost
        self._owed = self._in_order = self._half_sent = 0
        return True

    def _recover(self, state: PrinterState, host: Host) -> PrinterState | Fault:
        """A cutter that was freed still waits for the word that it may go on."""
        if self._only_look or not (state.cutter_error or state.recoverable_error):
            return state
        if state.cover_open:
            return state
        now = host.clock.monotonic()
        if now - self._recovered_at < RECOVER_EVERY_S:
            return state
        self._recovered_at = now
        lost = self._tell(RECOVER_NOW + AUTOMATIC_STATUS_ON)  # its memory is emptied by it
        return lost if lost is not None else self.ask_state(host)

    # -- status ---------------------------------------------------------------

    def _report(self, state: PrinterState, host: Host) -> None:
        """What the sensors say, and what the counted paper says where they are content."""
        self._watch_roll(state)
        status, reason = state.status
        if status is Status.READY and self._meter is not None and self._roll_mm > 0:
            left_mm = self._roll_mm - self._meter.used_mm()
            if left_mm < LOW_PAPER_MM:
                status, reason = Status.LOW, "paper near its end, by what was printed"
        host.report(status, reason or self._hint)

    def _watch_roll(self, state: PrinterState) -> None:
        """Paper after none, or plenty after little: a new roll was put in."""
        if self._meter is None:
            return
        refilled = self._was_out and not state.paper_end
        fuller = self._was_near_end and not state.paper_near_end
        if (refilled or fuller) and not state.cover_open:
            self._meter.new_roll()
            self._was_out = self._was_near_end = False
        self._was_out = self._was_out or state.paper_end
        self._was_near_end = self._was_near_end or state.paper_near_end

    def ask_state(
        self,
        host: Host,
        done: Callable[[], bool] = lambda: False,
        limit_s: float = ANSWER_LIMIT_S,
    ) -> PrinterState | Fault:
        """DLE EOT 1 to 4, one after the other: their answers look alike. TIMED_OUT: it is silent."""
        answers: dict[Question, int] = {}
        for question in Question:
            answer = self._ask(host, question, done, limit_s)
            if isinstance(answer, Fault):
                return answer
            answers[question] = answer
        self._answered = True
        state = state_of_answers(answers)
        self._keep_trouble(state)
        return state

    def _ask(
        self, host: Host, question: Question, done: Callable[[], bool], limit_s: float
    ) -> int | Fault:
        wire = self._wire
        if wire is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        lost = self._listen(host, 0.0)  # what is still there answers an older question
        if lost is not None:
            return lost
        self._real_time.clear()
        request = ask_now(question)
        taken = wire.write(request, limit_s)
        if isinstance(taken, Fault):
            return taken
        deadline = host.clock.monotonic() + (limit_s if taken == len(request) else 0.0)
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

    def _tell(self, command: bytes) -> Fault | None:
        wire = self._wire
        if wire is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        return write_all(wire, command, ANSWER_LIMIT_S)

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
                case InOrder(byte=byte):
                    self._in_order += 1
                    self._paper_said |= byte
                    self._answers_in_order = True
                case Automatic(frame=frame):
                    self._automatic = state_of_frame(frame)
                    self._keep_trouble(self._automatic)
                case JobDone(job_id=job_id):
                    self._done_ids.add(job_id)
                case Cleared():
                    self._cleared = True
                case Flow(stop=stop):
                    self._held = stop
                case Noise():
                    pass
                case _:
                    assert_never(heard)
        return None

    def _down(self, fault: Fault) -> Down:
        self._fell_silent = fault.code in (FaultCode.TIMED_OUT, FaultCode.SILENT)
        match fault.code:
            case FaultCode.TIMED_OUT | FaultCode.SILENT:
                # A serial printer that has answered and does no more was switched off. One that
                # never did, or stands behind a network board that took the call: nobody knows.
                through_tcp = isinstance(parse_url(self._url), TcpUrl)
                gone = self._answered and not through_tcp
                status = Status.POWERED_OFF if gone else Status.UNKNOWN
                return Down(status, "does not answer", fault)
            case _:
                return Down(Status.DISCONNECTED, fault.detail, fault)

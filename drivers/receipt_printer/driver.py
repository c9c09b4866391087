"""Drives a receipt printer over TCP or a serial line.

A receipt is sent a little ahead of the head: two rows at a time, each followed by a question that
is answered in order, and never more than WINDOW_MM of paper unanswered. What a printer that stops
has in its memory is then a finger's breadth, also of a make that cannot be told to forget it.

A receipt is printed when the printer has answered the question sent after the cut, is well when it
is asked after that, and has told of no trouble in between: a printer that does not stop in trouble
swallows the rest and answers all the same. An answer to GS r is one byte without a name. So the
printer is asked until there are exactly as many answers as questions and then silence, before a job
begins (an older one may still be coming out) and again after its end: stray bytes, or answers that
belonged to an older job, make a number that is not believed. Nothing is ever sent twice: whoever
wants a second receipt asks for it, and what an older one left in the printer's memory is cleared
first.
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
    Segment,
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
BITS_A_BYTE: Final = 10  # on a serial line
WRITE_PIECE_BYTES: Final = 512
WRITE_LIMIT_S: Final = 0.5  # a full buffer of the printer: look at its status, then go on
# What may lie in the printer's memory: a finger's breadth of rows comes out after a refill of a make
# that cannot be cleared, and the head does not stop, for each segment of two rows takes it 50 ms at
# 150 mm/s and the slowest USB adapter brings an answer within 20.
WINDOW_MM: Final = 16.0
AHEAD_AT_MOST: Final = 3  # questions without an answer
ANSWER_LOST_S: Final = 2.0  # a printer with nothing to print answers in milliseconds
STALL_LIMIT_S: Final = 4.0  # until one that has stopped answering in order is sent the rest
STALL_GRACE_S: Final = 2.0  # beyond the time of the slowest print
DRAIN_LIMIT_S: Final = 8.0  # the rest of an older receipt, of a make that cannot be cleared
DRAINED_ANSWERS: Final = AHEAD_AT_MOST + 1  # so many may be an older job's own, and one is not
DEBT_AT_MOST: Final = 8  # of a printer that has not answered for long, not all will ever come
ID_SIGNS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ID_LENGTH: Final = 4
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
    nothing, for somebody who looks at one that another program may be printing on. `first_id`: where
    the ids of questions begin; None: anywhere, so that no run awaits one that an older one has sent.
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
        first_id: int | None = None,
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
        self._ahead: deque[tuple[bytes, float]] = (
            deque()
        )  # questions not answered, their paper in mm
        self._stalled = False  # once in the job at hand
        self._in_order = 0  # answers to GS r received since the job at hand began
        self._owed = 0  # and the questions that they may answer
        self._debt = 0  # questions of older jobs that may be answered yet
        self._paper_said = 0  # what those answers say of the paper, together
        self._answers_in_order = True  # until a job has waited in vain for it
        self._heard_at = 0.0  # when it last said anything
        self._byte_s = 0.0  # what a byte takes on a serial line; 0: no time worth reckoning
        self._arrives_at = 0.0  # when what was written has reached it
        self._look_at = 0.0  # when it is asked next how it is, while it prints
        self._seen: PrinterState | None = None  # how it was when it last told
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
        self._last_id = b""
        self._ids = secrets.randbelow(len(ID_SIGNS) ** ID_LENGTH) if first_id is None else first_id
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
        address = parse_url(url)
        self._byte_s = BITS_A_BYTE / address.baud if isinstance(address, SerialUrl) else 0.0
        self._arrives_at = 0.0
        self._parser = StatusParser()
        self._automatic = None
        self._held = False
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
        job = encode_receipt(items, self._painter, raster.CUT, after_a_torn_one=self._torn)
        host.report(Status.BUSY, "printing")
        self._heard_at = host.clock.monotonic()
        self._look_at = self._heard_at + PROGRESS_POLL_S
        self._trouble = None
        owed = self._debt + self._owed - self._in_order
        self._debt = min(max(owed, 0), DEBT_AT_MOST)
        self._owed = self._in_order = 0
        if self._confirm is Confirm.STATUS and self._answers_in_order:
            in_step = self._in_step(host, host.clock.monotonic() + DRAIN_LIMIT_S)
            if isinstance(in_step, Fault):
                return in_step  # nothing was sent
            # One that does not answer is printed on all the same, as somebody waits for paper; what
            # it owes is counted, and it is not waited for again.
            self._answers_in_order = in_step
        self._take_automatic()
        self._ahead.clear()
        self._stalled = False
        self._paper_said = 0
        self._set_torn(True)
        self._begun = True
        fault = self._send(job, host)
        if self._meter is not None:  # what was begun is counted whole: low too early, not too late
            self._meter.add(length_mm(items))
        fault = fault or self._await_end(host, end_limit_s(length_mm(items)))
        if fault is None:
            self._set_torn(False)
        elif fault.code is not FaultCode.DEVICE_LOST:
            self._clear(host)  # while it is stopped, so that a refill does not bring the old one
        return fault

    def _send(self, job: tuple[Segment, ...], host: Host) -> Fault | None:
        """All segments, each as soon as what is before it is short enough."""
        if self._half_sent:
            # What an older job's last command still waits for is filled with nothing.
            lost = self._write((bytes(self._half_sent),), b"", host)
            if lost is not None:
                return lost
        gated = self._answers_in_order
        for number, segment in enumerate(job, start=1):
            if gated:
                room = self._await_room(segment.paper_mm, host)
                if isinstance(room, Fault):
                    return room
                # It has answered before and does no more, though it says that it is well: the rest
                # goes as to one that never does.
                gated = self._answers_in_order = room
            if gated and number == len(job) and self._confirm is Confirm.STATUS:
                # Nothing that came before the cut may be counted after it.
                in_step = self._in_step(host, host.clock.monotonic() + STALL_LIMIT_S)
                if isinstance(in_step, Fault):
                    return in_step
                gated = self._answers_in_order = in_step
            question = b""
            if gated or number == len(job):
                name = self._next_id()
                question = question_after(self._confirm, name)
                self._ahead.append((name, segment.paper_mm))
                self._owed += 1
            fault = self._write(segment.commands, question, host)
            if fault is not None:
                return fault
        return None

    def _next_id(self) -> bytes:
        self._ids += 1
        self._last_id, rest = b"", self._ids
        for _ in range(ID_LENGTH):
            rest, sign = divmod(rest, len(ID_SIGNS))
            self._last_id = ID_SIGNS[sign : sign + 1] + self._last_id
        return self._last_id

    def _await_room(self, paper_mm: float, host: Host) -> bool | Fault:
        """Until so much more paper may be sent. False: the printer has stopped answering in order."""

        def ahead_mm() -> float:
            return sum(mm for _, mm in self._ahead)

        def room() -> bool:
            few = len(self._ahead) < AHEAD_AT_MOST
            return not self._ahead or (few and ahead_mm() + paper_mm <= WINDOW_MM)

        while not room():
            fewer = partial(self._has_ahead_less_than, len(self._ahead))
            limit_s = STALL_GRACE_S + ahead_mm() / SLOWEST_MM_S
            deadline = self._arrived(host) + limit_s
            moved = self._wait(host, fewer, deadline)
            if isinstance(moved, Fault):
                return moved
            if moved:
                continue
            if self._stalled or self._confirm is not Confirm.STATUS:
                return False
            # One answer may have been lost on the line: when it answers again, all before is printed.
            self._stalled = True
            in_step = self._in_step(host, host.clock.monotonic() + STALL_LIMIT_S)
            if in_step is not True:
                return in_step
            self._ahead.clear()
        return True

    def _has_ahead_less_than(self, count: int) -> bool:
        return len(self._ahead) < count

    def _write(self, commands: tuple[bytes, ...], question: bytes, host: Host) -> Fault | None:
        """As fast as the printer takes it; a fault that it tells of ends it."""
        wire = self._wire
        if wire is None:
            return Fault(FaultCode.DEVICE_LOST, "not open")
        data = b"".join(commands) + question
        taken_at = host.clock.monotonic()
        sent = 0
        while sent < len(data):
            if host.interruption() is not None:
                return Fault(FaultCode.SILENT, "stopped while sending")
            taken: int | Fault = 0
            if not self._held:
                taken = wire.write(data[sent : sent + WRITE_PIECE_BYTES], WRITE_LIMIT_S)
            if isinstance(taken, Fault):
                self._half_sent = len(data) - sent  # it is not known how much of it went
                return taken
            sent += taken
            self._arrives_at = self._arrived(host) + taken * self._byte_s
            self._half_sent = _unsent_of_command((*commands, question), sent)
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

    def _in_step(self, host: Host, deadline: float) -> bool | Fault:
        """Ask until there are as many answers as questions, and then none. True: what was sent
        before is printed, and no answer is owed. False: not until the deadline.
        """
        while True:
            before = self._in_order
            questions = max(DRAINED_ANSWERS, self._debt + self._owed - before + 1)
            for wanted in range(before + 1, before + questions + 1):
                self._owed += 1
                lost = self._tell(ASK_PAPER_IN_ORDER)
                if lost is not None:
                    return lost
                lost_s = self._arrived(host) + ANSWER_LOST_S
                heard = self._wait(host, partial(self._has_heard, wanted), min(lost_s, deadline))
                if isinstance(heard, Fault):
                    return heard
                if not heard:
                    break  # what has come by now is less than was asked: asked anew
            quiet = self._until_quiet(host, deadline)
            if isinstance(quiet, Fault):
                return quiet
            if not quiet or host.clock.monotonic() >= deadline - CLOCK_STEP_S:
                return False
            if self._in_order == before + questions:
                self._in_order = self._owed = self._debt = 0
                fault = self._fault_told(host)
                return True if fault is None else fault

    def _has_heard(self, answers: int) -> bool:
        return self._in_order >= answers

    def _until_quiet(self, host: Host, deadline: float) -> bool | Fault:
        """Until no answer has come for ANSWER_ALONE_S."""
        heard, until = self._in_order, host.clock.monotonic() + ANSWER_ALONE_S
        while (wait_s := until - host.clock.monotonic()) > CLOCK_STEP_S:
            lost = self._listen(host, wait_s)
            if lost is not None:
                return lost
            if self._in_order != heard:
                heard, until = self._in_order, host.clock.monotonic() + ANSWER_ALONE_S
            if host.clock.monotonic() >= deadline:
                return False
        return True

    def _wait(self, host: Host, done: Callable[[], bool], deadline: float) -> bool | Fault:
        """Listen until `done`, and ask now and then how the printer is. False: not until the
        deadline."""
        while True:
            fault = self._fault_told(host)
            if fault is not None:
                return fault
            if done():
                return True
            stop = host.interruption()
            if stop is not None:
                return self._stopped() if self._begun else stop
            now = host.clock.monotonic()
            if now >= deadline - CLOCK_STEP_S:
                return False
            wait_s = min(self._look_at, deadline) - now
            if wait_s > CLOCK_STEP_S:
                lost = self._listen(host, wait_s)
            else:
                looked = self._look(host)
                lost = looked if isinstance(looked, Fault) else None
            if lost is not None:
                return lost

    def _look(self, host: Host) -> bool | Fault:
        """Ask how the printer is. False: it has not said it, and is not silent for long."""
        state = self.ask_state(host)
        now = host.clock.monotonic()
        self._look_at = now + PROGRESS_POLL_S
        if isinstance(state, PrinterState):
            return True
        if state.code is FaultCode.DEVICE_LOST:
            return state
        if state.code is not FaultCode.TIMED_OUT:
            return self._stopped() if self._begun else state
        if now - max(self._heard_at, self._arrives_at) >= MUTE_LIMIT_S:
            return Fault(FaultCode.SILENT, "does not answer any more")
        return False

    @staticmethod
    def _stopped() -> Fault:
        return Fault(FaultCode.SILENT, "stopped before the end was confirmed")

    def _fault_told(self, host: Host) -> Fault | None:
        """What the printer has told of a trouble since the job began, by whatever way."""
        state = self._trouble
        if state is None:
            return None
        self._report(state, host)
        return state.fault

    def _await_end(self, host: Host, limit_s: float) -> Fault | None:
        """None when the printer has said that the whole job is on paper."""
        deadline = self._arrived(host) + limit_s
        unconfirmed = Fault(FaultCode.SILENT, "end not confirmed")
        by_count = self._confirm is Confirm.STATUS
        wanted = self._owed

        def answered() -> bool:
            return self._in_order >= wanted if by_count else not self._ahead

        ended: bool | Fault = False
        while not ended:
            again_at = self._arrived(host) + ASK_AGAIN_S
            ended = self._wait(host, answered, min(again_at, deadline))
            if isinstance(ended, Fault):
                return ended
            if host.clock.monotonic() >= deadline - CLOCK_STEP_S:
                return unconfirmed
            if by_count:
                break  # what is asked below is answered in order as well
            if not ended:
                lost = self._tell(question_after(self._confirm, self._last_id))
                if lost is not None:
                    return lost
        while (looked := self._look(host)) is not True:
            if isinstance(looked, Fault):
                return looked
            if host.clock.monotonic() >= deadline:
                return unconfirmed
        if by_count:
            in_step = self._in_step(host, deadline)
            if isinstance(in_step, Fault):
                return in_step
            if not in_step:
                return unconfirmed
            self._keep_trouble(state_of_paper(self._paper_said))
        return self._fault_told(host)

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
        """Empty the printer's memory of older jobs. False: it has not said that it is empty."""
        self._cleared = False
        # Inside a command of which a part was sent, this one would be part of it: fill that first.
        lost = self._tell(bytes(self._half_sent) + CLEAR_NOW)
        if lost is not None and lost.code is not FaultCode.TIMED_OUT:
            return lost
        deadline = self._arrived(host) + CLEAR_LIMIT_S
        while not self._cleared:
            wait_s = deadline - host.clock.monotonic()
            if wait_s <= CLOCK_STEP_S or host.interruption() is not None:
                return self._clear_otherwise()
            lost = self._listen(host, wait_s)
            if lost is not None:
                return lost
        self._owed = self._in_order = self._debt = self._half_sent = 0
        return True

    def _clear_otherwise(self) -> bool | Fault:
        """Some makes empty their memory at DLE ENQ 2, most after an error only; none answers it. Not
        in an error of the cutter, for it would move."""
        if self._seen is not None and self._seen.cutter_error:
            return False
        lost = self._tell(RECOVER_NOW)
        return False if lost is None or lost.code is FaultCode.TIMED_OUT else lost

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

    def ask_state(self, host: Host, limit_s: float = ANSWER_LIMIT_S) -> PrinterState | Fault:
        """DLE EOT 1 to 4, one after the other: their answers look alike. TIMED_OUT: it is silent."""
        answers: dict[Question, int] = {}
        for question in Question:
            answer = self._ask(host, question, limit_s)
            if isinstance(answer, Fault):
                return answer
            answers[question] = answer
        self._answered = True
        state = self._seen = state_of_answers(answers)
        self._keep_trouble(state)
        return state

    def _ask(self, host: Host, question: Question, limit_s: float) -> int | Fault:
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
        deadline = self._arrived(host) + (limit_s if taken == len(request) else 0.0)
        while not self._real_time:
            stop = host.interruption()
            if stop is not None:
                return stop
            wait_s = deadline - host.clock.monotonic()
            if wait_s <= 0:
                return Fault(FaultCode.TIMED_OUT, "does not answer")
            lost = self._listen(host, wait_s)
            if lost is not None:
                return lost
        return self._real_time[0]

    def _arrived(self, host: Host) -> float:
        """From when on an answer to what was written last can come: a picture takes seconds on a slow
        line, and a question waits behind it."""
        return max(host.clock.monotonic(), self._arrives_at)

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
            if not isinstance(heard, Noise | Flow):
                self._heard_at = host.clock.monotonic()
            match heard:
                case RealTime(byte=byte):
                    self._real_time.append(byte)
                case InOrder(byte=byte):
                    if self._confirm is Confirm.STATUS:
                        self._in_order += 1
                        self._paper_said |= byte
                        self._answers_in_order = True
                        if self._ahead:
                            self._ahead.popleft()
                case Automatic(frame=frame):
                    self._automatic = self._seen = state_of_frame(frame)
                    self._keep_trouble(self._automatic)
                case JobDone(job_id=job_id):
                    if any(job_id == name for name, _ in self._ahead):
                        self._answers_in_order = True
                        while self._ahead.popleft()[0] != job_id:
                            pass  # an answer that was lost: what is before is printed as well
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


def _unsent_of_command(commands: tuple[bytes, ...], sent: int) -> int:
    """What is missing of the command in which so many bytes end."""
    end = 0
    for command in commands:
        begin, end = end, end + len(command)
        if begin < sent < end:
            return end - sent
    return 0

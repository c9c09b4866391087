"""The paper receipt of one application, followed to its end whatever page is shown meanwhile.

One job at a time; the next one only when the one before is settled, and marked 补打 if anything of
one may be on paper. Nothing is called printed before the printer said so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from drivers.device import DeviceClass, FaultCode, Status
from drivers.receipt_printer.values import Line, Printed, PrintFailed
from kiosk.availability import World, may_work
from kiosk.flow.effects import AddPrintResult, Effect, Print
from kiosk.flow.events import Delivered, Event
from kiosk.flow.pages import PrintState

DELIVERY_WAIT_S = 3.0  # what an application takes to the centre on a good line, twice over
PRINT_LIMIT_S = 30.0  # a receipt takes 5 s; after this the outcome counts as unknown

MakeLines = Callable[[bool, bool], tuple[Line, ...]]
"""(delivered, reprint) -> the lines, as true at this moment."""


class ReceiptPrinting:
    """`told` is for the page that shows the outcome: whether the citizen has seen it."""

    def __init__(
        self,
        number: str,
        make_lines: MakeLines,
        *,
        job: str,
        reported: bool = True,
        papers: bool = False,
        copy: bool = False,
        delivered: bool = False,
        hears: bool = True,
    ) -> None:
        """`job` is no other printing's, so that a late word is not taken for this one's. `reported`:
        the centre is told what became of the paper, as it belongs to an application. `papers`: it
        tells of what was handed in later. `copy`: there may be one of before. `hears`: what the
        centre says of this number is of this; else it is never called delivered."""
        self._reported = reported
        self._papers = papers
        self._hears = hears
        self.state = PrintState.PRINTING
        self.delivered = delivered
        self.told = False
        self._number = number
        self._name = job
        self._make_lines = make_lines
        self._came = False  # paper came, or may have
        self._begun = copy  # some of a receipt may be on paper: the next one is a copy
        self._jobs = 0
        self._print_at_s: float | None = None  # waiting for the centre's answer until then
        self._until_s = 0.0

    @property
    def running(self) -> bool:
        return self.state is PrintState.PRINTING

    @property
    def paper_out(self) -> bool:
        """Whether paper came, or may have come, so that it can be forgotten in the slot."""
        return self._came or (self.running and self._jobs > 0)

    def begin(self, world: World, now: datetime, now_s: float) -> tuple[Effect, ...]:
        """With the line up, wait a moment: the receipt may then say that the centre has it."""
        if world.online and self._hears and not self.delivered:
            self._print_at_s = now_s + DELIVERY_WAIT_S
            return ()
        return self.print(world, now, now_s)

    def print(
        self, world: World, now: datetime, now_s: float, *, pressed: bool = False
    ) -> tuple[Effect, ...]:
        """Send one receipt, unless the printer already says that it cannot. `pressed`: somebody asks
        for it, so a jam may be cleared: the printer says "jammed" until a try has told it so."""
        self._print_at_s = None
        self.told = False
        hindered = _state_before(world.status(DeviceClass.RECEIPT_PRINTER))
        if hindered is not None and not (pressed and hindered is PrintState.JAMMED):
            return self._settle(hindered, now)
        self._jobs += 1
        self.state = PrintState.PRINTING
        self._until_s = now_s + PRINT_LIMIT_S
        return (Print(self._job, self._make_lines(self.delivered, self._begun)),)

    def decline(self, now: datetime) -> tuple[Effect, ...]:
        return self._settle(PrintState.DECLINED, now)

    def handle(self, event: Event, world: World, now: datetime, now_s: float) -> tuple[Effect, ...]:
        match event:
            case Delivered(number=self._number, papers=self._papers) if self._hears:
                self.delivered = True
                if self._print_at_s is not None:
                    return self.print(world, now, now_s)
            case Printed(job=job) if job == self._job and self._waits_for_word:
                return self._settle(PrintState.PRINTED, now)
            case PrintFailed(job=job, fault=fault, begun=begun) if (
                job == self._job and self._waits_for_word
            ):
                self._begun = self._begun or begun
                return self._settle(state_after(fault.code), now)
            case _:
                pass
        return ()

    def tick(self, world: World, now: datetime, now_s: float) -> tuple[Effect, ...]:
        if self._print_at_s is not None:
            return self.print(world, now, now_s) if now_s >= self._print_at_s else ()
        if self.running and now_s >= self._until_s:
            return self._settle(PrintState.UNKNOWN, now)
        return ()

    @property
    def _job(self) -> str:
        return f"{self._name}-{self._jobs}"

    @property
    def _waits_for_word(self) -> bool:
        """A late word is better than none: it settles what was unknown."""
        return self._jobs > 0 and self.state in (PrintState.PRINTING, PrintState.UNKNOWN)

    def _settle(self, state: PrintState, now: datetime) -> tuple[Effect, ...]:
        if state is self.state:
            return ()
        self.state = state
        self.told = False
        self._came = self._came or state in (PrintState.PRINTED, PrintState.UNKNOWN)
        self._begun = self._begun or self._came
        if not self._reported:
            return ()
        return (AddPrintResult(self._number, state.value, now, self._papers),)


def _state_before(status: Status) -> PrintState | None:
    """Why printing need not be tried; None when it is worth trying."""
    match status:
        case Status.OUT:
            return PrintState.PAPER_OUT
        case Status.COVER_OPEN:
            return PrintState.COVER_OPEN
        case Status.JAMMED:
            return PrintState.JAMMED
        case _:
            return None if may_work(status) else PrintState.UNAVAILABLE


def state_after(code: FaultCode) -> PrintState:
    match code:
        case FaultCode.PAPER_OUT:
            return PrintState.PAPER_OUT
        case FaultCode.COVER_OPEN:
            return PrintState.COVER_OPEN
        case FaultCode.JAMMED | FaultCode.CUTTER:
            return PrintState.JAMMED
        case FaultCode.NOT_INSTALLED | FaultCode.DISCONNECTED:
            return PrintState.UNAVAILABLE  # nothing was sent
        case (
            FaultCode.SILENT
            | FaultCode.DEVICE_LOST
            | FaultCode.TIMED_OUT
            | FaultCode.BAD_REPLY
            | FaultCode.CANCELLED
        ):
            return PrintState.UNKNOWN  # some of it may be on the paper
        case (
            FaultCode.BUSY
            | FaultCode.REFUSED
            | FaultCode.BROKEN
            | FaultCode.BAD_INPUT
            | FaultCode.NOT_FOUND
            | FaultCode.NO_CARD
            | FaultCode.CARD_UNREADABLE
            | FaultCode.CARD_LIFTED
            | FaultCode.UNKNOWN_CARD
            | FaultCode.NOT_AUTHORISED
            | FaultCode.SEVERAL_CARDS
            | FaultCode.FROZEN
            | FaultCode.DARK
        ):
            return PrintState.UNAVAILABLE
        case _:
            assert_never(code)

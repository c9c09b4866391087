"""Sheets of A4 from the page printer, followed to their end: what is out, what is not, what it asks.

One job at a time. The driver takes back what cannot be printed now: nothing comes out for whoever
stands there later.

What failed is printed again from its first sheet: a printer that jams has counted sheets that it
fed, not sheets that came, and a set put together from two jobs may lack the page in between.
"""

from __future__ import annotations

from drivers.device import DeviceClass, Status
from drivers.page_printer.values import PagesFailed, PagesPrinted, SheetsOut
from kiosk.availability import World
from kiosk.flow.effects import PrintSheets
from kiosk.flow.events import Event
from kiosk.flow.pages import Page, PrintState, SheetsPrinting, Words
from kiosk.flow.printing import state_after

SILENCE_LIMIT_S = 150.0  # the driver gives up a silent printer after 60; this is for a lost driver


class Sheets:
    """One document; `print` may be called again after it failed."""

    def __init__(self, session: str, document: str) -> None:
        """`document` names it among those of the session; both only name the job."""
        self.state = PrintState.DECLINED  # nothing asked for yet
        self.out = 0
        self.of = 0
        self.came = False  # something came, or may have
        self._document = f"{session}-{document}"
        self._jobs = 0
        self._until_s = 0.0

    @property
    def running(self) -> bool:
        return self.state is PrintState.PRINTING

    @property
    def _job(self) -> str:
        return f"{self._document}-{self._jobs}"

    def print(
        self, pdf: bytes, *, sheets: int, copies: int, grey: bool, now_s: float
    ) -> PrintSheets:
        self._jobs += 1
        self.state, self.out, self.of = PrintState.PRINTING, 0, sheets * copies
        self._until_s = now_s + SILENCE_LIMIT_S
        return PrintSheets(self._job, pdf, copies, grey)

    def handle(self, event: Event, now_s: float) -> None:
        match event:
            case SheetsOut(job=job, sheets=sheets) if job == self._job and self.running:
                self.out = min(sheets, self.of)
                self.came = self.came or sheets > 0
                self._until_s = now_s + SILENCE_LIMIT_S
            case PagesPrinted(job=job) if job == self._job and self._waits_for_word:
                self.state, self.out, self.came = PrintState.PRINTED, self.of, True
            case PagesFailed(job=job, fault=fault, sheets=sheets) if (
                job == self._job and self._waits_for_word
            ):
                self.state, self.out = state_after(fault.code), min(sheets, self.of)
                self.came = self.came or sheets > 0 or self.state is PrintState.UNKNOWN
            case _:
                pass

    def tick(self, now_s: float) -> None:
        if self.running and now_s >= self._until_s:
            self.state, self.came = PrintState.UNKNOWN, True

    @property
    def _waits_for_word(self) -> bool:
        return self._jobs > 0 and self.state in (PrintState.PRINTING, PrintState.UNKNOWN)

    def page(self, item_name: Words, world: World) -> Page:
        return SheetsPrinting(
            item_name=item_name,
            state=self.state,
            out=self.out,
            of=self.of,
            asks=_asks(world.status(DeviceClass.PAGE_PRINTER)) if self.running else None,
        )


def _asks(status: Status) -> PrintState | None:
    """What the printer wants while a job is in it: somebody may be near who can give it."""
    match status:
        case Status.OUT:
            return PrintState.PAPER_OUT
        case Status.COVER_OPEN:
            return PrintState.COVER_OPEN
        case Status.JAMMED:
            return PrintState.JAMMED
        case _:
            return None

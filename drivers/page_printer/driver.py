"""Drives the A4 printer through its CUPS queue, and follows each job to its end.

What is printed here belongs to a person. A job that cannot be printed now is taken back at once,
so that a refill does not bring it out for whoever stands there then; and of every job, printed or
not, nothing stays in the spool or the history. A queue that a fault has stopped is started again
after a while, and before the next job: CUPS never does so itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from drivers.addresses import named
from drivers.device import Capability, DeviceClass, Fault, FaultCode, Identity, Status
from drivers.page_printer.protocol import (
    MAX_DOCUMENT_BYTES,
    Job,
    JobState,
    Queue,
    document_fault,
    job_fault,
    status_of,
    trouble,
    without,
)
from drivers.page_printer.spooler import Cups, Spooler
from drivers.page_printer.values import (
    PagesFailed,
    PagesPrinted,
    PrintPdf,
    QueueKeepsJobs,
    SheetsOut,
    Sides,
)
from drivers.worker import Down, Host

LOOK_S: Final = 5.0  # between two looks at a queue that is well
LOOK_SOON_S: Final = 2.0  # when it is not: somebody may just have refilled it
FOLLOW_S: Final = 0.2  # between two looks at a job
GRACE_S: Final = 8.0  # a tray may be drawn shut, a printer wake up, before a job is taken back
START_LIMIT_S: Final = 45.0  # from sending to the first sign; a cold laser printer takes 20 to 30
STILL_LIMIT_S: Final = 60.0  # without another sheet or a change
RESUME_AFTER_S: Final = 60.0  # a stopped queue is tried again; what stopped it may be put right

Resources = Callable[[], Spooler]


@dataclass(slots=True)
class _Following:
    """A job under way."""

    number: int
    subscription: int | None
    next_event: int = 1
    sheets: int = 0
    last: Job | None = None
    old: set[str] = field(default_factory=set)  # reasons from before it, not told anew since


class PagePrinterDriver:
    """`url`: cups://queue."""

    def __init__(self, url: str, spooler: Resources = Cups) -> None:
        self._url = url
        self._make_spooler = spooler
        self._spooler: Spooler | None = None
        self._name = ""
        self._capabilities: tuple[Capability, ...] = ()
        self._since: float | None = None  # when the trouble that the queue tells was first seen
        self._refuted: set[str] = set()  # what it still tells although a job came out well since
        self._told_keeping = False

    @property
    def device(self) -> DeviceClass:
        return DeviceClass.PAGE_PRINTER

    @property
    def url(self) -> str:
        return self._url

    # -- the worker's calls ---------------------------------------------------

    def connect(self, host: Host) -> Identity | Down:
        name = named(DeviceClass.PAGE_PRINTER, self._url)
        if isinstance(name, Fault):
            return Down(Status.BROKEN, name.detail)
        self._name = name
        spooler = self._make_spooler()
        fault = spooler.open()
        if fault is not None:
            return _down(fault)
        self._spooler = spooler
        queue = spooler.queue(name)
        if isinstance(queue, Fault):
            return _down(queue)
        self._capabilities = queue.capabilities
        self._since = None
        fault = self._sweep(spooler) or self._look_whether_jobs_are_kept(host, spooler)
        if fault is not None:
            return _down(fault)
        down = self._judge(host, spooler, queue)
        return down or Identity(queue.model or "CUPS", name, queue.capabilities)

    def disconnect(self) -> None:
        if self._spooler is not None:
            self._spooler.close()
            self._spooler = None

    def run(self, host: Host) -> Down | None:
        spooler = self._spooler
        if spooler is None:
            return Down(Status.DISCONNECTED, "not open")
        queue = spooler.queue(self._name)
        if isinstance(queue, Fault):
            return _down(queue)
        down = self._judge(host, spooler, queue)
        if down is None:
            well = status_of(queue)[0].usable
            host.pause(LOOK_S if well else LOOK_SOON_S)
        return down

    def handle(self, command: PrintPdf, host: Host) -> PagesPrinted | Fault | Down:
        spooler = self._spooler
        if spooler is None:
            return self._failed(command, Fault(FaultCode.DISCONNECTED), 0, host)
        document = _read(command)
        fault = (
            document if isinstance(document, Fault) else document_fault(document, command.copies)
        )
        if fault is not None or isinstance(document, Fault):
            return self._failed(command, fault or Fault(FaultCode.BAD_INPUT), 0, host)
        host.report(Status.BUSY, "printing")
        result = self._print(command, document, host, spooler)
        if isinstance(result, PagesPrinted):
            host.post(result)
            queue = spooler.queue(self._name)
            if isinstance(queue, Fault):
                return _down(queue)
            if trouble(queue) is not None:
                self._refuted = set(queue.reasons)
            return self._judge(host, spooler, queue) or result
        fault, sheets = result
        self._failed(command, fault, sheets, host)
        if fault.code is FaultCode.DEVICE_LOST:
            return _down(fault)
        self._since, self._refuted = None, set()
        queue = spooler.queue(self._name)
        if isinstance(queue, Fault):
            return _down(queue)
        return self._judge(host, spooler, queue) or fault

    def decline(self, command: PrintPdf, fault: Fault, host: Host) -> Fault:
        """What cannot be printed now is never printed later."""
        return self._failed(command, fault, 0, host)

    @staticmethod
    def _failed(command: PrintPdf, fault: Fault, sheets: int, host: Host) -> Fault:
        host.post(PagesFailed(command.job, fault, sheets))
        return fault

    # -- the queue ------------------------------------------------------------

    def _judge(self, host: Host, spooler: Spooler, queue: Queue) -> Down | None:
        """Say what the printer is; start a queue that stands still.

        CUPS hears of a refill only when it prints. What an idle queue says is of the last job, and
        after a while counts as unknown: else nobody would ever try again.
        """
        self._refuted &= set(queue.reasons)
        queue = without(queue, self._refuted)
        status, reason = status_of(queue)
        waits = queue.stopped and not queue.stopped_by_hand
        if not waits and trouble(queue) is None:
            self._since = None
            host.report(status, reason)
            return None
        now = host.clock.monotonic()
        self._since = self._since if self._since is not None else now
        if now - self._since < RESUME_AFTER_S:
            host.report(status, reason)
            return None
        if waits:  # what is in it is taken back first: it must not come out for somebody else
            fault = self._sweep(spooler) or spooler.resume(self._name)
            if fault is not None:
                return _down(fault)
        host.report(Status.UNKNOWN, f"when last used: {reason}")
        return None

    def _sweep(self, spooler: Spooler) -> Fault | None:
        """Take back and forget every job of the queue: at a terminal they are all ours."""
        jobs = spooler.jobs(self._name)
        if isinstance(jobs, Fault):
            return jobs
        for job in jobs:
            fault = spooler.purge(job)
            if fault is not None:
                return fault
        return None

    def _look_whether_jobs_are_kept(self, host: Host, spooler: Spooler) -> Fault | None:
        if self._told_keeping:
            return None
        keeps = spooler.keeps_jobs(self._name)
        if isinstance(keeps, Fault):
            # A queue that takes no jobs now cannot be tried; every job is purged in any case.
            return keeps if keeps.code is FaultCode.DEVICE_LOST else None
        if keeps:
            self._told_keeping = True
            host.post(QueueKeepsJobs())
        return None

    # -- a job ----------------------------------------------------------------

    def _print(
        self, command: PrintPdf, document: bytes, host: Host, spooler: Spooler
    ) -> PagesPrinted | tuple[Fault, int]:
        """Send it, follow it, and leave nothing of it behind."""
        queue = spooler.queue(self._name)
        if isinstance(queue, Fault):
            return queue, 0
        if queue.stopped:
            if queue.stopped_by_hand:
                return Fault(FaultCode.BUSY, "the queue is paused by hand"), 0
            fault = self._sweep(spooler) or spooler.resume(self._name)
            if fault is not None:
                return fault, 0
        subscription = spooler.subscribe(self._name)
        number = spooler.begin(self._name, self._options(command))
        if isinstance(number, Fault):
            if not isinstance(subscription, Fault):
                spooler.unsubscribe(subscription)
            return number, 0
        job = _Following(number, None if isinstance(subscription, Fault) else subscription)
        job.old = set(queue.reasons)
        fault = spooler.send(self._name, number, document)
        if fault is None:
            fault = self._follow(command.job, job, host, spooler)
        # Also a job that has ended: CUPS may keep its title, its files, its history.
        left = spooler.purge(number)
        if job.subscription is not None:
            spooler.unsubscribe(job.subscription)
        if fault is None:
            return PagesPrinted(command.job, job.sheets)
        if left is not None and left.code is not FaultCode.DEVICE_LOST:
            fault = Fault(fault.code, f"{fault.detail}; {left.detail}")
        return fault, job.sheets

    def _options(self, command: PrintPdf) -> dict[str, str]:
        two_sided = Capability.PRINTS_BOTH_SIDES in self._capabilities
        return {
            **({"print-color-mode": "monochrome"} if command.grey else {}),
            "media": "iso_a4_210x297mm",
            "copies": str(command.copies),
            "sides": command.sides if two_sided else Sides.ONE,
            "job-sheets": "none",  # no cover page with a user's name
            "fit-to-page": "true",
        }

    def _follow(self, name: str, job: _Following, host: Host, spooler: Spooler) -> Fault | None:
        """Until it has ended. None: printed."""
        began = moved = host.clock.monotonic()
        since: float | None = None  # from when on something keeps it from being printed
        shown: object = None
        told = 0
        while True:
            stop = host.interruption()
            if stop is not None:
                return stop
            now = self._look(job, spooler)
            if isinstance(now, Fault):
                return now
            queue = spooler.queue(self._name)
            if isinstance(queue, Fault):
                return queue
            if now.state is JobState.COMPLETED:
                return None
            if job.sheets > told:
                told = job.sheets
                host.post(SheetsOut(name, told))
            if now.state.ended or now.state is JobState.STOPPED:
                return job_fault(queue, now)
            clock_s = host.clock.monotonic()
            if queue.stopped:
                return job_fault(queue, Job(JobState.STOPPED, ("printer-stopped",)))
            job.old &= set(queue.reasons)
            found = trouble(without(queue, job.old))
            if found is None:
                since = None
            else:
                since = since if since is not None else clock_s
                host.report(found[0], found[1].detail)
                if clock_s - since >= GRACE_S:
                    return found[1]
            if (now, queue.reasons) != shown:
                shown, moved = (now, queue.reasons), clock_s
            limit_s = STILL_LIMIT_S if job.sheets else START_LIMIT_S
            if clock_s - max(moved, began) >= limit_s:
                why = trouble(queue)
                return why[1] if why else Fault(FaultCode.SILENT, "the printer shows no progress")
            host.pause(FOLLOW_S)

    def _look(self, job: _Following, spooler: Spooler) -> Job | Fault:
        """How the job is. CUPS may forget it the moment it ends; then its last event says how."""
        now = spooler.job(job.number)
        if isinstance(now, Fault):
            return now
        if job.subscription is not None:
            events = spooler.events(job.subscription, job.next_event)
            if isinstance(events, Fault):
                return events
            for event in events:
                job.next_event = max(job.next_event, event.number + 1)
                if event.printer_reasons is not None:
                    job.old &= set(event.printer_reasons)
                if event.job == job.number:
                    job.last = event.what
                    job.sheets = max(job.sheets, event.what.sheets)
        if now is None:
            ended = job.last is not None and job.last.state.ended
            return job.last if ended and job.last else Job(JobState.CANCELLED, ("gone",))
        job.sheets = max(job.sheets, now.sheets)
        return now


def _read(command: PrintPdf) -> bytes | Fault:
    if isinstance(command.document, bytes):
        return command.document
    try:
        with Path(command.document).open("rb") as file:
            return file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        return Fault(FaultCode.NOT_FOUND, f"the document cannot be read: {error.strerror}")


def _down(fault: Fault) -> Down:
    if fault.code is FaultCode.NOT_FOUND:
        return Down(Status.DISCONNECTED, "CUPS has no queue of that name", fault)
    broken = fault.code in (FaultCode.BROKEN, FaultCode.REFUSED)
    return Down(Status.BROKEN if broken else Status.DISCONNECTED, fault.detail, fault)

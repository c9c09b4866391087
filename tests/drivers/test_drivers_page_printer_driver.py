"""The A4 printer's driver against a queue in memory; time passes where it waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from driver_fakes import FakeClock, FakeHost

from drivers.device import Fault, FaultCode, Identity, Status
from drivers.page_printer.driver import GRACE_S, RESUME_AFTER_S, PagePrinterDriver
from drivers.page_printer.protocol import Job, JobEvent, JobState, PrinterState, Queue
from drivers.page_printer.values import (
    PagesFailed,
    PagesPrinted,
    PrintPdf,
    QueueKeepsJobs,
    SheetsOut,
    Sides,
)
from drivers.worker import Down

PDF = b"%PDF-1.7 made up"
LOST = Fault(FaultCode.DEVICE_LOST, "the print service (CUPS) does not answer")


@dataclass
class MemoryQueue:
    """A queue as CUPS keeps it. `turn` is called at each look at a job: the printer works there."""

    now: Queue = field(default_factory=lambda: Queue(PrinterState.IDLE))
    there: dict[int, Job] = field(default_factory=dict)
    told: list[JobEvent] = field(default_factory=list)
    sent: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    purged: list[int] = field(default_factory=list)
    resumed: int = 0
    keeps: bool = False
    lost: Fault | None = None
    subscribed: int = 0
    turn: Callable[[int], None] = lambda job: None
    last: int = 40

    def open(self) -> Fault | None:
        return self.lost

    def queue(self, name: str) -> Queue | Fault:
        return self.lost or self.now

    def resume(self, name: str) -> Fault | None:
        self.resumed += 1
        self.now = replace(self.now, state=PrinterState.IDLE, message="")
        return self.lost

    def subscribe(self, name: str) -> int | Fault:
        self.subscribed += 1
        self.told = []
        return 1

    def events(self, subscription: int, first: int) -> tuple[JobEvent, ...] | Fault:
        return self.lost or tuple(event for event in self.told if event.number >= first)

    def unsubscribe(self, subscription: int) -> None:
        self.subscribed -= 1

    def begin(self, name: str, options: dict[str, str]) -> int | Fault:
        if self.lost is not None:
            return self.lost
        self.last += 1
        self.there[self.last] = Job(JobState.HELD)
        self.sent.append((options, b""))
        return self.last

    def send(self, name: str, job: int, document: bytes) -> Fault | None:
        self.sent[-1] = (self.sent[-1][0], document)
        self.there[job] = Job(JobState.PROCESSING)
        return self.lost

    def job(self, job: int) -> Job | Fault | None:
        self.turn(job)
        return self.lost or self.there.get(job)

    def jobs(self, name: str) -> tuple[int, ...] | Fault:
        return self.lost or tuple(self.there)

    def purge(self, job: int) -> Fault | None:
        self.purged.append(job)
        self.there.pop(job, None)
        return self.lost

    def keeps_jobs(self, name: str) -> bool | Fault:
        return self.lost or self.keeps

    def close(self) -> None: ...

    # what happens to a job

    def end(self, job: int, state: JobState, sheets: int = 0) -> None:
        """Ended, and forgotten at once, as with PreserveJobHistory off."""
        if self.there.pop(job, None) is not None:
            self.told.append(JobEvent(len(self.told) + 1, job, Job(state, (), sheets)))

    def trouble(self, *reasons: str, stop: bool = False) -> None:
        state = PrinterState.STOPPED if stop else PrinterState.PROCESSING
        self.now = replace(self.now, state=state, reasons=reasons, message="it stopped")


@pytest.fixture
def cups() -> MemoryQueue:
    return MemoryQueue()


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(lambda: Fault(FaultCode.BAD_INPUT), FakeClock())


@pytest.fixture
def driver(cups: MemoryQueue, host: FakeHost) -> PagePrinterDriver:
    driver = PagePrinterDriver("cups://A4", lambda: cups)
    assert isinstance(driver.connect(host), Identity)
    return driver


def printed_after(cups: MemoryQueue, turns: int, sheets: int = 2) -> None:
    """The printer puts the sheets out, then the job ends."""
    count = 0

    def turn(job: int) -> None:
        nonlocal count
        count += 1
        if count >= turns:
            cups.end(job, JobState.COMPLETED, sheets)

    cups.turn = turn


def test_a_job_is_followed_to_its_end_though_cups_forgets_it_there(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    printed_after(cups, 4)
    answer = driver.handle(PrintPdf("a", PDF, copies=2, sides=Sides.LONG_EDGE), host)
    assert answer == PagesPrinted("a", 2)
    assert host.posted == [PagesPrinted("a", 2)]
    options, document = cups.sent[0]
    assert document == PDF and options["copies"] == "2"
    assert options["sides"] == "one-sided"  # this one cannot print on both
    assert options["job-sheets"] == "none"
    assert cups.purged == [41] and cups.there == {} and cups.subscribed == 0
    assert host.reports[-2:] == [(Status.BUSY, "printing"), (Status.READY, "")]


def test_a_file_is_printed_and_only_read(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost, tmp_path: Path
) -> None:
    file = tmp_path / "document.pdf"
    file.write_bytes(PDF)
    printed_after(cups, 1)
    assert isinstance(driver.handle(PrintPdf("a", file), host), PagesPrinted)
    assert file.read_bytes() == PDF
    missing = driver.handle(PrintPdf("b", tmp_path / "none.pdf"), host)
    assert isinstance(missing, Fault) and missing.code is FaultCode.NOT_FOUND
    assert "none.pdf" not in missing.detail  # a file's name may be a person's
    assert len(cups.sent) == 1


def test_a_job_without_paper_is_taken_back_and_never_comes_out_at_a_refill(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    cups.turn = lambda job: cups.trouble("media-empty-error")
    began = host.clock.now
    fault = driver.handle(PrintPdf("a", PDF), host)
    assert isinstance(fault, Fault) and fault.code is FaultCode.PAPER_OUT
    assert GRACE_S <= host.clock.now - began < GRACE_S + 2
    assert cups.purged == [41] and cups.there == {}
    assert host.posted == [PagesFailed("a", fault, 0)]
    assert (Status.OUT, "media-empty-error") in host.reports


def test_a_tray_pushed_in_again_in_time_costs_nothing(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    def turn(job: int) -> None:
        passed = host.clock.now - 1000.0
        if passed < GRACE_S - 2:
            cups.trouble("media-empty-error")
        else:
            cups.trouble()
            cups.end(job, JobState.COMPLETED, 1)

    cups.turn = turn
    assert driver.handle(PrintPdf("a", PDF), host) == PagesPrinted("a", 1)


def test_a_jam_stops_the_queue_and_the_next_job_starts_it_again(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    cups.turn = lambda job: cups.trouble("media-jam-error", stop=True)
    fault = driver.handle(PrintPdf("a", PDF), host)
    assert isinstance(fault, Fault) and fault.code is FaultCode.JAMMED
    assert cups.there == {} and cups.resumed == 0
    printed_after(cups, 2)
    assert isinstance(driver.handle(PrintPdf("b", PDF), host), PagesPrinted)
    assert cups.resumed == 1
    # CUPS still says "jammed", and a page came out after it: it is not
    assert host.reports[-1] == (Status.READY, "")


def test_a_stopped_queue_is_started_again_after_a_while_with_nothing_in_it(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    cups.trouble("media-empty-error", "paused", stop=True)
    cups.there[7] = Job(JobState.PENDING)
    while host.clock.now < 1000.0 + RESUME_AFTER_S - 5:
        assert driver.run(host) is None
    assert cups.resumed == 0 and host.reports[-1][0] is Status.OUT
    while host.clock.now < 1000.0 + RESUME_AFTER_S + 5:
        assert driver.run(host) is None
    assert cups.resumed == 1 and cups.there == {}
    # nobody knows whether it was refilled: a citizen may be sent to it, and sees
    assert host.reports[-1] == (Status.UNKNOWN, "when last used: media-empty-error, paused")


def test_a_queue_that_a_person_paused_stays_paused(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    cups.now = Queue(PrinterState.STOPPED, ("paused",), "Paused")
    for _ in range(60):
        driver.run(host)
    assert cups.resumed == 0 and host.reports[-1] == (Status.BROKEN, "the queue is paused by hand")
    fault = driver.handle(PrintPdf("a", PDF), host)
    assert isinstance(fault, Fault) and cups.sent == []


def test_what_the_last_job_met_does_not_fail_the_next_one_while_that_prints(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    cups.now = Queue(PrinterState.IDLE, ("media-empty-error",))
    printed_after(cups, 100)  # 20 s: a printer that wakes up
    assert isinstance(driver.handle(PrintPdf("a", PDF), host), PagesPrinted)


def test_what_the_last_job_met_and_this_one_meets_again_is_told_as_that(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    cups.now = Queue(PrinterState.IDLE, ("media-empty-error",))

    def turn(job: int) -> None:
        if not cups.told:  # unsaid and said again between two looks
            cups.told.append(JobEvent(1, 0, Job(JobState.UNKNOWN), ("none",)))

    cups.turn = turn
    began = host.clock.now
    fault = driver.handle(PrintPdf("a", PDF), host)
    assert isinstance(fault, Fault) and fault.code is FaultCode.PAPER_OUT
    assert host.clock.now - began < GRACE_S + 2


def test_a_printer_that_says_nothing_is_given_up_and_its_job_taken_back(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    fault = driver.handle(PrintPdf("a", PDF), host)
    assert isinstance(fault, Fault) and fault.code is FaultCode.SILENT
    assert cups.there == {}


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.ABORTED])
def test_a_job_that_somebody_cancels_or_cups_gives_up_has_failed(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost, state: JobState
) -> None:
    cups.turn = lambda job: cups.end(job, state)
    fault = driver.handle(PrintPdf("a", PDF), host)
    assert isinstance(fault, Fault) and fault.code in (FaultCode.CANCELLED, FaultCode.BROKEN)
    assert host.kinds() == ["PagesFailed"]


def test_a_session_that_ends_takes_its_job_back(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    host.stop_at = host.clock.now + 3.0
    fault = driver.handle(PrintPdf("a", PDF), host)
    assert isinstance(fault, Fault) and fault.code is FaultCode.CANCELLED
    assert cups.purged == [41] and cups.there == {}


def test_cups_that_ends_in_the_middle_is_a_loss_and_the_job_is_swept_at_the_next_start(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    def turn(job: int) -> None:
        cups.lost = LOST

    cups.turn = turn
    down = driver.handle(PrintPdf("a", PDF), host)
    assert isinstance(down, Down) and down.status is Status.DISCONNECTED
    assert host.kinds() == ["PagesFailed"]
    cups.lost = None
    cups.there = {41: Job(JobState.PENDING), 42: Job(JobState.COMPLETED)}
    driver.disconnect()
    driver.connect(host)
    assert cups.there == {}


def test_a_queue_that_keeps_its_jobs_is_told_to_staff_once(
    cups: MemoryQueue, host: FakeHost
) -> None:
    cups.keeps = True
    driver = PagePrinterDriver("cups://A4", lambda: cups)
    driver.connect(host)
    driver.connect(host)
    assert host.posted == [QueueKeepsJobs()]


def test_no_service_no_queue_and_no_permission_are_different_things(
    cups: MemoryQueue, host: FakeHost
) -> None:
    driver = PagePrinterDriver("cups://A4", lambda: cups)
    for fault, status, word in (
        (LOST, Status.DISCONNECTED, "CUPS"),
        (Fault(FaultCode.NOT_FOUND), Status.DISCONNECTED, "no queue"),
        (Fault(FaultCode.BROKEN, "lpadmin"), Status.BROKEN, "lpadmin"),
    ):
        cups.lost = fault
        cups.open = lambda: None  # type: ignore[method-assign]
        down = driver.connect(host)
        assert isinstance(down, Down) and down.status is status and word in down.reason
    wrong = PagePrinterDriver("cups://a b", lambda: cups).connect(host)
    assert isinstance(wrong, Down) and wrong.status is Status.BROKEN


def test_what_cannot_be_printed_now_is_refused_and_not_kept(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    away = Fault(FaultCode.DISCONNECTED, "away")
    assert driver.decline(PrintPdf("a", PDF), away, host) == away
    assert host.posted == [PagesFailed("a", away, 0)]
    bad = driver.handle(PrintPdf("b", b"GIF89a"), host)
    assert isinstance(bad, Fault) and bad.code is FaultCode.BAD_INPUT and cups.sent == []


def test_each_sheet_that_is_out_is_told_while_the_others_still_come(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    out = iter([0, 1, 1, 2, 3])

    def turn(job: int) -> None:
        sheets = next(out, None)
        if sheets is None:
            cups.end(job, JobState.COMPLETED, 3)
        else:
            cups.there[job] = Job(JobState.PROCESSING, (), sheets)

    cups.turn = turn
    driver.handle(PrintPdf("a", PDF, copies=3), host)
    told = [event.sheets for event in host.posted if isinstance(event, SheetsOut)]
    assert told == [1, 2, 3]
    assert host.posted[-1] == PagesPrinted("a", 3)


def test_a_grey_copy_is_asked_for_as_such_and_a_plain_one_is_not(
    driver: PagePrinterDriver, cups: MemoryQueue, host: FakeHost
) -> None:
    for grey in (True, False):
        printed_after(cups, 2)
        driver.handle(PrintPdf("a", PDF, grey=grey), host)
    asked = [options.get("print-color-mode") for options, _ in cups.sent]
    assert asked == ["monochrome", None]

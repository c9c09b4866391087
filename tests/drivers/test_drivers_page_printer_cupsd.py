"""The A4 printer through a real cupsd of its own: own spool, a Unix socket, filters, a backend
that runs out and jams. The system's CUPS is never touched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from driver_fakes import Posts, RecordingLog

from drivers.device import Capability, Fault, FaultCode, Status
from drivers.page_printer.driver import PagePrinterDriver
from drivers.page_printer.spooler import Cups
from drivers.page_printer.values import PagesFailed, PagesPrinted, PrintPdf, QueueKeepsJobs, Sides
from drivers.worker import DeviceWorker
from rehearsal import processes
from rehearsal.control import Control

NAME = "WANG XIAOMING 11010519491231002X"  # of nobody; ASCII, to be found in a PDF's bytes
HASTE = 20.0


class HastyClock:
    """Time that runs twenty times as fast, so that what must wait for seconds need not."""

    def monotonic(self) -> float:
        return time.monotonic() * HASTE

    def utc(self) -> datetime:
        return datetime.now(UTC)


class Bed:
    """cupsd, its queue and its printer."""

    def __init__(self, control: Control, folder: Path) -> None:
        self.ask = control.ask
        self.folder = folder
        self.server = str(folder / "cups" / "run" / "cups.sock")

    def printed(self) -> list[str]:
        found = self.ask("status")["printed"]
        assert isinstance(found, list)
        return found


def pdf(pages: int) -> bytes:
    """A plain PDF, nothing in it compressed, a name on each page and in its title."""
    words = f"BT /F1 18 Tf 72 700 Td ({NAME}) Tj ET".encode()
    kids = b" ".join(b"%d 0 R" % (5 + 2 * page) for page in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, kids),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (%s) >>" % NAME.encode(),
    ]
    for page in range(pages):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (6 + 2 * page),
            b"<< /Length %d >> stream\n%s\nendstream" % (len(words), words),
        ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj %s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n" % count
    tail = b"trailer << /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return out + head + table + tail % (count, len(out))


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    folder = Path(tempfile.mkdtemp(prefix="cupsd-"))  # short: a socket's path has 107 bytes
    folder.chmod(0o755)  # CUPS runs filters under a user of its own
    command = [sys.executable, "-m", "rehearsal.emulators.page_printer", "--folder"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(folder / "cups"), "--control", str(folder / "control")],
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (folder / "log").read_text(encoding="utf-8", errors="replace")
        assert json.loads(line)["ready"] == "page_printer"
        yield Bed(Control(folder / "control"), folder)
    finally:
        processes.end(process)
        if process.stdout is not None:
            process.stdout.close()
        shutil.rmtree(folder)


@pytest.fixture
def posts() -> Posts:
    return Posts()


@pytest.fixture
def log() -> RecordingLog:
    return RecordingLog()


@pytest.fixture
def worker(bed: Bed, posts: Posts, log: RecordingLog) -> Iterator[DeviceWorker[PrintPdf]]:
    bed.ask("daemon_start")
    bed.ask("well")
    driver = PagePrinterDriver("cups://A4", lambda: Cups(bed.server))
    worker = DeviceWorker(driver, posts, HastyClock(), log)
    worker.start()
    posts.until(lambda event: getattr(event, "status", None) not in (None, Status.STARTING))
    yield worker
    assert worker.stop()
    assert log.of("unexpected") == []


def traces(folder: Path) -> list[str]:
    """Where in all that CUPS writes a person can be found. What was printed does not count."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name != "paper":
            content = path.read_bytes()
            if any(word.encode() in content for word in NAME.split()):
                found.append(str(path.relative_to(folder)))
    return found


def test_a_document_is_printed_and_nothing_of_it_stays_behind(
    worker: DeviceWorker[PrintPdf], bed: Bed, posts: Posts, log: RecordingLog, tmp_path: Path
) -> None:
    answer = worker.submit(PrintPdf("first", pdf(3))).result()
    assert answer == PagesPrinted("first", 3)
    file = tmp_path / "certificate.pdf"
    file.write_bytes(pdf(3))
    command = PrintPdf("second", file, copies=2, sides=Sides.LONG_EDGE)
    assert worker.submit(command).result() == PagesPrinted("second", 4)
    assert len(bed.printed()) == 2
    assert traces(bed.folder) == []
    assert list((bed.folder / "cups" / "spool").glob("[cd]0*")) == []
    told = repr([command, posts.all, log.lines])
    assert not any(word in told for word in (*NAME.split(), "certificate"))
    identity = worker.identity
    assert identity is not None and Capability.PRINTS_BOTH_SIDES in identity.capabilities
    assert QueueKeepsJobs() not in posts.all


def test_paper_that_ends_in_the_middle_a_refill_and_the_next_one(
    worker: DeviceWorker[PrintPdf], bed: Bed, posts: Posts
) -> None:
    before = bed.printed()
    bed.ask("paper_out", after_sheets=1)
    fault = worker.submit(PrintPdf("mine", pdf(3))).result()
    assert isinstance(fault, Fault) and fault.code is FaultCode.PAPER_OUT
    assert posts.until_status(Status.OUT).reason == "media-empty-error"
    failed = posts.until(lambda event: isinstance(event, PagesFailed))
    assert isinstance(failed, PagesFailed) and failed.sheets == 1
    fault = worker.submit(PrintPdf("still", pdf(1))).result()
    assert isinstance(fault, Fault) and fault.code is FaultCode.PAPER_OUT
    assert traces(bed.folder) == []
    bed.ask("refill")
    assert worker.submit(PrintPdf("next", pdf(1), grey=True)).result() == PagesPrinted("next", 1)
    posts.until_status(Status.READY)
    assert len(bed.printed()) == len(before) + 1  # the one of before never comes out


def test_a_jam_pauses_the_queue_and_the_next_document_starts_it_again(
    worker: DeviceWorker[PrintPdf], bed: Bed, posts: Posts
) -> None:
    before = bed.printed()
    bed.ask("jam", sheet=2)
    fault = worker.submit(PrintPdf("jam", pdf(3))).result()
    assert isinstance(fault, Fault) and fault.code is FaultCode.JAMMED
    assert "media-jam-error" in posts.until_status(Status.JAMMED).reason
    assert traces(bed.folder) == []
    assert worker.submit(PrintPdf("next", pdf(1), grey=True)).result() == PagesPrinted("next", 1)
    assert len(bed.printed()) == len(before) + 1


def test_an_idle_terminal_starts_a_paused_queue_again_by_itself(
    worker: DeviceWorker[PrintPdf], bed: Bed, posts: Posts
) -> None:
    bed.ask("jam", sheet=1)
    worker.submit(PrintPdf("jam", pdf(1))).result()
    posts.until_status(Status.JAMMED)
    known = posts.until_status(Status.UNKNOWN)  # after a hasty minute
    assert known.reason.startswith("when last used: media-jam-error")
    assert worker.submit(PrintPdf("next", pdf(1), grey=True)).result() == PagesPrinted("next", 1)


def test_an_open_cover_and_an_unplugged_printer_are_told_apart(
    worker: DeviceWorker[PrintPdf], bed: Bed
) -> None:
    for wrong, right, code in (
        ("cover_open", "cover_close", FaultCode.COVER_OPEN),
        ("offline", "online", FaultCode.DISCONNECTED),
    ):
        bed.ask(wrong)
        fault = worker.submit(PrintPdf(wrong, pdf(1))).result()
        assert isinstance(fault, Fault) and fault.code is code
        bed.ask(right)
    assert isinstance(worker.submit(PrintPdf("well", pdf(1))).result(), PagesPrinted)


def test_cups_that_ends_while_it_prints_and_comes_back(
    worker: DeviceWorker[PrintPdf], bed: Bed, posts: Posts
) -> None:
    before = bed.printed()
    bed.ask("slow", sheet_s=30)
    ticket = worker.submit(PrintPdf("lost", pdf(1)))
    posts.until_status(Status.BUSY)
    bed.ask("daemon_stop")
    fault = ticket.result()
    assert isinstance(fault, Fault) and fault.code is FaultCode.DEVICE_LOST
    assert "CUPS" in posts.until_status(Status.DISCONNECTED).reason
    bed.ask("slow", sheet_s=0.05)
    bed.ask("daemon_start")
    worker.wanted(True)
    posts.until_status(Status.READY)
    assert traces(bed.folder) == []
    assert isinstance(worker.submit(PrintPdf("next", pdf(1))).result(), PagesPrinted)
    assert len(bed.printed()) == len(before) + 1


def test_a_cups_that_keeps_jobs_is_told_to_staff_and_yet_keeps_nothing(
    bed: Bed, posts: Posts, log: RecordingLog
) -> None:
    bed.ask("well")
    bed.ask("keep_jobs", on=True)
    try:
        driver = PagePrinterDriver("cups://A4", lambda: Cups(bed.server))
        worker = DeviceWorker(driver, posts, HastyClock(), log)
        worker.start()
        posts.until(lambda event: event == QueueKeepsJobs())
        posts.until_status(Status.READY)
        assert isinstance(worker.submit(PrintPdf("kept", pdf(2))).result(), PagesPrinted)
        assert traces(bed.folder) == []
        assert list((bed.folder / "cups" / "spool").glob("[cd]0*")) == []
        assert worker.stop()
    finally:
        bed.ask("keep_jobs", on=False)


def test_a_queue_that_was_never_made_is_said_by_name(
    bed: Bed, posts: Posts, log: RecordingLog
) -> None:
    driver = PagePrinterDriver("cups://Other", lambda: Cups(bed.server))
    worker = DeviceWorker(driver, posts, HastyClock(), log)
    worker.start()
    assert "no queue" in posts.until_status(Status.DISCONNECTED).reason
    assert worker.stop()

"""One terminal, one emulated printer, one trouble in the middle of a receipt: what hands find in the slot."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from driver_fakes import Posts, RecordingLog

from drivers.device import Fault, FaultCode, Status
from drivers.receipt_printer.driver import WINDOW_MM, ReceiptPrinterDriver
from drivers.receipt_printer.values import Align, Printed, PrintFailed, PrintReceipt, Text
from drivers.worker import DeviceWorker
from kiosk.clock import SystemClock
from rehearsal.control import Control
from rehearsal.robot.eyes import polled

SLOW = 40  # the trouble comes in its middle also on a busy machine
ROWS = 40  # 150 mm: long enough for a trouble in its middle


class Terminal:
    def __init__(self, url: str, printer: Control) -> None:
        self.printer = printer
        self.posts = Posts()
        self.worker = DeviceWorker(
            ReceiptPrinterDriver(url), self.posts, SystemClock(), RecordingLog()
        )
        self.worker.start()
        self.worker.wanted(True)
        self.posts.until_status(Status.READY)

    def begin(self, job: str, head: str, *, slowly: bool = False) -> None:
        self.printer.ask("slow", times=SLOW if slowly else 1)
        rows = tuple(Text(f"{head} {number}") for number in range(ROWS))
        title = Text(head, Align.CENTRE, large=True)
        self.worker.submit(PrintReceipt(job, (title, *rows, Text("结束"))))

    def outcome(self) -> Printed | PrintFailed:
        event = self.posts.until(lambda event: isinstance(event, Printed | PrintFailed))
        assert isinstance(event, Printed | PrintFailed)
        return event

    def fault(self) -> FaultCode:
        outcome = self.outcome()
        assert isinstance(outcome, PrintFailed)
        assert isinstance(outcome.fault, Fault)
        return outcome.fault.code

    def until_half(self) -> None:
        """Until the paper has moved for a while."""
        before = self.printer.ask("status")["moved_mm"]
        for _ in polled(10.0, 0.01):
            if self.printer.ask("status")["moved_mm"] > before + 20:
                return
        pytest.fail("nothing is printed")

    def moved_mm(self) -> float:
        mm: float = self.printer.ask("status")["moved_mm"]
        return mm

    def receipts(self) -> int:
        count: int = self.printer.ask("status")["receipts"]
        return count

    def text(self) -> list[str]:
        text: list[str] = self.printer.ask("last")["text"]
        return text


@pytest.fixture
def terminal(root: Path, tmp_path: Path) -> Iterator[Terminal]:
    folder = Path(tempfile.mkdtemp(prefix="k-"))  # the path of a socket is short
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "rehearsal.emulators.receipt_printer", "--haste", "10"),
            *("--control", str(folder / "p.sock"), "--out", str(tmp_path / "paper")),
        ],
        stdout=subprocess.PIPE,
        cwd=root,
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    terminal = Terminal(f"tcp://{ready['host']}:{ready['port']}", Control(folder / "p.sock"))
    yield terminal
    assert terminal.worker.stop(10)
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    process.stdout.close()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def whole(text: list[str], head: str) -> bool:
    return text[-1] != "" and [line for line in text if line.startswith(head + " ")] == [
        f"{head} {number}" for number in range(ROWS)
    ]


@pytest.mark.parametrize(
    ("trouble", "mended", "code", "status"),
    [
        ("paper_out", "refill", FaultCode.PAPER_OUT, Status.OUT),
        ("cover_open", "cover_close", FaultCode.COVER_OPEN, Status.COVER_OPEN),
        ("paper_jam", "clear_jam", FaultCode.JAMMED, Status.JAMMED),
    ],
)
def test_after_a_trouble_is_mended_the_receipt_is_whole_and_the_old_one_stays_away(
    terminal: Terminal, trouble: str, mended: str, code: FaultCode, status: Status
) -> None:
    terminal.begin("a-1", "OLD", slowly=True)
    terminal.until_half()
    terminal.printer.ask(trouble)
    assert terminal.fault() is code
    assert terminal.posts.statuses()[-1] is status
    terminal.printer.ask(mended)
    terminal.begin("a-2", "NEW")
    assert terminal.outcome() == Printed("a-2")
    assert terminal.receipts() == 2, "the torn one was cut off first"
    text = terminal.text()
    assert not any(line.startswith("OLD") for line in text)
    assert whole(text, "NEW")


def test_a_make_that_cannot_be_cleared_brings_a_fingers_breadth_of_the_old_one_and_cuts_it_off(
    terminal: Terminal,
) -> None:
    terminal.printer.ask("set", clears=False)
    terminal.begin("a-1", "OLD", slowly=True)
    terminal.until_half()
    terminal.printer.ask("paper_out")
    assert terminal.fault() is FaultCode.PAPER_OUT
    before = terminal.moved_mm()
    terminal.printer.ask("slow", times=1)
    terminal.printer.ask("refill")
    for _ in polled(10.0, 0.01):
        if terminal.printer.ask("status")["waiting"] == 0:
            break
    assert terminal.moved_mm() - before <= WINDOW_MM + 0.1
    terminal.begin("a-2", "NEW")
    assert terminal.outcome() == Printed("a-2")
    assert terminal.receipts() == 2, "the old one was cut off first"
    text = terminal.text()
    assert not any(line.startswith("OLD") for line in text)
    assert whole(text, "NEW")


def test_a_cable_pulled_in_the_middle_is_unknown_then_ready_again_and_one_whole_receipt_comes(
    terminal: Terminal,
) -> None:
    terminal.begin("a-1", "OLD", slowly=True)
    terminal.until_half()
    terminal.printer.ask("unplug")
    assert terminal.fault() is FaultCode.DEVICE_LOST
    terminal.posts.until_status(Status.DISCONNECTED)
    terminal.printer.ask("plug")
    terminal.posts.until_status(Status.READY)
    terminal.begin("a-2", "NEW")
    assert terminal.outcome() == Printed("a-2")
    assert whole(terminal.text(), "NEW")


def test_power_lost_in_the_middle_leaves_nothing_in_its_memory(terminal: Terminal) -> None:
    terminal.begin("a-1", "OLD", slowly=True)
    terminal.until_half()
    terminal.printer.ask("power_off")
    assert terminal.fault() is FaultCode.DEVICE_LOST
    terminal.printer.ask("power_on")
    terminal.posts.until_status(Status.READY)
    terminal.begin("a-2", "NEW")
    assert terminal.outcome() == Printed("a-2")
    assert whole(terminal.text(), "NEW")
    assert terminal.receipts() == 2


def test_a_printer_that_falls_silent_in_the_middle_is_never_called_printed(
    terminal: Terminal,
) -> None:
    terminal.begin("a-1", "OLD", slowly=True)
    terminal.until_half()
    terminal.printer.ask("silent", on=True)
    assert terminal.fault() is FaultCode.SILENT
    terminal.posts.until_status(Status.UNKNOWN)


def test_a_knife_that_was_freed_prints_again_by_itself(terminal: Terminal) -> None:
    terminal.printer.ask("cutter_jam")
    terminal.begin("a-1", "OLD")
    assert terminal.fault() is FaultCode.CUTTER
    terminal.printer.ask("clear_jam")
    terminal.begin("a-2", "NEW")
    assert terminal.outcome() == Printed("a-2")
    assert whole(terminal.text(), "NEW")

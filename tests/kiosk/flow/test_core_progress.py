"""Asking how far it has come, with nothing but the receipt."""

from __future__ import annotations

import pytest
from core_citizen import SIGNATURE, Terminal

from drivers.device import DeviceClass, Status
from kiosk.flow.actions import Act
from kiosk.flow.effects import (
    CameraUse,
    CheckReceipt,
    StartCamera,
    StartScanner,
    StopCamera,
    StopScanner,
    WatchForCard,
    Wipe,
)
from kiosk.flow.events import ProgressKnown, ReceiptRefused
from kiosk.flow.pages import (
    Closure,
    Home,
    ProgressKind,
    ProgressResult,
    ScanProblem,
    ScanReceipt,
    ServiceGuide,
    Standby,
)
from kiosk.receipts.number import make, qr_text


def at_scanner() -> Terminal:
    terminal = Terminal()
    terminal.press(Act.START)
    terminal.press(Act.CHOOSE_ITEM, "progress_query")
    terminal.sees(ScanReceipt)
    return terminal


def scanned(terminal: Terminal) -> CheckReceipt:
    number = make("QS01", 37, terminal.clock.utc())
    terminal.scan(f"{qr_text(number, SIGNATURE)}\r\n".encode())
    return terminal.last(CheckReceipt)


def known(ask: CheckReceipt, kind: ProgressKind) -> ProgressKnown:
    return ProgressKnown(ask.scope, ask.number, kind, "old_age_allowance", None, None)


def test_scanner_and_camera_both_read_it_and_no_card_is_asked_for() -> None:
    terminal = at_scanner()
    assert terminal.all(StartScanner)
    assert terminal.last(StartCamera).use is CameraUse.CODE
    ask = scanned(terminal)
    assert terminal.sees(ScanReceipt).asking
    terminal.hear(known(ask, ProgressKind.IN_REVIEW))
    result = terminal.sees(ProgressResult)
    assert (result.number, result.kind) == (ask.number, ProgressKind.IN_REVIEW)
    assert result.item_name
    assert result.item_name.get("zh") == "高龄津贴申领"
    assert terminal.all(StopScanner)
    assert terminal.all(StopCamera)
    assert not terminal.all(WatchForCard)


def test_a_camera_that_is_plugged_in_while_one_waits_is_used_without_going_back() -> None:
    terminal = Terminal()
    terminal.device(DeviceClass.DOCUMENT_CAMERA, Status.DISCONNECTED)
    terminal.press(Act.START)
    terminal.press(Act.CHOOSE_ITEM, "progress_query")
    terminal.press(Act.BEGIN)
    terminal.sees(ScanReceipt)
    assert terminal.last(StartCamera).use is CameraUse.CODE  # the wish is kept while it is away


@pytest.mark.parametrize("kind", list(ProgressKind))
def test_every_state_is_shown(kind: ProgressKind) -> None:
    terminal = at_scanner()
    terminal.hear(known(scanned(terminal), kind))
    assert terminal.sees(ProgressResult).kind is kind


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"https://example.org/pay", ScanProblem.NOT_A_RECEIPT),
        (b"\xff\xfe\x00", ScanProblem.NOT_A_RECEIPT),
        (b"", ScanProblem.NOT_A_RECEIPT),
    ],
)
def test_another_code_is_told_and_the_next_one_is_read(data: bytes, problem: ScanProblem) -> None:
    terminal = at_scanner()
    terminal.scan(data)
    assert terminal.sees(ScanReceipt).problem is problem
    scanned(terminal)
    assert terminal.sees(ScanReceipt).problem is ScanProblem.NONE


def test_a_damaged_number_is_not_asked_for() -> None:
    terminal = at_scanner()
    number = make("QS01", 37, terminal.clock.utc())
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    terminal.scan(qr_text(wrong, SIGNATURE).encode())
    assert terminal.sees(ScanReceipt).problem is ScanProblem.NUMBER_WRONG
    assert not terminal.all(CheckReceipt)


def test_a_forged_receipt_is_told_and_nothing_of_it_shown() -> None:
    terminal = at_scanner()
    ask = scanned(terminal)
    terminal.hear(ReceiptRefused(ask.scope, ask.number))
    assert terminal.sees(ScanReceipt).problem is ScanProblem.SIGNATURE_WRONG


def test_the_code_held_still_is_asked_for_once() -> None:
    terminal = at_scanner()
    scanned(terminal)
    scanned(terminal)
    assert len(terminal.all(CheckReceipt)) == 1


def test_a_centre_that_never_answers_is_unreachable() -> None:
    terminal = at_scanner()
    scanned(terminal)
    terminal.wait(31)
    assert terminal.sees(ProgressResult).kind is ProgressKind.HUB_UNREACHABLE


def test_back_scans_another_and_finish_is_the_start() -> None:
    terminal = at_scanner()
    terminal.hear(known(scanned(terminal), ProgressKind.GRANTED))
    terminal.press(Act.BACK)
    assert not terminal.sees(ScanReceipt).asking
    terminal.hear(known(scanned(terminal), ProgressKind.GRANTED))
    terminal.press(Act.FINISH)
    terminal.sees(Standby)
    assert terminal.all(Wipe)


def test_back_from_scanning_is_home() -> None:
    terminal = at_scanner()
    terminal.press(Act.BACK)
    terminal.sees(Home)


def test_without_anything_that_reads_codes_the_guide_says_why() -> None:
    terminal = Terminal()
    terminal.press(Act.START)
    terminal.device(DeviceClass.CODE_SCANNER, Status.DISCONNECTED)
    terminal.device(DeviceClass.DOCUMENT_CAMERA, Status.BROKEN)
    terminal.press(Act.CHOOSE_ITEM, "progress_query")
    assert terminal.sees(ServiceGuide).closed is Closure.SCANNER

"""The receipt: its number, its QR, and what stands on the paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from drivers.device import Fault
from drivers.receipt_printer.protocol import (
    columns_of_paper,
    encode_receipt,
    layout,
)
from drivers.receipt_printer.values import Line, Pair, QrCode, Text
from kiosk.flow.pages import Words
from kiosk.receipts import number as numbers
from kiosk.receipts.number import QrFault, ReceiptQr
from kiosk.receipts.receipt import PapersReceipt, Receipt, kept_lines, lines, papers_lines
from rehearsal.emulators.escpos import Tokenizer
from rehearsal.emulators.paper import Paper
from rehearsal.emulators.paper import Receipt as PrintedPaper

AT = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # half past midnight of the 23rd in Shanghai
SIGNATURE = bytes(range(64))
CUT = b"\x1dV\x42\x00"
terminals = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=4, max_size=4)
serials = st.integers(1, 9999)


def both(zh: str, en: str) -> Words:
    return Words((("zh", zh), ("en", en)))


def receipt(
    *, delivered: bool = False, reprint: bool = False, phone: str = "138****8000"
) -> Receipt:
    number = numbers.make("QS01", 37, AT)
    return Receipt(
        centre=both("清水镇便民服务中心", "Qingshui Town Service Centre"),
        terminal="QS01",
        item=both("高龄津贴申领", "Old-age allowance"),
        number=number,
        qr_text=numbers.qr_text(number, SIGNATURE),
        name_masked="张*兰",
        phone_masked=phone,
        accepted_at=AT,
        delivered=delivered,
        department=both("民政", "Civil affairs"),
        days=5,
        help_phone="12345",
        reprint=reprint,
    )


def read(paper: tuple[Line, ...]) -> str:
    rows = []
    for line in paper:
        match line:
            case Text(text=text) | QrCode(text=text):
                rows.append(text)
            case Pair(label=label, value=value):
                rows.append(f"{label}:{value}")
            case _:
                pass
    return "\n".join(rows)


def test_a_number_says_terminal_local_day_and_serial() -> None:
    number = numbers.make("QS01", 37, AT)
    assert number.startswith("QS012611230037")
    assert numbers.grouped(number) == f"QS01 2611 2300 37{number[14:]}"


@given(terminals, serials)
def test_every_number_made_agrees_with_its_check_characters(terminal: str, serial: int) -> None:
    assert numbers.agrees(numbers.make(terminal, serial, AT))


@given(serials, st.integers(4, 15), st.integers(1, 9))
def test_one_mistyped_digit_is_noticed(serial: int, place: int, change: int) -> None:
    number = numbers.make("QS01", serial, AT)
    wrong = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    assert not numbers.agrees(wrong)


@given(serials, st.integers(4, 14))
def test_two_swapped_digits_are_noticed(serial: int, place: int) -> None:
    number = numbers.make("QS01", serial, AT)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or not numbers.agrees(swapped)


@given(terminals, serials, st.binary(min_size=64, max_size=64))
def test_what_a_qr_says_is_read_back(terminal: str, serial: int, signature: bytes) -> None:
    number = numbers.make(terminal, serial, AT)
    text = numbers.qr_text(number, signature)
    assert numbers.parse_qr(text.encode()) == ReceiptQr(number, signature)


@pytest.mark.fault(24)
@given(st.binary(max_size=300))
def test_any_scanned_bytes_are_answered(data: bytes) -> None:
    assert isinstance(numbers.parse_qr(data), QrFault | ReceiptQr)


def test_other_codes_and_damaged_ones_are_told_apart() -> None:
    number = numbers.make("QS01", 37, AT)
    text = numbers.qr_text(number, SIGNATURE)
    assert numbers.parse_qr(b"https://example.org") is QrFault.NOT_A_RECEIPT
    assert numbers.parse_qr(text[:-9].encode()) is QrFault.NOT_A_RECEIPT
    assert numbers.parse_qr("回执".encode()) is QrFault.NOT_A_RECEIPT
    assert numbers.parse_qr(text.encode() + b"A" * 200) is QrFault.NOT_A_RECEIPT
    damaged = text.replace(number, number[:-1] + str((int(number[-1]) + 1) % 10))
    assert numbers.parse_qr(damaged.encode()) is QrFault.NUMBER_WRONG


def test_the_paper_says_what_is_true_and_no_more() -> None:
    waiting = read(lines(receipt(), "zh"))
    assert "已受理，待上传" in waiting
    assert "已受理，已上传" not in waiting
    assert "送到中心" not in waiting
    assert "2026-11-23 00:30" in waiting  # Shanghai
    assert "成功" not in waiting
    assert "补打" not in waiting
    assert "5个工作日内" in waiting
    delivered = read(lines(receipt(delivered=True), "zh"))
    assert "已受理，已上传" in delivered
    assert "待上传" not in delivered
    assert "送到中心" in delivered


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("paper_mm", [58, 80])
def test_a_scanner_finds_white_on_all_four_sides_of_the_code(paper_mm: int, language: str) -> None:
    paper = on_paper(lines(receipt(), language), paper_mm)
    ink = numpy.asarray(paper.picture.convert("L")) < 128
    [code] = zxingcpp.read_barcodes(numpy.asarray(paper.picture))
    at = code.position
    column, row = at.top_left.x, at.top_left.y
    side = at.bottom_right.x - column
    quiet = 4 * QrCode("").modules_dots
    for strip in (
        ink[row - quiet : row, column - quiet : column + side + quiet],
        ink[row + side : row + side + quiet, column - quiet : column + side + quiet],
        ink[row : row + side, column - quiet : column],
        ink[row : row + side, column + side : column + side + quiet],
    ):
        assert strip.size > 0
        assert not strip.any()


def test_the_paper_sends_nobody_to_a_phone_that_cannot_read_the_code() -> None:
    """The code holds a signed number, no address: only a terminal knows what to do with it."""
    assert "在任一自助终端扫码查进度" in read(lines(receipt(), "zh"))
    assert "Scan at any terminal" in read(lines(receipt(), "en"))


def on_paper(paper: tuple[Line, ...], paper_mm: int) -> PrintedPaper:
    """What an emulated printer of this width makes of it."""
    items = layout(paper, columns_of_paper(paper_mm))
    assert not isinstance(items, Fault)
    job = encode_receipt(items, lambda _row: b"", CUT, after_a_torn_one=False)
    printer, tokenizer = Paper(paper_mm), Tokenizer()
    for token in tokenizer.feed(b"".join(part for segment in job for part in segment.commands)):
        if printer.carry_out(token).cut:
            return printer.cut()
    raise AssertionError("nothing was cut")


@pytest.mark.fault(2, 3)
def test_a_second_paper_is_marked() -> None:
    assert "补打" in read(lines(receipt(reprint=True), "zh"))
    assert "补打" in read(lines(receipt(reprint=True), "en"))


def test_english_where_the_citizen_chose_it_and_no_empty_phone() -> None:
    paper = read(lines(receipt(phone=""), "en"))
    assert "Accepted, to be sent" in paper
    assert "Phone" not in paper
    assert "受理" not in paper


def test_a_receipt_does_not_show_itself_in_a_trace() -> None:
    assert "138****8000" not in repr(lines(receipt(), "zh"))


# -- papers that follow --------------------------------------------------------------------

PROOF = both("居住证明", "Proof of residence")


def papers(*, qr_text: str = "ZW1.X", delivered: bool = False) -> PapersReceipt:
    return PapersReceipt(
        centre=both("清水镇便民服务中心", "Qingshui Town Service Centre"),
        terminal="QS01",
        item=both("高龄津贴申领", "Old-age allowance"),
        number=numbers.make("QS01", 37, AT),
        qr_text=qr_text,
        name_masked="张*兰",
        papers=(PROOF,),
        handed_in_at=AT,
        delivered=delivered,
        help_phone="12345",
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_still_to_be_handed_in_stands_on_the_receipt(language: str) -> None:
    paper = read(lines(replace(receipt(), to_follow=(PROOF,)), language))
    assert PROOF.get(language) in paper
    assert PROOF.get(language) not in read(lines(receipt(), language))


def test_a_copy_says_what_the_first_receipt_said_though_the_item_was_changed_since() -> None:
    first = receipt()
    kept = kept_lines("高龄津贴申领", "张*兰", "138****8000", "民政", 5)
    changed = replace(
        first, reprint=True, kept=kept, item=both("新名字", "New name"), days=9, phone_masked=""
    )
    said, again = read(lines(first, "zh")), read(lines(changed, "zh"))
    assert again.replace("（补打）\n", "") == said


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_receipt_of_papers_names_them_their_time_and_the_number_of_before(
    language: str,
) -> None:
    paper = read(papers_lines(papers(), language))
    for wanted in (PROOF.get(language), "2026-11-23 00:30", "张*兰", "ZW1.X"):
        assert wanted in paper
    assert numbers.grouped(papers().number) in paper


def test_papers_are_called_sent_only_when_the_centre_has_them() -> None:
    assert "已收到，待上传" in read(papers_lines(papers(), "zh"))
    assert "已收到，已上传" in read(papers_lines(papers(delivered=True), "zh"))


def test_without_a_code_the_paper_says_where_the_code_is() -> None:
    paper = papers_lines(papers(qr_text=""), "zh")
    assert not any(isinstance(line, QrCode) for line in paper)
    assert "第一张回执" in read(paper)

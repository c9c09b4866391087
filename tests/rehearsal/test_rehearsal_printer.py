"""The emulated receipt printer: strict about bytes, honest about paper."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.emulators.escpos import Char, Command, RealTime, Tokenizer, Unknown
from rehearsal.emulators.paper import HEAD_TO_CUTTER_DOTS, Paper, Receipt, Sensors, save

# 已受理 in double size, a line of both kinds, a QR of "ZW1.TEST", feed and cut: written by hand
RECEIPT = (
    b"\x1b@\x1c&\x1ba\x01\x1c!\x0c\xd2\xd1\xca\xdc\xc0\xed\x0a\x1c!\x00"
    b"\x1ba\x00\x1bE\x01QS01\x1bE\x00 \xca\xdc\xc0\xed\xba\xc5\x0a"
    b"\x1ba\x01\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x06\x1d(k\x03\x001E1"
    b"\x1d(k\x0b\x001P0ZW1.TEST\x1d(k\x03\x001Q0"
    b"\x1dVB\x00"
)


def print_all(data: bytes, paper_mm: int = 80) -> tuple[Paper, list[Receipt]]:
    paper, tokenizer = Paper(paper_mm), Tokenizer()
    receipts = []
    for token in tokenizer.feed(data):
        if paper.carry_out(token).cut:
            receipts.append(paper.cut())
    return paper, receipts


def test_a_receipt_is_read_as_it_was_meant() -> None:
    paper, [receipt] = print_all(RECEIPT)
    assert receipt.text[:2] == ("已受理", "QS01 受理号")
    assert receipt.qr_texts == (b"ZW1.TEST",)
    assert not receipt.lines_left_inside
    assert (paper.unknown, paper.odd) == ({}, {})


@pytest.mark.parametrize(("paper_mm", "dots"), [(58, 464), (80, 640)])
def test_the_picture_is_as_wide_as_the_paper(tmp_path: Path, paper_mm: int, dots: int) -> None:
    _, [receipt] = print_all(RECEIPT, paper_mm)
    assert receipt.picture.width == dots
    ink = sum(receipt.picture.convert("L").histogram()[:100])
    assert ink > 3000
    assert save(receipt, tmp_path, 7).name == "receipt-007.png"


def test_the_printed_qr_can_be_read_and_stands_in_the_middle() -> None:
    _, [receipt] = print_all(RECEIPT)
    [code] = zxingcpp.read_barcodes(np.asarray(receipt.picture))
    assert code.bytes == b"ZW1.TEST"
    dark = receipt.picture.convert("L").point(lambda level: 255 if level < 100 else 0)
    two_lines = 48 + 30
    left, top, right, low = dark.crop((0, two_lines, dark.width, dark.height)).getbbox()
    assert (right - left, low - top) == (21 * 6, 21 * 6)
    assert (left + right) // 2 == dark.width // 2


def test_double_size_hanzi_need_their_own_command() -> None:
    """ESC ! and GS ! act on ASCII only, as on many real ones."""
    paper, _ = print_all(b"\x1d!\x11\xd2\xd1")
    assert paper.line[0].size == (24, 24)
    paper, _ = print_all(b"\x1c!\x0c\xd2\xd1")
    assert paper.line[0].size == (48, 48)


def test_characters_that_its_font_lacks_come_out_as_boxes() -> None:
    for rare in ("㛃", "𬭎", "䶮"):
        paper, _ = print_all(rare.encode("gb18030") + b"\n")
        assert paper.text == ["□"]
        assert paper.odd == {"character not in the printer's font": 1}
    paper, _ = print_all("龑".encode("gbk") + b"\n")
    assert (paper.text, paper.odd) == (["龑"], {})


def test_24_hanzi_fit_on_80_mm_and_a_25th_is_broken_off() -> None:
    paper, _ = print_all("镇".encode("gbk") * 24 + b"\n")
    assert paper.odd == {}
    paper, _ = print_all("镇".encode("gbk") * 25 + b"\n")
    assert list(paper.odd) == ["line broken by the printer at its edge"]


def test_text_outside_kanji_mode_is_garbage_and_noticed() -> None:
    paper, _ = print_all(b"\x1c.\xd2\xd1\n")
    assert paper.odd == {"byte above 7F outside Kanji mode": 2}


def test_a_cut_without_feed_keeps_the_last_lines_for_the_next_receipt() -> None:
    paper, receipts = print_all(b"QS01\n\x1dV\x00" + b"\x1dVB\x00")
    assert receipts[0].lines_left_inside
    assert receipts[0].picture.height == 1
    assert receipts[1].picture.convert("L").getextrema()[0] < 100
    assert "cut before the last lines had passed the knife" in paper.odd


def test_what_is_not_known_is_told_and_not_swallowed() -> None:
    paper, _ = print_all(b"\x1bZ\x1d(L\x02\x00\x30\x32\x07A\n")
    assert set(paper.unknown) == {"1b 5a", "1d 28 4c 02 00 30 32", "07"}
    assert paper.text == ["A"]
    paper, _ = print_all(b"\x1d(k\x03\x001C\x20")  # a module of 32 dots
    assert list(paper.unknown) == ["1d 28 6b qr 67 20"]


def test_raster_is_put_on_paper_dot_by_dot() -> None:
    paper, [receipt] = print_all(b"\x1dv0\x00\x02\x00\x10\x00" + b"\xff\x00" * 16 + b"\x1dVB\x00")
    dark = receipt.picture.convert("L").point(lambda level: 255 if level < 100 else 0)
    assert dark.getbbox() == (32, 0, 40, 16)
    assert paper.unknown == {}


def test_paper_moves_as_far_as_is_printed() -> None:
    paper, tokenizer = Paper(80), Tokenizer()
    moved = sum(
        paper.carry_out(token).moved_dots for token in tokenizer.feed(b"A\nB\n\x1bd\x03\x1dVB\x10")
    )
    assert moved == 2 * 30 + 3 * 30 + HEAD_TO_CUTTER_DOTS + 0x10


@given(st.lists(st.integers(1, 40), max_size=30))
def test_a_receipt_is_the_same_however_its_bytes_are_cut(cuts: list[int]) -> None:
    whole = Tokenizer().feed(RECEIPT)
    tokenizer, pieces, at = Tokenizer(), [], 0
    for cut in [*cuts, len(RECEIPT)]:
        pieces += tokenizer.feed(RECEIPT[at : at + cut])
        at += cut
    assert pieces == whole


@given(st.binary(max_size=300))
def test_no_bytes_break_the_printer(data: bytes) -> None:
    paper, tokenizer = Paper(58), Tokenizer()
    for token in tokenizer.feed(data):
        if not isinstance(token, RealTime):
            paper.carry_out(token)


def test_status_is_asked_between_the_bytes_of_a_text_at_once() -> None:
    assert Tokenizer().feed(b"A\x10\x04\x01B") == [
        Char(b"A", kanji=False),
        RealTime("status", 1),
        Char(b"B", kanji=False),
    ]
    assert Tokenizer().feed(b"\x10\x04\x09") == [
        Unknown(b"\x10"),
        Unknown(b"\x04"),
        *Tokenizer().feed(b"\x09"),
    ]
    # inside a picture the same bytes are dots
    assert [
        type(token) for token in Tokenizer().feed(b"\x1dv0\x00\x01\x00\x03\x00\x10\x04\x01")
    ] == [Command]


# -- what it says of itself -----------------------------------------------------------


def test_status_bytes_are_the_real_ones() -> None:
    good, out = Sensors(), Sensors(paper=False)
    assert [good.real_time(n) for n in (1, 2, 3, 4)] == [b"\x12"] * 4
    assert [out.real_time(n) for n in (1, 2, 4)] == [b"\x1a", b"\x32", b"\x7e"]
    assert Sensors(cover_open=True).real_time(2) == b"\x16"
    assert Sensors(cutter_jammed=True).real_time(3) == b"\x1a"
    assert Sensors(near_end=True).real_time(4) == b"\x1e"
    assert (good.paper_status(), out.paper_status()) == (b"\x00", b"\x0f")
    assert (good.automatic(), out.automatic()) == (b"\x10\x00\x00\x00", b"\x18\x00\x0f\x00")


@pytest.mark.parametrize("sensors", [Sensors(paper=p, near_end=n, cover_open=c, cutter_jammed=j)
    for p in (True, False) for n in (True, False) for c in (True, False) for j in (True, False)])  # fmt: skip
def test_every_status_byte_can_be_told_from_other_bytes(root: Path, sensors: Sensors) -> None:
    """Fixed bits as the tables have them; each bit that is set has a meaning there."""
    with (root / "kiosk/data/escpos_dle_eot.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for n in (1, 2, 3, 4):
        byte = sensors.real_time(n)[0]
        assert byte & 0x93 == 0x12
        meant = sum(int(row["mask"], 16) for row in rows if row["n"] == str(n))
        assert byte & ~0x12 & ~meant == 0
    first = sensors.automatic()[0]
    assert first & 0x93 == 0x10

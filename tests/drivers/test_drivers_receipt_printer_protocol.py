"""Receipts as bytes: Chinese text, widths, rare characters, QR; and what status bytes say."""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from drivers.device import Fault, FaultCode, Status
from drivers.receipt_printer.protocol import (
    Automatic,
    Cleared,
    Flow,
    Heard,
    InOrder,
    JobDone,
    Noise,
    Picture,
    PrinterState,
    Question,
    RealTime,
    Row,
    Segment,
    StatusParser,
    ask_now,
    columns_of_paper,
    encode_receipt,
    layout,
    length_mm,
    printable,
    qr_modules,
    question_after,
    raster,
    state_of_answers,
    state_of_frame,
    text_columns,
    wrap,
)
from drivers.receipt_printer.raster import CUT, RowPainter, draw_logo, find_font
from drivers.receipt_printer.values import (
    Align,
    Confirm,
    Feed,
    Line,
    Logo,
    Pair,
    QrCode,
    Rule,
    Text,
)

DATA = Path(__file__).resolve().parents[2] / "kiosk" / "data"


ASK = question_after(Confirm.STATUS, b"0001")


def no_drawing(row: Row) -> bytes:
    return b"<picture>"


def encode(*lines: Line, columns: int = 48) -> bytes:
    items = layout(lines, columns)
    assert not isinstance(items, Fault)
    return joined(encode_receipt(items, no_drawing, CUT, after_a_torn_one=False)) + ASK


def joined(job: tuple[Segment, ...]) -> bytes:
    return b"".join(part for segment in job for part in segment.commands)


def rows(*lines: Line, columns: int = 48) -> list[str]:
    items = layout(lines, columns)
    assert not isinstance(items, Fault)
    return [item.text for item in items if isinstance(item, Row)]


# -- bytes --------------------------------------------------------------------


def test_a_short_receipt_is_these_bytes() -> None:
    assert encode(Text("受理 OK", Align.CENTRE, large=True), QrCode("ZW1"), Feed(2)) == (
        bytes.fromhex("1b40 1d610e 1c2e")
        + bytes.fromhex("1b6101 1d2111 1c210c 1c26")
        + "受理 OK".encode("gb18030")
        + bytes.fromhex("1c2e 0a 1d2100 1c2100 1b4a06")
        + bytes.fromhex("1b6101 1d286b0400 31413200 1d286b0300 314306 1d286b0300 314531")
        + bytes.fromhex("1d286b0600 315030")
        + b"ZW1"
        + bytes.fromhex("1d286b0300 315130 0a")
        + bytes.fromhex("1b6402")
        + bytes.fromhex("1b6406 1d5600 1d7201")
    )


def test_letters_alone_do_not_enter_hanzi_mode() -> None:
    assert b"\x1c&" not in encode(Text("Receipt"), Rule())


def test_bold_is_switched_off_again() -> None:
    data = encode(Text("总计", bold=True))
    assert (
        data.index(b"\x1bE\x01") < data.index("总计".encode("gb18030")) < data.index(b"\x1bE\x00")
    )


def test_58_and_80_mm_have_32_and_48_columns() -> None:
    assert (columns_of_paper(58), columns_of_paper(80)) == (32, 48)


@given(st.text(max_size=200))
def test_no_text_can_smuggle_a_command(text: str) -> None:
    """Between hanzi mode on and off, and outside of it, only characters and line ends."""
    for row in rows(Text(text), Pair("名", text)):
        assert not any(unicodedata.category(c) == "Cc" for c in row)


@pytest.mark.parametrize("char", ["龑", "中", "，", "A", "·", "“"])
def test_what_printers_carry_goes_as_text(char: str) -> None:
    assert printable(char)
    assert len(char.encode("gb18030")) <= 2
    assert b"<picture>" not in encode(Text("王" + char))


@pytest.mark.parametrize("char", ["䶮", "㛃", "𬭎", "\ue863", "ñ", "\ud840"])
def test_what_printers_lack_goes_as_a_picture_of_its_row_only(char: str) -> None:
    assert not printable(char)
    data = encode(Text("姓名"), Text("王" + char), Text("地址"))
    assert data.count(b"<picture>") == 1
    assert "姓名".encode("gb18030") in data


# -- width --------------------------------------------------------------------


@given(st.text(max_size=120), st.integers(2, 48))
def test_no_row_is_wider_than_the_paper_and_no_character_is_lost(text: str, columns: int) -> None:
    out = wrap(text, columns)
    assert all(text_columns(row) <= columns for row in out)

    def kept(s: str) -> str:
        return "".join(c for c in s if not c.isspace() and unicodedata.category(c) != "Cc")

    assert kept("".join(out)) == kept(text)


def test_hanzi_take_two_columns_and_break_anywhere() -> None:
    assert wrap("广东省深圳市示例区示例路", 10) == ["广东省深圳", "市示例区示", "例路"]


def test_words_and_numbers_stay_whole_and_punctuation_does_not_begin_a_row() -> None:
    assert wrap("hello world again", 11) == ["hello world", "again"]
    assert wrap("电话13800001111", 14) == ["电话", "13800001111"]
    assert wrap("已经受理，请等候", 8) == ["已经受", "理，请等", "候"]
    assert wrap("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


@given(
    st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=30), st.sampled_from([32, 48])
)
def test_a_pair_keeps_label_and_value_within_the_paper(
    label: str, value: str, columns: int
) -> None:
    assert all(text_columns(row) <= columns for row in rows(Pair(label, value), columns=columns))


def test_a_pair_stands_on_one_row_or_on_two() -> None:
    assert rows(Pair("事项", "高龄津贴申领"), columns=32) == ["事项" + " " * 16 + "高龄津贴申领"]
    assert rows(Pair("受理编号", "QS01 2611 2200 3757 长长长长"), columns=32) == [
        "受理编号",
        "QS01 2611 2200 3757 长长长长",
    ]


def test_large_text_wraps_at_half_the_columns() -> None:
    assert rows(Text("高龄津贴申领受理回执", large=True), columns=32) == [
        "高龄津贴申领受理",
        "回执",
    ]


@pytest.mark.parametrize("size", [1, 14, 15, 213, 214, 711, 2331])
def test_a_code_has_as_many_modules_as_the_standard_says(size: int) -> None:
    made = segno.make(b"x" * size, error="m", micro=False, boost_error=False, mode="byte")
    assert qr_modules("x" * size) == made.symbol_size(border=0)[0]


def test_a_code_too_wide_for_the_paper_gets_smaller_modules_down_to_what_a_telephone_reads() -> (
    None
):
    items = layout((QrCode("x" * 213, 8),), 32)
    assert items == (QrCode("x" * 213, 6),), "57 modules of 6 dots are 342 of 384"
    fault = layout((QrCode("x" * 1500),), 32)
    assert fault == Fault(FaultCode.BAD_INPUT, "QR text too long for this paper")


def test_a_logo_is_made_as_wide_as_the_paper_at_most_and_goes_out_in_bands() -> None:
    out = io.BytesIO()
    Image.new("L", (900, 450), 0).save(out, "PNG")
    items = layout((Logo(out.getvalue()),), 32, draw_logo)
    assert not isinstance(items, Fault)
    [picture] = items
    assert isinstance(picture, Picture)
    assert (picture.width_dots, picture.height_dots) == (384, 192)
    data = joined(encode_receipt(items, no_drawing, CUT, after_a_torn_one=False))
    assert data.count(b"\x1dv0\x00\x30\x00\x40\x00") == 3
    assert layout((Logo(b"no picture"),), 32, draw_logo) == ()


def test_dots_never_look_like_a_command_that_is_obeyed_at_once() -> None:
    assert raster(24, b"\x10\x04\x01" + b"\x10\x05\x02").endswith(b"\x11\x04\x01\x11\x05\x02")


def test_the_length_of_a_receipt_is_counted_in_millimetres() -> None:
    items = layout((Text("一"), Text("二", large=True), Feed(2)), 48)
    assert not isinstance(items, Fault)
    assert length_mm(items) == (30 + 54 + 60 + 6 * 30) / 8


def test_what_hangs_in_the_slot_is_cut_off_before_the_receipt_is_printed_again() -> None:
    items = layout((Text("A"),), 48)
    assert not isinstance(items, Fault)
    first, *_ = encode_receipt(items, no_drawing, CUT, after_a_torn_one=True)
    assert first.commands[-1] == b"\x1bd\x06" + CUT, "and nothing of the new one before"


some_lines = st.lists(
    st.one_of(
        st.builds(Text, st.text("证Az ", max_size=60), large=st.booleans()),
        st.just(Text("王㛃")),
        st.builds(QrCode, st.text("ZW1.", min_size=1, max_size=90)),
        st.builds(Feed, st.integers(0, 40)),
    ),
    max_size=12,
).map(tuple)


@given(some_lines, st.sampled_from([32, 48]), st.booleans())
def test_a_receipt_is_sent_in_segments_of_two_rows_that_are_the_receipt_together(
    lines: tuple[Line, ...], columns: int, torn: bool
) -> None:
    items = layout(lines, columns)
    assert not isinstance(items, Fault)
    *segments, last = encode_receipt(items, no_drawing, CUT, after_a_torn_one=torn)
    codes = {length_mm((item,)) - length_mm(()) for item in items if isinstance(item, QrCode)}
    cut_off = 6 * 30 / 8
    assert all(
        segment.paper_mm <= 8 or segment.paper_mm in {*codes, cut_off} for segment in segments
    )
    assert last.commands == (b"\x1bd\x06" + CUT,)
    mm = sum(segment.paper_mm for segment in (*segments, last))
    assert mm == pytest.approx(length_mm(items) + (cut_off if torn else 0))


def test_the_question_with_an_id_names_its_job() -> None:
    assert question_after(Confirm.PROCESS_ID, b"0042").hex() == "1d284806003030" + "30303432"


def test_a_number_that_does_not_fit_is_broken_into_rows_of_like_length() -> None:
    number = Text("QS01 2611 2200 3796", Align.CENTRE, large=True)
    assert rows(number, columns=32) == ["QS01 2611", "2200 3796"]
    assert rows(number, columns=48) == ["QS01 2611 2200 3796"]


@pytest.mark.parametrize("lines", [(QrCode(""),), (QrCode("x" * 2332),), (QrCode("x", 0),)])
def test_a_code_that_cannot_be_is_bad_input(lines: tuple[Line, ...]) -> None:
    fault = layout(lines, 48)
    assert isinstance(fault, Fault)
    assert fault.code is FaultCode.BAD_INPUT


def test_an_endless_receipt_is_bad_input() -> None:
    assert isinstance(layout((Text("长" * 20000),), 48), Fault)


# -- pictures of rows ---------------------------------------------------------


def ink(image: Image.Image, left: int, right: int) -> int:
    part = image.crop((left, 0, right, image.height)).convert("L")
    return part.histogram()[0]


def test_a_rare_name_is_drawn_from_a_real_font_in_its_columns() -> None:
    painter = RowPainter(find_font())
    image = painter.draw(Row("王㛃 x"))
    assert image.size == (72, 30)
    assert ink(image, 0, 24) > 30
    assert ink(image, 24, 48) > 60, "the rare one has strokes, and is not an empty box"
    assert ink(image, 48, 60) == 0
    assert ink(image, 60, 72) > 5
    assert RowPainter(find_font()).draw(Row("㛃")).tobytes() != painter.draw(Row("𬭎")).tobytes()


def test_a_picture_is_a_raster_command_of_its_size() -> None:
    data = RowPainter(find_font())(Row("㛃", large=True))
    assert data[:8] == bytes.fromhex("1d763000 0600 3600")
    assert len(data) == 8 + 6 * 54
    assert any(data[8:]), "black is 1"
    assert not all(data[8:])


def test_without_a_font_a_box_stands_for_the_character() -> None:
    image = RowPainter(None).draw(Row("㛃"))
    assert ink(image, 0, 24) > 20
    bad_font = RowPainter((Path("/no/such/font"), 0))
    assert bad_font.draw(Row("㛃")).tobytes() == image.tobytes()


def test_half_a_surrogate_pair_is_drawn_as_a_box() -> None:
    assert ink(RowPainter(find_font()).draw(Row("\ud840")), 0, 12) > 5


# -- status -------------------------------------------------------------------


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


STATE_OF_MEANING = {
    "drawer kick pin high": PrinterState(),
    "drawer pin": PrinterState(),
    "panel switch on": PrinterState(),
    "offline": PrinterState(offline=True),
    "waiting for online recovery": PrinterState(),
    "waiting online recovery": PrinterState(),
    "feed button pressed": PrinterState(feeding_by_hand=True),
    "feeding by button": PrinterState(feeding_by_hand=True),
    "paper fed by button": PrinterState(feeding_by_hand=True),
    "cover open": PrinterState(cover_open=True),
    "stopped by paper end": PrinterState(paper_end=True),
    "paper end sensor": PrinterState(paper_end=True),
    "paper end": PrinterState(paper_end=True),
    "paper near-end sensor": PrinterState(paper_near_end=True),
    "paper near end": PrinterState(paper_near_end=True),
    "error occurred": PrinterState(error=True),
    "recoverable error": PrinterState(recoverable_error=True),
    "recoverable/mechanical error": PrinterState(recoverable_error=True),
    "autocutter error": PrinterState(cutter_error=True),
    "unrecoverable error": PrinterState(unrecoverable_error=True),
    "auto-recoverable error (head temp)": PrinterState(too_hot=True),
    "auto-recoverable error": PrinterState(too_hot=True),
}


@pytest.mark.parametrize("row", table("escpos_dle_eot.csv"), ids=lambda r: f"{r['n']}-{r['bit']}")
def test_each_real_time_bit_means_what_the_table_says(row: dict[str, str]) -> None:
    question = Question(int(row["n"]))
    assert ask_now(question) == bytes.fromhex(row["command"])
    [heard] = StatusParser().feed(bytes([0x12 | int(row["mask"], 16)]))
    assert isinstance(heard, RealTime)
    state = state_of_answers({question: heard.byte})
    assert state == STATE_OF_MEANING[row["meaning_when_1"]]


@pytest.mark.parametrize("row", table("escpos_asb.csv"), ids=lambda r: f"{r['byte']}-{r['mask']}")
def test_each_bit_of_an_automatic_status_means_what_the_table_says(row: dict[str, str]) -> None:
    frame = bytearray(b"\x10\x00\x00\x00")
    frame[int(row["byte"]) - 1] |= int(row["mask"], 16)
    [heard] = StatusParser().feed(bytes(frame))
    assert isinstance(heard, Automatic)
    assert state_of_frame(heard.frame) == STATE_OF_MEANING[row["meaning_when_1"]]


def test_the_usual_answers_of_a_printer_without_paper() -> None:
    answers = {
        Question.PRINTER: 0x1A,
        Question.OFFLINE_CAUSE: 0x32,
        Question.ERROR_CAUSE: 0x12,
        Question.PAPER: 0x7E,
    }
    state = state_of_answers(answers)
    assert state.status == (Status.OUT, "paper out")
    assert state.fault == Fault(FaultCode.PAPER_OUT, "paper out")


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        (PrinterState(), Status.READY, None),
        (PrinterState(paper_near_end=True), Status.LOW, None),
        (PrinterState(paper_end=True, offline=True), Status.OUT, FaultCode.PAPER_OUT),
        (PrinterState(cover_open=True, paper_end=True), Status.COVER_OPEN, FaultCode.COVER_OPEN),
        (PrinterState(cutter_error=True, error=True), Status.JAMMED, FaultCode.CUTTER),
        (PrinterState(recoverable_error=True), Status.JAMMED, FaultCode.JAMMED),
        (PrinterState(unrecoverable_error=True), Status.BROKEN, FaultCode.BROKEN),
        (PrinterState(too_hot=True), Status.BROKEN, FaultCode.BROKEN),
        (PrinterState(error=True), Status.BROKEN, FaultCode.BROKEN),
        (PrinterState(feeding_by_hand=True), Status.PERSON_IN_THE_WAY, FaultCode.BUSY),
        (PrinterState(offline=True), Status.UNKNOWN, FaultCode.BROKEN),
    ],
)
def test_causes_are_told_apart(state: PrinterState, status: Status, code: FaultCode | None) -> None:
    assert state.status[0] is status
    assert (state.fault.code if state.fault else None) is code


real_time = st.sampled_from([b for b in range(256) if b & 0x93 == 0x12])
in_order = st.sampled_from([b for b in range(256) if b & 0x90 == 0])
first_of_frame = st.sampled_from([b for b in range(256) if b & 0x93 == 0x10])
frames = st.tuples(first_of_frame, in_order, in_order, in_order).map(bytes)


job_ids = st.binary(min_size=4, max_size=4).map(lambda raw: bytes(0x30 + b % 10 for b in raw))
whole = st.one_of(
    real_time.map(RealTime),
    in_order.map(InOrder),
    frames.map(Automatic),
    job_ids.map(JobDone),
    st.just(Cleared()),
)


def bytes_of(heard: Heard) -> bytes:
    match heard:
        case Automatic(frame=frame):
            return frame
        case JobDone(job_id=job_id):
            return b"\x37\x22" + job_id + b"\x00"
        case Cleared():
            return b"\x37\x25\x00"
        case Flow(stop=stop):
            return b"\x13" if stop else b"\x11"
        case _:
            return bytes([heard.byte])


@given(st.lists(whole, max_size=12), st.lists(st.integers(1, 9), max_size=30))
def test_answers_frames_and_blocks_in_one_stream_are_told_apart(
    expected: list[Heard], cuts: list[int]
) -> None:
    stream = b"".join(map(bytes_of, expected))
    parser, found, at = StatusParser(), [], 0
    for cut in [*cuts, len(stream)]:
        found += parser.feed(stream[at : at + cut])
        at += cut
    assert found == expected


@given(st.data(), st.lists(whole, min_size=1, max_size=8))
def test_flow_control_falls_between_any_two_bytes_and_real_time_answers_into_frames(
    data: st.DataObject, expected: list[Heard]
) -> None:
    stream: list[tuple[int, bool]] = []  # byte, and whether it is of a frame
    for heard in expected:
        stream += [(byte, isinstance(heard, Automatic)) for byte in bytes_of(heard)]
    put_in: list[Heard] = []
    sent = bytearray()
    for at, (byte, framed) in enumerate(stream):
        inside = framed and at + 1 < len(stream)
        sent.append(byte)
        choices = [b"", b"\x11", b"\x13", *([b"\x1a"] if inside else [])]
        extra = data.draw(st.sampled_from(choices))
        sent += extra
        put_in += StatusParser().feed(extra)
    found = StatusParser().feed(bytes(sent))
    rest = list(found)
    for heard in put_in:
        rest.remove(heard)
    assert sorted(map(repr, rest)) == sorted(map(repr, expected))


@given(st.lists(whole, max_size=6), st.integers(0, 40))
def test_a_stream_that_is_met_in_its_middle_is_understood_from_the_next_answer_on(
    heard: list[Heard], missed: int
) -> None:
    stream = b"".join(map(bytes_of, heard))
    parser = StatusParser()
    parser.feed(stream[missed:])
    parser.silence()
    assert parser.feed(b"\x12\x10\x00\x0c\x00\x37\x25\x00\x03") == [
        RealTime(0x12),
        Automatic(b"\x10\x00\x0c\x00"),
        Cleared(),
        InOrder(3),
    ]


@given(st.binary(max_size=300))
def test_any_bytes_are_heard_as_something_and_never_kept_for_ever(stream: bytes) -> None:
    parser = StatusParser()
    heard = parser.feed(stream)
    assert len(heard) <= len(stream)
    assert len(parser._frame) < 4
    assert len(parser._block) < 8


@given(frames, st.integers(0, 3), st.sampled_from([0x90, 0xFF, 0x81, 0x1D]))
def test_a_frame_with_one_spoilt_byte_is_never_taken_for_the_end_of_a_receipt(
    frame: bytes, at: int, noise: int
) -> None:
    spoilt = frame[:at] + bytes([noise]) + frame[at + 1 :]
    assert not any(isinstance(h, InOrder) for h in StatusParser().feed(spoilt))


def test_a_real_time_answer_in_the_middle_of_a_frame() -> None:
    assert StatusParser().feed(bytes.fromhex("10 00 12 0c 00")) == [
        RealTime(0x12),
        Automatic(bytes.fromhex("10 00 0c 00")),
    ]


def test_flow_control_and_noise_are_no_status() -> None:
    assert StatusParser().feed(b"\x11\x13\xff") == [Flow(False), Flow(True), Noise(0xFF)]


@pytest.mark.parametrize("block", ["3722303100", "37223031323399", "370000", "37250100", "37120c"])
def test_a_block_that_is_none_is_noise(block: str) -> None:
    heard = StatusParser().feed(bytes.fromhex(block))
    assert all(isinstance(h, Noise) for h in heard)


def test_the_rest_of_a_broken_frame_is_not_waited_for() -> None:
    parser = StatusParser()
    assert parser.feed(b"\x10\x00") == []
    parser.silence()
    assert parser.feed(b"\x0c") == [InOrder(0x0C)]


def test_noise_in_the_middle_of_a_frame_ends_it() -> None:
    parser = StatusParser()
    assert parser.feed(b"\x10\x00\xff\x0c") == [Noise(0xFF), Noise(0x0C)]
    parser.silence()
    assert parser.feed(b"\x0c") == [InOrder(0x0C)]


@pytest.mark.parametrize("text", ["\x10\x04\x01", "ZW1.\n", "\x1b@", "\u2028", "\x7f"])
def test_a_qr_code_with_a_control_character_is_refused(text: str) -> None:
    """The bytes of a code go to the printer as they are: no text may be a command."""
    assert layout((QrCode(text),), 48) == Fault(
        FaultCode.BAD_INPUT, "QR text with a control character"
    )

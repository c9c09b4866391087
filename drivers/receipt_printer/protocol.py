"""ESC/POS as Chinese receipt printers speak it: lines -> bytes, status bytes -> state. Pure.

Text goes out as GB18030 between FS & and FS . ; a row with a character that printers carry no
glyph for goes out as a picture of the row, drawn by a function given from above.
Tables: kiosk/data/escpos_dle_eot.csv, escpos_asb.csv.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, assert_never

from drivers.device import Fault, FaultCode, Status
from drivers.receipt_printer.values import Align, Feed, Line, Pair, QrCode, Rule, Text

ESC: Final = b"\x1b"
FS: Final = b"\x1c"
GS: Final = b"\x1d"
INITIALISE: Final = ESC + b"@"
KANJI_ON: Final = FS + b"&"
KANJI_OFF: Final = FS + b"."
ASK_PAPER_IN_ORDER: Final = GS + b"r\x01"  # answered when everything before it has been printed
FEED_TO_CUTTER_LINES: Final = 6  # the blade sits about 15 mm above the head

DOTS_OF_PAPER_MM: Final = {58: 384, 80: 576}  # 8 dots a millimetre on the printable width
COLUMN_DOTS: Final = 12  # a letter; a hanzi is two columns, 24 dots
ROW_DOTS: Final = 24
MAX_ROWS: Final = 400  # about 1.5 m of paper: no receipt of ours, but a mistake
MAX_QR_BYTES: Final = 2331  # version 40 at level M
MAX_FEED_LINES: Final = 40
GEOMETRY_OF_ALIGN: Final = {Align.LEFT: 0, Align.CENTRE: 1, Align.RIGHT: 2}

# What must not begin a line, and what must not end one.
_NOT_FIRST: Final = frozenset("，。、；：？！）》」』】〕”’…,.;:?!)]}%％")
_NOT_LAST: Final = frozenset("（《「『【〔“‘([{")


def columns_of_paper(paper_mm: int) -> int:
    """32 columns on 58 mm, 48 on 80 mm."""
    return DOTS_OF_PAPER_MM[paper_mm] // COLUMN_DOTS


# -- width and wrapping -------------------------------------------------------


def printable(char: str) -> bool:
    """Whether every printer carries a glyph for it: GBK. Some of GB18030's other two-byte characters
    (䶮, FE9F) are in some fonts only, and a name drawn is never wrong."""
    try:
        char.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def char_columns(char: str) -> int:
    """0 for a combining mark, 1 for a letter, 2 for what stands on a hanzi's square."""
    if char.isascii():
        return 1
    if unicodedata.combining(char):
        return 0
    if printable(char):
        return 2  # sent as two bytes, printed as two columns
    return 2 if unicodedata.east_asian_width(char) in "WFA" else 1


def text_columns(text: str) -> int:
    return sum(char_columns(c) for c in text)


def plain(text: str) -> str:
    """Text as it may be printed: no control character reaches the printer as a command."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)


def wrap(text: str, columns: int) -> list[str]:
    """Rows of at most `columns`. Breaks between hanzi and at blanks; a word too long is cut."""
    rows: list[str] = []
    for paragraph in text.splitlines() or [""]:
        rows += _wrap_paragraph(plain(paragraph), max(2, columns))
    return rows


def _wrap_paragraph(text: str, columns: int) -> list[str]:
    rows: list[str] = []
    while (at := _break_at(text, columns)) < len(text):
        rows.append(text[:at].rstrip(" "))
        text = text[at:].lstrip(" ")
    return [*rows, text]


def _break_at(text: str, columns: int) -> int:
    """Where to break: as late as fits, then earlier for words and punctuation, at least 1."""
    full, used = 0, 0
    for char in text:
        used += char_columns(char)
        if used > columns:
            break
        full += 1
    if full == len(text):
        return full
    at = full
    while at > 1 and not _may_break(text, at):
        at -= 1
    return at if at > 1 or _may_break(text, 1) else max(1, full)


def _may_break(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if after == " " or before == " ":
        return True
    if char_columns(after) == 0 or after in _NOT_FIRST or before in _NOT_LAST:
        return False
    return not (_of_word(before) and _of_word(after))


def _of_word(char: str) -> bool:
    return char_columns(char) == 1


# -- rows ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One row of text that fits the paper."""

    text: str = field(repr=False)
    align: Align = Align.LEFT
    large: bool = False
    bold: bool = False

    @property
    def as_picture(self) -> bool:
        return not all(printable(c) for c in self.text)


Item = Row | QrCode | Feed
DrawRow = Callable[[Row], bytes]
"""Makes the raster command (GS v 0) of one row, drawn from its left edge."""


def layout(lines: tuple[Line, ...], columns: int) -> tuple[Item, ...] | Fault:
    """Lines as rows of the paper's width."""
    items: list[Item] = []
    for line in lines:
        match line:
            case Text(text=text, align=align, large=large, bold=bold):
                rows = wrap(text, columns // 2 if large else columns)
                items += [Row(row, align, large, bold) for row in rows]
            case Pair():
                items += _pair_rows(line, columns)
            case Rule():
                items.append(Row("-" * columns))
            case QrCode(text=text, modules_dots=dots):
                if not 0 < len(text.encode("utf-8", "replace")) <= MAX_QR_BYTES:
                    return Fault(FaultCode.BAD_INPUT, "QR text too long or empty")
                if not 1 <= dots <= 16:
                    return Fault(FaultCode.BAD_INPUT, "QR modules of 1 to 16 dots")
                items.append(line)
            case Feed(lines=count):
                items.append(Feed(min(max(count, 0), MAX_FEED_LINES)))
            case _:
                assert_never(line)
    if len(items) > MAX_ROWS:
        return Fault(FaultCode.BAD_INPUT, "longer than a receipt can be")
    return tuple(items)


def _pair_rows(pair: Pair, columns: int) -> Iterator[Row]:
    label, value = plain(pair.label), plain(pair.value)
    space = columns - text_columns(label) - text_columns(value)
    if space >= 1:
        yield Row(label + " " * space + value, bold=pair.bold)
        return
    for row in wrap(label, columns):
        yield Row(row, bold=pair.bold)
    rows = wrap(value, columns)
    # One row stands at the right like other values; a paragraph reads better from the left.
    align = Align.RIGHT if len(rows) == 1 else Align.LEFT
    for row in rows:
        yield Row(row, align, bold=pair.bold)


# -- bytes --------------------------------------------------------------------


def encode_receipt(items: tuple[Item, ...], draw: DrawRow, cut: bytes) -> bytes:
    """The whole job: initialise, rows, feed to the blade, `cut`, and the question that is
    answered when all of it is on paper."""
    parts = [INITIALISE, KANJI_OFF]
    for item in items:
        match item:
            case Row():
                parts.append(_encode_row(item, draw))
            case QrCode():
                parts.append(_encode_qr(item))
            case Feed(lines=count):
                parts.append(feed(count))
            case _:
                assert_never(item)
    return b"".join([*parts, feed(FEED_TO_CUTTER_LINES), cut, ASK_PAPER_IN_ORDER])


def feed(lines: int) -> bytes:
    return ESC + b"d" + bytes([lines])


def _encode_row(row: Row, draw: DrawRow) -> bytes:
    align = ESC + b"a" + bytes([GEOMETRY_OF_ALIGN[row.align]])
    if row.as_picture:
        return align + draw(row)
    # Hanzi and letters have a size each: FS ! acts on the ones, GS ! on the others.
    size_on = GS + b"!\x11" + FS + b"!\x0c" if row.large else b""
    size_off = GS + b"!\x00" + FS + b"!\x00" if row.large else b""
    bold_on = ESC + b"E\x01" if row.bold else b""
    bold_off = ESC + b"E\x00" if row.bold else b""
    text = row.text.encode("gb18030")
    if not row.text.isascii():
        text = KANJI_ON + text + KANJI_OFF
    return align + size_on + bold_on + text + b"\n" + bold_off + size_off


def _encode_qr(code: QrCode) -> bytes:
    """Native QR, model 2, error correction M: a receipt is folded and carried about."""
    data = code.text.encode("utf-8", "replace")
    head = GS + b"(k"
    return b"".join(
        [
            ESC + b"a\x01",
            head + b"\x04\x00\x31\x41\x32\x00",
            head + b"\x03\x00\x31\x43" + bytes([code.modules_dots]),
            head + b"\x03\x00\x31\x45\x31",
            head + (len(data) + 3).to_bytes(2, "little") + b"\x31\x50\x30" + data,
            head + b"\x03\x00\x31\x51\x30",
            b"\n",
        ]
    )


def raster(width_dots: int, rows: bytes) -> bytes:
    """GS v 0: a black-and-white picture, one bit a dot, rows padded to whole bytes."""
    row_bytes = (width_dots + 7) // 8
    height = len(rows) // row_bytes
    return GS + b"v0\x00" + row_bytes.to_bytes(2, "little") + height.to_bytes(2, "little") + rows


# -- status -------------------------------------------------------------------


class Question(IntEnum):
    """DLE EOT n, answered at once, also while the printer prints or is stopped."""

    PRINTER = 1
    OFFLINE_CAUSE = 2
    ERROR_CAUSE = 3
    PAPER = 4


def ask_now(question: Question) -> bytes:
    return b"\x10\x04" + bytes([question])


@dataclass(frozen=True, slots=True)
class RealTime:
    """The answer to DLE EOT; which question it answers is known by who asked."""

    byte: int


@dataclass(frozen=True, slots=True)
class InOrder:
    """The answer to GS r 1: all before it has left the printer."""

    byte: int


@dataclass(frozen=True, slots=True)
class Automatic:
    """Automatic status back: four bytes, unasked."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Noise:
    byte: int


Heard = RealTime | InOrder | Automatic | Noise


class StatusParser:
    """Tells one-byte answers and four-byte frames apart in one stream, by their fixed bits.

    DLE EOT answers are xxx1 xx10 with bit 7 clear; a frame begins xxx1 xx00 and goes on with
    three bytes whose bits 4 and 7 are clear; an answer to GS r has bits 4 and 7 clear and stands
    alone. A real-time answer may fall into the middle of a frame.
    """

    def __init__(self) -> None:
        self._frame = bytearray()

    def feed(self, piece: bytes) -> list[Heard]:
        return [heard for byte in piece if (heard := self._take(byte)) is not None]

    def silence(self) -> None:
        """Nothing came for long: the rest of a frame will not come."""
        self._frame.clear()

    def _take(self, byte: int) -> Heard | None:
        if byte & 0x93 == 0x12:
            return RealTime(byte)
        if byte & 0x93 == 0x10:
            self._frame[:] = bytes([byte])
            return None
        if byte & 0x90 != 0:
            self._frame.clear()
            return Noise(byte)
        if not self._frame:
            return InOrder(byte)
        self._frame.append(byte)
        if len(self._frame) < 4:
            return None
        frame = bytes(self._frame)
        self._frame.clear()
        return Automatic(frame)


@dataclass(frozen=True, slots=True)
class PrinterState:
    """What the status bits say, the causes apart."""

    offline: bool = False
    cover_open: bool = False
    feeding_by_hand: bool = False
    paper_end: bool = False
    paper_near_end: bool = False
    cutter_error: bool = False
    recoverable_error: bool = False
    unrecoverable_error: bool = False
    too_hot: bool = False
    error: bool = False  # one that the other bits do not name

    @property
    def status(self) -> tuple[Status, str]:
        """For the technician: the first thing to look at."""
        if self.unrecoverable_error:
            return Status.BROKEN, "unrecoverable error"
        if self.cover_open:
            return Status.COVER_OPEN, "cover open"
        if self.cutter_error:
            return Status.JAMMED, "cutter"
        if self.paper_end:
            return Status.OUT, "paper out"
        if self.recoverable_error:
            return Status.JAMMED, "mechanical error"
        if self.too_hot:
            return Status.BROKEN, "print head too hot, goes on when it has cooled"
        if self.feeding_by_hand:
            return Status.PERSON_IN_THE_WAY, "feed key pressed"
        if self.error:
            return Status.BROKEN, "error without a cause"
        if self.offline:
            return Status.UNKNOWN, "offline without a cause"
        if self.paper_near_end:
            return Status.LOW, "paper near its end"
        return Status.READY, ""

    @property
    def fault(self) -> Fault | None:
        """Why nothing can be printed now, or None."""
        status, reason = self.status
        match status:
            case Status.READY | Status.LOW:
                return None
            case Status.COVER_OPEN:
                return Fault(FaultCode.COVER_OPEN, reason)
            case Status.OUT:
                return Fault(FaultCode.PAPER_OUT, reason)
            case Status.JAMMED:
                code = FaultCode.CUTTER if self.cutter_error else FaultCode.JAMMED
                return Fault(code, reason)
            case Status.PERSON_IN_THE_WAY:
                return Fault(FaultCode.BUSY, reason)
            case _:
                return Fault(FaultCode.BROKEN, reason)


def state_of_answers(answers: Mapping[Question, int]) -> PrinterState:
    """From the answers to DLE EOT 1 to 4."""
    printer = answers.get(Question.PRINTER, 0)
    cause = answers.get(Question.OFFLINE_CAUSE, 0)
    error = answers.get(Question.ERROR_CAUSE, 0)
    paper = answers.get(Question.PAPER, 0)
    return PrinterState(
        offline=bool(printer & 0x08),
        cover_open=bool(cause & 0x04),
        feeding_by_hand=bool(cause & 0x08) or bool(printer & 0x40),
        paper_end=bool(cause & 0x20) or bool(paper & 0x60),
        paper_near_end=bool(paper & 0x0C),
        cutter_error=bool(error & 0x08),
        recoverable_error=bool(error & 0x04),
        unrecoverable_error=bool(error & 0x20),
        too_hot=bool(error & 0x40),
        error=bool(cause & 0x40),
    )


def state_of_frame(frame: bytes) -> PrinterState:
    """From the four bytes of automatic status back."""
    first, second, third = frame[0], frame[1], frame[2]
    return PrinterState(
        offline=bool(first & 0x08),
        cover_open=bool(first & 0x20),
        feeding_by_hand=bool(first & 0x40),
        paper_end=bool(third & 0x0C),
        paper_near_end=bool(third & 0x03),
        cutter_error=bool(second & 0x08),
        recoverable_error=bool(second & 0x04),
        unrecoverable_error=bool(second & 0x20),
        too_hot=bool(second & 0x40),
    )

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

ESC: Final = b"\x1b"
FS: Final = b"\x1c"
GS: Final = b"\x1d"
INITIALISE: Final = ESC + b"@"
KANJI_ON: Final = FS + b"&"
KANJI_OFF: Final = FS + b"."
ASK_PAPER_IN_ORDER: Final = GS + b"r\x01"  # answered when everything before it has been printed
AUTOMATIC_STATUS_ON: Final = GS + b"a\x0e"  # online, errors, paper; ESC @ may switch it off
# Both are obeyed at once, also while the printer is stopped:
CLEAR_NOW: Final = bytes.fromhex("10 14 08 01 03 14 01 06 02 08")  # DLE DC4 8: empty all buffers
RECOVER_NOW: Final = b"\x10\x05\x02"  # DLE ENQ 2: leave a recoverable error, buffers emptied
FEED_TO_CUTTER_LINES: Final = 6  # the blade sits about 15 mm above the head

DOTS_OF_PAPER_MM: Final = {58: 384, 80: 576}  # 8 dots a millimetre on the printable width
COLUMN_DOTS: Final = 12  # a letter; a hanzi is two columns, 24 dots
ROW_DOTS: Final = 24
MAX_ROWS: Final = 400  # about 1.5 m of paper: no receipt of ours, but a mistake
DOTS_A_MM: Final = 8
LINE_DOTS: Final = 30  # a printer's own spacing from row to row
# Bytes that fit a QR code of version 1, 2, … at level M (ISO/IEC 18004, table 7).
QR_BYTES_M: Final = (
    14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666,
    711, 779, 857, 911, 997, 1059, 1125, 1190, 1264, 1370, 1452, 1538, 1628, 1722, 1809, 1911,
    1989, 2099, 2213, 2331,
)  # fmt: skip
GAP_DOTS: Final = LINE_DOTS - ROW_DOTS
LARGE_GAP: Final = ESC + b"J" + bytes([GAP_DOTS])  # large rows stand on each other otherwise
MIN_QR_MODULE_DOTS: Final = 3  # 0.375 mm: below, a telephone does not read it from thermal paper
MAX_LOGO_BYTES: Final = 1_000_000
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
        return char.isascii() or len(char.encode("gbk")) == 2
    except UnicodeEncodeError:
        return False


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


def wrap_evenly(text: str, columns: int) -> list[str]:
    """As `wrap`, with rows of like length: for what stands in the middle, such as a long number."""
    rows = wrap(text, columns)
    if len(rows) == 1:
        return rows
    for narrower in range(2, columns):
        evenly = wrap(text, narrower)
        if len(evenly) == len(rows):
            return evenly
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


@dataclass(frozen=True, slots=True)
class Picture:
    """Black-and-white dots, a bit each, rows of whole bytes; printed in the middle."""

    width_dots: int
    rows: bytes = field(repr=False)

    @property
    def height_dots(self) -> int:
        return len(self.rows) // ((self.width_dots + 7) // 8)


Item = Row | QrCode | Picture | Feed
DrawRow = Callable[[Row], bytes]
"""Makes the raster command (GS v 0) of one row, drawn from its left edge."""
DrawLogo = Callable[[Logo, int], Picture | None]
"""Makes dots of a picture file, at most so many wide; None for what is no picture."""


def no_logo(_logo: Logo, _width_dots: int) -> Picture | None:
    """For receipts without one."""
    return None


def layout(
    lines: tuple[Line, ...], columns: int, draw_logo: DrawLogo = no_logo
) -> tuple[Item, ...] | Fault:
    """Lines as rows of the paper's width. A logo that is no picture is left out: the receipt counts."""
    width = columns * COLUMN_DOTS
    items: list[Item] = []
    for line in lines:
        match line:
            case Text(text=text, align=align, large=large, bold=bold):
                cut = wrap_evenly if align is Align.CENTRE else wrap
                rows = cut(text, columns // 2 if large else columns)
                items += [Row(row, align, large, bold) for row in rows]
            case Pair():
                items += _pair_rows(line, columns)
            case Rule():
                items.append(Row("-" * columns))
            case QrCode():
                fitted = _fit_qr(line, width)
                if isinstance(fitted, Fault):
                    return fitted
                items.append(fitted)
            case Logo():
                picture = draw_logo(line, width) if len(line.png) <= MAX_LOGO_BYTES else None
                if picture is not None:
                    items.append(picture)
            case Feed(lines=count):
                items.append(Feed(min(max(count, 0), MAX_FEED_LINES)))
            case _:
                assert_never(line)
    if len(items) > MAX_ROWS:
        return Fault(FaultCode.BAD_INPUT, "longer than a receipt can be")
    return tuple(items)


def qr_modules(text: str) -> int | None:
    """Modules along one side at level M; None when no code holds so much."""
    size = len(text.encode("utf-8", "replace"))
    for version, capacity in enumerate(QR_BYTES_M, start=1):
        if 0 < size <= capacity:
            return 17 + 4 * version
    return None


def _fit_qr(code: QrCode, width_dots: int) -> QrCode | Fault:
    """With smaller modules where the paper is narrow: a printer prints no code that is too wide."""
    if plain(code.text) != code.text:
        # A reader passes none on, and a real-time command in it would be obeyed within the code.
        return Fault(FaultCode.BAD_INPUT, "QR text with a control character")
    modules = qr_modules(code.text)
    if modules is None:
        return Fault(FaultCode.BAD_INPUT, "QR text too long or empty")
    if not 1 <= code.modules_dots <= 16:
        return Fault(FaultCode.BAD_INPUT, "QR modules of 1 to 16 dots")
    dots = min(code.modules_dots, width_dots // modules)
    if dots < min(MIN_QR_MODULE_DOTS, code.modules_dots):
        return Fault(FaultCode.BAD_INPUT, "QR text too long for this paper")
    return QrCode(code.text, dots)


def length_mm(items: tuple[Item, ...]) -> float:
    """Paper that a receipt takes, to the cutter; as the printer counts, a little more than less."""
    return (FEED_TO_CUTTER_LINES * LINE_DOTS + sum(map(_dots, items))) / DOTS_A_MM


def _dots(item: Item) -> int:
    """How far the paper moves for it."""
    match item:
        case Row(large=large):
            return 2 * ROW_DOTS + GAP_DOTS if large else LINE_DOTS
        case QrCode(text=text, modules_dots=module):
            return (qr_modules(text) or 0) * module + LINE_DOTS
        case Picture(height_dots=height):
            return height
        case Feed(lines=count):
            return count * LINE_DOTS
        case _:
            assert_never(item)


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


@dataclass(frozen=True, slots=True)
class Segment:
    """What is sent at a time: whole commands, and the paper that they take. A question is sent after
    it, whose answer says that this much has been printed."""

    commands: tuple[bytes, ...] = field(repr=False)
    paper_mm: float


SEGMENT_MM: Final = 5.0  # two rows of text; one that is longer is a segment by itself
FEED_AT_A_TIME_LINES: Final = 2  # as much as two rows


def encode_receipt(
    items: tuple[Item, ...], draw: DrawRow, cut: bytes, *, after_a_torn_one: bool
) -> tuple[Segment, ...]:
    """The whole job: initialise, rows, and as the last segment the feed to the blade and `cut`.

    Commands are whole, so that a job given up between two leaves no printer waiting for the rest of
    one. `after_a_torn_one`: what still hangs in the slot is cut off first, by a segment of its own.
    """
    pieces = [(INITIALISE + AUTOMATIC_STATUS_ON + KANJI_OFF, 0)]
    feed_and_cut = (feed(FEED_TO_CUTTER_LINES) + cut, FEED_TO_CUTTER_LINES * LINE_DOTS)
    if after_a_torn_one:
        pieces.append(feed_and_cut)
    for item in items:
        match item:
            case Row():
                pieces.append((_encode_row(item, draw), _dots(item)))
            case QrCode():
                pieces.append((_encode_qr(item), _dots(item)))
            case Picture():
                pieces += _bands(item)
            case Feed(lines=count):
                for fed in range(0, count, FEED_AT_A_TIME_LINES):
                    lines = min(FEED_AT_A_TIME_LINES, count - fed)
                    pieces.append((feed(lines), lines * LINE_DOTS))
            case _:
                assert_never(item)
    return (*_segments(pieces), *_segments([feed_and_cut]))


def _segments(pieces: list[tuple[bytes, int]]) -> Iterator[Segment]:
    """Commands and the dots they take, joined to segments as short as SEGMENT_MM allows."""
    commands: list[bytes] = []
    mm = 0.0
    for command, dots in pieces:
        piece_mm = dots / DOTS_A_MM
        if mm > 0 and piece_mm >= SEGMENT_MM:
            yield Segment(tuple(commands), mm)
            commands, mm = [], 0.0
        commands.append(command)
        mm += piece_mm
        if mm >= SEGMENT_MM:
            yield Segment(tuple(commands), mm)
            commands, mm = [], 0.0
    if commands:
        yield Segment(tuple(commands), mm)


def question_after(confirm: Confirm, job_id: bytes) -> bytes:
    """What is asked after a segment; the last one's answer is the end. `job_id`: four letters or
    digits."""
    match confirm:
        case Confirm.STATUS:
            return ASK_PAPER_IN_ORDER
        case Confirm.PROCESS_ID:
            return GS + b"(H\x06\x00\x30\x30" + job_id
        case _:
            assert_never(confirm)


def feed(lines: int) -> bytes:
    return ESC + b"d" + bytes([lines])


def _encode_row(row: Row, draw: DrawRow) -> bytes:
    align = ESC + b"a" + bytes([GEOMETRY_OF_ALIGN[row.align]])
    if row.as_picture:
        return align + draw(row)
    # Hanzi and letters have a size each: FS ! acts on the ones, GS ! on the others.
    size_on = GS + b"!\x11" + FS + b"!\x0c" if row.large else b""
    size_off = GS + b"!\x00" + FS + b"!\x00" + LARGE_GAP if row.large else b""
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


BAND_ROWS: Final = 64  # a small printer's memory; bands join without a gap
# Beginnings of real-time commands, which some printers obey inside a picture too.
_OBEYED_AT_ONCE: Final = (b"\x10\x04", b"\x10\x05", b"\x10\x14")


def _bands(picture: Picture) -> Iterator[tuple[bytes, int]]:
    """Commands, and the dots that each is high."""
    row_bytes = (picture.width_dots + 7) // 8
    step = row_bytes * BAND_ROWS
    for at in range(0, len(picture.rows), step):
        rows = picture.rows[at : at + step]
        yield ESC + b"a\x01" + raster(picture.width_dots, rows), len(rows) // row_bytes


def raster(width_dots: int, rows: bytes) -> bytes:
    """GS v 0: a black-and-white picture, one bit a dot, rows padded to whole bytes.

    One dot is added where the dots would look like a real-time command.
    """
    row_bytes = (width_dots + 7) // 8
    height = len(rows) // row_bytes
    for beginning in _OBEYED_AT_ONCE:
        rows = rows.replace(beginning, b"\x11" + beginning[1:])
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
class JobDone:
    """The answer to GS ( H: the job with this id has left the printer."""

    job_id: bytes


@dataclass(frozen=True, slots=True)
class Cleared:
    """The answer to DLE DC4 8: no old job is left in the printer."""


@dataclass(frozen=True, slots=True)
class Noise:
    byte: int


@dataclass(frozen=True, slots=True)
class Flow:
    """XOFF or XON: whether the sender must wait."""

    stop: bool


Heard = RealTime | InOrder | Automatic | JobDone | Cleared | Flow | Noise

_XON: Final = 0x11
_XOFF: Final = 0x13
_BLOCK_START: Final = 0x37
_BLOCK_BYTES: Final = {0x22: 7, 0x25: 3}  # by identifier, with header and NUL
_FRAME_REST: Final = 3


class StatusParser:
    """Tells one-byte answers, four-byte frames and blocks apart in one stream, by their fixed bits.

    DLE EOT answers are xxx1 xx10 with bit 7 clear; a frame begins xxx1 xx00 and goes on with
    three bytes whose bits 4 and 7 are clear; a block begins 37; an answer to GS r has bits 4 and
    7 clear and stands alone. A real-time answer may fall into the middle of a frame. What may be
    the rest of a broken frame is noise: it must not be taken for "printed".
    """

    def __init__(self) -> None:
        self._frame = bytearray()
        self._block = bytearray()
        self._debris = 0  # so many bytes may still be the rest of something broken

    def feed(self, piece: bytes) -> list[Heard]:
        return [heard for byte in piece for heard in self._take(byte)]

    def silence(self) -> None:
        """Nothing came for long: the rest of a frame will not come."""
        self._frame.clear()
        self._block.clear()
        self._debris = 0

    def _take(self, byte: int) -> tuple[Heard, ...]:
        if byte in (_XON, _XOFF):  # may fall between any two bytes
            return (Flow(byte == _XOFF),)
        if self._block:
            return self._in_block(byte)
        if byte & 0x93 == 0x12:
            return (RealTime(byte),)
        if byte & 0x93 == 0x10:
            self._frame[:] = bytes([byte])
            self._debris = 0
            return ()
        if byte == _BLOCK_START:
            self._frame.clear()
            self._block[:] = bytes([byte])
            return ()
        if byte & 0x90 != 0:
            self._frame.clear()
            self._debris = _FRAME_REST
            return (Noise(byte),)
        if not self._frame:
            if self._debris:
                self._debris -= 1
                return (Noise(byte),)
            return (InOrder(byte),)
        self._frame.append(byte)
        if len(self._frame) < 4:
            return ()
        frame = bytes(self._frame)
        self._frame.clear()
        return (Automatic(frame),)

    def _in_block(self, byte: int) -> tuple[Heard, ...]:
        self._block.append(byte)
        size = _BLOCK_BYTES.get(self._block[1], 0)
        last = len(self._block) == size
        if len(self._block) > 2 and (byte == 0) is not last:
            size = 0  # NUL stands at the end and nowhere else
        if len(self._block) < size:
            return ()
        block = bytes(self._block)
        self._block.clear()
        if size == 0:
            self._debris = _FRAME_REST
            return tuple(Noise(b) for b in block)
        return (JobDone(block[2:-1]),) if block[1] == 0x22 else (Cleared(),)


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


def state_of_paper(byte: int) -> PrinterState:
    """From an answer to GS r 1."""
    return PrinterState(paper_end=bool(byte & 0x0C), paper_near_end=bool(byte & 0x03))


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

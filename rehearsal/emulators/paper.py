"""Print head, paper and cutter: tokens to dots on paper, and paper to a picture. Pure.

203 dpi is 8 dots a millimetre. 58 mm paper has 384 dots, 80 mm has 576. The cutter sits 12 mm
past the head: what was printed less than 12 mm ago is still inside when the paper is cut.
"""

from __future__ import annotations

import functools
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import segno
from PIL import Image, ImageDraw, ImageFont

from rehearsal.emulators.escpos import Char, Command, Control, Token, Unknown

DOTS_A_MM = 8
PRINT_DOTS = {58: 384, 80: 576}
PAPER_DOTS = {58: 58 * DOTS_A_MM, 80: 80 * DOTS_A_MM}
HEAD_TO_CUTTER_DOTS = 12 * DOTS_A_MM
DEFAULT_LINE_DOTS = 30
HANZI_DOTS, ASCII_DOTS, FONT_B_DOTS = 24, 12, 9
QR_ERRORS = {48: "L", 49: "M", 50: "Q", 51: "H"}
FONT = "Noto Sans Mono CJK SC"


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The printer's font; found by fontconfig, which also knows its place in the collection."""
    found = subprocess.run(
        ["fc-match", "-f", "%{file}\t%{index}", FONT], check=True, capture_output=True, text=True
    ).stdout
    path, index = found.split("\t")
    return ImageFont.truetype(path, size, index=int(index))


@functools.lru_cache(maxsize=4096)
def _glyph(text: str, wide: bool) -> Image.Image:
    """One character in its cell: 24x24 dots for hanzi, 12x24 otherwise; 1 is ink."""
    width = HANZI_DOTS if wide else ASCII_DOTS
    cell = Image.new("L", (width, HANZI_DOTS), 0)
    ImageDraw.Draw(cell).text((width / 2, 19), text, fill=255, font=_font(21), anchor="ms")
    return cell.point(lambda level: 255 if level > 110 else 0).convert("1")


@functools.cache
def _no_glyph() -> Image.Image:
    """What a printer shows for a character that its font does not have."""
    cell = Image.new("1", (HANZI_DOTS, HANZI_DOTS), 0)
    ImageDraw.Draw(cell).rectangle((3, 3, 20, 20), outline=1)
    return cell


@dataclass(slots=True)
class Mode:
    """What ESC @ resets."""

    align: int = 0
    bold: bool = False
    ascii_width: int = 1
    ascii_height: int = 1
    kanji_width: int = 1
    kanji_height: int = 1
    underline: bool = False
    kanji_underline: bool = False
    inverse: bool = False
    font_b: bool = False
    line_dots: int = DEFAULT_LINE_DOTS
    left_dots: int = 0
    width_dots: int | None = None
    kanji_gap: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Done:
    """What carrying out one token did."""

    moved_dots: int = 0
    answer: bytes = b""  # never empty for GS r
    want_status: bool = False  # GS r 1: the machine knows its sensors
    want_automatic: int | None = None  # GS a n, and 0 at ESC @
    want_done: bytes = b""  # GS ( H: the id to answer with
    cut: bool = False


@dataclass(slots=True)
class Paper:
    """The strip and what is being printed on it."""

    paper_mm: int = 80
    mode: Mode = field(default_factory=Mode)
    strip: Image.Image = field(init=False)
    used_dots: int = 0  # rows of the strip that have passed the head
    line: list[Image.Image] = field(default_factory=list)
    line_width: int = 0
    line_text: str = ""
    text: list[str] = field(default_factory=list)  # lines as read, since the last cut
    qr_texts: list[bytes] = field(default_factory=list)
    qr_data: bytes = b""
    qr_module: int = 3
    qr_error: int = 48
    qr_model: int = 50
    unknown: dict[str, int] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)  # things that print, but not as meant

    def __post_init__(self) -> None:
        self.strip = self._blank(400)

    @property
    def width(self) -> int:
        """Dots that can be printed on."""
        return self.mode.width_dots or PRINT_DOTS[self.paper_mm] - self.mode.left_dots

    def _blank(self, rows: int) -> Image.Image:
        return Image.new("1", (PRINT_DOTS[self.paper_mm], rows), 0)

    def _count_odd(self, what: str) -> None:
        self.odd[what] = self.odd.get(what, 0) + 1

    def carry_out(self, token: Token) -> Done:
        """Print, move, answer."""
        match token:
            case Char():
                return self._char(token)
            case Control(byte=0x0A):
                return Done(moved_dots=self._print_line())
            case Control(byte=0x09):
                blank = 8 * ASCII_DOTS - self.line_width % (8 * ASCII_DOTS)
                return self._add(Image.new("1", (blank, HANZI_DOTS), 0), "\t")
            case Control():
                return Done()
            case Command():
                return self._command(token)
            case Unknown(data=data):
                name = data[:24].hex(" ")
                self.unknown[name] = self.unknown.get(name, 0) + 1
                return Done()
            case _:
                return Done()

    # -- text -------------------------------------------------------------------

    def _char(self, char: Char) -> Done:
        mode = self.mode
        if char.kanji:
            text, cell = self._kanji_cell(char.data)
            wide, high, line_below = mode.kanji_width, mode.kanji_height, mode.kanji_underline
        else:
            code = char.data[0]
            if code >= 0x80:
                self._count_odd("byte above 7F outside Kanji mode")
            text = char.data.decode("cp437")
            cell = _glyph(text, False)
            if mode.font_b:
                cell = cell.resize((FONT_B_DOTS, 17))
            wide, high, line_below = mode.ascii_width, mode.ascii_height, mode.underline
        if mode.bold:
            thick = cell.copy()
            thick.paste(1, (1, 0), cell.crop((0, 0, cell.width - 1, cell.height)))
            cell = thick
        if (wide, high) != (1, 1):
            cell = cell.resize((cell.width * wide, cell.height * high), Image.Resampling.NEAREST)
        if char.kanji and any(mode.kanji_gap):
            spaced = Image.new("1", (cell.width + sum(mode.kanji_gap), cell.height), 0)
            spaced.paste(cell, (mode.kanji_gap[0], 0))
            cell = spaced
        if line_below:
            ImageDraw.Draw(cell).line((0, cell.height - 1, cell.width, cell.height - 1), fill=1)
        if mode.inverse:
            cell = cell.point(lambda dot: 0 if dot else 255, "1")
        return self._add(cell, text)

    def _kanji_cell(self, data: bytes) -> tuple[str, Image.Image]:
        """Two-byte characters of GBK are in the font; four-byte and later ones are not."""
        try:
            text = data.decode("gbk")
        except UnicodeDecodeError:
            self._count_odd("character not in the printer's font")
            return "□", _no_glyph()
        return text, _glyph(text, True)

    def _add(self, cell: Image.Image, text: str) -> Done:
        moved = 0
        if self.line_width + cell.width > self.width:
            self._count_odd("line broken by the printer at its edge")
            moved = self._print_line()
        self.line.append(cell)
        self.line_width += cell.width
        self.line_text += text
        return Done(moved_dots=moved)

    def _print_line(self) -> int:
        """Put the line on paper and feed; answers the dots that the paper moved."""
        height = max((cell.height for cell in self.line), default=0)
        if self.line:
            x = self._left(self.line_width)
            self._room(height)
            for cell in self.line:
                self.strip.paste(cell, (x, self.used_dots + height - cell.height))
                x += cell.width
        self.text.append(self.line_text)
        self.line, self.line_width, self.line_text = [], 0, ""
        return self._feed(max(height, self.mode.line_dots))

    def _left(self, width: int) -> int:
        free = max(0, self.width - width)
        return self.mode.left_dots + (0, free // 2, free)[self.mode.align]

    def _room(self, rows: int) -> None:
        wanted = self.used_dots + rows + HEAD_TO_CUTTER_DOTS
        if wanted > self.strip.height:
            longer = self._blank(wanted * 2)
            longer.paste(self.strip, (0, 0))
            self.strip = longer

    def _feed(self, dots: int) -> int:
        self._room(dots)
        self.used_dots += dots
        return dots

    def _flush(self) -> int:
        return self._print_line() if self.line else 0

    # -- commands ---------------------------------------------------------------

    def _command(self, command: Command) -> Done:
        mode, n = self.mode, command.n
        match command.name:
            case "initialise":
                self.mode = Mode()
                self.line, self.line_width, self.line_text = [], 0, ""
                return Done(want_automatic=0)
            case "process_id":
                return Done(want_done=command.data)
            case "ascii_mode":
                mode.font_b = bool(n[0] & 0x01)
                mode.bold = bool(n[0] & 0x08)
                mode.ascii_height = 2 if n[0] & 0x10 else 1
                mode.ascii_width = 2 if n[0] & 0x20 else 1
                mode.underline = bool(n[0] & 0x80)
            case "ascii_size":
                mode.ascii_width = (n[0] >> 4 & 7) + 1
                mode.ascii_height = (n[0] & 7) + 1
            case "kanji_mode":
                mode.kanji_width = 2 if n[0] & 0x04 else 1
                mode.kanji_height = 2 if n[0] & 0x08 else 1
                mode.kanji_underline = bool(n[0] & 0x80)
            case "kanji_quad":
                mode.kanji_width = mode.kanji_height = 2 if n[0] & 1 else 1
            case "kanji_underline":
                mode.kanji_underline = bool(n[0] & 3)
            case "kanji_spacing":
                mode.kanji_gap = (n[0], n[1])
            case "align":
                if self.line:
                    self._count_odd("ESC a in the middle of a line, ignored")
                else:
                    mode.align = n[0] & 3 if n[0] & 3 != 3 else 0
            case "bold":
                mode.bold = bool(n[0] & 1)
            case "underline":
                mode.underline = bool(n[0] & 3)
            case "inverse":
                mode.inverse = bool(n[0] & 1)
            case "font":
                mode.font_b = n[0] & 1 == 1
            case "line_spacing":
                mode.line_dots = n[0]
            case "default_spacing":
                mode.line_dots = DEFAULT_LINE_DOTS
            case "left_margin":
                mode.left_dots = n[0] | n[1] << 8
            case "print_width":
                mode.width_dots = n[0] | n[1] << 8
            case "position":
                wanted = n[0] | n[1] << 8
                if wanted > self.line_width:
                    blank = Image.new("1", (wanted - self.line_width, 1), 0)
                    return self._add(blank, " ")
            case "feed_lines":
                return Done(moved_dots=self._flush() + self._feed(n[0] * mode.line_dots))
            case "feed_dots":
                return Done(moved_dots=self._flush() + self._feed(n[0]))
            case "raster":
                return Done(moved_dots=self._flush() + self._raster(command))
            case "qr":
                return Done(moved_dots=self._qr(command.n[0], command.data))
            case "cut":
                return Done(moved_dots=self._flush(), cut=True)
            case "feed_and_cut":
                moved = self._flush() + self._feed(HEAD_TO_CUTTER_DOTS + n[0])
                return Done(moved_dots=moved, cut=True)
            case "send_status":
                return Done(want_status=n[0] in (1, 49))
            case "automatic_status":
                return Done(want_automatic=n[0])
            case "kanji_on" | "kanji_off" | "code_page" | "character_set":
                pass  # the tokenizer has seen to it, or nothing to see
        return Done()

    def _raster(self, command: Command) -> int:
        scale, width_bytes, rows = command.n
        picture = Image.frombytes("1", (width_bytes * 8, rows), command.data)
        wide, high = (2 if scale & 1 else 1), (2 if scale & 2 else 1)
        if (wide, high) != (1, 1):
            picture = picture.resize((picture.width * wide, picture.height * high))
        if picture.width > self.width:
            self._count_odd("raster wider than the paper, cut off")
        self._room(picture.height)
        self.strip.paste(picture, (self._left(picture.width), self.used_dots))
        self.text.append("[raster]")
        return self._feed(picture.height)

    def _qr(self, function: int, data: bytes) -> int:
        """GS ( k, cn 49. Wrong parameters print nothing, as on the real one."""
        match function:
            case 65 if len(data) == 2 and data[0] in (49, 50):
                self.qr_model = data[0]
            case 67 if len(data) == 1 and 1 <= data[0] <= 16:
                self.qr_module = data[0]
            case 69 if len(data) == 1 and data[0] in QR_ERRORS:
                self.qr_error = data[0]
            case 80 if len(data) > 1 and data[0] == 48:
                self.qr_data = data[1:]
            case 81 if data == b"\x30":
                return self._print_qr()
            case _:
                name = f"1d 28 6b qr {function} {data[:8].hex(' ')}"
                self.unknown[name] = self.unknown.get(name, 0) + 1
        return 0

    def _print_qr(self) -> int:
        if not self.qr_data:
            self._count_odd("QR printed before it was stored")
            return 0
        code = segno.make(
            self.qr_data, error=QR_ERRORS[self.qr_error], micro=False, boost_error=False
        )
        rows = [list(row) for row in code.matrix]
        side = len(rows) * self.qr_module
        if side > self.width:
            self._count_odd("QR wider than the paper, not printed")
            return 0
        small = Image.new("1", (len(rows), len(rows)), 0)
        small.putdata([255 if dot else 0 for row in rows for dot in row])
        moved = self._flush()
        self._room(side)
        picture = small.resize((side, side), Image.Resampling.NEAREST)
        self.strip.paste(picture, (self._left(side), self.used_dots))
        self.text.append("[QR]")
        self.qr_texts.append(self.qr_data)
        return moved + self._feed(side)

    # -- cutting ----------------------------------------------------------------

    def cut(self) -> Receipt:
        """Cut at the knife: what has not passed it stays inside and heads the next receipt."""
        rows = max(0, self.used_dots - HEAD_TO_CUTTER_DOTS)
        piece = self.strip.crop((0, 0, self.strip.width, rows))
        rest = self.strip.crop((0, rows, self.strip.width, self.used_dots))
        inside = rest.getbbox() is not None
        if inside:
            self._count_odd("cut before the last lines had passed the knife")
        receipt = Receipt(self._picture(piece), tuple(self.text), tuple(self.qr_texts), inside)
        self.strip = self._blank(400)
        self.strip.paste(rest, (0, 0))
        self.used_dots = self.used_dots - rows
        self.text, self.qr_texts = [], []
        return receipt

    def _picture(self, piece: Image.Image) -> Image.Image:
        """The paper as one sees it: grey-black dots on warm white, with its margins."""
        margin = (PAPER_DOTS[self.paper_mm] - piece.width) // 2
        paper = Image.new("RGB", (PAPER_DOTS[self.paper_mm], max(1, piece.height)), (250, 248, 242))
        ink = Image.new("RGB", piece.size, (38, 38, 42))
        paper.paste(ink, (margin, 0), piece)
        return paper

    def forget_line(self) -> None:
        """What was not yet on paper goes."""
        self.line, self.line_width, self.line_text = [], 0, ""

    def take_back(self, rows: int) -> None:
        """The last rows of dots had not passed the head, and will not."""
        self.strip.paste(0, (0, self.used_dots - rows, self.strip.width, self.strip.height))
        self.used_dots -= rows

    def power_off(self) -> None:
        """Everything in memory goes; the paper stays where it is."""
        self.mode = Mode()
        self.forget_line()
        self.qr_data, self.qr_module, self.qr_error = b"", 3, 48


@dataclass(frozen=True, slots=True)
class Receipt:
    """One piece of paper that came out."""

    picture: Image.Image
    text: tuple[str, ...]
    qr_texts: tuple[bytes, ...]
    lines_left_inside: bool


@dataclass(frozen=True, slots=True)
class Sensors:
    """What the printer knows of itself, and the bytes in which it says so."""

    paper: bool = True
    near_end: bool = False
    cover_open: bool = False
    cutter_jammed: bool = False
    paper_jammed: bool = False

    @property
    def error(self) -> bool:
        return self.cutter_jammed or self.paper_jammed

    @property
    def offline(self) -> bool:
        return not self.paper or self.cover_open or self.error

    def real_time(self, n: int) -> bytes:
        """DLE EOT n: bits 1 and 4 are always set, 0 and 7 never."""
        byte = 0x12
        match n:
            case 1:
                byte |= 0x08 if self.offline else 0
            case 2:
                byte |= 0x04 if self.cover_open else 0
                byte |= 0x20 if not self.paper else 0
                byte |= 0x40 if self.error else 0
            case 3:
                byte |= 0x08 if self.cutter_jammed else 0
                byte |= 0x04 if self.paper_jammed else 0
            case _:
                byte |= 0x0C if self.near_end or not self.paper else 0
                byte |= 0x60 if not self.paper else 0
        return bytes([byte])

    def automatic(self) -> bytes:
        """The four bytes of automatic status back."""
        first = 0x10 | (0x08 if self.offline else 0) | (0x20 if self.cover_open else 0)
        second = (0x08 if self.cutter_jammed else 0) | (0x04 if self.paper_jammed else 0)
        third = (0x03 if self.near_end or not self.paper else 0) | (0x0C if not self.paper else 0)
        return bytes([first, second, third, 0])

    def paper_status(self) -> bytes:
        """GS r 1: bits 4 and 7 are always clear."""
        near = 0x03 if self.near_end or not self.paper else 0
        return bytes([near | (0x0C if not self.paper else 0)])

    def but(self, **changes: bool) -> Sensors:
        return replace(self, **changes)


def save(receipt: Receipt, folder: Path, number: int) -> Path:
    """Write the picture; answers its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"receipt-{number:03}.png"
    unfinished = path.with_suffix(".part")
    receipt.picture.save(unfinished, format="PNG", dpi=(203, 203))
    unfinished.rename(path)
    return path

"""ESC/POS as a Chinese receipt printer understands it: bytes to tokens. Pure.

Nothing is guessed: what is not known comes out as `Unknown`, with its bytes, and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ESC, FS, GS, DLE = 0x1B, 0x1C, 0x1D, 0x10


@dataclass(frozen=True, slots=True)
class RealTime:
    """DLE EOT n, DLE ENQ n or DLE DC4 8: obeyed at once, whatever waits in the buffer."""

    kind: str  # "status", "recover" or "clear"
    n: int


@dataclass(frozen=True, slots=True)
class Char:
    """The bytes of one character: one, two, or four of GB18030 in Kanji mode."""

    data: bytes
    kanji: bool


@dataclass(frozen=True, slots=True)
class Control:
    """LF, CR or HT."""

    byte: int


@dataclass(frozen=True, slots=True)
class Command:
    """A known command by name with its parameters."""

    name: str
    n: tuple[int, ...] = ()
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What this printer does not know. A real one prints part of it or worse."""

    data: bytes


Token = RealTime | Char | Control | Command | Unknown

CLEAR = bytes((DLE, 0x14, 8, 1, 3, 20, 1, 6, 2, 8))

# prefix and code -> (name, how many parameter bytes follow)
FIXED: dict[bytes, tuple[str, int]] = {
    b"\x1b@": ("initialise", 0),
    b"\x1b!": ("ascii_mode", 1),
    b"\x1ba": ("align", 1),
    b"\x1bE": ("bold", 1),
    b"\x1bG": ("bold", 1),
    b"\x1bd": ("feed_lines", 1),
    b"\x1bJ": ("feed_dots", 1),
    b"\x1b2": ("default_spacing", 0),
    b"\x1b3": ("line_spacing", 1),
    b"\x1b-": ("underline", 1),
    b"\x1bt": ("code_page", 1),
    b"\x1bR": ("character_set", 1),
    b"\x1bM": ("font", 1),
    b"\x1b$": ("position", 2),
    b"\x1c&": ("kanji_on", 0),
    b"\x1c.": ("kanji_off", 0),
    b"\x1c!": ("kanji_mode", 1),
    b"\x1cW": ("kanji_quad", 1),
    b"\x1c-": ("kanji_underline", 1),
    b"\x1cS": ("kanji_spacing", 2),
    b"\x1d!": ("ascii_size", 1),
    b"\x1da": ("automatic_status", 1),
    b"\x1dr": ("send_status", 1),
    b"\x1dL": ("left_margin", 2),
    b"\x1dW": ("print_width", 2),
    b"\x1dB": ("inverse", 1),
}


@dataclass(slots=True)
class Tokenizer:
    """Cuts the stream into tokens; keeps what is not whole yet."""

    kanji: bool = True  # Chinese printers power on in Kanji mode
    buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Token]:
        self.buffer += data
        found: list[Token] = []
        while self.buffer:
            size, token = self._next(bytes(self.buffer[:16]))
            if size == 0:
                break
            del self.buffer[:size]
            if token is None:
                continue
            if isinstance(token, Command):
                if token.name in ("kanji_on", "initialise"):
                    self.kanji = True
                elif token.name == "kanji_off":
                    self.kanji = False
            found.append(token)
        return found

    def _next(self, head: bytes) -> tuple[int, Token | None]:
        """(bytes used, token); 0 bytes: more are needed."""
        first = head[0]
        if first == DLE:
            return self._real_time(head)
        if first in (ESC, FS, GS):
            return self._command(head)
        if first in (0x0A, 0x0D, 0x09):
            return 1, Control(first)
        if first == 0:
            return 1, None  # nothing: what wakes a sleeping printer
        if first < 0x20 or first == 0x7F:
            return 1, Unknown(head[:1])
        if first < 0x80 or not self.kanji:
            return 1, Char(head[:1], kanji=False)
        if first in (0x80, 0xFF):
            return 1, Unknown(head[:1])
        if len(head) < 2:
            return 0, None
        if 0x30 <= head[1] <= 0x39:
            return (4, Char(head[:4], kanji=True)) if len(head) >= 4 else (0, None)
        if 0x40 <= head[1] <= 0xFE and head[1] != 0x7F:
            return 2, Char(head[:2], kanji=True)
        return 1, Unknown(head[:1])

    @staticmethod
    def _real_time(head: bytes) -> tuple[int, Token | None]:
        if len(head) < 3:
            return 0, None
        if head[1] == 0x04 and 1 <= head[2] <= 4:
            return 3, RealTime("status", head[2])
        if head[1] == 0x05 and head[2] in (1, 2):
            return 3, RealTime("recover", head[2])
        if head[1] == 0x14 and CLEAR.startswith(head[: len(CLEAR)]):
            return (len(CLEAR), RealTime("clear", 8)) if len(head) >= len(CLEAR) else (0, None)
        return 1, Unknown(head[:1])

    def _command(self, head: bytes) -> tuple[int, Token | None]:
        if len(head) < 2:
            return 0, None
        known = FIXED.get(head[:2])
        if known:
            name, count = known
            size = 2 + count
            return (size, Command(name, tuple(head[2:size]))) if len(head) >= size else (0, None)
        match head[:2]:
            case b"\x1dV":
                return self._cut(head)
            case b"\x1dv":
                return self._raster(head)
            case b"\x1d(" | b"\x1c(":
                return self._parenthesis(head)
        return 2, Unknown(head[:2])

    @staticmethod
    def _cut(head: bytes) -> tuple[int, Token | None]:
        if len(head) < 3:
            return 0, None
        if head[2] in (0, 1, 48, 49):
            return 3, Command("cut", (head[2],))
        if head[2] in (65, 66):
            return (4, Command("feed_and_cut", (head[3],))) if len(head) >= 4 else (0, None)
        return 3, Unknown(head[:3])

    def _raster(self, head: bytes) -> tuple[int, Token | None]:
        if len(head) < 8:
            return 0, None
        if head[2] != 0x30 or head[3] not in (0, 1, 2, 3, 48, 49, 50, 51):
            return 3, Unknown(head[:3])
        width = head[4] | head[5] << 8
        height = head[6] | head[7] << 8
        size = 8 + width * height
        if len(self.buffer) < size:
            return 0, None
        return size, Command("raster", (head[3] & 3, width, height), bytes(self.buffer[8:size]))

    def _parenthesis(self, head: bytes) -> tuple[int, Token | None]:
        if len(head) < 5:
            return 0, None
        size = 5 + (head[3] | head[4] << 8)
        if len(self.buffer) < size:
            return 0, None
        data = bytes(self.buffer[5:size])
        if head[:3] == b"\x1d(k" and len(data) >= 2 and data[0] == 0x31:
            return size, Command("qr", (data[1],), data[2:])
        if head[:3] == b"\x1d(H" and len(data) == 6 and data[:2] == b"00":
            return size, Command("process_id", (), data[2:])
        return size, Unknown(bytes(self.buffer[:size]))

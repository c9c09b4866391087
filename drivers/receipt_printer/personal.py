"""Which bytes to a receipt printer are personal, for traces.

Personal is what stands on the paper: texts, codes, pictures. Commands, their parameters, blanks,
punctuation and lengths stay, so that a trace is still a job of as many rows. What the printer
says is of itself. Where this gets out of step with a job that was cut off, more is masked, not less.
"""

from __future__ import annotations

from typing import Final

ESC, FS, GS, DLE = 0x1B, 0x1C, 0x1D, 0x10
# Bytes that follow a command's second byte; those that are not here have none.
PARAMETERS: Final[dict[tuple[int, int], int]] = {
    (ESC, ord("a")): 1,
    (ESC, ord("d")): 1,
    (ESC, ord("E")): 1,
    (ESC, ord("J")): 1,
    (FS, ord("!")): 1,
    (GS, ord("!")): 1,
    (GS, ord("a")): 1,
    (GS, ord("r")): 1,
    (GS, ord("V")): 1,
    (DLE, 0x04): 1,  # EOT n
    (DLE, 0x05): 1,  # ENQ n
    (DLE, 0x14): 8,  # DC4 8 and its seven fixed bytes
}
BLOCK: Final = (GS, ord("("))  # a letter, a length of two bytes, and so many bytes
PICTURE: Final = (GS, ord("v"))  # 0 m xL xH yL yH, and x times y bytes
PICTURE_HEAD_BYTES: Final = 6
SHOWN_OF_A_CODE: Final = 3  # which function it is; then the text of the code
SHOWN_OF_A_QUESTION: Final = 6  # GS ( H with the four letters of a job
STORES_THE_TEXT: Final = 0x50
ONE_BYTE: Final = ord("x")
LEAD, TRAIL, THIRD, LAST = 0xC4, 0xB3, 0x81, ord("0")  # 某, and what makes four bytes of it


class ReceiptMask:
    """Follows one connection. `written` answers as many bytes as it is given."""

    def __init__(self) -> None:
        self._command: list[int] = []  # its first bytes, until it is known what follows
        self._head: list[int] = []  # of a block or a picture, until its length is known
        self._shown = 0  # so many bytes more pass as they are
        self._hidden = 0  # and then so many are personal
        self._within = 0  # bytes of a Chinese character that have passed

    def heard(self, data: bytes) -> bytes:
        return data

    def written(self, data: bytes) -> bytes:
        return bytes(self._one(byte) for byte in data)

    def _one(self, byte: int) -> int:
        if self._shown:
            self._shown -= 1
            return byte
        if self._hidden:
            self._hidden -= 1
            return 0
        if self._command:
            self._go_on(byte)
            return byte
        if not self._within and byte in (ESC, FS, GS, DLE):
            self._command = [byte]
            return byte
        return self._text(byte)

    def _go_on(self, byte: int) -> None:
        """A command that has begun: how much of it follows, and what of that is personal."""
        if len(self._command) == 1:
            self._command.append(byte)
            if (self._command[0], byte) not in (BLOCK, PICTURE):
                self._shown = PARAMETERS.get((self._command[0], byte), 0)
                self._command = []
            return
        self._head.append(byte)
        if tuple(self._command) == PICTURE:
            if len(self._head) == PICTURE_HEAD_BYTES:
                _, _, x_low, x_high, y_low, y_high = self._head
                self._follow(0, (x_low | x_high << 8) * (y_low | y_high << 8))
        elif len(self._head) >= 3:
            self._block()

    def _block(self) -> None:
        letter, low, high, *inside = self._head
        length = low | high << 8
        if letter == ord("k"):
            if len(inside) < min(2, length):
                return  # the second byte tells whether a text follows
            shown = SHOWN_OF_A_CODE if inside[1:] == [STORES_THE_TEXT] else length
            self._follow(max(0, min(shown, SHOWN_OF_A_CODE + 1) - 2), max(0, length - 2))
        else:
            self._follow(SHOWN_OF_A_QUESTION if letter == ord("H") else 0, length)

    def _follow(self, shown: int, length: int) -> None:
        self._shown = min(shown, length)
        self._hidden = length - self._shown
        self._command, self._head = [], []

    def _text(self, byte: int) -> int:
        """GB18030: one byte, two, or four where the second is a digit."""
        match self._within:
            case 0 if byte > 0x80:
                self._within = 1
                return LEAD
            case 0:
                return ONE_BYTE if chr(byte).isalnum() and byte < 0x80 else byte
            case 1:
                self._within = 2 if 0x30 <= byte <= 0x39 else 0
                return LAST if self._within else TRAIL
            case 2:
                self._within = 3
                return THIRD
            case _:
                self._within = 0
                return LAST

"""Which bytes of a code scanner are personal, for traces.

What a code holds may be: of every letter and digit only that it is one is kept, so that a trace is
still a code as long, with its marks and its end.
"""

from __future__ import annotations

from typing import Final

from drivers.input_events import EV_KEY, EVENT

DIGIT, UPPER, LOWER, OTHER = b"0Aa?"
TYPE_AT, CODE_AT, VALUE_AT = 16, 18, 20  # in an input event: type, code and value
EV_MSC: Final = 4  # tells the key by another number
KEY_1, KEY_A = 2, 30
DIGIT_KEYS: Final = frozenset({*range(2, 12), *range(71, 74), *range(75, 78), *range(79, 83)})
LETTER_KEYS: Final = frozenset({*range(16, 26), *range(30, 39), *range(44, 51)})


class ScannerMask:
    """Of a scanner on a line of bytes. Nothing is said to it."""

    def written(self, data: bytes) -> bytes:
        return data

    def heard(self, data: bytes) -> bytes:
        return bytes(_shown(byte) for byte in data)


def _shown(byte: int) -> int:
    character = chr(byte)
    if byte >= 0x80:
        return OTHER
    if character.isdigit():
        return DIGIT
    if character.isalpha():
        return UPPER if character.isupper() else LOWER
    return byte


class TypingMask:
    """Of a scanner that types: input events, cut anywhere."""

    def __init__(self) -> None:
        self._at = 0  # bytes of the event that have passed
        self._kind = 0

    def written(self, data: bytes) -> bytes:
        return data

    def heard(self, data: bytes) -> bytes:
        return bytes(self._one(byte) for byte in data)

    def _one(self, byte: int) -> int:
        at = self._at
        self._at = (at + 1) % EVENT.size
        if at == TYPE_AT:
            self._kind = byte
        elif self._kind == EV_KEY and at == CODE_AT:
            return KEY_1 if byte in DIGIT_KEYS else KEY_A if byte in LETTER_KEYS else byte
        elif self._kind == EV_MSC and at >= VALUE_AT:
            return 0
        return byte

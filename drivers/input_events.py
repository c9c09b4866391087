"""What Linux tells of a keyboard: input events of 24 bytes -> keys pressed and let go. Pure.

Some scanners and keypads know only how to type. The terminal reads their events exclusively
(`evdev_port.py`), so that what they type never reaches the window.
Source: linux/input.h and linux/input-event-codes.h, on a 64-bit machine.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

EVENT: Final = struct.Struct("<qqHHi")  # seconds, microseconds, type, code, value
EV_SYN: Final = 0x00
EV_KEY: Final = 0x01
SYN_DROPPED: Final = 3  # the kernel's own buffer ran over: what came before is not whole
RELEASED, PRESSED, REPEATED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Key:
    """One key going down, staying down (`REPEATED`) or up; `code` is Linux's KEY_… number."""

    code: int
    value: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Events were lost: whatever had begun is to be forgotten."""


class EventReader:
    """Takes pieces of any size; holds less than one event."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, piece: bytes) -> list[Key | Dropped]:
        self._rest += piece
        whole = len(self._rest) - len(self._rest) % EVENT.size
        found: list[Key | Dropped] = []
        for _, _, kind, code, value in EVENT.iter_unpack(bytes(self._rest[:whole])):
            if kind == EV_KEY and value in (RELEASED, PRESSED, REPEATED):
                found.append(Key(code, value))
            elif kind == EV_SYN and code == SYN_DROPPED:
                found.append(Dropped())
        del self._rest[:whole]
        return found


# KEY_… number -> what it types alone and with shift, on the keyboard that scanners play (US).
_ROWS: Final = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
    (55, "*", "*"),
    (71, "789-456+1230.", "789-456+1230."),  # the block of digits
    (98, "/", "/"),
)
_TYPED: Final = {
    first + at: (alone[at], shifted[at])
    for first, alone, shifted in _ROWS
    for at in range(len(alone))
}
_ENTER: Final = (28, 96)
_TAB: Final = 15
_SHIFTS: Final = (42, 54)
_CAPS_LOCK: Final = 58
_SILENT: Final = (69,)  # num lock, which some scanners press before digits
NOT_TYPED: Final = 0x00  # stands for a key that types no character: no code may hold it


class Typist:
    """Keys -> the bytes that they type. Enter is CR. What types nothing becomes `NOT_TYPED`."""

    def __init__(self) -> None:
        self._shifts: set[int] = set()
        self._capitals = False

    def feed(self, key: Key) -> bytes:
        if key.code in _SHIFTS:
            if key.value == RELEASED:
                self._shifts.discard(key.code)
            else:
                self._shifts.add(key.code)
            return b""
        if key.value != PRESSED or key.code in _SILENT:
            return b""
        if key.code == _CAPS_LOCK:
            self._capitals = not self._capitals
            return b""
        if key.code in _ENTER:
            return b"\r"
        if key.code == _TAB:
            return b"\t"
        alone, shifted = _TYPED.get(key.code, ("", ""))
        if not alone:
            return bytes([NOT_TYPED])
        up = bool(self._shifts) is not (self._capitals and alone.isalpha())
        return (shifted if up else alone).encode("ascii")

    def clear(self) -> None:
        """Nobody knows which keys are down."""
        self._shifts.clear()
        self._capitals = False

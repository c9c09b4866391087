"""Serial rating keypads: one byte a key, by a map of the settings. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from drivers.device import Fault, FaultCode

SAME_PRESS_S: Final = 0.3  # contacts bounce, a held key repeats; nobody presses twice so fast
KEYS: Final = frozenset({"5", "4", "3", "2", "1", "skip"})

KeyMap = Mapping[int, str]


def key_map(text: Mapping[str, str]) -> KeyMap | Fault:
    """Byte in hexadecimal ("35") -> key ("5".."1", "skip"); a fault names the entry."""
    keys: dict[int, str] = {}
    for byte, key in text.items():
        if not re.fullmatch(r"[0-9A-Fa-f]{2}", byte):
            return Fault(FaultCode.BAD_INPUT, f"key {byte[:8]!r} is not a byte in hexadecimal")
        if key not in KEYS:
            return Fault(FaultCode.BAD_INPUT, f"key {byte}: {key[:8]!r} is not 1 to 5 or skip")
        if int(byte, 16) in keys:
            return Fault(FaultCode.BAD_INPUT, f"key {byte} given twice")
        keys[int(byte, 16)] = key
    if not keys:
        return Fault(FaultCode.BAD_INPUT, "no keys")
    return keys


class PressFilter:
    """Bytes and the time they came at -> presses."""

    def __init__(self, keys: KeyMap) -> None:
        self._keys = keys
        self._last_byte = -1
        self._last_at = 0.0

    def feed(self, piece: bytes, at_s: float) -> list[str]:
        """Keys pressed, in order. What no key sends is noise. A byte that comes again within
        SAME_PRESS_S of itself belongs to the press before, however long that is held."""
        presses: list[str] = []
        for byte in piece:
            key = self._keys.get(byte)
            if key is None:
                continue
            again = byte == self._last_byte and at_s - self._last_at < SAME_PRESS_S
            self._last_byte, self._last_at = byte, at_s
            if not again:
                presses.append(key)
        return presses

"""Which bytes between a reader and a card are personal, for traces. Pure.

Of a command the header and the length stay, and of a SELECT what is selected; all other data may be a
PIN, or belong to one. Of an answer the status word stays, and of the templates of ISO 7816-4 and EMV
the tags, the lengths and what says where to read on; of a social card's record its number and its
length. Everything else becomes the digit 0, so that a trace still reads like a card.
"""

from __future__ import annotations

from typing import Final

HIDDEN: Final = b"0"
SELECT, GET_RESPONSE, READ_RECORD, GET_OPTIONS = 0xA4, 0xC0, 0xB2, 0xA8
HEADER_BYTES: Final = 5  # CLA INS P1 P2, and the length of what follows or is expected
TEMPLATES: Final = {SELECT: 0x6F, READ_RECORD: 0x70, GET_OPTIONS: 0x77}
BARE_OPTIONS: Final = 0x80  # what may be done and where to read, without tags of their own
# Name and label of an application, its priority, where to read, what it wants to be told.
KEPT: Final = frozenset({0x4F, 0x50, 0x84, 0x87, 0x88, 0x82, 0x94, 0x9F38})
DEPTH_MAX: Final = 8
ATR_KEPT_BYTES: Final = (
    4  # how it speaks, and whether it has contacts; the rest may be a serial number
)


class CardMask:
    """One card's conversation, in order. Masks a masked one into itself."""

    def __init__(self) -> None:
        self._asked = b""  # the header of the command that is answered

    def command(self, raw: bytes) -> bytes:
        if len(raw) > 1 and raw[1] != GET_RESPONSE:  # which only fetches the rest of an answer
            self._asked = raw[:4]
        if len(raw) > 1 and raw[1] == SELECT:
            return raw
        return raw[:HEADER_BYTES] + HIDDEN * len(raw[HEADER_BYTES:])

    def answer(self, raw: bytes) -> bytes:
        data, status = raw[:-2], raw[-2:]
        return self._data(data) + status if len(raw) >= 2 else HIDDEN * len(raw)

    def _data(self, data: bytes) -> bytes:
        asked = self._asked[1] if len(self._asked) > 1 else 0
        if len(data) < 2:
            return HIDDEN * len(data)
        if data[0] == TEMPLATES.get(asked):
            return _masked(data)
        if asked == GET_OPTIONS and data[0] == BARE_OPTIONS:
            return data
        if asked == READ_RECORD and data[0] == self._asked[2] and data[1] <= len(data) - 2:
            return data[:2] + HIDDEN * len(data[2:])
        return HIDDEN * len(data)


def masked_atr(atr: bytes) -> bytes:
    return atr[:ATR_KEPT_BYTES] + bytes(len(atr[ATR_KEPT_BYTES:]))


def _masked(data: bytes, depth: int = 0) -> bytes:
    """BER-TLV with its values hidden; from where it does not hold together all is hidden."""
    out, at = b"", 0
    while at < len(data):
        if data[at] in (0x00, 0xFF):  # filling between objects
            out, at = out + data[at : at + 1], at + 1
            continue
        begin, first = at, data[at]
        at += 1
        if first & 0x1F == 0x1F:
            at += 1
        tag = int.from_bytes(data[begin:at], "big")
        size = data[at] if at < len(data) else 0xFF
        at += 1
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[at : at + count], "big") if count in (1, 2) else len(data)
            at += count
        if at + size > len(data) or depth >= DEPTH_MAX:
            return out + HIDDEN * len(data[begin:])
        value = data[at : at + size]
        shown = value if tag in KEPT else HIDDEN * size
        if first & 0x20:  # it holds objects of its own
            shown = _masked(value, depth + 1)
        out, at = out + data[begin:at] + shown, at + size
    return out

"""Which bytes between host and reader are personal, for traces.

Personal is what a card says: text, photo, fingerprints, appended addresses, numbers of the card
body. Lengths, statuses, SAM id and card type stay; the checksum is mended, or stays wrong by as
much as it was. What is no frame may be a piece of one, so it is masked too.
"""

from __future__ import annotations

from typing import Final

from drivers.id_reader.protocol import (
    CARD_TYPE_OFFSET,
    FIND_BYTES,
    HEAD_BYTES,
    MAX_REPLY_LENGTH,
    MIN_REPLY_LENGTH,
    PREAMBLE,
    SAM_ID_BYTES,
    SELECT_BYTES,
    TEXT_BYTES,
    Command,
)

STATUS_BYTES: Final = 3
STAR: Final = b"*\x00"  # a text record of stars still parses
NOT_PERSONAL_BYTES: Final = frozenset({0, FIND_BYTES, SELECT_BYTES, SAM_ID_BYTES})
INNER_LENGTHS: Final[dict[int, int]] = {Command.READ_BASE: 4, Command.READ_BASE_FINGERPRINT: 6}
OF_THE_CARD: Final[frozenset[int]] = frozenset(
    {*INNER_LENGTHS, Command.READ_APPENDED_ADDRESS, Command.READ_MANAGEMENT}
)
COMMAND_AT: Final = HEAD_BYTES


class SamMask:
    """Follows one connection. `written` and `heard` answer as many bytes as they are given."""

    def __init__(self) -> None:
        self._asked = bytearray()
        self._command = 0
        self._at = 0  # bytes of the reply's frame that have passed
        self._length = 0
        self._true = 0  # checksums as they came, and as they are in the trace
        self._masked = 0

    def written(self, data: bytes) -> bytes:
        """Nothing that the host says is personal; the command tells what the reply will be."""
        self._begin()  # the host has emptied the wire: what comes now is an answer
        self._asked += data
        if len(self._asked) >= COMMAND_AT + 2:
            start = self._asked.rfind(PREAMBLE)
            if start >= 0 and len(self._asked) >= start + COMMAND_AT + 2:
                at = start + COMMAND_AT
                self._command = int.from_bytes(self._asked[at : at + 2], "big")
            del self._asked[: -(COMMAND_AT + 2)]
        return data

    def heard(self, data: bytes) -> bytes:
        return bytes(self._one(byte) for byte in data)

    def _one(self, byte: int) -> int:
        at = self._at
        self._at += 1
        if at < len(PREAMBLE):
            if byte == PREAMBLE[at]:
                return byte
            # AA AA AA AA: the last three may be the beginning; of other noise one byte at most.
            self._at = (at if at == PREAMBLE.count(PREAMBLE[0]) else 1) * (byte == PREAMBLE[0])
            return byte if self._at else 0
        if at < HEAD_BYTES:
            self._count(byte, byte)
            self._length = (self._length << 8 | byte) & 0xFFFF
            if at == HEAD_BYTES - 1 and not MIN_REPLY_LENGTH <= self._length <= MAX_REPLY_LENGTH:
                self._begin()
            return byte
        inside = at - HEAD_BYTES
        if inside == self._length - 1:
            mended = self._masked ^ self._true ^ byte
            self._begin()
            return mended
        shown = self._shown(inside, byte)
        self._count(byte, shown)
        return shown

    def _shown(self, inside: int, byte: int) -> int:
        if inside < STATUS_BYTES:
            return byte
        # An answer may come late, to a question before the last: its length tells as well.
        short = self._length - STATUS_BYTES - 1 in NOT_PERSONAL_BYTES
        if short and self._command not in OF_THE_CARD:
            return byte
        lengths = INNER_LENGTHS.get(self._command, 0)
        at = inside - STATUS_BYTES
        if at < lengths:
            return byte
        at -= lengths
        if not lengths or at >= TEXT_BYTES:
            return 0 if lengths else STAR[at % 2]
        return byte if at in (CARD_TYPE_OFFSET, CARD_TYPE_OFFSET + 1) else STAR[at % 2]

    def _count(self, byte: int, shown: int) -> None:
        self._true ^= byte
        self._masked ^= shown

    def _begin(self) -> None:
        self._at = self._length = self._true = self._masked = 0

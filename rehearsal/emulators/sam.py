"""The SAM_V module of an ID card reader, as strict as the real one. Pure: bytes in, bytes out.

Frames: AA AA AA 96 69, length (big-endian, counts what follows including the checksum), command,
checksum (XOR of everything after the preamble). Answers carry SW1 SW2 SW3; SW3 says how it went.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import Any

from rehearsal.emulators.card_records import fingerprints, photo, text_record

PREAMBLE = bytes.fromhex("AAAAAA9669")
SHORTEST, LONGEST = 3, 300  # bytes after the length field that any command has

OK, FOUND, NOTHING_THERE = 0x90, 0x9F, 0x91
BAD_CHECKSUM, BAD_LENGTH, BAD_COMMAND = 0x10, 0x11, 0x21
UNKNOWN_TYPE, READ_FAILED, NO_CARD, SELECT_FAILED = 0x40, 0x41, 0x80, 0x81

# How long the module works on a card before it answers, seconds; as measured on desktop readers.
WORK_S = {
    b"\x20\x01": 0.05,
    b"\x20\x02": 0.05,
    b"\x30\x01": 0.7,
    b"\x30\x10": 1.2,
    b"\x30\x03": 0.06,
}
BAUDS = {0: 115200, 1: 57600, 2: 38400, 3: 19200, 4: 9600}
SAM_ID = bytes.fromhex("0500 0A00 01000000 02000000 03000000".replace(" ", ""))  # made up


def frame(sw3: int, data: bytes = b"", card: bytes = bytes(2)) -> bytes:
    """An answer, with its length and checksum; `card`: what the card itself said, if it did."""
    body = card + bytes([sw3]) + data
    counted = (len(body) + 1).to_bytes(2, "big") + body
    return PREAMBLE + counted + bytes([reduce(xor, counted)])


@dataclass(frozen=True, slots=True)
class Command:
    """A whole frame that arrived with a good checksum."""

    code: bytes  # CMD PARA
    data: bytes


@dataclass(frozen=True, slots=True)
class Garbled:
    """Something that was meant to be a frame; `sw3` is what the module answers."""

    sw3: int


@dataclass(slots=True)
class Framer:
    """Cuts the byte stream into frames. What is not a frame is skipped and counted."""

    buffer: bytearray = field(default_factory=bytearray)
    skipped_bytes: int = 0

    def feed(self, data: bytes) -> list[Command | Garbled]:
        self.buffer += data
        found: list[Command | Garbled] = []
        while True:
            at = self.buffer.find(PREAMBLE)
            if at < 0:
                keep = len(PREAMBLE) - 1
                self._skip(max(0, len(self.buffer) - keep))
                return found
            self._skip(at)
            if len(self.buffer) < 7:
                return found
            length = int.from_bytes(self.buffer[5:7], "big")
            if not SHORTEST <= length <= LONGEST:
                del self.buffer[:7]
                found.append(Garbled(BAD_LENGTH))
                continue
            if len(self.buffer) < 7 + length:
                return found
            counted = bytes(self.buffer[5 : 7 + length])
            del self.buffer[: 7 + length]
            if reduce(xor, counted[:-1]) != counted[-1]:
                found.append(Garbled(BAD_CHECKSUM))
            else:
                found.append(Command(counted[2:4], counted[4:-1]))

    def silence(self) -> list[Garbled]:
        """The line has been quiet for a while: a frame that began will not be finished."""
        unfinished = self.buffer.startswith(PREAMBLE)
        self._skip(len(self.buffer))
        return [Garbled(BAD_LENGTH)] if unfinished else []

    def _skip(self, count: int) -> None:
        self.skipped_bytes += count
        del self.buffer[:count]


DATA_LENGTHS = {b"\x61\xff": 1}
READINGS = (b"\x30\x01", b"\x30\x10")
SAID_BY_CARD = (0x31, READ_FAILED, 0x47)  # with the card's own status; a lifted card has none
CARD_FAILED = b"\x6f\x00"
OF_THE_LINE = (BAD_CHECKSUM, BAD_LENGTH)  # the command did not arrive: the card is as it was


@dataclass(slots=True)
class Sam:
    """The module and the card on its plate."""

    card: dict[str, Any] | None = None
    second: bool = False  # another card lies beside it: neither can be selected
    found: bool = False
    selected: bool = False
    spent: bool = False  # read, or failed: find says no until the card is lifted and placed again
    read: bool = False
    baud: int = 115200
    sam_id: bytes = SAM_ID
    self_test: int = OK  # 0x60 or 0x66: the module refuses everything, and says so
    fail_next: list[int] = field(default_factory=list)  # of readings, or of selecting (0x81, 0x40)
    answered: dict[str, int] = field(default_factory=dict)  # command -> count, for `status`

    def place(self, card: dict[str, Any]) -> None:
        """Lay a card on the plate; raises CardError for one that cannot exist."""
        if card.get("kind") != "social":
            text_record(card)
        self.lift()
        self.card = card

    def lift(self) -> None:
        self.card = None
        self.second = False
        self.found = self.selected = self.spent = self.read = False

    def reset(self) -> None:
        """Power on: the field goes and comes, so a card that lies there can be found again."""
        self.found = self.selected = self.spent = self.read = False
        self.baud = 115200

    def work_s(self, command: Command | Garbled) -> float:
        """How long the answer takes; nothing is worked on when there is nothing to work on."""
        if isinstance(command, Garbled) or self.card is None:
            return 0.0
        if command.code == b"\x20\x01" and self.spent:
            return 0.0
        return WORK_S.get(command.code, 0.0)

    def answer(self, command: Command | Garbled) -> bytes:
        """The answer as it is at the end of the work: a card lifted meanwhile makes it fail."""
        if isinstance(command, Garbled):
            return frame(command.sw3)
        name = command.code.hex(" ")
        self.answered[name] = self.answered.get(name, 0) + 1
        handler = _HANDLERS.get(command.code)
        if command.code[0] == 0x60 and command.code[1] in BAUDS:
            handler = Sam._set_baud
        if handler is None:
            return frame(BAD_COMMAND)
        if len(command.data) != DATA_LENGTHS.get(command.code, 0):
            return frame(BAD_LENGTH)
        if self.self_test != OK:
            return frame(self.self_test)
        if self._fails_now(command):
            sw3 = self.fail_next.pop(0)
            if command.code in READINGS and sw3 not in OF_THE_LINE:
                self.selected, self.spent = False, True
            return frame(sw3, card=CARD_FAILED if sw3 in SAID_BY_CARD else bytes(2))
        return handler(self, command)

    def _fails_now(self, command: Command) -> bool:
        """A planned failure meets the command that can end so: the looks at an empty plate, and the
        finding of a card, leave it for the selecting or the reading that follows."""
        if not self.fail_next or self.card is None:
            return False
        if self.fail_next[0] == SELECT_FAILED:
            return command.code == b"\x20\x02" and self.found
        return command.code in READINGS and self.selected

    # -- one for each command ---------------------------------------------------

    def _done(self, command: Command) -> bytes:
        return frame(OK)

    def _reset(self, command: Command) -> bytes:
        self.found = self.selected = False
        return frame(OK)

    def _sam_id(self, command: Command) -> bytes:
        return frame(OK, self.sam_id)

    def _set_baud(self, command: Command) -> bytes:
        return frame(OK)  # the new speed holds after this answer; see `baud_after`

    def _find(self, command: Command) -> bytes:
        self.selected = False
        if self.card is None or self.spent:
            self.found = False
            return frame(NO_CARD)
        self.found = True
        return frame(FOUND, bytes(4))

    def _select(self, command: Command) -> bytes:
        if not self.found:
            return frame(SELECT_FAILED if self.card is None or self.spent else BAD_COMMAND)
        self.found = False
        if self.card is None or self.second:
            return frame(SELECT_FAILED)
        if self.card.get("kind") == "social":
            return frame(UNKNOWN_TYPE)
        self.selected = True
        return frame(OK, bytes(8))

    def _read_base(self, command: Command) -> bytes:
        if self.card is None or not self.selected:
            return frame(READ_FAILED)
        text, picture = text_record(self.card), photo(self.card)
        prints = b"" if command.code == b"\x30\x01" else fingerprints(self.card)
        lengths = len(text).to_bytes(2, "big") + len(picture).to_bytes(2, "big")
        if command.code == b"\x30\x10":
            lengths += len(prints).to_bytes(2, "big")
        self.selected, self.spent, self.read = False, True, True
        return frame(OK, lengths + text + picture + prints)

    def _read_new_address(self, command: Command) -> bytes:
        if self.card is None or not (self.read or self.selected):
            return frame(READ_FAILED)
        addresses = [str(line) for line in self.card.get("new_addresses", [])][:4]
        if not addresses:
            return frame(NOTHING_THERE)
        return frame(OK, b"".join(line[:35].ljust(35).encode("utf-16-le") for line in addresses))

    def _read_management(self, command: Command) -> bytes:
        if self.card is None or not (self.read or self.selected):
            return frame(READ_FAILED)
        return frame(OK, photo(self.card)[4:32])


_HANDLERS = {
    b"\x10\xff": Sam._reset,
    b"\x11\xff": Sam._done,
    b"\x12\xff": Sam._sam_id,
    b"\x20\x01": Sam._find,
    b"\x20\x02": Sam._select,
    b"\x30\x01": Sam._read_base,
    b"\x30\x10": Sam._read_base,
    b"\x30\x03": Sam._read_new_address,
    b"\x30\x05": Sam._read_management,
    b"\x61\xff": Sam._done,
}


def baud_after(command: Command | Garbled, baud: int) -> int:
    """The speed of the line once `command` has been answered."""
    if isinstance(command, Command) and command.code[0] == 0x60:
        return BAUDS.get(command.code[1], baud)
    return baud

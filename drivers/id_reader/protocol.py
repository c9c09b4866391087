"""SAM_V host protocol of resident-identity-card readers (GA/T 467): bytes <-> values, pure.

    host -> reader :  AA AA AA 96 69 | LenHi LenLo | CMD PARA [data]     | CHK
    reader -> host :  AA AA AA 96 69 | LenHi LenLo | SW1 SW2 SW3 [data]  | CHK

The length counts what follows it, the checksum included; the checksum is the XOR of all bytes
between preamble and checksum. Nothing is escaped: the preamble may occur inside data.
Tables: kiosk/data/sam_commands.csv, sam_status_codes.csv, idcard_text_layouts.csv.
"""

from __future__ import annotations

import struct
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from functools import reduce
from operator import xor
from typing import Final

from drivers.device import Fault, FaultCode
from drivers.id_reader.values import CardKind, CardRecord

PREAMBLE: Final = b"\xaa\xaa\xaa\x96\x69"
HEAD_BYTES: Final = len(PREAMBLE) + 2
MIN_REPLY_LENGTH: Final = 4  # SW1 SW2 SW3 CHK
MAX_REPLY_LENGTH: Final = 4096  # the longest known reply is 0x090A; more is a garbled length
TEXT_BYTES: Final = 256
MAX_PHOTO_BYTES: Final = 1024
MAX_FINGERPRINT_BYTES: Final = 1024
SAM_ID_BYTES: Final = 16
FIND_BYTES: Final = 4
SELECT_BYTES: Final = 8
CARD_TYPE_OFFSET: Final = 248


class Command(IntEnum):
    """CMD and PARA as one number."""

    RESET = 0x10FF
    STATUS = 0x11FF
    SAM_ID = 0x12FF
    FIND = 0x2001
    SELECT = 0x2002
    READ_BASE = 0x3001
    READ_BASE_FINGERPRINT = 0x3010
    READ_APPENDED_ADDRESS = 0x3003
    READ_MANAGEMENT = 0x3005
    SET_BAUD_115200 = 0x6000
    SET_BAUD_57600 = 0x6001
    SET_BAUD_38400 = 0x6002
    SET_BAUD_19200 = 0x6003
    SET_BAUD_9600 = 0x6004
    SET_RF_MAX_BYTES = 0x61FF


class Sw3(IntEnum):
    """What the reader says of a command."""

    OK = 0x90
    FOUND = 0x9F
    NO_SUCH_CONTENT = 0x91
    HOST_CHECKSUM = 0x10
    HOST_LENGTH = 0x11
    BAD_COMMAND = 0x21
    UNAUTHORISED = 0x23
    UNRECOGNISED = 0x24
    CARD_REJECTS_SAM = 0x31
    SAM_REJECTS_CARD = 0x32
    VERIFY = 0x33
    VERIFY_PART = 0x37
    UNKNOWN_CARD_TYPE = 0x40
    READ_FAILED = 0x41
    RANDOM_FAILED = 0x47
    SAM_SELF_TEST = 0x60
    SAM_UNAUTHORISED = 0x66
    NO_CARD = 0x80
    SELECT_FAILED = 0x81


FAULT_OF_SW3: Final[dict[Sw3, Fault]] = {
    Sw3.HOST_CHECKSUM: Fault(FaultCode.BAD_REPLY, "10 the reader got a bad checksum"),
    Sw3.HOST_LENGTH: Fault(FaultCode.BAD_REPLY, "11 the reader got a bad length"),
    Sw3.BAD_COMMAND: Fault(FaultCode.BAD_REPLY, "21 command not known or out of order"),
    Sw3.UNAUTHORISED: Fault(FaultCode.REFUSED, "23 unauthorised operation"),
    Sw3.UNRECOGNISED: Fault(FaultCode.BAD_REPLY, "24 unrecognised error"),
    Sw3.CARD_REJECTS_SAM: Fault(FaultCode.UNKNOWN_CARD, "31 card rejects the reader"),
    Sw3.SAM_REJECTS_CARD: Fault(FaultCode.UNKNOWN_CARD, "32 reader rejects the card"),
    Sw3.VERIFY: Fault(FaultCode.CARD_UNREADABLE, "33 information not verified"),
    Sw3.VERIFY_PART: Fault(FaultCode.CARD_UNREADABLE, "37 information partly not verified"),
    Sw3.UNKNOWN_CARD_TYPE: Fault(FaultCode.UNKNOWN_CARD, "40 card type not known"),
    Sw3.READ_FAILED: Fault(FaultCode.CARD_UNREADABLE, "41 reading failed"),
    Sw3.RANDOM_FAILED: Fault(FaultCode.CARD_UNREADABLE, "47 no random number from the card"),
    Sw3.SAM_SELF_TEST: Fault(FaultCode.BROKEN, "60 security module failed its self-test"),
    Sw3.SAM_UNAUTHORISED: Fault(FaultCode.BROKEN, "66 security module not authorised"),
    Sw3.NO_CARD: Fault(FaultCode.NO_CARD, "80 no card found"),
    Sw3.SELECT_FAILED: Fault(FaultCode.UNKNOWN_CARD, "81 card cannot be selected"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One frame of the reader. `sw1` and `sw2` carry the card's own status for 31, 41, 47, 81."""

    sw1: int
    sw2: int
    sw3: int
    data: bytes = field(default=b"", repr=False)

    @property
    def fault(self) -> Fault | None:
        """What it refuses, or None for one of the three successes."""
        try:
            status = Sw3(self.sw3)
        except ValueError:
            return Fault(FaultCode.BAD_REPLY, f"unknown status {self.sw3:02X}")
        return FAULT_OF_SW3.get(status)


def _checksum(data: bytes | bytearray) -> int:
    return reduce(xor, data, 0)


def encode(command: Command, data: bytes = b"") -> bytes:
    """The frame of one command."""
    body = struct.pack(">HH", len(data) + 3, command) + data
    return PREAMBLE + body + bytes([_checksum(body)])


class ReplyParser:
    """Finds frames in what a reader sends, in pieces of any size.

    It goes by the length, so a preamble inside data is data. Only after a frame has proved bad
    (its checksum, an impossible length, or nothing more came: `timed_out`) is the next preamble
    looked for, from the byte after the bad one's first. Holds at most one frame and a piece.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def within(self) -> bool:
        """Whether a frame has begun and is not whole."""
        return len(self._buffer) > 0

    def feed(self, piece: bytes) -> list[Reply | Fault]:
        """Frames that `piece` completes, oldest first; a Fault for each that is bad."""
        self._buffer += piece
        found: list[Reply | Fault] = []
        while (item := self._next()) is not None:
            found.append(item)
        return found

    def timed_out(self) -> list[Reply | Fault]:
        """Nothing more comes: give the unfinished frame up, look for another inside it."""
        if not self._buffer:
            return []
        found: list[Reply | Fault] = [Fault(FaultCode.BAD_REPLY, "frame not finished")]
        while self._buffer:
            del self._buffer[0]
            found += self.feed(b"")
        return found

    def _next(self) -> Reply | Fault | None:
        self._drop_noise()
        if len(self._buffer) < HEAD_BYTES:
            return None
        length = int.from_bytes(self._buffer[len(PREAMBLE) : HEAD_BYTES], "big")
        if not MIN_REPLY_LENGTH <= length <= MAX_REPLY_LENGTH:
            del self._buffer[0]
            return Fault(FaultCode.BAD_REPLY, "impossible length")
        end = HEAD_BYTES + length
        if len(self._buffer) < end:
            return None
        if _checksum(self._buffer[len(PREAMBLE) : end]) != 0:  # XOR with itself
            del self._buffer[0]
            return Fault(FaultCode.BAD_REPLY, "bad checksum")
        body = bytes(self._buffer[HEAD_BYTES : end - 1])
        del self._buffer[:end]
        return Reply(body[0], body[1], body[2], body[3:])

    def _drop_noise(self) -> None:
        """Leave in the buffer what begins with a preamble, or with the beginning of one."""
        at = self._buffer.find(PREAMBLE)
        if at < 0:
            at = len(self._buffer)
            for kept in range(min(len(PREAMBLE) - 1, len(self._buffer)), 0, -1):
                if self._buffer.endswith(PREAMBLE[:kept]):
                    at -= kept
                    break
        del self._buffer[:at]


def sam_id(data: bytes) -> str | Fault:
    """The security module's number as it is printed on the reader."""
    if len(data) != SAM_ID_BYTES:
        return Fault(FaultCode.BAD_REPLY, f"SAM id of {len(data)} bytes")
    a, b, c, d, e = struct.unpack("<HHIII", data)
    return f"{a:02d}.{b:02d}-{c:08d}-{d:010d}-{e:010d}"


@dataclass(frozen=True, slots=True)
class BaseInfo:
    text: bytes = field(repr=False)
    photo: bytes = field(repr=False)
    fingerprint: bytes = field(default=b"", repr=False)


def base_info(data: bytes, *, with_fingerprint: bool = False) -> BaseInfo | Fault:
    """Split a read-base reply by its inner lengths (big-endian, two, or three with fingerprint)."""
    count = 3 if with_fingerprint else 2
    if len(data) < 2 * count:
        return Fault(FaultCode.BAD_REPLY, "inner lengths missing")
    lengths = struct.unpack_from(f">{count}H", data)
    text_bytes, photo_bytes = lengths[0], lengths[1]
    fingerprint_bytes = lengths[2] if with_fingerprint else 0
    if 2 * count + sum(lengths) != len(data):
        return Fault(FaultCode.BAD_REPLY, "inner lengths do not add up")
    if (
        text_bytes != TEXT_BYTES
        or photo_bytes > MAX_PHOTO_BYTES
        or fingerprint_bytes > MAX_FINGERPRINT_BYTES
    ):
        return Fault(FaultCode.BAD_REPLY, "inner lengths out of range")
    text_at = 2 * count
    photo_at = text_at + text_bytes
    fingerprint_at = photo_at + photo_bytes
    return BaseInfo(data[text_at:photo_at], data[photo_at:fingerprint_at], data[fingerprint_at:])


# -- the 256-byte text record -------------------------------------------------

_CHECK_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS: Final = "10X98765432"  # GB 11643, ISO 7064 MOD 11-2
NO_END: Final = "长期"


def card_record(text: bytes, photo: bytes = b"") -> CardRecord | Fault:
    """Read one of the four layouts. A fault names the field that is wrong, never what it holds."""
    if len(text) != TEXT_BYTES:
        return Fault(FaultCode.BAD_REPLY, f"text record of {len(text)} bytes")
    match text[CARD_TYPE_OFFSET : CARD_TYPE_OFFSET + 2]:
        case b" \x00" | b"\x00\x00":
            return _chinese_card(CardKind.RESIDENT, text, photo)
        case b"J\x00":
            return _chinese_card(CardKind.HMT_RESIDENCE, text, photo)
        case b"I\x00":
            return _foreign_2017(text, photo)
        case b"Y\x00":
            return _foreign_2023(text, photo)
        case _:
            return Fault(FaultCode.UNKNOWN_CARD, "card type at 248 not known")


def _chinese_card(kind: CardKind, text: bytes, photo: bytes) -> CardRecord | Fault:
    resident = kind is CardKind.RESIDENT
    checked = _checked(text, _number_18(_field(text, 122, 36)), birth_at=36)
    if isinstance(checked, Fault):
        return checked
    name = _field(text, 0, 30)
    if not name:
        return Fault(FaultCode.CARD_UNREADABLE, "name is empty")
    return CardRecord(
        kind=kind,
        name=name,
        sex_code=_field(text, 30, 2),
        nation_code=_field(text, 32, 4) if resident else "",
        birth=checked.birth,
        address=_field(text, 52, 70),
        number=checked.number,
        issuer=_field(text, 158, 30),
        valid_from=checked.valid_from,
        valid_to=checked.valid_to,
        photo_wlt=photo,
        name_raw=text[0:30],
        pass_number="" if resident else _field(text, 220, 18),
    )


def _foreign_2017(text: bytes, photo: bytes) -> CardRecord | Fault:
    checked = _checked(text, _number_15(_field(text, 122, 30)), birth_at=220)
    if isinstance(checked, Fault):
        return checked
    english_name, chinese_name = _field(text, 0, 120), _field(text, 158, 30)
    if not (english_name or chinese_name):
        return Fault(FaultCode.CARD_UNREADABLE, "name is empty")
    return CardRecord(
        kind=CardKind.FOREIGN_2017,
        name=chinese_name or english_name,
        sex_code=_field(text, 120, 2),
        nation_code="",
        birth=checked.birth,
        address="",
        number=checked.number,
        issuer="",  # the card holds a code of the authority, not its name
        valid_from=checked.valid_from,
        valid_to=checked.valid_to,
        english_name=english_name,
        photo_wlt=photo,
        name_raw=text[158:188] if chinese_name else text[0:120],
        nationality=_field(text, 152, 6),
    )


def _foreign_2023(text: bytes, photo: bytes) -> CardRecord | Fault:
    checked = _checked(text, _number_18(_field(text, 122, 36)), birth_at=36)
    if isinstance(checked, Fault):
        return checked
    chinese_name = _field(text, 0, 30)
    # One name in two places: characters 1 to 35 and 36 to 46. A blank may be the 35th.
    english_name = _clean(text[52:122] + text[220:242])
    if not (english_name or chinese_name):
        return Fault(FaultCode.CARD_UNREADABLE, "name is empty")
    return CardRecord(
        kind=CardKind.FOREIGN_2023,
        name=chinese_name or english_name,
        sex_code=_field(text, 30, 2),
        nation_code="",
        birth=checked.birth,
        address="",
        number=checked.number,
        issuer="",  # not stored on this card
        valid_from=checked.valid_from,
        valid_to=checked.valid_to,
        english_name=english_name,
        photo_wlt=photo,
        name_raw=text[0:30] if chinese_name else text[52:122] + text[220:242],
        nationality=_field(text, 242, 6),
    )


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is checked on every card before it is believed."""

    number: str = field(repr=False)
    birth: date = field(repr=False)
    valid_from: date | None = field(repr=False)
    valid_to: date | None = field(repr=False)


def _checked(text: bytes, number: str | Fault, birth_at: int) -> _Checked | Fault:
    """Number and dates; the validity stands at 188 and 204 on all four layouts."""
    birth = _day(_field(text, birth_at, 16), "birth")
    valid_from = _day_or_none(_field(text, 188, 16), "valid_from")
    valid_to = _end(_field(text, 204, 16))
    if isinstance(number, Fault):
        return number
    if isinstance(birth, Fault):
        return birth
    if isinstance(valid_from, Fault):
        return valid_from
    if isinstance(valid_to, Fault):
        return valid_to
    return _Checked(number, birth, valid_from, valid_to)


def _field(text: bytes, offset: int, length: int) -> str:
    return _clean(text[offset : offset + length])


def _clean(raw: bytes) -> str:
    """UTF-16LE without its padding. Private-use characters stay; what cannot be text at all
    (half a surrogate pair, a control character) is shown as U+FFFD, for nobody is refused for it.
    """
    text = raw.decode("utf-16-le", errors="replace").rstrip(" \x00")
    return "".join("�" if unicodedata.category(c) == "Cc" else c for c in text).strip(" ")


def _day(text: str, name: str) -> date | Fault:
    fault = Fault(FaultCode.CARD_UNREADABLE, f"{name} is not a date")
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return fault
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return fault


def _day_or_none(text: str, name: str) -> date | Fault | None:
    return _day(text, name) if text else None


def _end(text: str) -> date | Fault | None:
    """Blank is not 长期: a card without an end would otherwise never expire."""
    return None if text == NO_END else _day(text, "valid_to")


def _number_18(text: str) -> str | Fault:
    """17 digits and their check digit; a small x is the same as X."""
    fault = Fault(FaultCode.CARD_UNREADABLE, "number check digit")
    number = text.upper()
    if len(number) != 18 or not number.isascii() or not number[:17].isdigit():
        return fault
    total = sum(int(d) * w for d, w in zip(number[:17], _CHECK_WEIGHTS, strict=True))
    return number if _CHECK_DIGITS[total % 11] == number[17] else fault


def _number_15(text: str) -> str | Fault:
    """Three letters, eleven digits, one check digit: weights 7 3 1 repeating, A=10 ... Z=35."""
    fault = Fault(FaultCode.CARD_UNREADABLE, "number check digit")
    if len(text) != 15 or not text.isascii() or not text[3:].isdigit():
        return fault
    if not (text[:3].isalpha() and text[:3].isupper()):
        return fault
    total = sum(int(c, 36) * (7, 3, 1)[i % 3] for i, c in enumerate(text[:14]))
    return text if total % 10 == int(text[14]) else fault

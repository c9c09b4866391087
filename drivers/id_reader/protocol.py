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
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from functools import reduce
from operator import xor
from typing import Final, assert_never

from drivers.device import Fault, FaultCode
from drivers.id_reader.values import (
    PROVINCES,
    CardKind,
    CardRecord,
    CardWarning,
    number_check_digit,
)

PREAMBLE: Final = b"\xaa\xaa\xaa\x96\x69"
HEAD_BYTES: Final = len(PREAMBLE) + 2
MIN_REPLY_LENGTH: Final = 4  # SW1 SW2 SW3 CHK
MAX_REPLY_LENGTH: Final = 4096  # the longest known reply is 0x090A; more is a garbled length
TEXT_BYTES: Final = 256
PHOTO_BYTES: Final = 1024
MAX_PHOTO_BYTES: Final = 3072  # what more than the rule a module gives is kept as it is
MAX_FINGERPRINT_BYTES: Final = 1024
SAM_ID_BYTES: Final = 16
MAX_APPENDED_BYTES: Final = 280  # four addresses of 35 characters
APPENDED_BYTES: Final = 70
MANAGEMENT_BYTES: Final = 28
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
    Sw3.UNAUTHORISED: Fault(FaultCode.NOT_AUTHORISED, "23 unauthorised operation"),
    Sw3.UNRECOGNISED: Fault(FaultCode.BAD_REPLY, "24 unrecognised error"),
    Sw3.CARD_REJECTS_SAM: Fault(FaultCode.UNKNOWN_CARD, "31 card rejects the reader"),
    Sw3.SAM_REJECTS_CARD: Fault(FaultCode.UNKNOWN_CARD, "32 reader rejects the card"),
    Sw3.VERIFY: Fault(FaultCode.CARD_UNREADABLE, "33 information not verified"),
    Sw3.VERIFY_PART: Fault(FaultCode.CARD_UNREADABLE, "37 information partly not verified"),
    Sw3.UNKNOWN_CARD_TYPE: Fault(FaultCode.UNKNOWN_CARD, "40 card type not known"),
    Sw3.READ_FAILED: Fault(FaultCode.CARD_UNREADABLE, "41 reading failed"),
    Sw3.RANDOM_FAILED: Fault(FaultCode.CARD_UNREADABLE, "47 no random number from the card"),
    Sw3.SAM_SELF_TEST: Fault(FaultCode.NOT_AUTHORISED, "60 security module failed its self-test"),
    Sw3.SAM_UNAUTHORISED: Fault(FaultCode.NOT_AUTHORISED, "66 security module not authorised"),
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
    def from_card(self) -> bool:
        """Whether the card itself said something: it was there then."""
        return (self.sw1, self.sw2) != (0, 0)

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

    @property
    def announced(self) -> int | None:
        """The length that the frame at hand says it has; None until it has said it."""
        if len(self._buffer) < HEAD_BYTES:
            return None
        return int.from_bytes(self._buffer[len(PREAMBLE) : HEAD_BYTES], "big")

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


_BASE_BYTES: Final = 4 + TEXT_BYTES + PHOTO_BYTES  # two inner lengths, text, photo
_DATA_BYTES: Final[dict[Command, Container[int]]] = {
    Command.SAM_ID: (SAM_ID_BYTES,),
    Command.FIND: (FIND_BYTES,),
    Command.SELECT: (SELECT_BYTES,),
    Command.READ_BASE: (_BASE_BYTES,),
    Command.READ_BASE_FINGERPRINT: (_BASE_BYTES + 2, _BASE_BYTES + 514, _BASE_BYTES + 1026),
    Command.READ_APPENDED_ADDRESS: range(MAX_APPENDED_BYTES + 1),
    Command.READ_MANAGEMENT: (MANAGEMENT_BYTES,),
}


def is_usual_length(command: Command, length: int) -> bool:
    """Whether an answer to `command` is so long as a rule, as frames count it. A refusal has no data."""
    data = length - MIN_REPLY_LENGTH
    return data == 0 or data in _DATA_BYTES.get(command, ())


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


def appended_addresses(data: bytes) -> tuple[str, ...] | Fault:
    """The up to four appended addresses (70 bytes each), the newest last; blank ones are none."""
    if len(data) > MAX_APPENDED_BYTES or len(data) % 2:
        return Fault(FaultCode.BAD_REPLY, f"appended address of {len(data)} bytes")
    places = range(0, len(data), APPENDED_BYTES)
    found = (_clean(data[at : at + APPENDED_BYTES]) for at in places)
    return tuple(address for address in found if address)


@dataclass(frozen=True, slots=True)
class Management:
    """Numbers of the card body, not of the person: IIN, SN and DN, as they were read."""

    raw: bytes = field(repr=False)


def management(data: bytes) -> Management | Fault:
    if len(data) != MANAGEMENT_BYTES:
        return Fault(FaultCode.BAD_REPLY, f"management info of {len(data)} bytes")
    return Management(data)


# -- the 256-byte text record -------------------------------------------------

_SEXES: Final = frozenset({"0", "1", "2", "9"})  # GB/T 2261.1
_LAST_NATION: Final = 56  # GB/T 3304: 01 to 56, and
_OTHER_NATIONS: Final = frozenset({"97", "98"})  # others; foreigners of Chinese descent
NO_END: Final = "长期"


def card_record(
    text: bytes,
    photo: bytes = b"",
    fingerprint: bytes = b"",
    addresses: tuple[str, ...] | None = (),
) -> CardRecord | Fault:
    """Read one of the four layouts. What is odd becomes a warning; only what is no card at all, a
    wrong length or an unknown type, is a fault. `addresses` are the appended ones; None: not read.
    """
    if len(text) != TEXT_BYTES:
        return Fault(FaultCode.BAD_REPLY, f"text record of {len(text)} bytes")
    match text[CARD_TYPE_OFFSET : CARD_TYPE_OFFSET + 2]:
        case b" \x00" | b"\x00\x00":
            fields = _chinese_card(CardKind.RESIDENT, text)
        case b"J\x00":
            fields = _chinese_card(CardKind.HMT_RESIDENCE, text)
        case b"I\x00":
            fields = _foreign_2017(text)
        case b"Y\x00":
            fields = _foreign_2023(text)
        case _:
            return Fault(FaultCode.UNKNOWN_CARD, "card type at 248 not known")
    doubts: list[CardWarning] = []
    number = fields.number.upper()  # a small x is the same as X
    birth = _day(fields.birth)
    valid_from = _day(fields.valid_from)
    valid_to = None if fields.valid_to == NO_END else _day(fields.valid_to)
    if not (fields.name or fields.english_name):
        doubts.append(CardWarning.NAME_MISSING)
    if _has_odd_glyphs(fields.name):
        doubts.append(CardWarning.NAME_GLYPHS)
    if fields.sex_code not in _SEXES:
        doubts.append(CardWarning.SEX_UNKNOWN)
    if fields.kind is CardKind.RESIDENT and not _is_nation(fields.nation_code):
        doubts.append(CardWarning.NATION_UNKNOWN)
    doubts += _number_doubts(fields.kind, number, birth)
    if birth is None:
        doubts.append(CardWarning.BIRTH_NO_DATE)
    if valid_from is None and fields.valid_from:
        doubts.append(CardWarning.VALID_FROM_NO_DATE)
    if valid_to is None and fields.valid_to != NO_END:
        doubts.append(CardWarning.VALID_TO_NO_DATE)  # blank is not 长期: it would never expire
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        doubts.append(CardWarning.VALID_ENDS_BEFORE_IT_BEGINS)
    if addresses is None:
        doubts.append(CardWarning.APPENDED_ADDRESS_UNREAD)
    return CardRecord(
        kind=fields.kind,
        name=fields.name or fields.english_name,
        sex_code=fields.sex_code,
        nation_code=fields.nation_code,
        birth=birth,
        address=fields.address,
        number=number,
        issuer=fields.issuer,
        valid_from=valid_from,
        valid_to=valid_to,
        english_name=fields.english_name,
        photo_wlt=photo,
        name_raw=fields.name_raw,
        nationality=fields.nationality,
        pass_number=fields.pass_number,
        appended_address=addresses[-1] if addresses else "",
        appended_addresses=addresses or (),
        fingerprint=fingerprint,
        warnings=tuple(doubts),
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    """What stands in a record, as text."""

    kind: CardKind
    name: str = field(repr=False)
    name_raw: bytes = field(repr=False)
    sex_code: str = field(repr=False)
    birth: str = field(repr=False)
    number: str = field(repr=False)
    valid_from: str = field(repr=False)
    valid_to: str = field(repr=False)
    nation_code: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    issuer: str = field(default="", repr=False)
    english_name: str = field(default="", repr=False)
    nationality: str = field(default="", repr=False)
    pass_number: str = field(default="", repr=False)


def _chinese_card(kind: CardKind, text: bytes) -> _Fields:
    resident = kind is CardKind.RESIDENT
    return _Fields(
        kind=kind,
        name=_field(text, 0, 30),
        name_raw=text[0:30],
        sex_code=_field(text, 30, 2),
        nation_code=_field(text, 32, 4) if resident else "",
        birth=_field(text, 36, 16),
        address=_field(text, 52, 70),
        number=_field(text, 122, 36),
        issuer=_field(text, 158, 30),
        valid_from=_field(text, 188, 16),
        valid_to=_field(text, 204, 16),
        pass_number="" if resident else _field(text, 220, 18),
    )


def _foreign_2017(text: bytes) -> _Fields:
    """The card holds a code of the authority, not its name."""
    chinese_name = _field(text, 158, 30)
    return _Fields(
        kind=CardKind.FOREIGN_2017,
        name=chinese_name,
        name_raw=text[158:188] if chinese_name else text[0:120],
        english_name=_field(text, 0, 120),
        sex_code=_field(text, 120, 2),
        number=_field(text, 122, 30),
        nationality=_field(text, 152, 6),
        valid_from=_field(text, 188, 16),
        valid_to=_field(text, 204, 16),
        birth=_field(text, 220, 16),
    )


def _foreign_2023(text: bytes) -> _Fields:
    """Its English name stands in two places: characters 1 to 35 and 36 to 46; a blank may be the
    35th. The issuer is not stored on this card."""
    chinese_name = _field(text, 0, 30)
    english_name = text[52:122] + text[220:242]
    return _Fields(
        kind=CardKind.FOREIGN_2023,
        name=chinese_name,
        name_raw=text[0:30] if chinese_name else english_name,
        english_name=_clean(english_name),
        sex_code=_field(text, 30, 2),
        birth=_field(text, 36, 16),
        number=_field(text, 122, 36),
        valid_from=_field(text, 188, 16),
        valid_to=_field(text, 204, 16),
        nationality=_field(text, 242, 6),
    )


def _field(text: bytes, offset: int, length: int) -> str:
    return _clean(text[offset : offset + length])


def _clean(raw: bytes) -> str:
    """UTF-16LE without its padding. Private-use characters stay; what cannot be text at all
    (half a surrogate pair, a control character) is shown as U+FFFD, for nobody is refused for it.
    """
    text = raw.decode("utf-16-le", errors="replace").rstrip(" \x00")
    return "".join("\ufffd" if unicodedata.category(c) == "Cc" else c for c in text).strip(" ")


def _has_odd_glyphs(name: str) -> bool:
    """Private-use characters, unassigned ones, or what was no text: no font can be relied on."""
    return any(unicodedata.category(c) in ("Co", "Cn") or c == "\ufffd" for c in name)


def _is_nation(code: str) -> bool:
    if not (len(code) == 2 and code.isascii() and code.isdigit()):
        return False
    return 1 <= int(code) <= _LAST_NATION or code in _OTHER_NATIONS


def _day(text: str) -> date | None:
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _number_doubts(kind: CardKind, number: str, birth: date | None) -> list[CardWarning]:
    match kind:
        case CardKind.FOREIGN_2017:
            return _doubts_of_15(number)
        case CardKind.RESIDENT | CardKind.HMT_RESIDENCE:
            return _doubts_of_18(number, birth, PROVINCES)
        case CardKind.FOREIGN_2023:
            return _doubts_of_18(number, birth, None)
        case _:
            assert_never(kind)


def _doubts_of_18(
    number: str, birth: date | None, regions: frozenset[str] | None
) -> list[CardWarning]:
    """17 digits and their check digit. Only the first two of the region are looked at: the code is
    that of first registration and may be abolished. A foreigner's begins with 9 (`regions` None).
    """
    if len(number) != 18 or not number.isascii() or not number[:17].isdigit():
        return [CardWarning.NUMBER_FORM]
    if _day(number[6:14]) is None:
        return [CardWarning.NUMBER_FORM]
    doubts = []
    if number_check_digit(number[:17]) != number[17]:
        doubts.append(CardWarning.NUMBER_CHECK_DIGIT)
    if (number[:2] not in regions) if regions is not None else (number[0] != "9"):
        doubts.append(CardWarning.NUMBER_REGION)
    if birth is not None and number[6:14] != f"{birth:%Y%m%d}":
        doubts.append(CardWarning.NUMBER_BIRTH)
    return doubts


def _doubts_of_15(number: str) -> list[CardWarning]:
    """Three letters, eleven digits, one check digit: weights 7 3 1 repeating, A=10 ... Z=35."""
    if len(number) != 15 or not number.isascii() or not number[3:].isdigit():
        return [CardWarning.NUMBER_FORM]
    if not (number[:3].isalpha() and number[:3].isupper()):
        return [CardWarning.NUMBER_FORM]
    total = sum(int(c, 36) * (7, 3, 1)[i % 3] for i, c in enumerate(number[:14]))
    return [] if total % 10 == int(number[14]) else [CardWarning.NUMBER_CHECK_DIGIT]

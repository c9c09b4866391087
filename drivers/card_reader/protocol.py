"""Smart cards: APDUs, their T=0 exchange, TLV, records of social cards, masked numbers. Pure.

Sources: ISO 7816-3 and -4 (APDUs, 61xx, 6Cxx), PC/SC part 3 (contactless UID), EMV book 1 and 3
(PSE, PPSE, AFL), LD/T 32 and the field's table of EF05/EF06 (`kiosk/data/ssse_records.csv`).

A conversation is a script: a generator that yields a command and is sent the card's answer. So
it can be tested without a card, and whoever runs it decides how long it may take.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeVar

from drivers.card_reader.values import (
    BankCard,
    CardAnswer,
    Coding,
    ContactlessTag,
    RecordPlace,
    SmartCard,
    SocialCard,
    SocialField,
    SocialLayout,
)
from drivers.device import Fault, FaultCode

DONE: Final = 0x9000
SELECT_PSE: Final = b"1PAY.SYS.DDF01"
SELECT_PPSE: Final = b"2PAY.SYS.DDF01"
GET_UID: Final = bytes.fromhex("FFCA0000")
MAX_COMMAND_DATA_BYTES: Final = 255  # short APDUs
MAX_ANSWER_BYTES: Final = 65536  # a card that never ends its answer is no card
MAX_ROUNDS: Final = 300  # 65,536 bytes in pieces of 255, and a few corrections
MAX_APPLICATIONS: Final = 4  # a bank card has one or two
MAX_BANK_RECORDS: Final = 12
MAX_TLV_DEPTH: Final = 8
MAX_PDOL_BYTES: Final = 252
SHOWN_DIGITS: Final = 4
SHORTEST_PAN, LONGEST_PAN = 12, 19  # ISO 7812
SELECT_FILE_HEADERS: Final = (bytes.fromhex("00A40200"), bytes.fromhex("00A40000"))
READ_RECORD_P2: Final = (0x00, 0x04)  # cards of some regions want the second
FILL: Final = b"\x00\x20\xff"
NEEDED: Final = (SocialField.ID_NUMBER, SocialField.NAME)
ATR_CONTACTLESS_HISTORY: Final = b"\x80\x01"  # PC/SC part 3: 3B 8n 80 01 …
EARLIEST_YEAR: Final = 1850  # before it a date is a misread

R = TypeVar("R")
Exchange = Generator[bytes, bytes, CardAnswer | Fault]


@dataclass(frozen=True, slots=True)
class Apdu:
    """One command. `expected`: bytes of answer that are expected (0: up to 256), None: none."""

    header: bytes  # CLA INS P1 P2
    data: bytes = field(default=b"", repr=False)
    expected: int | None = None


Script = Generator[Apdu, CardAnswer, R]


def choose_reader(wanted: str, names: tuple[str, ...]) -> str | None:
    """The reader meant: that name, or the first that begins with it.

    PC/SC adds two numbers that may change when a reader is plugged in again.
    """
    if wanted in names:
        return wanted
    return next((name for name in sorted(names) if name.startswith(wanted)), None)


def is_contactless(atr: bytes) -> bool:
    """Whether PC/SC made this ATR up for a card without contacts."""
    return len(atr) >= 4 and atr[0] == 0x3B and atr[1] & 0xF0 == 0x80 and atr[2] == 0x80


# -- one command, its answer --------------------------------------------------


def parse_command(raw: bytes) -> Apdu | Fault:
    """A short command APDU as somebody else wrote it (the hub's script)."""
    if len(raw) < 4:
        return Fault(FaultCode.BAD_INPUT, "a command has four bytes at least")
    header, body = raw[:4], raw[4:]
    if not body:
        return Apdu(header)
    if len(body) == 1:
        return Apdu(header, expected=body[0])
    size = body[0]
    if size == 0 or len(body) not in (1 + size, 2 + size):
        return Fault(FaultCode.BAD_INPUT, "the command's length is wrong")
    return Apdu(header, body[1 : 1 + size], body[1 + size] if len(body) == 2 + size else None)


def encode(apdu: Apdu, *, t0: bool) -> bytes:
    """The bytes of a command. Over T=0 one that has data cannot say what it expects."""
    assert len(apdu.header) == 4 and len(apdu.data) <= MAX_COMMAND_DATA_BYTES  # noqa: S101 - ours
    raw = apdu.header
    if apdu.data:
        raw += bytes([len(apdu.data)]) + apdu.data
        if apdu.expected is not None and not t0:
            raw += bytes([apdu.expected])
        return raw
    if apdu.expected is not None:
        return raw + bytes([apdu.expected])
    return raw + b"\x00" if t0 else raw


def exchange(apdu: Apdu, *, t0: bool) -> Exchange:
    """One command with all that belongs to it: 61xx is fetched, 6Cxx asked again, once each time.

    Yields what goes to the card, is sent what it said, returns the whole answer.
    """
    collected = bytearray()
    now, corrected = apdu, False
    for _ in range(MAX_ROUNDS):
        raw = yield encode(now, t0=t0)
        if len(raw) < 2:
            return Fault(FaultCode.BAD_REPLY, "an answer without a status word")
        data, sw1, sw2 = raw[:-2], raw[-2], raw[-1]
        if sw1 == 0x6C and not corrected:
            now, corrected = replace(now, expected=sw2), True
            continue
        collected += data
        if len(collected) > MAX_ANSWER_BYTES:
            return Fault(FaultCode.BAD_REPLY, "the answer is too long")
        if sw1 != 0x61:
            return CardAnswer(bytes(collected), sw1 << 8 | sw2)
        now, corrected = Apdu(b"\x00\xc0\x00\x00", expected=sw2), False
    return Fault(FaultCode.BAD_REPLY, "the answer has no end")


# -- TLV ----------------------------------------------------------------------


def objects(data: bytes, depth: int = 0) -> Iterator[tuple[int, bytes]]:
    """Every BER-TLV object, outer before inner; ends where the data does not hold together."""
    at = 0
    while at < len(data) and depth < MAX_TLV_DEPTH:
        if data[at] in (0x00, 0xFF):  # filling between objects
            at += 1
            continue
        first = data[at]
        tag, at = first, at + 1
        if first & 0x1F == 0x1F:
            while at < len(data):
                tag = tag << 8 | data[at]
                at += 1
                if not data[at - 1] & 0x80:
                    break
                if tag > 0xFFFFFF:
                    return
        if at >= len(data):
            return
        size, at = data[at], at + 1
        if size & 0x80:
            count = size & 0x7F
            if count == 0 or count > 2 or at + count > len(data):
                return
            size, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + size > len(data):
            return
        value = data[at : at + size]
        at += size
        yield tag, value
        if first & 0x20:
            yield from objects(value, depth + 1)


def first_object(data: bytes, tag: int) -> bytes | None:
    return next((value for found, value in objects(data) if found == tag), None)


# -- values -------------------------------------------------------------------


def digits(raw: bytes) -> str | None:
    """BCD, filled with F on the right; None if it is not."""
    text = raw.hex().upper().rstrip("F")
    return text if (text.isascii() and text.isdecimal()) or not text else None


def bcd_date(raw: bytes) -> date | None:
    """YYYYMMDD in BCD; None where there is none, or no such day."""
    text = digits(raw)
    if text is None or len(text) != 8 or int(text[:4]) < EARLIEST_YEAR:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def blank(raw: bytes) -> bool:
    """Whether nothing was ever written there."""
    return not raw.strip(b"\x00\x20\xff")


def text_of(raw: bytes) -> tuple[str, bool]:
    """GBK without its filling, and whether every byte of it was understood."""
    kept = raw.rstrip(FILL)
    try:
        return kept.decode("gb18030").strip(), True
    except UnicodeDecodeError:
        return kept.decode("gb18030", "replace").strip(), False


def masked(number: str) -> str:
    """All but the last four digits as stars; nothing at all of what is no card number."""
    if not SHORTEST_PAN <= len(number) <= LONGEST_PAN or not number.isdecimal():
        return ""
    return "*" * (len(number) - SHOWN_DIGITS) + number[-SHOWN_DIGITS:]


def masked_number_in(data: bytes) -> str:
    """The masked card number in an answer of a bank card (5A, or track 2 in 57); "" without one."""
    number = first_object(data, 0x5A)
    if number is not None:
        return masked(number.hex().upper().rstrip("F"))
    track = first_object(data, 0x57)
    if track is not None:
        return masked(track.hex().upper().partition("D")[0])
    return ""


# -- scripts ------------------------------------------------------------------


def identify(layout: SocialLayout, atr: bytes) -> Script[SmartCard | Fault]:
    """What card is this? Social cards first: those of the third generation are bank cards too."""
    social = yield from read_social_card(layout)
    if social is not None:
        return social
    bank = yield from read_bank_card(contactless=is_contactless(atr))
    if bank is not None:
        return bank
    if is_contactless(atr):
        answer = yield Apdu(GET_UID, expected=0)
        if answer.status_word == DONE and 4 <= len(answer.data) <= 10:
            return ContactlessTag(answer.data.hex().upper())
    return Fault(FaultCode.UNKNOWN_CARD, "no application that is known here")


def read_social_card(layout: SocialLayout) -> Script[SocialCard | Fault | None]:
    """The fields of EF05 and EF06. None: not a social card. A Fault: one that cannot be read."""
    answer = yield Apdu(b"\x00\xa4\x04\x00", layout.application, 0)
    if answer.status_word in (0x6283, 0x6284):
        return Fault(FaultCode.REFUSED, "the card is blocked")
    if answer.status_word != DONE:
        return None
    values: dict[SocialField, bytes] = {}
    refused = 0
    select: tuple[bytes, ...] = SELECT_FILE_HEADERS
    read_p2: tuple[int, ...] = READ_RECORD_P2
    for file in sorted({place.file for place in layout.places.values()}):
        selected = False
        for header in select:
            answer = yield Apdu(header, file.to_bytes(2, "big"), 0)
            if answer.status_word == DONE:
                select, selected = (header,), True  # what this card wants, it wants always
                break
            refused = answer.status_word
        if not selected:
            continue
        for name, place in layout.places.items():
            if place.file != file:
                continue
            for p2 in read_p2:
                header = bytes([0x00, 0xB2, place.record, p2])
                answer = yield Apdu(header, expected=(place.length + 2) & 0xFF)
                if answer.status_word not in (0x6A86, 0x6B00):
                    break
            if answer.status_word != DONE:
                refused = answer.status_word
                continue
            read_p2 = (p2,)
            value = record_value(answer.data, place)
            if value is not None:
                values[name] = value
    return social_card(layout, values, refused)


def record_value(data: bytes, place: RecordPlace) -> bytes | None:
    """The value in a record: tag, length, value, or bare where a region writes it so."""
    if len(data) >= 2 and data[0] == place.record and data[1] <= len(data) - 2:
        return data[2 : 2 + data[1]]
    return data if len(data) == place.length else None


def social_card(
    layout: SocialLayout, values: dict[SocialField, bytes], refused: int = 0
) -> SocialCard | Fault:
    """A card from the values of its records; a Fault without a name or a number."""
    warnings: list[str] = []
    texts: dict[SocialField, str] = {}
    dates: dict[SocialField, date | None] = {}
    for name, place in layout.places.items():
        raw = values.get(name)
        if raw is None or blank(raw):
            if raw is None:
                warnings.append(f"missing:{name}")
            continue
        match place.coding:
            case Coding.DATE:
                day = bcd_date(raw)
                dates[name] = day
                understood = day is not None or not raw.strip(b"\x00")
            case Coding.DIGITS:
                number = digits(raw)
                texts[name] = number or ""
                understood = number is not None
            case Coding.HEX:
                texts[name], understood = raw.hex().upper(), True
            case Coding.TEXT:
                texts[name], understood = text_of(raw)
        if not understood:
            warnings.append(f"odd:{name}")
    for name in NEEDED:
        if not texts.get(name):
            why = f", it answers {refused:04X}" if refused else ""
            return Fault(FaultCode.CARD_UNREADABLE, f"the card does not give its {name}{why}")
    return SocialCard(
        card_id=texts.get(SocialField.CARD_ID, ""),
        card_class=texts.get(SocialField.CARD_CLASS, ""),
        version=texts.get(SocialField.VERSION, ""),
        issuer_code=texts.get(SocialField.ISSUER_CODE, ""),
        issued=dates.get(SocialField.ISSUED),
        valid_to=dates.get(SocialField.VALID_TO),
        card_number=texts.get(SocialField.CARD_NUMBER, ""),
        id_number=texts.get(SocialField.ID_NUMBER, ""),
        name=texts.get(SocialField.NAME, ""),
        name_raw=values.get(SocialField.NAME, b"").rstrip(FILL),
        sex_code=texts.get(SocialField.SEX_CODE, ""),
        nation_code=texts.get(SocialField.NATION_CODE, ""),
        birthplace_code=texts.get(SocialField.BIRTHPLACE_CODE, ""),
        birth=dates.get(SocialField.BIRTH),
        warnings=tuple(warnings),
    )


def read_bank_card(*, contactless: bool) -> Script[BankCard | None]:
    """A bank card's masked number and label. None: not a bank card."""
    applications = yield from _bank_applications(SELECT_PPSE if contactless else SELECT_PSE)
    if applications is None:
        return None
    label = ""
    for application in applications[:MAX_APPLICATIONS]:
        answer = yield Apdu(b"\x00\xa4\x04\x00", application, 0)
        if answer.status_word != DONE:
            continue
        shown = first_object(answer.data, 0x50)
        label = label or (_label(shown) if shown else "")
        number = yield from _bank_number(answer.data)
        if number:
            return BankCard(number, label)
    return BankCard("", label)


def _bank_applications(directory: bytes) -> Script[list[bytes] | None]:
    answer = yield Apdu(b"\x00\xa4\x04\x00", directory, 0)
    if answer.status_word != DONE:
        return None
    found = _identifiers(answer.data)
    short_id = first_object(answer.data, 0x88)
    if not found and short_id:
        for record in range(1, MAX_APPLICATIONS + 1):
            answer = yield Apdu(bytes([0x00, 0xB2, record, (short_id[0] & 0x1F) << 3 | 4]), b"", 0)
            if answer.status_word != DONE:
                break
            found += _identifiers(answer.data)
    return found


def _identifiers(data: bytes) -> list[bytes]:
    return [value for tag, value in objects(data) if tag == 0x4F and 5 <= len(value) <= 16]


def _label(raw: bytes) -> str:
    text = raw.decode("ascii", "replace")
    return "".join(letter for letter in text if letter.isascii() and letter.isprintable())[:16]


def _bank_number(selected: bytes) -> Script[str]:
    """Begin a transaction without ever finishing it, and read the records it names."""
    asked = _asked_length(first_object(selected, 0x9F38) or b"")
    options = bytes([0x83, asked]) + bytes(asked)
    answer = yield Apdu(b"\x80\xa8\x00\x00", options, 0)
    places: list[tuple[int, int]] = []
    if answer.status_word == DONE:
        number = masked_number_in(answer.data)
        if number:
            return number
        places = _record_places(answer.data)
    for record, p2 in (places or [(1, 0x0C), (1, 0x14), (2, 0x0C)])[:MAX_BANK_RECORDS]:
        answer = yield Apdu(bytes([0x00, 0xB2, record, p2]), b"", 0)
        number = masked_number_in(answer.data) if answer.status_word == DONE else ""
        if number:
            return number
    return ""


def _asked_length(pdol: bytes) -> int:
    """How many bytes a card asks for; zeros will do for a look at its number."""
    total, at = 0, 0
    while at < len(pdol):
        if pdol[at] & 0x1F == 0x1F:
            at += 1
            while at < len(pdol) and pdol[at] & 0x80:
                at += 1
        at += 1
        if at < len(pdol):
            total += pdol[at]
        at += 1
    return min(total, MAX_PDOL_BYTES)


def _record_places(answer: bytes) -> list[tuple[int, int]]:
    """(record, P2) of each record that the application file locator names."""
    bare = first_object(answer, 0x80)
    locator = bare[2:] if bare is not None else first_object(answer, 0x94) or b""
    places = []
    for at in range(0, len(locator) - 3, 4):
        file, first, last = locator[at] & 0xF8, locator[at + 1], locator[at + 2]
        places += [(record, file | 4) for record in range(first, min(last, first + 8) + 1)]
    return places

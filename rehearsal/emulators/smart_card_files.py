"""What is stored on smart cards, and how a card answers: social security, bank and bare ones.

Pure: a command in, an answer out. As strict as a card: case 4 over T=0 gives 61xx, a wrong
length 6Cxx, a file that is not selected 6986. Written from the tables of the field, apart from
the terminal's own decoder. Everything on these cards is made up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SSSE_AID = b"sx1.sh." + "社会保障".encode("gbk")
OK, WRONG_LENGTH, NOT_FOUND = b"\x90\x00", b"\x67\x00", b"\x6a\x82"
NO_RECORD, NO_FILE_SELECTED, BAD_INS = b"\x6a\x83", b"\x69\x86", b"\x6d\x00"
BAD_P1P2, NOT_ALLOWED, BLOCKED, BAD_DATA = b"\x6a\x86", b"\x69\x82", b"\x69\x83", b"\x6a\x80"
PIN_TRIES = 6

# file, record, length, how it is written
SOCIAL_FIELDS = {
    "card_id": ("EF05", 0x01, 16, "bcd"),
    "card_class": ("EF05", 0x02, 1, "text"),
    "version": ("EF05", 0x03, 4, "text"),
    "issuer_code": ("EF05", 0x04, 12, "bcd"),
    "issued": ("EF05", 0x05, 4, "bcd"),
    "valid_to": ("EF05", 0x06, 4, "bcd"),
    "card_number": ("EF05", 0x07, 9, "text"),
    "id_number": ("EF06", 0x08, 18, "text"),
    "name": ("EF06", 0x09, 30, "text"),
    "sex_code": ("EF06", 0x0A, 1, "text"),
    "nation_code": ("EF06", 0x0B, 1, "bcd"),
    "birthplace_code": ("EF06", 0x0C, 3, "bcd"),
    "birth": ("EF06", 0x0D, 4, "bcd"),
}


class CardError(ValueError):
    """A card that cannot exist: a field is too long or the kind unknown."""


def record(how: str, length: int, text: str, fill: bytes) -> bytes:
    """A value as the card keeps it: cn filled with F on the right, text with `fill`."""
    if how == "bcd":
        digits = text.replace("-", "")
        if len(digits) > 2 * length:
            raise CardError(f"{len(digits)} digits do not fit into {length} bytes")
        return bytes.fromhex(digits.ljust(2 * length, "F"))
    raw = text.encode("gb18030")
    if len(raw) > length:
        raise CardError(f"{len(raw)} bytes do not fit into {length}")
    return raw + fill * (length - len(raw))


def tlv(tag: str, *values: bytes) -> bytes:
    """One BER-TLV object of a tag in hexadecimal."""
    value = b"".join(values)
    size = bytes([len(value)]) if len(value) < 0x80 else bytes([0x81, len(value)])
    return bytes.fromhex(tag) + size + value


@dataclass(slots=True)
class Card:
    """One card in a slot. `t0`: it speaks T=0, and has its answers fetched."""

    kind: str = "social"
    t0: bool = True
    atr: bytes = b""
    files: dict[str, dict[int, bytes]] = field(default_factory=dict)  # file -> record -> value
    aid: bytes = SSSE_AID
    needs_p2: int = 0x00  # READ RECORD's P2 as this region's cards want it
    select_p1: int = 0x02  # SELECT EF's P1
    pan: str = ""
    uid: bytes = b""
    pin: str = "123456"
    pin_tries: int = PIN_TRIES
    reset_key: bytes = b""
    selected: str = ""
    here: bytes = b""  # the application that is selected
    waiting: bytes = b""  # what GET RESPONSE will fetch
    seen: list[bytes] = field(default_factory=list)  # headers of the commands, without their data
    challenge: bytes = b""

    def reset(self) -> None:
        self.selected, self.here, self.waiting, self.challenge = "", b"", b"", b""

    def answer(self, command: bytes) -> bytes:
        """The answer to one command APDU, status word included."""
        if len(command) < 4:
            return WRONG_LENGTH
        self.seen.append(command[:4])
        if self.kind == "uid":
            return self.uid + OK if command == bytes.fromhex("FFCA000000") else BAD_INS
        if self.kind == "blank":
            return BAD_INS
        if command[1] == 0xC0:
            return self._fetch(command)
        self.waiting = b""
        head, body = command[:4], command[4:]
        match head[0], head[1]:
            case 0x00, 0xA4:
                return self._select(head, body)
            case 0x00, 0xB2:
                return self._read(head, body)
            case 0x80, 0xA8 if self.kind == "bank" and self.here == UNIONPAY:
                return self._out(tlv("77", tlv("82", b"\x7c\x00"), tlv("94", b"\x08\x01\x01\x00")))
            case _:
                return BAD_INS

    def _out(self, data: bytes, wanted: int | None = None) -> bytes:
        if self.t0:
            self.waiting = data
            return bytes([0x61, len(data) & 0xFF])
        return data + OK

    def _fetch(self, command: bytes) -> bytes:
        wanted = command[4] if len(command) == 5 else 0
        if not self.waiting:
            return NO_FILE_SELECTED
        if wanted != len(self.waiting):
            return bytes([0x6C, len(self.waiting)])
        data, self.waiting = self.waiting, b""
        return data + OK

    def _select(self, head: bytes, body: bytes) -> bytes:
        if not body or len(body) - 1 not in (body[0], body[0] + 1):
            return WRONG_LENGTH
        if self.t0 and len(body) - 1 != body[0]:
            return WRONG_LENGTH  # over T=0 a command has data or an expected length, not both
        name = body[1 : 1 + body[0]]
        if head[2] == 0x04:
            return self._select_application(name)
        if head[2] != self.select_p1:
            return BAD_P1P2
        if self.here != self.aid or name.hex().upper() not in self.files:
            return NOT_FOUND
        self.selected = name.hex().upper()
        return self._out(tlv("6F", tlv("83", name)))

    def _select_application(self, name: bytes) -> bytes:
        known = {"social": (self.aid,), "bank": (PSE, PPSE, UNIONPAY)}.get(self.kind, ())
        if name not in known or (name == (PSE if self.uid else PPSE)):
            return NOT_FOUND
        self.here, self.selected = name, ""
        if name == PSE:
            return self._out(tlv("6F", tlv("84", PSE), tlv("A5", tlv("88", b"\x01"))))
        if name == PPSE:
            entry = tlv("61", tlv("4F", UNIONPAY), tlv("50", b"UnionPay Debit"))
            return self._out(tlv("6F", tlv("84", PPSE), tlv("A5", tlv("BF0C", entry))))
        if name == UNIONPAY:
            asked = tlv("9F38", bytes.fromhex("9F66049F3704"))
            return self._out(
                tlv("6F", tlv("84", name), tlv("A5", tlv("50", b"UnionPay Debit"), asked))
            )
        return self._out(tlv("6F", tlv("84", name)))

    def _read(self, head: bytes, body: bytes) -> bytes:
        if len(body) != 1:
            return WRONG_LENGTH
        if self.kind == "bank":
            value = self._bank_record(head)
        elif not self.selected:
            return NO_FILE_SELECTED
        elif head[3] != self.needs_p2:
            return BAD_P1P2
        else:
            kept = self.files[self.selected].get(head[2])
            value = None if kept is None else bytes([head[2], len(kept)]) + kept
        if value is None:
            return NO_RECORD
        if body[0] != len(value):
            if body[0] == 0 and not self.t0:
                return value + OK
            return bytes([0x6C, len(value)])
        return value + OK

    def _bank_record(self, head: bytes) -> bytes | None:
        if (self.here, head[2], head[3]) == (PSE, 1, 0x0C):
            entry = tlv("61", tlv("4F", UNIONPAY), tlv("50", b"UnionPay Debit"))
            return tlv("70", entry)
        if (self.here, head[2], head[3]) == (UNIONPAY, 1, 0x0C):
            track = bytes.fromhex((self.pan + "D30122201234567890").ljust(38, "F"))
            return tlv("70", tlv("57", track), tlv("5F20", b"CARDHOLDER/MADE UP"))
        return None


PSE, PPSE = b"1PAY.SYS.DDF01", b"2PAY.SYS.DDF01"
UNIONPAY = bytes.fromhex("A000000333010101")
ATR_T0 = bytes.fromhex("3B6500005353534531")  # T=0, five historical bytes "SSSE1"
ATR_T1 = bytes.fromhex("3B8F8001804F0CA000000306030001000000006A")  # as PC/SC writes a contactless


def card_of(facts: dict[str, Any]) -> Card:
    """A card of a description: kind social, bank, uid or blank, and its fields. Raises CardError."""
    kind = str(facts.get("kind", "social"))
    if kind not in ("social", "bank", "uid", "blank"):
        raise CardError(f"no such kind of card: {kind}")
    contactless = bool(facts.get("contactless", kind == "uid"))
    card = Card(
        kind=kind,
        t0=bool(facts.get("t0", not contactless)),
        atr=ATR_T1 if contactless else ATR_T0,
        aid=bytes.fromhex(facts["aid"]) if "aid" in facts else SSSE_AID,
        needs_p2=int(facts.get("needs_p2", 0)),
        select_p1=int(facts.get("select_p1", 2)),
        pan=str(facts.get("pan", "")),
        uid=bytes.fromhex(str(facts.get("uid", "04A1B2C3D4E580" if contactless else ""))),
    )
    if kind == "social":
        fill = bytes.fromhex(str(facts.get("fill", "00")))
        places = {**SOCIAL_FIELDS, **facts.get("places", {})}
        for name, (ef, number, length, how) in places.items():
            if name in facts:
                value = record(how, length, str(facts[name]), fill)
                card.files.setdefault(ef, {})[number] = value
            else:
                card.files.setdefault(ef, {})
        for place, raw in facts.get("raw", {}).items():
            ef, _, number = place.partition(":")
            card.files.setdefault(ef, {})[int(number, 16)] = bytes.fromhex(raw)
    return card

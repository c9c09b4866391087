"""What is stored on smart cards, and how a card answers: social security, bank and bare ones.

Pure: a command in, an answer out. As strict as a card: case 4 over T=0 gives 61xx, a wrong
length 6Cxx, a file that is not selected 6986. Written from the tables of the field, apart from
the terminal's own decoder. Everything on these cards is made up.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

SSSE_AID = b"sx1.sh." + "社会保障".encode("gbk")
OK, WRONG_LENGTH, NOT_FOUND = b"\x90\x00", b"\x67\x00", b"\x6a\x82"
NO_RECORD, NO_FILE_SELECTED, BAD_INS = b"\x6a\x83", b"\x69\x86", b"\x6d\x00"
BAD_P1P2, NOT_ALLOWED, BLOCKED, BAD_DATA = b"\x6a\x86", b"\x69\x82", b"\x69\x83", b"\x6a\x80"
CONDITIONS, BAD_MAC = b"\x69\x85", b"\x69\x88"
PIN_TRIES = 6
KEY_TRIES = 3
# The rehearsal's master keys: made up, and on no card of the state.
LET_IN_KEY = bytes.fromhex("5A5772656865617273616C6B65793031")
WRITE_KEY = bytes.fromhex("5A5772656865617273616C6B65793032")

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


def des3(key: bytes, text: bytes, *, back: bool = False) -> bytes:
    """Two-key triple DES, block by block."""
    whole = key + key[:8] if len(key) == 16 else key * 3
    cipher = Cipher(TripleDES(whole), modes.ECB())  # noqa: S305 - as cards do
    work = cipher.decryptor() if back else cipher.encryptor()
    return work.update(text) + work.finalize()


def retail_mac(key: bytes, challenge: bytes, text: bytes) -> bytes:
    """CBC with the left half, the last block once more through both; four bytes of it."""
    padded = text + b"\x80" + bytes(7 - len(text) % 8)
    start = int.from_bytes(challenge + bytes(8 - len(challenge)))
    *blocks, last = [int.from_bytes(padded[at : at + 8]) for at in range(0, len(padded), 8)]
    for block in blocks:
        mixed = (start ^ block).to_bytes(8)
        start = int.from_bytes(des3(key[:8], mixed))
    return des3(key, (start ^ last).to_bytes(8))[:4]


@dataclass(slots=True)
class CardKeys:
    """A card's own two keys, and how often each may still be wrong."""

    let_in: bytes = field(repr=False)
    write: bytes = field(repr=False)
    let_in_tries: int = KEY_TRIES
    write_tries: int = KEY_TRIES

    @classmethod
    def of(cls, card_id: str, tries: int = KEY_TRIES) -> CardKeys:
        """As the issuer wrote them: diversified by the last eight bytes of the card's id."""
        own = bytes.fromhex(card_id[-16:])
        other = (int.from_bytes(own) ^ (2**64 - 1)).to_bytes(8)
        let_in, write = (des3(key, own) + des3(key, other) for key in (LET_IN_KEY, WRITE_KEY))
        return cls(let_in, write, tries, tries)


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
    keys: CardKeys | None = None  # a social card's, for who may give it a new PIN
    selected: str = ""
    here: bytes = b""  # the application that is selected
    waiting: bytes = b""  # what GET RESPONSE will fetch
    seen: list[bytes] = field(default_factory=list)  # headers of the commands, without their data
    challenge: bytes = b""
    let_in: bool = False

    def reset(self) -> None:
        self.selected, self.here, self.waiting, self.challenge = "", b"", b"", b""
        self.let_in = False

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
            case (0x00, 0x20 | 0x82 | 0x84) | (0x84, 0x24) if self.keys and self.here == self.aid:
                return self._secret(self.keys, head, body)
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

    # -- the PIN -----------------------------------------------------------------

    def _secret(self, keys: CardKeys, head: bytes, body: bytes) -> bytes:
        """Challenge, external authenticate, verify, and a new PIN by secure messaging.

        A challenge serves once. Each key has so many tries; when none is left it is blocked for
        good, as on a card that must go back to its issuer.
        """
        challenge, self.challenge = self.challenge, b""
        if head[1] == 0x84:
            if len(body) != 1 or body[0] not in (4, 8) or head[2:] != b"\0\0":
                return WRONG_LENGTH
            self.challenge = secrets.token_bytes(body[0])
            return self.challenge + OK
        if len(body) < 1 or len(body) != 1 + body[0]:
            return WRONG_LENGTH
        data = body[1:]
        match head[1]:
            case 0x82:
                return self._external_authenticate(keys, data, challenge)
            case 0x20:
                return self._verify(data)
            case _:
                return self._new_pin(keys, head, data, challenge)

    def _external_authenticate(self, keys: CardKeys, data: bytes, challenge: bytes) -> bytes:
        self.let_in = False
        if len(challenge) != 8:
            return CONDITIONS
        if keys.let_in_tries == 0:
            return BLOCKED
        if data != des3(keys.let_in, challenge):
            keys.let_in_tries -= 1
            return bytes([0x63, 0xC0 | keys.let_in_tries])
        keys.let_in_tries, self.let_in = KEY_TRIES, True
        return OK

    def _verify(self, data: bytes) -> bytes:
        if self.pin_tries == 0:
            return BLOCKED
        if data != bytes.fromhex(self.pin):
            self.pin_tries -= 1
            return bytes([0x63, 0xC0 | self.pin_tries])
        self.pin_tries = PIN_TRIES
        return OK

    def _new_pin(self, keys: CardKeys, head: bytes, data: bytes, challenge: bytes) -> bytes:
        """PIN UNBLOCK: enciphered PIN, MAC over header and data begun with the challenge."""
        if not self.let_in:
            return NOT_ALLOWED
        if keys.write_tries == 0:
            return BLOCKED
        if len(challenge) != 4:
            return CONDITIONS
        if len(data) != 12:
            return WRONG_LENGTH
        if data[8:] != retail_mac(keys.write, challenge, head + b"\x0c" + data[:8]):
            keys.write_tries -= 1
            return BAD_MAC if keys.write_tries else BLOCKED
        plain = des3(keys.write, data[:8], back=True)
        if plain[0] != 3 or plain[4:] != b"\x80\0\0\0" or not plain[1:4].hex().isdecimal():
            return BAD_DATA
        keys.write_tries = KEY_TRIES
        self.pin, self.pin_tries = plain[1:4].hex(), PIN_TRIES
        return OK

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
        pin=str(facts.get("pin", "123456")),
        uid=bytes.fromhex(str(facts.get("uid", "04A1B2C3D4E580" if contactless else ""))),
    )
    if kind == "social":
        if len(str(facts.get("card_id", ""))) == 32:
            card.keys = CardKeys.of(str(facts["card_id"]), int(facts.get("key_tries", KEY_TRIES)))
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

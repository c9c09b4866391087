"""What is stored on ID cards, written field by field: the four 256-byte layouts of GA/T 490.

Written from the table of offsets, apart from the terminal's own decoder. A card is a dict:
kind, name, sex_code, nation_code, birth, address, number, issuer, valid_from, valid_to
(YYYY-MM-DD, valid_to also "长期"), english_name, nationality, pass_number, issue_count,
renewal_count, version, authority, old_number. Missing ones are blank. `name_hex` writes the bytes
of a name as they are, for characters that are in no font; `raw_hex` the whole record.
`fingerprint_bytes` is 0, 512 or 1024.
"""

from __future__ import annotations

import hashlib
from typing import Any

RECORD_BYTES = 256
PHOTO_BYTES = 1024
KINDS = ("resident", "foreign_2017", "foreign_2023", "hmt_residence")


class CardError(ValueError):
    """A card that cannot exist: a field is too long or the kind unknown."""


class _Record:
    """256 bytes of UTF-16LE blanks, written over field by field."""

    def __init__(self) -> None:
        self.data = bytearray(" ".encode("utf-16-le") * (RECORD_BYTES // 2))

    def put(self, offset: int, length: int, text: str) -> None:
        raw = text.encode("utf-16-le")
        if len(raw) > length:
            raise CardError(f"{len(raw)} bytes do not fit into the {length} at {offset}")
        self.data[offset : offset + len(raw)] = raw


def _day(card: dict[str, Any], field: str) -> str:
    value = str(card.get(field) or "")
    return value if value == "长期" else value.replace("-", "")


def text_record(card: dict[str, Any]) -> bytes:
    """The 256 bytes of text on `card`; raises CardError."""

    def of(field: str) -> str:
        return str(card.get(field) or "")

    record = _Record()
    put = record.put
    kind = of("kind") or "resident"
    if kind in ("resident", "hmt_residence"):
        put(0, 30, of("name"))
        put(30, 2, of("sex_code"))
        put(36, 16, _day(card, "birth"))
        put(52, 70, of("address"))
        put(122, 36, of("number"))
        put(158, 30, of("issuer"))
        put(188, 16, _day(card, "valid_from"))
        put(204, 16, _day(card, "valid_to"))
        if kind == "resident":
            put(32, 4, of("nation_code"))
        else:
            put(220, 18, of("pass_number"))
            put(238, 4, of("issue_count"))
            put(248, 2, "J")
    elif kind == "foreign_2017":
        put(0, 120, of("english_name"))
        put(120, 2, of("sex_code"))
        put(122, 30, of("number"))
        put(152, 6, of("nationality"))
        put(158, 30, of("name"))
        put(188, 16, _day(card, "valid_from"))
        put(204, 16, _day(card, "valid_to"))
        put(220, 16, _day(card, "birth"))
        put(236, 4, of("version"))
        put(240, 8, of("authority"))
        put(248, 2, "I")
    elif kind == "foreign_2023":
        english = of("english_name")
        put(0, 30, of("name"))
        put(30, 2, of("sex_code"))
        put(32, 4, of("renewal_count"))
        put(36, 16, _day(card, "birth"))
        put(52, 70, english[:35])
        put(122, 36, of("number"))
        put(188, 16, _day(card, "valid_from"))
        put(204, 16, _day(card, "valid_to"))
        put(220, 22, english[35:])
        put(242, 6, of("nationality"))
        put(248, 2, "Y")
        put(250, 6, of("old_number"))
    else:
        raise CardError(f"no such kind of card: {kind}")
    if card.get("name_hex"):
        raw = bytes.fromhex(of("name_hex"))
        record.data[0 : len(raw)] = raw
    if card.get("raw_hex"):
        record.data[:] = bytes.fromhex(of("raw_hex"))
        if len(record.data) != RECORD_BYTES:
            raise CardError("a record has 256 bytes")
    return bytes(record.data)


def fingerprints(card: dict[str, Any]) -> bytes:
    """Made-up bytes in the place of the fingerprint features: none, one finger or two."""
    count = int(card.get("fingerprint_bytes") or 0)
    if count not in (0, 512, 1024):
        raise CardError("fingerprints have 0, 512 or 1024 bytes")
    return (b"CDN" + bytes(range(253))) * (count // 256)


def photo(card: dict[str, Any]) -> bytes:
    """1,024 made-up bytes in the place of the WLT photo: like one from outside, a picture of nobody."""
    seed = hashlib.sha256(str(card.get("number", "")).encode()).digest()
    body = b"".join(hashlib.sha256(seed + bytes([n])).digest() for n in range(PHOTO_BYTES // 32))
    return (b"WLf\x00" + body)[:PHOTO_BYTES]

"""How social security cards are written: the table of the field, and what a region does otherwise."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from drivers.card_reader.values import (
    Coding,
    RecordPlace,
    SocialCard,
    SocialField,
    SocialLayout,
)
from drivers.id_reader.values import CardRecord

APPLICATION: Final = b"sx1.sh." + "社会保障".encode("gbk")  # SSSE, LD/T 32
POINTS: Final = "·•．.・‧∙⋅"
FIELDS: Final = {  # record number in ssse_records.csv -> what it is called here
    0x01: SocialField.CARD_ID,
    0x02: SocialField.CARD_CLASS,
    0x03: SocialField.VERSION,
    0x04: SocialField.ISSUER_CODE,
    0x05: SocialField.ISSUED,
    0x06: SocialField.VALID_TO,
    0x07: SocialField.CARD_NUMBER,
    0x08: SocialField.ID_NUMBER,
    0x09: SocialField.NAME,
    0x0A: SocialField.SEX_CODE,
    0x0B: SocialField.NATION_CODE,
    0x0C: SocialField.BIRTHPLACE_CODE,
    0x0D: SocialField.BIRTH,
}


def social_layout(
    application: str = "", records: Mapping[SocialField, str] = MappingProxyType({})
) -> SocialLayout:
    """The layout of the table, with this region's `application` (hexadecimal) and `records`.

    A record is "EF06:09" or "EF06:09:30": file, record number, length; checked by the settings.
    """
    places = _table()
    for name, text in records.items():
        file, number, *length = text.split(":")
        known = places[name]
        places[name] = RecordPlace(
            int(file, 16),
            int(number, 16),
            int(length[0]) if length else known.length,
            known.coding,
        )
    return SocialLayout(
        bytes.fromhex(application) if application else APPLICATION, MappingProxyType(places)
    )


def same_person(holder: CardRecord, card: SocialCard) -> bool:
    """Whether an ID card and a social card are one person's: by number and by name.

    Names are compared without blanks and points: 买买提·吐尔逊 is written in several ways.
    """
    number = card.id_number.upper()
    return bool(number) and number == holder.number and _plain(card.name) == _plain(holder.name)


def _plain(name: str) -> str:
    return "".join(letter for letter in name if letter not in POINTS and not letter.isspace())


def _table() -> dict[SocialField, RecordPlace]:
    text = files("kiosk").joinpath("data/ssse_records.csv").read_text(encoding="utf-8-sig")
    places = {}
    for row in csv.DictReader(text.splitlines()):
        number = int(row["record_id_hex"], 16)
        coding = Coding.TEXT
        if row["coding"].startswith("cn"):
            coding = Coding.DATE if "YYYYMMDD" in row["coding"] else Coding.DIGITS
        if FIELDS[number] is SocialField.CARD_ID:
            coding = (
                Coding.HEX
            )  # the table says BCD; cards that are out write a serial with letters
        places[FIELDS[number]] = RecordPlace(int(row["ef"], 16), number, int(row["len"]), coding)
    return places

"""What an ID card reader takes and gives. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from drivers.device import Fault


class CardKind(StrEnum):
    """Card type, the two bytes at offset 248 of the text record."""

    RESIDENT = "resident"  # 居民身份证
    FOREIGN_2017 = "foreign_2017"  # 外国人永久居留身份证 (2017)
    FOREIGN_2023 = "foreign_2023"  # 外国人永久居留身份证 (2023)
    HMT_RESIDENCE = "hmt_residence"  # 港澳台居民居住证


@dataclass(frozen=True, slots=True)
class CardRecord:
    """The fields of one card. `repr` shows the kind only: a card must not leak into a log or a trace.

    Dates are local calendar dates. `valid_to` None means 长期 (no end). `nation_code` is the two
    digits of GB/T 3304 or "" where the card has none. `photo_wlt` is the 1024-byte WLT blob as read.
    """

    kind: CardKind
    name: str = field(repr=False)
    sex_code: str = field(repr=False)  # GB/T 2261.1
    nation_code: str = field(repr=False)
    birth: date = field(repr=False)
    address: str = field(repr=False)
    number: str = field(repr=False)
    issuer: str = field(repr=False)
    valid_from: date | None = field(repr=False)
    valid_to: date | None = field(repr=False)
    english_name: str = field(default="", repr=False)
    photo_wlt: bytes = field(default=b"", repr=False)
    name_raw: bytes = field(default=b"", repr=False)  # UTF-16LE as on the card
    nationality: str = field(default="", repr=False)  # GB/T 2659, three letters; foreign cards
    pass_number: str = field(default="", repr=False)  # 通行证号码; HK, Macau and Taiwan cards


# -- commands -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WatchForCard:
    """Poll the plate until told otherwise; answers come as events."""


@dataclass(frozen=True, slots=True)
class StopWatching:
    """Stop polling. The card that lies there is forgotten."""


# -- events -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardFound:
    """A card answered: reading has begun (about a second)."""


@dataclass(frozen=True, slots=True)
class CardRead:
    card: CardRecord


@dataclass(frozen=True, slots=True)
class CardFailed:
    """A card is there and could not be read; it must be lifted and placed again."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class CardRemoved:
    """The card that was read, or had failed, is off the plate."""

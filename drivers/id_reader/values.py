"""What an ID card reader takes and gives. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from drivers.device import Fault


class CardKind(StrEnum):
    """Card type, the two bytes at offset 248 of the text record."""

    RESIDENT = "resident"  # 居民身份证
    FOREIGN_2017 = "foreign_2017"  # 外国人永久居留身份证 (2017)
    FOREIGN_2023 = "foreign_2023"  # 外国人永久居留身份证 (2023)
    HMT_RESIDENCE = "hmt_residence"  # 港澳台居民居住证


class CardWarning(StrEnum):
    """What is odd on a card. The reader never refuses for it; who uses the card decides."""

    NUMBER_FORM = "number_form"  # wrong length, wrong characters, or a day that never was
    NUMBER_CHECK_DIGIT = "number_check_digit"
    NUMBER_REGION = "number_region"  # no province begins so
    NUMBER_BIRTH = "number_birth"  # another day than the card's own birth field
    BIRTH_NO_DATE = "birth_no_date"
    VALID_FROM_NO_DATE = "valid_from_no_date"
    VALID_TO_NO_DATE = "valid_to_no_date"  # neither a date nor 长期
    VALID_ENDS_BEFORE_IT_BEGINS = "valid_ends_before_it_begins"
    NAME_MISSING = "name_missing"
    NAME_GLYPHS = "name_glyphs"  # characters of a private area: in no font, kept byte for byte
    SEX_UNKNOWN = "sex_unknown"
    NATION_UNKNOWN = "nation_unknown"
    APPENDED_ADDRESS_UNREAD = "appended_address_unread"  # whether there is one is not known


DOUBTFUL: Final = frozenset(
    {
        CardWarning.NUMBER_FORM,
        CardWarning.NUMBER_CHECK_DIGIT,
        CardWarning.BIRTH_NO_DATE,
        CardWarning.VALID_FROM_NO_DATE,
        CardWarning.VALID_TO_NO_DATE,
        CardWarning.NAME_MISSING,
    }
)
"""Warnings of a card that was misread or is no card: nothing official may rest on it."""


@dataclass(frozen=True, slots=True)
class CardRecord:
    """The fields of one card. `repr` shows the kind only: a card must not leak into a log or a trace.

    Dates are local calendar dates. `valid_to` None means 长期 (no end), unless VALID_TO_NO_DATE says
    that it could not be read. `nation_code` is the two digits of GB/T 3304 or "" where the card has
    none. `photo_wlt` is the 1024-byte WLT blob as read; `fingerprint` up to two of 512 bytes.
    """

    kind: CardKind
    name: str = field(repr=False)
    sex_code: str = field(repr=False)  # GB/T 2261.1
    nation_code: str = field(repr=False)
    birth: date | None = field(repr=False)  # None: BIRTH_NO_DATE
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
    appended_address: str = field(default="", repr=False)  # the newest
    appended_addresses: tuple[str, ...] = field(default=(), repr=False)  # up to four, newest last
    fingerprint: bytes = field(default=b"", repr=False)
    warnings: tuple[CardWarning, ...] = field(default=(), repr=False)

    @property
    def doubtful(self) -> bool:
        """Whether something that must be right is not: misread, or no card of the state."""
        return not DOUBTFUL.isdisjoint(self.warnings)

    @property
    def current_address(self) -> str:
        """Where the person lives now: what was appended last counts, not what is printed."""
        return self.appended_address or self.address

    @property
    def born(self) -> date:
        """The birth of a card that is not doubtful."""
        if self.birth is None:
            raise ValueError("a doubtful card was used")
        return self.birth


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
class CardPhoto:
    """The photo of the card that was read, as a BMP, PNG or JPEG. Comes after `CardRead`, and only
    where the site has a decoder and it worked: else a placeholder stands in its place.
    """

    picture: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CardFailed:
    """A card is there and could not be read; it must be lifted and placed again.

    `refused`: what the reader itself had said, where `fault` is what was concluded from it.
    """

    fault: Fault
    refused: Fault | None = None


@dataclass(frozen=True, slots=True)
class CardRemoved:
    """The card that was read, or had failed, is off the plate."""


_NUMBER_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_NUMBER_CHECK_DIGITS: Final = "10X98765432"
PROVINCES: Final = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
"""GB/T 2260, the first two digits of a number; 71 is Taiwan's own, 83 its residents' permits'."""


def number_check_digit(first_17: str) -> str:
    """The last place of a number of eighteen: GB 11643, ISO 7064 MOD 11-2 over seventeen digits."""
    total = sum(
        int(digit) * weight for digit, weight in zip(first_17, _NUMBER_WEIGHTS, strict=True)
    )
    return _NUMBER_CHECK_DIGITS[total % 11]

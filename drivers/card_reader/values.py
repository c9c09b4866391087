"""What a smart card reader takes and gives. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from drivers.device import Fault


class SocialField(StrEnum):
    """What stands on a social security card, as the table of its records names it."""

    CARD_ID = "card_id"  # 卡识别码; its first six digits are the region that issued it
    CARD_CLASS = "card_class"  # 卡类别
    VERSION = "version"  # 规范版本
    ISSUER_CODE = "issuer_code"  # 初始化机构编号
    ISSUED = "issued"  # 发卡日期
    VALID_TO = "valid_to"  # 卡有效期
    CARD_NUMBER = "card_number"  # 卡号
    ID_NUMBER = "id_number"  # 社会保障号码, the citizen number
    NAME = "name"  # 姓名
    SEX_CODE = "sex_code"  # 性别
    NATION_CODE = "nation_code"  # 民族
    BIRTHPLACE_CODE = "birthplace_code"  # 出生地
    BIRTH = "birth"  # 出生日期


class Coding(StrEnum):
    """How a record's value is written."""

    DIGITS = "digits"  # BCD, filled with F on the right
    HEX = "hex"  # every half byte a digit or a letter, none of them filling
    TEXT = "text"  # GBK, filled with 00 or blanks
    DATE = "date"  # BCD YYYYMMDD


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where a field stands: elementary file (0xEF05), record number, bytes of its value."""

    file: int
    record: int
    length: int
    coding: Coding


@dataclass(frozen=True, slots=True)
class SocialLayout:
    """How the social cards of a region are written: the application, and where each field is."""

    application: bytes
    places: Mapping[SocialField, RecordPlace] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class SocialCard:
    """The fields of one social security card; `repr` shows none: a card must not leak into a log.

    Dates are local calendar dates; None where the card has none or it is no date. `name_raw` is
    the name as it stands on the card, for what no font and no table knows. `warnings` name the
    fields that are missing or cannot be what they should: "missing:birth", "odd:valid_to".
    """

    card_id: str = field(default="", repr=False)
    card_class: str = field(default="", repr=False)
    version: str = field(default="", repr=False)
    issuer_code: str = field(default="", repr=False)
    issued: date | None = field(default=None, repr=False)
    valid_to: date | None = field(default=None, repr=False)
    card_number: str = field(default="", repr=False)
    id_number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    name_raw: bytes = field(default=b"", repr=False)
    sex_code: str = field(default="", repr=False)
    nation_code: str = field(default="", repr=False)
    birthplace_code: str = field(default="", repr=False)
    birth: date | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def region_code(self) -> str:
        """The six digits of the pooling region (统筹区), "" if the card does not say."""
        region = self.card_id[:6]
        return region if region.isascii() and region.isdecimal() else ""


@dataclass(frozen=True, slots=True)
class BankCard:
    """A bank card: its last four digits, the others as stars. The whole number exists nowhere."""

    masked_number: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class ContactlessTag:
    """A card without an application that is known here: its UID, in hexadecimal."""

    uid: str = field(repr=False)


SmartCard = SocialCard | BankCard | ContactlessTag


# -- commands -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WatchForSmartCard:
    """Say when a card is put in, and read it; until StopWatchingSmartCard."""


@dataclass(frozen=True, slots=True)
class StopWatchingSmartCard:
    """Leave cards alone; one that lies in the reader loses its power, and with it what it knew."""


@dataclass(frozen=True, slots=True)
class Transmit:
    """Pass one command to the card of insertion `card` and answer CardAnswer.

    `command` is a command APDU (ISO 7816-4, short). It may hold a PIN: it is never in a `repr`,
    never in a log, and nothing here keeps it.
    """

    card: int
    command: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """What the card answered: data, and the status word (0x9000: done)."""

    data: bytes = field(repr=False)
    status_word: int


# -- events -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SmartCardInserted:
    """A card is in the reader and is being read. `card` counts insertions."""

    card: int


@dataclass(frozen=True, slots=True)
class SmartCardRead:
    """What stands on it."""

    card: int
    content: SmartCard


@dataclass(frozen=True, slots=True)
class SmartCardFailed:
    """It could not be read; it must be taken out and put in again."""

    card: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class SmartCardRemoved:
    """The card of `SmartCardInserted` is out, or its reader is gone."""

    card: int

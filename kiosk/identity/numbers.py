"""Numbers of people: citizen numbers of 18 and 15 digits, and cards of foreigners.

GB 11643 with the check digit of ISO 7064 MOD 11-2. Only the province is checked of the region:
the six digits are those of first registration and may long have been abolished.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from drivers.id_reader.values import PROVINCES, number_check_digit

FOREIGN_PREFIX = "9"  # a foreigner's permanent residence card of 2023
FIFTEEN_DIGIT_CENTURY = 1900  # numbers of 15 digits were given until 1999
EARLIEST_BIRTH = date(1850, 1, 1)  # before it a date is a misread, not a person

_EIGHTEEN = re.compile(r"[0-9]{17}[0-9X]")
_FIFTEEN = re.compile(r"[0-9]{15}")


class NumberKind(StrEnum):
    CITIZEN = "citizen"  # mainland, and permits of Hong Kong, Macau, Taiwan residents
    CITIZEN_15 = "citizen_15"  # first generation, no check digit
    FOREIGN_2023 = "foreign_2023"


class NumberFault(StrEnum):
    LENGTH = "length"
    CHARACTER = "character"
    REGION = "region"
    BIRTH = "birth"
    CHECK_DIGIT = "check_digit"


@dataclass(frozen=True, slots=True)
class PersonNumber:
    """A valid number and what it says. `sex_code` is GB/T 2261.1, "" where it says nothing."""

    kind: NumberKind
    text: str = field(repr=False)
    region: str = field(repr=False)  # six digits; of a foreigner: province and country
    birth: date = field(repr=False)
    sex_code: str = field(repr=False)


def parse(text: str) -> PersonNumber | NumberFault:
    """Read a number as typed or as on a card; a small x is taken for X, spaces are dropped."""
    number = "".join(text.split()).upper()
    if len(number) == 15:
        return _parse_fifteen(number)
    if len(number) != 18:
        return NumberFault.LENGTH
    if not _EIGHTEEN.fullmatch(number):
        return NumberFault.CHARACTER
    foreign = number.startswith(FOREIGN_PREFIX)
    province = number[1:3] if foreign else number[:2]
    if province not in PROVINCES:
        return NumberFault.REGION
    birth = _date(number[6:14])
    if birth is None:
        return NumberFault.BIRTH
    if number_check_digit(number[:17]) != number[17]:
        return NumberFault.CHECK_DIGIT
    return PersonNumber(
        kind=NumberKind.FOREIGN_2023 if foreign else NumberKind.CITIZEN,
        text=number,
        region=number[:6],
        birth=birth,
        sex_code="" if foreign else _sex(number[16]),
    )


def _parse_fifteen(number: str) -> PersonNumber | NumberFault:
    if not _FIFTEEN.fullmatch(number):
        return NumberFault.CHARACTER
    if number[:2] not in PROVINCES:
        return NumberFault.REGION
    birth = _date(f"{FIFTEEN_DIGIT_CENTURY // 100}{number[6:12]}")
    if birth is None:
        return NumberFault.BIRTH
    return PersonNumber(NumberKind.CITIZEN_15, number, number[:6], birth, _sex(number[14]))


def _date(digits: str) -> date | None:
    try:
        found = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
    return found if found >= EARLIEST_BIRTH else None


def _sex(digit: str) -> str:
    return "1" if int(digit) % 2 else "2"

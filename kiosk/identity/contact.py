"""What people type about themselves: mobile numbers, accounts, names. Checked while typed."""

from __future__ import annotations

import re
from enum import StrEnum

PHONE_DIGITS = 11
ACCOUNT_DIGITS_MIN = 12  # passbook accounts of some rural banks
ACCOUNT_DIGITS_MAX = 19  # ISO/IEC 7812
NAME_CHARACTERS_MIN = 2
NAME_CHARACTERS_MAX = 30  # the longest names, written in Latin letters, that cards abroad hold

_ASCII_DIGITS = re.compile(r"[0-9]*")
_HAN_NAME = re.compile(r"[々〇㐀-䶿一-鿿豈-﫿\U00020000-\U000323AF]+(?:·[㐀-䶿一-鿿]+)*")
_LATIN_NAME = re.compile(r"[A-Za-z]+(?:[ '.-]+[A-Za-z]+)*\.?")
_NAME_CHARACTERS = re.compile(r"[A-Za-z '.·々〇㐀-䶿一-鿿豈-﫿\U00020000-\U000323AF-]*")


class FieldError(StrEnum):
    """What is wrong with what was typed; the sentence says what to do."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    BAD_START = "bad_start"  # not how such a number begins
    BAD_CHECK = "bad_check"  # the check digit does not agree: one digit is wrong
    BAD_CHARACTER = "bad_character"
    SAME_AS_APPLICANT = "same_as_applicant"
    MISSING = "missing"


def luhn_agrees(digits: str) -> bool:
    """ISO/IEC 7812: the last digit is the check digit."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def phone_error(text: str) -> FieldError | None:
    """A mobile number of the mainland: eleven digits, 13 to 19."""
    if not _ASCII_DIGITS.fullmatch(text):
        return FieldError.BAD_CHARACTER
    if (text and text[0] != "1") or (len(text) > 1 and text[1] not in "3456789"):
        return FieldError.BAD_START
    return _length_error(text, PHONE_DIGITS, PHONE_DIGITS)


def account_error(text: str, *, luhn: bool, shortest: int, longest: int) -> FieldError | None:
    """An account or card number. Cards carry a Luhn digit; plain accounts do not."""
    if not _ASCII_DIGITS.fullmatch(text):
        return FieldError.BAD_CHARACTER
    wrong = _length_error(text, shortest, longest)
    if wrong is None and luhn and not luhn_agrees(text):
        return FieldError.BAD_CHECK
    return wrong


def name_error(text: str) -> FieldError | None:
    """A person's name: Chinese characters with · between parts, or Latin letters."""
    if not _NAME_CHARACTERS.fullmatch(text):
        return FieldError.BAD_CHARACTER
    wrong = _length_error(text, NAME_CHARACTERS_MIN, NAME_CHARACTERS_MAX)
    if wrong is not None:
        return wrong
    if _HAN_NAME.fullmatch(text) or _LATIN_NAME.fullmatch(text):
        return None
    return FieldError.BAD_CHARACTER


def _length_error(text: str, shortest: int, longest: int) -> FieldError | None:
    if len(text) < shortest:
        return FieldError.TOO_SHORT
    return FieldError.TOO_LONG if len(text) > longest else None

"""Personal values as shown by default. What is masked here is all that a passer-by can read."""

from __future__ import annotations

import re

STAR = "*"
HIDDEN_REST = STAR * 4  # says that more follows, not how much
_REGION = re.compile(r"^[^0-9]{2,9}?(?:自治州|地区|省|市|盟)?[^0-9]{0,9}?(?:自治县|县|区|市|旗)")


def name(text: str) -> str:
    """张*兰, 张*; a single character is hidden whole."""
    letters = text.strip()
    if len(letters) <= 1:
        return STAR * len(letters)
    if len(letters) == 2:
        return letters[0] + STAR
    return letters[0] + STAR * (len(letters) - 2) + letters[-1]


def number(text: str) -> str:
    """First four, stars, last four: 4403**********1512. Eight or fewer are hidden whole."""
    if len(text) <= 8:
        return STAR * len(text)
    return text[:4] + STAR * (len(text) - 8) + text[-4:]


def phone(text: str) -> str:
    """138****8000; what is too short to be a phone number is hidden whole."""
    if len(text) <= 7:
        return STAR * len(text)
    return text[:3] + STAR * (len(text) - 7) + text[-4:]


def account(text: str) -> str:
    """**** 6617: an account is known by its last four digits."""
    if len(text) <= 8:
        return STAR * len(text)
    return f"{HIDDEN_REST} {text[-4:]}"


def address(text: str) -> str:
    """The region down to the county, the rest hidden; nothing where no county can be seen."""
    found = _REGION.match(text)
    return (found.group() if found else "") + HIDDEN_REST if text else ""

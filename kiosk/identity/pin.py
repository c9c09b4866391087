"""Which six digits may become a card's password, and why others may not. Pure."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

PIN_DIGITS: Final = 6
RUN: Final = "01234567890"  # 567890 is counted on as well
BACK: Final = RUN[::-1]


class PinFlaw(StrEnum):
    SIMPLE = "simple"  # 111111, 123456, 121212, 112233: tried first by anybody
    OWN = "own"  # the birthday, or the end of the ID number: stands on the card beside it
    DIFFERENT = "different"  # the second time it was another one


def flaw_of(pin: str, born: date | None, number: str) -> PinFlaw | None:
    """What is wrong with six digits as a new password; `number` is the holder's ID number."""
    if _simple(pin):
        return PinFlaw.SIMPLE
    return PinFlaw.OWN if pin in _own(born, number) else None


def _simple(pin: str) -> bool:
    if pin in RUN or pin in BACK:
        return True
    if any(pin == pin[:size] * (PIN_DIGITS // size) for size in (1, 2, 3)):
        return True
    pairs = [pin[at : at + 2] for at in range(0, PIN_DIGITS, 2)]
    halves = (pin[:3], pin[3:])
    return all(len(set(pair)) == 1 for pair in pairs) or all(len(set(half)) == 1 for half in halves)


def _own(born: date | None, number: str) -> frozenset[str]:
    digits = "".join(letter for letter in number if letter.isdecimal())
    found = {digits[-PIN_DIGITS:], number[-PIN_DIGITS:], digits[:PIN_DIGITS]}
    if born is not None:
        year, month, day = f"{born:%Y}", f"{born:%m}", f"{born:%d}"
        found |= {year[2:] + month + day, day + month + year[2:], month + day + year[2:]}
        found |= {year + month, month + year, f"{born.year}{born.month}{born.day}"}
    return frozenset(found)

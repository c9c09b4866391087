"""Which six digits may become a password."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kiosk.identity.pin import PinFlaw, flaw_of

BORN = date(1944, 3, 5)
NUMBER = "44030819440305152X"
pins = st.text("0123456789", min_size=6, max_size=6)


@pytest.mark.parametrize(
    "pin",
    [
        "000000",
        "111111",
        "123456",
        "654321",
        "345678",
        "567890",
        "012345",
        "098765",
        "121212",
        "123123",
        "112233",
        "888999",
        "777888",
    ],
)
def test_what_anybody_would_try_first_is_too_simple(pin: str) -> None:
    assert flaw_of(pin, BORN, NUMBER) is PinFlaw.SIMPLE


@pytest.mark.parametrize(
    "pin", ["440305", "050344", "030544", "194403", "031944", "194435", "305152", "440308"]
)
def test_what_stands_on_the_cards_is_ones_own(pin: str) -> None:
    """Birthdays in every order, and both ends of the ID number."""
    assert flaw_of(pin, BORN, NUMBER) is PinFlaw.OWN


@pytest.mark.parametrize("pin", ["739164", "582917", "100200", "440306", "135790"])
def test_others_may_be_taken(pin: str) -> None:
    assert flaw_of(pin, BORN, NUMBER) is None


@given(pins, st.dates(date(1900, 1, 1), date(2026, 1, 1)))
def test_a_birthday_is_never_taken_whoever_it_is(pin: str, born: date) -> None:
    number = f"440308{born:%Y%m%d}1520"
    for own in (f"{born:%y%m%d}", f"{born:%d%m%y}", f"{born:%m%d%y}", number[-6:]):
        assert flaw_of(own, born, number) is not None
    assume(pin not in number)
    assert flaw_of(pin, born, number) in (None, PinFlaw.SIMPLE, PinFlaw.OWN)


@given(pins)
def test_most_passwords_may_be_taken(pin: str) -> None:
    assume(len(set(pin)) >= 4 and pin not in "01234567890" and pin not in "09876543210")
    assume(pin not in NUMBER and not any(part in pin for part in ("44", "03", "05")))
    assume(pin not in ("194435", "031944"))
    assert flaw_of(pin, BORN, NUMBER) is None

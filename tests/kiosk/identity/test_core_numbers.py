"""Citizen numbers as people carry them, and ages as the rules count them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.id_reader.values import number_check_digit
from kiosk.identity.age import age_on, birthday
from kiosk.identity.numbers import (
    NumberFault,
    NumberKind,
    PersonNumber,
    parse,
)

VECTORS = json.loads((files("kiosk") / "data" / "idnumber_vectors.json").read_text("utf-8"))
births = st.dates(date(1900, 1, 1), date(2025, 12, 31))


def valid(birth: date, serial: int = 1, region: str = "440308") -> str:
    first = f"{region}{birth:%Y%m%d}{serial:03d}"
    return first + number_check_digit(first)


@pytest.mark.parametrize("text", VECTORS["valid"])
def test_a_valid_number_is_taken(text: str) -> None:
    assert isinstance(parse(text), PersonNumber)
    assert isinstance(parse(f" {text[:6]} {text[6:].lower()}"), PersonNumber)


@pytest.mark.parametrize("text", VECTORS["invalid"])
def test_a_wrong_number_is_refused(text: str) -> None:
    assert isinstance(parse(text), NumberFault)


def test_a_number_of_fifteen_digits_says_birth_and_sex() -> None:
    old = parse(VECTORS["first_gen_15"][0])
    assert isinstance(old, PersonNumber)
    assert (old.kind, old.birth, old.sex_code) == (NumberKind.CITIZEN_15, date(1962, 9, 27), "2")


def test_the_number_of_a_foreigners_card_of_2023_says_no_sex() -> None:
    found = parse(VECTORS["foreign_2023"]["number"])
    assert isinstance(found, PersonNumber)
    assert (found.kind, found.birth, found.sex_code) == (
        NumberKind.FOREIGN_2023,
        date(1980, 1, 1),
        "",
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", NumberFault.LENGTH),
        ("4403081999", NumberFault.LENGTH),
        ("44030819990110151Y", NumberFault.CHARACTER),
        ("99030819990110151X", NumberFault.REGION),
        ("440308199902301513", NumberFault.BIRTH),
        ("440308199901101513", NumberFault.CHECK_DIGIT),
    ],
)
def test_what_is_wrong_is_said(text: str, fault: NumberFault) -> None:
    assert parse(text) is fault


@given(births, st.integers(0, 999))
def test_birth_and_sex_are_read_from_the_number(birth: date, serial: int) -> None:
    found = parse(valid(birth, serial))
    assert isinstance(found, PersonNumber)
    assert found.birth == birth
    assert found.sex_code == ("1" if serial % 2 else "2")


@given(births, st.integers(0, 999), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(
    birth: date, serial: int, place: int, change: int
) -> None:
    number = valid(birth, serial)
    wrong = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    assert isinstance(parse(wrong), NumberFault)


@given(st.text(max_size=30))
def test_any_text_is_answered_without_falling_over(text: str) -> None:
    parse(text)


@given(births)
def test_a_person_never_shows_in_a_trace(birth: date) -> None:
    assert valid(birth) not in repr(parse(valid(birth)))


# -- ages -------------------------------------------------------------------------


def test_eighty_is_reached_on_the_birthday_itself() -> None:
    birth = date(1946, 11, 22)
    assert age_on(birth, date(2026, 11, 21)) == 79
    assert age_on(birth, date(2026, 11, 22)) == 80


def test_born_on_the_29th_of_february_a_common_year_counts_its_28th() -> None:
    birth = date(1944, 2, 29)
    assert birthday(birth, 81) == date(2025, 2, 28)
    assert birthday(birth, 80) == date(2024, 2, 29)
    assert age_on(birth, date(2025, 2, 27)) == 80
    assert age_on(birth, date(2025, 2, 28)) == 81


@given(births, st.integers(0, 110))
def test_one_is_so_old_from_the_birthday_on_and_not_before(birth: date, years: int) -> None:
    day = birthday(birth, years)
    assert age_on(birth, day) == years
    assert age_on(birth, day - timedelta(days=1)) == max(0, years - 1)

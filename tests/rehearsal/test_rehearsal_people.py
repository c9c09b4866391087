"""People who do not exist: their numbers agree, and none is too long for a card."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rehearsal.emulators.card_records import text_record
from rehearsal.papers import household_register
from rehearsal.people import account_number, citizen_number, made_up, people

DAYS = st.dates(date(2026, 1, 1), date(2036, 12, 31))


def test_the_check_character_is_that_of_the_standard(root: Path) -> None:
    vectors = json.loads((root / "kiosk/data/idnumber_vectors.json").read_text(encoding="utf-8"))
    for number in vectors["valid"]:
        if number[6:8] not in ("19", "20"):
            continue
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        assert citizen_number(birth, int(number[14:17]), number[:6]) == number


def test_the_luhn_digit_is_right() -> None:
    def luhn(number: str) -> int:
        digits = [int(digit) for digit in reversed(number)]
        return sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])

    assert all(luhn(account_number(n)) % 10 == 0 for n in range(200))
    assert luhn("79927398713") % 10 == 0


@given(DAYS)
def test_each_is_what_they_are_taken_for_on_any_day(today: date) -> None:
    everyone = people(today)

    def age(key: str) -> int:
        birth = everyone[key].birth
        return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))

    assert age("zhang_lan") >= 80
    assert age("zhao_guifen") >= 80
    assert 18 <= age("wang_jianguo") < 80
    assert age("li_xiaomei") >= 18
    expired = everyone["chen_dafu"].valid_to
    assert expired is not None
    assert expired < today
    for person in everyone.values():
        text_record(person.card())
        assert len({*person.phone}) > 1
        assert len(person.phone) == 11


@given(st.integers(0, 10_000), DAYS)
def test_made_up_people_fit_on_a_card(seed: int, today: date) -> None:
    person = made_up(random.Random(seed), today)
    text_record(person.card())
    assert person.number == citizen_number(person.birth, int(person.number[14:17]))


def test_nobody_shares_a_number() -> None:
    everyone = people(date(2026, 11, 22)).values()
    for what in ("number", "phone", "account", "name"):
        assert len({getattr(person, what) for person in everyone}) == len(everyone)


def test_a_persons_repr_tells_nothing() -> None:
    person = people(date(2026, 11, 22))["zhang_lan"]
    assert not any(secret in repr(person) for secret in person.secrets())


def test_the_register_page_has_its_real_size() -> None:
    sheet = household_register(people(date(2026, 11, 22))["yan_guangming"].page())
    assert (sheet.width_mm, sheet.height_mm) == (143.0, 105.0)
    assert sheet.picture.size == (1689, 1240)

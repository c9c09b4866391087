"""What people type about themselves, and what is told them when it cannot be right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.flow.pages import FieldError
from kiosk.identity import contact

digits = st.text("0123456789", min_size=11, max_size=18)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("13800138000", None),
        ("19912345678", None),
        ("1380013800", FieldError.TOO_SHORT),
        ("138001380000", FieldError.TOO_LONG),
        ("12345678901", FieldError.BAD_START),
        ("2", FieldError.BAD_START),
        ("138-0013", FieldError.BAD_CHARACTER),
        ("１３８００１３８０００", FieldError.BAD_CHARACTER),
    ],
)
def test_a_mobile_number(text: str, error: FieldError | None) -> None:
    assert contact.phone_error(text) is error


def account_error(text: str, *, luhn: bool = True) -> FieldError | None:
    return contact.account_error(text, luhn=luhn, shortest=16, longest=19)


def test_an_account_with_a_wrong_digit_is_noticed_where_it_has_a_check_digit() -> None:
    assert account_error("6228480402564890018") is None
    assert account_error("6228480402564890019") is FieldError.BAD_CHECK
    assert account_error("6228480402564890019", luhn=False) is None
    assert account_error("622848") is FieldError.TOO_SHORT


@given(digits, st.integers(0, 17), st.integers(1, 9))
def test_any_one_wrong_digit_of_a_card_is_noticed(text: str, place: int, change: int) -> None:
    whole = next(text + last for last in "0123456789" if contact.luhn_agrees(text + last))
    place %= len(whole)
    wrong = whole[:place] + str((int(whole[place]) + change) % 10) + whole[place + 1 :]
    assert not contact.luhn_agrees(wrong)


@pytest.mark.parametrize(
    "name", ["张三", "欧阳娜娜", "买买提·吐尔逊", "䶮䶮", "𬭎𬭎", "Anna Maria O'Neill"]
)
def test_names_that_people_have(name: str) -> None:
    assert contact.name_error(name) is None


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("张", FieldError.TOO_SHORT),
        ("张三1", FieldError.BAD_CHARACTER),
        ("张<b>", FieldError.BAD_CHARACTER),
        ("··", FieldError.BAD_CHARACTER),
        ("张" * 31, FieldError.TOO_LONG),
    ],
)
def test_names_that_nobody_has(name: str, error: FieldError) -> None:
    assert contact.name_error(name) is error


@given(st.text(max_size=40))
def test_any_text_is_answered(text: str) -> None:
    contact.name_error(text)
    contact.phone_error(text)
    account_error(text)

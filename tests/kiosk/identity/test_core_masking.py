"""What a passer-by can read of a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.identity import masking

han = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=15)
digits = st.text("0123456789", max_size=20)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("张三", "张*"), ("张玉兰", "张*兰"), ("欧阳玉兰", "欧**兰"), ("张", "*"), ("", "")],
)
def test_a_name_shows_its_first_and_last_character(name: str, shown: str) -> None:
    assert masking.name(name) == shown


def test_numbers_show_as_on_the_screens() -> None:
    assert masking.number("440308199901101512") == "4403**********1512"
    assert masking.phone("13800138000") == "138****8000"
    assert masking.account("6228480402564890018") == "**** 0018"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("广东省深圳市福田区莲花街道1号", "广东省深圳市****"),
        ("北京市朝阳区建国路2号", "北京市朝阳区****"),
        ("某某县清水镇东街8号", "某某县****"),
        ("18号", "****"),
        ("", ""),
    ],
)
def test_an_address_shows_no_more_than_the_county(address: str, shown: str) -> None:
    assert masking.address(address) == shown


@given(han)
def test_the_middle_of_a_name_is_never_shown(name: str) -> None:
    shown = masking.name(name)
    assert len(shown) == len(name)
    assert set(shown[1:-1]) <= {masking.STAR}
    assert not name or masking.STAR in shown


@given(digits)
def test_of_a_number_at_most_eight_digits_are_shown(text: str) -> None:
    for mask in (masking.number, masking.phone, masking.account):
        shown = sum(character.isdigit() for character in mask(text))
        assert shown <= 8
        assert shown < len(text) or not text


@given(st.text(max_size=60))
def test_no_house_number_is_shown(address: str) -> None:
    assert not any(character in "0123456789" for character in masking.address(address))

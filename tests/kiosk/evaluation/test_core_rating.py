"""The rules of the rating."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.evaluation.rating import LEVELS, level_of, load_reasons

REASONS = load_reasons()
codes = st.sampled_from([reason.code for reason in REASONS.all])


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_has_eight_reasons_and_shows_three_first(level: int) -> None:
    reasons = REASONS.of_level(level)
    assert len(reasons) == 8
    assert [reason.first for reason in reasons] == [True] * 3 + [False] * 5
    assert all(reason.text.get("en") and reason.text.get("zh") for reason in reasons)


@given(st.sampled_from(LEVELS), st.lists(codes, max_size=12))
def test_only_reasons_of_the_level_count_and_each_once(level: int, chosen: list[str]) -> None:
    allowed = REASONS.allowed(level, chosen)
    assert all(code.startswith(str(level)) for code in allowed)
    assert set(allowed) == {code for code in chosen if code.startswith(str(level))}
    assert len(allowed) == len(set(allowed))


@pytest.mark.parametrize(
    ("key", "level"), [("5", 5), ("1", 1), ("6", None), ("skip", None), ("", None)]
)
def test_a_key_is_a_level_or_nothing(key: str, level: int | None) -> None:
    assert level_of(key) == level

"""`kiosk smartcard`: what it refuses to wait for, and what it says of a card past its day."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from drivers.card_reader.values import SocialCard
from kiosk.entry.commands import smartcard


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, math.nan, math.inf])
def test_a_time_that_is_none_is_bad_use(
    tmp_path: Path, timeout_s: float, capsys: pytest.CaptureFixture[str]
) -> None:
    code = smartcard.run(tmp_path / "none.toml", "Any", timeout_s=timeout_s, json=True)
    assert code == 2
    assert json.loads(capsys.readouterr().out)["fault"] == "bad_use"


def test_a_social_card_past_its_last_day_is_told_so() -> None:
    card = SocialCard(id_number="11010519491231002X", name="王小明", valid_to=date(2026, 1, 1))
    assert smartcard.plain_card(card, date(2026, 1, 1))["warnings"] == []
    assert smartcard.plain_card(card, date(2026, 1, 2))["warnings"] == ["expired"]
    endless = replace(card, valid_to=None)
    assert smartcard.plain_card(endless, date(2026, 1, 2))["warnings"] == []

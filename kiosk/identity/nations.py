"""Nations of GB/T 3304 by the two digits that a card stores (`kiosk/data/nation_gbt3304.csv`)."""

from __future__ import annotations

import csv
from importlib.resources import files


def nation_name(code: str) -> str:
    """汉 for 01. A code that no table has is shown as it stands, and nobody is refused for it."""
    return _names().get(code) or f"其他({code})"


def _names() -> dict[str, str]:
    text = files("kiosk").joinpath("data/nation_gbt3304.csv").read_text(encoding="utf-8-sig")
    return {row["code"]: row["name"] for row in csv.DictReader(text.splitlines())}

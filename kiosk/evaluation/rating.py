"""The rating (好差评): five levels, reasons of the level, at most once, always of one's own will.

Levels and reason codes are the national ones (`kiosk/data/eval_*.csv`); the English of the reasons
is ours (`eval_reasons_en.csv`). A time-out is no rating.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from kiosk.words import Words

LEVELS = (5, 4, 3, 2, 1)
ASKS_REASONS = frozenset({1, 2})  # a bad rating is followed up, so what was bad is asked


@dataclass(frozen=True, slots=True)
class Reason:
    """`first` ones are shown at once, the others on request."""

    level: int
    code: str
    text: Words
    first: bool


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reason options of every level, in the table's order."""

    all: tuple[Reason, ...]

    def of_level(self, level: int) -> tuple[Reason, ...]:
        """Those that may be chosen with `level`, the first ones first."""
        mine = [reason for reason in self.all if reason.level == level]
        return tuple(sorted(mine, key=lambda reason: not reason.first))

    def allowed(self, level: int, codes: Iterable[str]) -> tuple[str, ...]:
        """Of `codes` those that belong to the level, each once, in the table's order."""
        wanted = set(codes)
        return tuple(reason.code for reason in self.of_level(level) if reason.code in wanted)


def load_reasons() -> Reasons:
    """The national table that ships with the program."""
    english = {row["code"]: row["en"] for row in _rows("eval_reasons_en.csv")}
    return Reasons(
        tuple(
            Reason(
                int(row["level"]),
                row["code"],
                Words((("zh", row["zh"]), ("en", english[row["code"]]))),
                row["primary"] == "1",
            )
            for row in _rows("eval_reasons.csv")
            if row["code"].startswith(row["level"])  # another level's prefix is invalid
        )
    )


def level_of(text: str) -> int | None:
    """A key of the keypad or the argument of a press as a level."""
    return int(text) if text in ("5", "4", "3", "2", "1") else None


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("kiosk") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))

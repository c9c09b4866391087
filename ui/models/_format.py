"""How values are written on the screens: dates, groups of digits, counted times.

Times arrive in UTC and are shown in the time of Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from kiosk.clock import local
from kiosk.flow.pages import FieldKind
from ui.texts import Texts

PHONE_GROUPS = (3, 4, 4)
GROUP_OF_FOUR = 4  # as bank cards and receipts print their numbers


def clock(at: datetime) -> str:
    """09:41."""
    return f"{local(at):%H:%M}"


def _month(texts: Texts, month: int) -> str:
    return texts.get("dates", f"month_{month}")


def full_day(texts: Texts, day: date) -> str:
    """A calendar day with its year. `day` is local already."""
    return texts.get(
        "dates", "full_day", year=day.year, month=_month(texts, day.month), day=day.day
    )


def month_day(texts: Texts, day: date) -> str:
    """12月22日. `day` is local already."""
    return texts.get("dates", "month_day", month=_month(texts, day.month), day=day.day)


def day_time(texts: Texts, at: datetime) -> str:
    """11月22日 09:41, of a time in UTC."""
    here = local(at)
    return texts.get(
        "dates", "day_time", month=_month(texts, here.month), day=here.day, time=clock(at)
    )


def grouped(text: str, sizes: Sequence[int] = (), rest: int = GROUP_OF_FOUR) -> str:
    """Split into groups: first by `sizes`, then by `rest` characters, with one blank between."""
    parts: list[str] = []
    start = 0
    for size in sizes:
        if start >= len(text):
            break
        parts.append(text[start : start + size])
        start += size
    while start < len(text):
        parts.append(text[start : start + rest])
        start += rest
    return " ".join(parts)


def typed_value(kind: FieldKind, value: str) -> str:
    """What stands in a field while it is typed."""
    match kind:
        case FieldKind.PHONE:
            return grouped(value, PHONE_GROUPS)
        case FieldKind.ACCOUNT:
            return grouped(value)
        case FieldKind.NAME | FieldKind.CHOICE:
            return value

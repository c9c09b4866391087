"""Age on a local calendar date.

A year of life is full on the birthday itself. Where the year has no such day (born on 29
February) its month's last day counts, as the Civil Code counts years for periods (article 202).
"""

from __future__ import annotations

import calendar
from datetime import date


def birthday(birth: date, years: int) -> date:
    """The day on which somebody born on `birth` is `years` old."""
    year = birth.year + years
    return date(year, birth.month, min(birth.day, calendar.monthrange(year, birth.month)[1]))


def age_on(birth: date, day: date) -> int:
    """Full years on `day`; 0 before birth."""
    years = day.year - birth.year
    if years <= 0:
        return 0
    return years if day >= birthday(birth, years) else years - 1

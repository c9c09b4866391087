"""The machine's clocks. Everything that waits uses `monotonic`; wall time is only told."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Shanghai")


class SystemClock:
    """Implements `drivers.device.Clock`. Goes by the machine's clock until the hub knows better."""

    def __init__(self) -> None:
        self._off = timedelta()

    def monotonic(self) -> float:
        return time.monotonic()

    def utc(self) -> datetime:
        return datetime.now(UTC) + self._off

    def correct(self, off_s: float) -> None:
        """So many seconds are missing on the machine's clock; 0: it is right. From any thread."""
        self._off = timedelta(seconds=off_s)

    @property
    def suspect(self) -> bool:
        """Whether the machine's own clock is known to be wrong."""
        return self._off != timedelta()


def days_back(at: datetime, days: int) -> datetime:
    """The first moment (UTC) of the local day that was so many days before `at`'s: whoever is told
    a last day has all of it."""
    day = local(at).date() - timedelta(days=days)
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL_ZONE).astimezone(UTC)


def local(at: datetime) -> datetime:
    """A UTC time as shown to people: Asia/Shanghai."""
    return at.astimezone(LOCAL_ZONE)

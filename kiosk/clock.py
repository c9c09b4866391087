"""The machine's clocks. Everything that waits uses `monotonic`; wall time is only told."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Shanghai")


class SystemClock:
    """Implements `drivers.device.Clock`."""

    def monotonic(self) -> float:
        return time.monotonic()

    def utc(self) -> datetime:
        return datetime.now(UTC)


def local(at: datetime) -> datetime:
    """A UTC time as shown to people: Asia/Shanghai."""
    return at.astimezone(LOCAL_ZONE)

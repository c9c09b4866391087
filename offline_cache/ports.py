"""What this room asks for from above."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """`monotonic` in seconds for everything that waits; `utc` (aware) for what is told."""

    def monotonic(self) -> float: ...

    def utc(self) -> datetime: ...


class Log(Protocol):
    """Takes a named event and plain fields, none of them personal."""

    def __call__(self, event: str, /, **fields: str | int | float | bool | None) -> None: ...


def utc_text(at: datetime) -> str:
    """A UTC time as kept and sent: ISO 8601, milliseconds, Z. Sorts as text."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def utc_time(text: str) -> datetime:
    """The time that `utc_text` wrote, or any ISO time with a zone."""
    return datetime.fromisoformat(text)

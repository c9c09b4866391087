"""What time it is, when the machine's own clock may be wrong by years.

The hub's time is learned with every answer and kept with the machine's wall clock, its monotonic
clock and its boot id of that moment. From then on:

- in the same boot, hub time plus what the monotonic clock has run is the time, whatever the wall
  clock was set to meanwhile;
- after a reboot, the wall clock plus the offset known from before, but never earlier than the
  last hub time (a flat battery says 1970).

A wall clock that disagrees is *suspect*: what is sealed meanwhile says so. Order is by seq anyway.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from offline_cache.faults import StoreFault, fault_of_os_error
from offline_cache.files import make_private_folder, write_whole
from offline_cache.ports import Clock, utc_text, utc_time

SUSPECT_S: Final = 60.0  # a clock that drifts is off by seconds a week
KEPT_EVERY_S: Final = 600.0  # one small write; the floor may be so much too low after a reboot
# Off by less is the line's delay and the second's fraction: not worth a write.
WORTH_KEEPING_S: Final = 5.0
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """The kernel's id of this boot; empty where there is none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Learned:
    """One moment at which the hub's time was known."""

    hub: datetime
    wall: datetime
    monotonic: float
    boot: str

    @property
    def offset(self) -> timedelta:
        """What to add to the wall clock of that moment."""
        return self.hub - self.wall


def best_time(learned: Learned | None, wall: datetime, monotonic: float, boot: str) -> datetime:
    """The time as well as it can be told. Never earlier than the hub's last word."""
    if learned is None:
        return wall
    if boot and boot == learned.boot and monotonic >= learned.monotonic:
        return learned.hub + timedelta(seconds=monotonic - learned.monotonic)
    try:
        corrected = wall + learned.offset
    except OverflowError:
        return learned.hub
    return max(corrected, learned.hub)


def is_suspect(learned: Learned | None, wall: datetime, monotonic: float, boot: str) -> bool:
    """Whether the wall clock is not the time that we think it is. Without a hub: nobody knows."""
    best = best_time(learned, wall, monotonic, boot)
    return abs((best - wall).total_seconds()) > SUSPECT_S


class HubTime:
    """Learns and tells, for one process; kept in a small file for the next start and for others."""

    def __init__(self, path: Path, clock: Clock, boot: Callable[[], str] = boot_id) -> None:
        self._path = path
        self._clock = clock
        self._boot = boot()
        self._learned = _read(path)
        self._kept = self._learned

    @property
    def same_boot(self) -> bool:
        """Whether the hub was heard since this machine started."""
        return self._learned is not None and bool(self._boot) and self._learned.boot == self._boot

    @property
    def last_heard(self) -> datetime | None:
        """The hub's last word on the time; None when it never said one."""
        return None if self._learned is None else self._learned.hub

    def now(self) -> datetime:
        """The time as well as it can be told."""
        return best_time(self._learned, self._clock.utc(), self._clock.monotonic(), self._boot)

    # As a clock of its own, for what is written down by the time.
    def utc(self) -> datetime:
        return self.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def floor(self) -> datetime | None:
        """It cannot be earlier than this: the hub's last word and what has run since."""
        if self._learned is None:
            return None
        if self.same_boot:
            return self.now()
        return self._learned.hub

    def suspect(self) -> bool:
        return is_suspect(self._learned, self._clock.utc(), self._clock.monotonic(), self._boot)

    def offset_s(self) -> float:
        """What to add to the wall clock now; 0 while it may be right."""
        off = (self.now() - self._clock.utc()).total_seconds()
        return off if abs(off) > SUSPECT_S else 0.0

    def heard(self, hub: datetime) -> StoreFault | None:
        """The hub said what time it is. Written down now and then, and when it is news."""
        was = self.now() if self._learned is not None else None
        self._learned = Learned(hub, self._clock.utc(), self._clock.monotonic(), self._boot)
        kept = self._kept
        if (
            kept is not None
            and kept.boot == self._boot
            and was is not None
            and abs((was - hub).total_seconds()) < WORTH_KEEPING_S
            and abs((kept.offset - self._learned.offset).total_seconds()) < WORTH_KEEPING_S
            and self._learned.monotonic - kept.monotonic < KEPT_EVERY_S
        ):
            return None
        failed = _write(self._path, self._learned)
        if failed is None:
            self._kept = self._learned
        return failed


def _write(path: Path, learned: Learned) -> StoreFault | None:
    content = json.dumps(
        {
            "hub": utc_text(learned.hub),
            "wall": utc_text(learned.wall),
            "monotonic": learned.monotonic,
            "boot": learned.boot,
        }
    ).encode()
    try:
        make_private_folder(path.parent)
        write_whole(path, content)
    except OSError as error:
        return fault_of_os_error(error, "hub time")
    return None


def _read(path: Path) -> Learned | None:
    """What was kept; None when there is nothing, or nothing that can be read."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        hub, wall = utc_time(str(kept["hub"])), utc_time(str(kept["wall"]))
        if hub.tzinfo is None or wall.tzinfo is None:
            return None
        return Learned(
            hub.astimezone(UTC), wall.astimezone(UTC), float(kept["monotonic"]), str(kept["boot"])
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None

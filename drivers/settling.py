"""Flap damping: a status is written down and told to the centre once it has stood for a while.

A cable with a loose plug comes and goes twice a second; the log and the centre shall learn of one
loss and one recovery, not of a hundred. The step at hand is not damped: it hears every change.
"""

from __future__ import annotations

from typing import Final

from drivers.device import Clock, Settled, Status

FLAP_S: Final = 3.0  # a loose plug moves within a second; a re-plugged device is back within three
UNSTEADY_S: Final = 60.0  # what will not settle for so long is itself worth a line
UNSTEADY_CHANGES: Final = 6  # three losses: one may be a hand at the plug


class Settling:
    """Follows one device. `changed` as it happens, `due` whenever there is time to look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest: Settled | None = None
        self._changed_s = 0.0
        self._told: Settled | None = None
        self._changes = 0  # that nobody was told of
        self._unsteady_since_s = 0.0

    @property
    def told(self) -> Settled | None:
        """What was last told; None before the first."""
        return self._told

    def changed(self, status: Status, reason: str) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._changed_s > UNSTEADY_S or not self._changes:
            self._changes, self._unsteady_since_s = 0, now_s
        self._changes += 1
        self._changed_s = now_s
        if self._told is not None and (status, reason) == (self._told.status, self._told.reason):
            self._newest = None  # back to what is known: as if nothing had been
            return
        self._newest = Settled(status, reason, self._clock.utc())

    def left_s(self) -> float | None:
        """Seconds until something is to be told; None: nothing waits."""
        if self._newest is None:
            return None
        return max(0.0, self._changed_s + FLAP_S - self._clock.monotonic())

    def due(self, *, now: bool = False) -> Settled | None:
        """What has settled, once. `now`: the terminal stops, nothing may be left untold."""
        left_s = self.left_s()
        if left_s is None or (left_s > 0 and not now):
            return None
        self._told, self._newest = self._newest, None
        self._changes = 0
        return self._told

    def unsteady(self) -> int:
        """How often it has changed without settling, about once a minute; 0: it is steady."""
        if self._changes < UNSTEADY_CHANGES:
            return 0
        if self._clock.monotonic() - self._unsteady_since_s < UNSTEADY_S:
            return 0
        changes, self._changes = self._changes, 0
        return changes

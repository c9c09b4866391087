"""Processes that are kept: one that ends is started again, after a pause that doubles while it does
not come to live; one that cannot start at all does not fill the log and the processor meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

RESTART_MIN_S = 0.5
RESTART_MAX_S = 30.0
HEALTHY_S = 60.0  # having lived this long, its next restart is quick again
MS = 1000

log = logging.getLogger("hub.server")


@dataclass(slots=True)
class _Place:
    """`child` is None while its restart at `due_at` is waited for."""

    number: int
    child: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    pause_s: float = RESTART_MIN_S
    watched: int = -1  # tells when the child ends


def pause_after(lived_s: float, pause_s: float) -> float:
    """Before a child that lived so long is started again; `pause_s` is what it comes to by now."""
    return RESTART_MIN_S if lived_s > HEALTHY_S else pause_s


class Children:
    """`start` makes the process of a number. `keep` is for one thread; `end` may come from a signal."""

    def __init__(self, start: Callable[[int], subprocess.Popen[bytes]], count: int) -> None:
        self._start = start
        self._places = [_Place(number) for number in range(count)]
        self._ending = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def keep(self) -> None:
        """Until `end`, and until the last of them has ended then."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        asked = False
        while True:
            now = time.monotonic()
            for place in self._places:
                if place.child is None and not self._ending and place.due_at <= now:
                    self._begin(place, poll, now)
            if self._ending and not asked:
                asked = True
                self._terminate()
            due = [place.due_at for place in self._places if place.child is None]
            if self._ending and len(due) == len(self._places):
                return
            wait_s = max(min(due) - now, 0) if due and not self._ending else None
            ready = {at for at, _ in poll.poll(None if wait_s is None else wait_s * MS + 1)}
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
            for place in self._places:
                if place.child is not None and place.watched in ready:
                    self._ended(place, place.child, poll)

    def end(self) -> None:
        """Ask them all to end; none is started any more."""
        self._ending = True
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._wake, 1)

    def _begin(self, place: _Place, poll: select.poll, now: float) -> None:
        place.child = self._start(place.number)
        place.started_at = now
        place.watched = os.pidfd_open(place.child.pid)
        poll.register(place.watched, select.POLLIN)

    def _ended(self, place: _Place, child: subprocess.Popen[bytes], poll: select.poll) -> None:
        poll.unregister(place.watched)
        os.close(place.watched)
        code = child.wait()
        place.child = None
        if self._ending:
            return
        now = time.monotonic()
        pause_s = pause_after(now - place.started_at, place.pause_s)
        place.due_at = now + pause_s
        place.pause_s = min(pause_s * 2, RESTART_MAX_S)
        log.error(
            "a process of the hub ended and is started again code=%d in_s=%.1f", code, pause_s
        )

    def _terminate(self) -> None:
        for place in self._places:
            if place.child is not None:
                place.child.terminate()

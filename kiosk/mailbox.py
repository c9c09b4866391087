"""The one queue between the threads that own devices and the thread that runs the session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock


class Mailbox:
    """Many threads post, one thread drains.

    `wake` is called from the posting thread, once for each time the box goes from empty to
    filled; it must only signal (the window queues one Qt signal), never do the work.
    """

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._events: deque[object] = deque()
        self._lock = Lock()
        self._wake = wake

    def post(self, event: object) -> None:
        """Put one event in. Never blocks, never raises; safe from any thread."""
        with self._lock:
            was_empty = not self._events
            self._events.append(event)
        if was_empty:
            self._wake()

    def drain(self) -> list[object]:
        """Take all events out, oldest first. For the session's thread only."""
        with self._lock:
            events = list(self._events)
            self._events.clear()
        return events

    def set_wake(self, wake: Callable[[], None]) -> None:
        """Say how to wake the draining thread; wakes it at once if something waits."""
        with self._lock:
            self._wake = wake
            waiting = bool(self._events)
        if waiting:
            wake()

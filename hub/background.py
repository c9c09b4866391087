"""What the hub does beside answering: one thing, again and again, on a thread or as a process' whole
work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from django.db import connections

KEPT_S = 5.0  # a connection to the database is not held through a longer wait

log = logging.getLogger("hub.background")


class Background:
    """`turn` does one piece and says how many seconds to wait for the next. What it raises is
    logged and it is tried again, after `trouble_s`: nobody is there to start it anew."""

    def __init__(
        self,
        name: str,
        turn: Callable[[], float],
        *,
        trouble_s: float,
        first_after_s: float = 0.0,
    ) -> None:
        self._turn = turn
        self._trouble_s = trouble_s
        self._first_after_s = first_after_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        self._thread.join()

    def end(self) -> None:
        self._ended.set()

    def run(self) -> None:
        """Until `end`."""
        wait_s = self._first_after_s
        while not self._ended.wait(wait_s):
            try:
                wait_s = self._turn()
            except Exception:
                log.exception("it is tried again")
                connections.close_all()
                wait_s = self._trouble_s
            if wait_s >= KEPT_S:
                connections.close_all()
        connections.close_all()

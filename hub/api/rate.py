"""How often one terminal may ask: a bucket that fills at a steady rate, one for all server processes.

A terminal that opens more connections reaches more processes and gains nothing by it. What is counted
lies in memory that the processes share; it belongs to the one that started them, so it outlives a
process that dies, and nobody has to let go of anything.
"""

from __future__ import annotations

import mmap
import os
import re
import threading
import time
from collections.abc import Callable

BURST_S = 5.0  # a terminal that comes back has a lot to hand over at once
CODE_BASE = 36  # a terminal's code is four capitals or digits: a number below 36^4
BYTES = 8 * CODE_BASE**4  # a place for every code there can be; only those in use take memory
NAME = "hub-rates"
_CODE = re.compile("[0-9A-Z]{4}")


def shared_count() -> int:
    """A descriptor of memory to count in, for `Rates` in each of several processes."""
    descriptor = os.memfd_create(NAME)
    os.ftruncate(descriptor, BYTES)
    return descriptor


class Rates:
    """Each terminal's place tells when its bucket will be full, by the machine's monotonic clock."""

    def __init__(
        self,
        a_second: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        shared: int | None = None,
    ) -> None:
        """`shared`: a descriptor of `shared_count`; None: nobody else counts."""
        self._each_s = 1 / a_second
        self._most_s = max(BURST_S, self._each_s) - self._each_s
        self._clock = clock
        self._full_at = memoryview(mmap.mmap(-1 if shared is None else shared, BYTES)).cast("d")
        self._lock = threading.Lock()

    def wait_s(self, terminal: str) -> float:
        """0 when it may go on (and this one is counted), else how long it should wait.

        No other process is waited for: of two that count the same terminal within the same
        microsecond, one may count in vain. Raises ValueError for what is no terminal's code.
        """
        if not _CODE.fullmatch(terminal):  # int() takes signs, underscores and wide digits too
            raise ValueError("not a terminal's code")
        place = int(terminal, CODE_BASE)
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at[place], now)
            wait_s = full_at - now - self._most_s
            if wait_s > 0:
                return wait_s
            self._full_at[place] = full_at + self._each_s
            return 0.0

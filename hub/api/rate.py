"""How often one terminal may ask: a bucket that fills at a steady rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

BURST_S = 5.0  # a terminal that comes back has a lot to hand over at once


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Rates:
    """Of one server process; terminals hold on to their connection, and so to one process."""

    def __init__(self, a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_second = a_second
        self._most = max(1.0, a_second * BURST_S)
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def wait_s(self, terminal: str) -> float:
        """0 when it may go on (and this one is counted), else how long it should wait."""
        with self._lock:
            now = self._clock()
            bucket = self._buckets.setdefault(terminal, _Bucket(self._most, now))
            bucket.tokens = min(self._most, bucket.tokens + (now - bucket.at) * self._a_second)
            bucket.at = now
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return 0.0
            return (1 - bucket.tokens) / self._a_second

"""Over how long terminals that return together spread."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from hub.terminals.models import Terminal

# So many begin in a second: a township's one begins at once, ten thousand take the ten minutes that
# none waits longer than.
BEGIN_A_SECOND = 17
SPREAD_MAX_S = 600.0
COUNTED_EVERY_S = 60.0  # ten thousand contacts in a minute would each count ten thousand rows


class Crowd:
    """Of one server process. Threads may count at the same time; each is right."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counted_at = -math.inf
        self._spread_s = 0.0

    @property
    def spread_s(self) -> float:
        now = self._clock()
        if now - self._counted_at >= COUNTED_EVERY_S:
            self._spread_s = min(SPREAD_MAX_S, Terminal.objects.count() / BEGIN_A_SECOND)
            self._counted_at = now
        return self._spread_s

"""Does the page lie still? Then it may be taken by itself."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

STILL_S = 0.8  # a hand that lets go has left by then, and nobody has begun to wonder
STILL_LOOKS = 4  # fewer could be chance
STILL_SHARE = 0.006  # of the frame's width: what a corner may wander by noise


class Steady:
    """Follows the corners from look to look."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, NDArray[np.float64]]] = deque()

    def look(self, corners: NDArray[np.float64] | None, at: float) -> bool:
        """One look: `corners` as shares of the frame or None, `at` in seconds."""
        if corners is None:
            self._looks.clear()
            return False
        if self._looks and np.abs(self._looks[-1][1] - corners).max() > STILL_SHARE:
            self._looks.clear()
        elif self._looks and np.abs(self._looks[0][1] - corners).max() > 2 * STILL_SHARE:
            self._looks.clear()  # a slow slide
        self._looks.append((at, corners))
        while len(self._looks) > STILL_LOOKS and at - self._looks[1][0] >= STILL_S:
            self._looks.popleft()
        return len(self._looks) >= STILL_LOOKS and at - self._looks[0][0] >= STILL_S

    def forget(self) -> None:
        """A new page, or a new person."""
        self._looks.clear()

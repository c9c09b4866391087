"""Read codes: quickly on every frame, slowly after misses, and never trust what was read.

zxing-cpp goes first everywhere. Bytes are handed over as they stand in the code; what they mean is
for whoever checks them.

Frame by frame: QR codes in every one; every third one all formats; between those, where bars lie
together (`bars_lie`), only they, turned level: that is how a hand holds stacked bars. After misses
the slow ways (`ways`), a little with each frame. A still goes through all of them at once, and
again on what the codes read leave of it (`unread`): a clear code hides no harder one beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.codes import zxing
from kiosk.documents.codes.bars_lie import bars_lie, levelled
from kiosk.documents.codes.belief import read_twice, reads_again
from kiosk.documents.codes.budget import Budget, Heavy
from kiosk.documents.codes.found import Reading, larger_corners, moved
from kiosk.documents.codes.patches import Patch, like_a_code, patches
from kiosk.documents.codes.unread import extent, is_of, painted_over
from kiosk.documents.codes.ways import slow_ways
from kiosk.documents.quads import Image

Grey = NDArray[np.uint8]

MORE_FORMATS_EVERY: Final = 3  # frames; six formats cost as much as ten fast passes
TURNED_AFTER: Final = 1  # frame of those: bars, turned level; three fast passes
SLOW_AFTER_MISSES: Final = 5  # frames without a code until the slow ways are begun
TIME_LIMIT_S: Final = 0.8  # of work on a picture; what was begun ends within a tenth more
SLOW_A_FRAME_S: Final = 0.04  # of that at a time between frames: a code held up is seen at once
LARGEST_PX: Final = (
    4200  # long side; the largest stills are 4,160 wide, and time grows with the area
)


class CodeReader:
    """Frames of one camera, one after the other."""

    def __init__(self) -> None:
        self._frames = 0
        self._misses = 0
        self._slow_ways: Iterator[Reading] | None = None  # in an earlier frame
        self._slow_budget = Budget(0.0)

    def look(self, picture: Image) -> Reading:
        """Whatever this frame gives for little time; some of the slow ways once in a while.

        They are gone through frame by frame: a code that is held up meanwhile does not wait.
        """
        grey = _grey(picture)
        self._frames += 1
        found = self._fast(grey)
        turn = self._frames % MORE_FORMATS_EVERY
        if not found and turn == 0:
            found = read_twice(grey, zxing.read(grey, zxing.USUAL, thorough=True))
        if not found and turn == TURNED_AFTER:
            found = _bars_held(grey)
        if found:
            self._misses, self._slow_ways = 0, None
            return found
        self._misses += 1
        if self._slow_ways is None and self._misses % SLOW_AFTER_MISSES == 0:
            self._slow_budget = Budget(TIME_LIMIT_S)
            self._slow_ways = slow_ways(grey, self._slow_budget)
        return self._look_slowly()

    def _look_slowly(self) -> Reading:
        """As many of the slow ways as a frame has time for."""
        budget = self._slow_budget
        pause_at = budget.left_s - SLOW_A_FRAME_S
        with budget.working():
            while self._slow_ways is not None and budget.left_s > pause_at:
                found = next(self._slow_ways, None)
                if found or found is None or budget.left_s <= 0:
                    self._slow_ways = None
                if found:
                    return found
        return []

    def look_fast(self, picture: Image) -> Reading:
        """Only what every frame is looked at for."""
        return self._fast(_grey(picture))

    @staticmethod
    def _fast(grey: Grey) -> Reading:
        return zxing.read(grey, zxing.FAST, thorough=False)

    def forget(self) -> None:
        self._frames = self._misses = 0
        self._slow_ways = None


def read_codes(picture: Image, limit_s: float = TIME_LIMIT_S) -> Reading:
    """Everything in one still picture, by all the ways there are."""
    budget = Budget(limit_s)
    with budget.working():
        factor = math.ceil(max(picture.shape[:2]) / LARGEST_PX)
        if factor == 1:
            return _read_still(_grey(picture), budget)
        size = (max(1, picture.shape[1] // factor), max(1, picture.shape[0] // factor))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        codes = _read_still(_grey(np.asarray(small, np.uint8)), budget)
        return [replace(code, corners=larger_corners(code.corners, factor)) for code in codes]


def _read_still(grey: Grey, budget: Budget) -> Reading:
    """What is read at first sight, then by slow ways, as long as something like a code is left."""
    first = partial(zxing.read, grey, zxing.USUAL, thorough=True)
    new = read_twice(grey, budget.spend(Heavy.WHOLE, grey.size, first, anyway=True) or [])
    found, rest, extents = list(new), grey, []
    sought: list[Patch] | None = None  # anything, as long as nothing was read
    while budget.left_s > 0:
        if found:
            extents += [extent(grey, code) for code in new]
            rest = painted_over(rest, extents[-len(new) :])
            sought = [patch for patch in patches(rest) if like_a_code(patch)]
            if not sought:
                break
        new = _first_new(slow_ways(rest, budget, sought), extents, budget)
        if not new:
            break
        found += new
    return found


def _first_new(
    ways: Iterator[Reading], extents: list[NDArray[np.float64]], budget: Budget
) -> Reading:
    """What is read first, and not of codes that were read before."""
    for found in ways:
        new = [code for code in found if not is_of(code, extents)]
        if new or budget.left_s <= 0:
            return new
    return []


def _bars_held(grey: Grey) -> Reading:
    """Bars as a hand holds them, none too small and none spoiled: each read twice."""
    found = []
    for lie in bars_lie(grey):
        level, back = levelled(grey, lie)
        for code in zxing.read(level, zxing.HELD_BARS, thorough=False):
            if reads_again(level, code):
                found.append(moved(code, back))
    return found


def _grey(picture: Image) -> Grey:
    return np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)

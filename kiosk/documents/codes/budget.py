"""Processor time that the work on one picture may take, kept by how the work is cut up.

Work is done in pieces: generators that yield every few milliseconds, so that whoever drives them
may stop, or look at the next frame first. What cannot be cut (a library's look at many pixels) is
begun only where what is left covers twice what that kind of look costs a pixel: usually, or as it
has been seen to cost in this picture, on this machine as busy as it is now.
Processor time of this thread: what others do meanwhile is not this picture's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final, TypeVar

MARGIN: Final = 2.0  # finer detail, another part of the picture, or a busier moment
LEAST_PIXELS: Final = 50_000  # what fewer cost is not by the pixel

T = TypeVar("T")
Pieces = Generator[None, None, T]  # work that ends with a T


class Heavy(Enum):
    """What cannot be cut."""

    WHOLE = "zxing-cpp on all of the picture, all formats"
    TURNED = "turned, and stacked bars sought"
    PATCH = "turned upright and made even"
    PATCH_READ = "sharpened, and squares sought"
    ZBAR = "libzbar"


COST_NS_A_PIXEL: Final = {  # of 20 spoiled pictures 19 cost less; more counts once it was seen
    Heavy.WHOLE: 20.0,
    Heavy.TURNED: 25.0,
    Heavy.PATCH: 45.0,
    Heavy.PATCH_READ: 28.0,
    Heavy.ZBAR: 50.0,
}


class Budget:
    """`limit_s` of work; it counts only while `working`."""

    def __init__(self, limit_s: float) -> None:
        self._left = limit_s
        self._began: float | None = None
        self._cost_s = {kind: cost * 1e-9 for kind, cost in COST_NS_A_PIXEL.items()}  # a pixel

    @contextmanager
    def working(self) -> Iterator[None]:
        """The picture is worked on until this ends."""
        self._began = time.thread_time()
        try:
            yield
        finally:
            self._left, self._began = self.left_s, None

    @property
    def left_s(self) -> float:
        """Seconds of work that are left; none or fewer: it is over."""
        if self._began is None:
            return self._left
        return self._left - (time.thread_time() - self._began)

    def spend(
        self, kind: Heavy, pixels: int, work: Callable[[], T], *, anyway: bool = False
    ) -> T | None:
        """`work` on so many pixels; None where that may take longer than what is left."""
        pixels = max(pixels, LEAST_PIXELS)
        if not anyway and self.left_s < self._cost_s[kind] * pixels * MARGIN:
            return None
        began = time.thread_time()
        done = work()
        taken = (time.thread_time() - began) / pixels
        self._cost_s[kind] = max(taken, self._cost_s[kind])
        return done


def within(work: Pieces[T | None], limit_s: float) -> Pieces[T | None]:
    """`work` until it is done, or None when it has itself taken `limit_s`."""
    spent = 0.0
    while spent < limit_s:
        began = time.thread_time()
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        spent += time.thread_time() - began
        yield
    return None


def at_once(work: Pieces[T]) -> T:
    """All pieces one after the other."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

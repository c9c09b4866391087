"""A finger on the screen: real pointer events by XTEST, and pictures of what is there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image
from Xlib import X, display
from Xlib.ext import xtest

PRESS_S = 0.06  # a finger stays down about that long
MOVE_S = 0.008  # between two points of a stroke


class Hands:
    """The pointer of one X display. Use from one thread."""

    def __init__(self, name: str | None = None) -> None:
        self._display = display.Display(name)
        self._root = self._display.screen().root

    def close(self) -> None:
        self._display.close()

    @property
    def size(self) -> tuple[int, int]:
        screen = self._display.screen()
        return screen.width_in_pixels, screen.height_in_pixels

    def _move(self, x: float, y: float) -> None:
        xtest.fake_input(self._display, X.MotionNotify, x=round(x), y=round(y))
        self._display.sync()

    def _button(self, down: bool) -> None:
        xtest.fake_input(self._display, X.ButtonPress if down else X.ButtonRelease, 1)
        self._display.sync()

    def press(self, x: float, y: float, hold_s: float = PRESS_S) -> None:
        """Put the finger down, wait, lift it."""
        self._move(x, y)
        self._button(True)
        time.sleep(hold_s)
        self._button(False)

    def press_twice(self, x: float, y: float) -> None:
        """Two presses as fast as a trembling finger makes them."""
        self.press(x, y, 0.03)
        time.sleep(0.06)
        self.press(x, y, 0.03)

    def draw(self, points: Sequence[tuple[float, float]]) -> None:
        """One stroke through `points`, finger down all the way."""
        self._move(*points[0])
        self._button(True)
        for (x0, y0), (x1, y1) in pairwise(points):
            for n in range(1, 7):
                self._move(x0 + (x1 - x0) * n / 6, y0 + (y1 - y0) * n / 6)
                time.sleep(MOVE_S)
        time.sleep(PRESS_S)
        self._button(False)

    def away(self) -> None:
        """Take the hand off the screen."""
        width, height = self.size
        self._move(width - 2, height - 2)

    def picture(self) -> Image.Image:
        """The whole screen as it is now."""
        width, height = self.size
        raw = self._root.get_image(0, 0, width, height, X.ZPixmap, 0xFFFFFFFF)
        return Image.frombytes("RGB", (width, height), raw.data, "raw", "BGRX")

"""Pictures made smaller: halved as often as can be, and only the rest by a broken factor.

Areas are averaged either way; OpenCV halves ten times faster than it does anything else.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

HALVED_PX = 512  # of an odd side a pixel is cut off: in a smaller picture that would be seen

Picture = NDArray[np.uint8]


def shrunk(picture: Picture, size: tuple[int, int]) -> Picture:
    """`picture` (h x w or h x w x 3) at `size` (width, height), no larger than it is."""
    width, height = size
    while (
        min(picture.shape[1] - 2 * width, picture.shape[0] - 2 * height) >= 0
        and min(picture.shape[:2]) >= HALVED_PX
    ):
        half = (picture.shape[1] // 2, picture.shape[0] // 2)
        even = picture[: 2 * half[1], : 2 * half[0]]
        picture = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def fitting(picture: Picture, long_px: int, least_px: int = 1) -> Picture:
    """`picture` with a long side of `long_px` at most, and a short one of `least_px` at least."""
    height, width = picture.shape[:2]
    scale = min(1.0, long_px / max(height, width))
    size = (max(least_px, round(width * scale)), max(least_px, round(height * scale)))
    return shrunk(picture, size)

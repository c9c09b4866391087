"""Straighten a page: from four corners to a flat picture of its true proportions, upright."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.quads import Corners, Image

MAX_SIDE_PX = 5000  # an A4 page at 400 dots an inch is 4,677 high; more is no more text
FOCAL_SHARES = (0.6, 4.0)  # focal length to long side of the frame: fisheye to telephoto
USUAL_FOCAL_SHARE = 1.2  # of a document camera half a metre above an A4 plate
SNAP = 0.03  # a sheet this close to a standard proportion has it
STANDARD_PROPORTIONS = (math.sqrt(2.0), 85.6 / 53.98)  # ISO 216 (A4, A5, B5), ISO 7810 ID-1
JPEG_QUALITY = 92  # text keeps its edges; an A4 page stays below 1 MB
SMALLER_WAYS = (
    (82, 1.0),
    (72, 1.0),
    (72, 0.75),
    (65, 0.6),
    (60, 0.5),
)  # quality, share of the side


def straighten(
    picture: Image, corners: Corners, size_mm: tuple[float, float] | None = None
) -> Image:
    """The page alone. As high and wide as its larger sides were in the picture.

    Of the proportions of `size_mm`, where it was measured; else of those that its corners tell.
    """
    height, width = picture.shape[:2]
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    across, down = max(sides[0], sides[2]), max(sides[1], sides[3])
    share = size_mm[0] / size_mm[1] if size_mm else proportion(corners, width, height)
    if across / down > share:  # as many pixels as the better side has
        down = across / share
    else:
        across = down * share
    shrink = min(1.0, MAX_SIDE_PX / max(across, down))
    size = (max(8, round(across * shrink)), max(8, round(down * shrink)))
    # corners are the outer edges of the outermost pixels
    target = np.array(
        [[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32
    ) - np.float32(0.5)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    flat = cv2.warpPerspective(
        picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(flat, np.uint8)


def proportion(corners: Corners, width: int, height: int) -> float:
    """True width to height of the sheet, from how its sides run together.

    A camera without distortion, looking at the middle of its frame, sees a rectangle so that
    the vanishing points of its sides are at right angles (Zhang and He, Whiteboard scanning and
    image enhancement, 2007). Where the sides hardly run together the focal length cannot be
    had from them, and the usual one is taken; then it matters little.
    """
    long_side = float(max(width, height))
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    top_left, top_right, bottom_right, bottom_left = (
        np.array([*((corner - centre) / long_side), 1.0]) for corner in corners
    )
    k2 = _ratio(top_left, bottom_right, bottom_left, top_right)
    k3 = _ratio(top_left, bottom_right, top_right, bottom_left)
    right = k2 * top_right - top_left
    down = k3 * bottom_left - top_left
    focal2 = USUAL_FOCAL_SHARE**2
    if abs(right[2] * down[2]) > 1e-3:
        found = -(right[0] * down[0] + right[1] * down[1]) / (right[2] * down[2])
        if FOCAL_SHARES[0] ** 2 < found < FOCAL_SHARES[1] ** 2:
            focal2 = float(found)
    share = math.sqrt(_length2(right, focal2) / max(_length2(down, focal2), 1e-12))
    for standard in STANDARD_PROPORTIONS:
        for exact in (standard, 1 / standard):
            if abs(share / exact - 1) < SNAP:
                return exact
    return min(20.0, max(0.05, share))


def _ratio(
    one: NDArray[np.float64],
    across: NDArray[np.float64],
    through: NDArray[np.float64],
    other: NDArray[np.float64],
) -> float:
    """How much farther away `other` is than `one` (the double ratio of the rectangle)."""
    above = float(np.cross(one, across) @ through)
    below = float(np.cross(other, across) @ through)
    return above / below if abs(below) > 1e-12 else 1.0


def _length2(vector: NDArray[np.float64], focal2: float) -> float:
    return float((vector[0] ** 2 + vector[1] ** 2) / focal2 + vector[2] ** 2)


def to_jpeg(picture: Image, most_bytes: int | None = None) -> bytes:
    """The picture as the JPEG that is kept and sealed, once encoded.

    With `most_bytes`, of lower quality and then smaller until it is no larger; print stays readable
    down to half of its size.
    """
    data = _encoded(picture, JPEG_QUALITY)
    if most_bytes is None or len(data) <= most_bytes:
        return data
    for quality, share in SMALLER_WAYS:
        size = (max(8, round(picture.shape[1] * share)), max(8, round(picture.shape[0] * share)))
        small = picture if share == 1.0 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        data = _encoded(np.asarray(small, np.uint8), quality)
        if len(data) <= most_bytes:
            break
    return data


def _encoded(picture: Image, quality: int) -> bytes:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("a picture of this shape cannot be a JPEG")
    return data.tobytes()

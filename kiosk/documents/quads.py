"""Pictures as arrays, and quadrilaterals in them: their order, their areas, what lies in them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Height x width x 3, blue green red."""
Floats = NDArray[np.float32]
Corners = NDArray[np.float64]
"""4 x 2, x and y in pixels (whole numbers at pixel centres): TL, TR, BR, BL as the page lies."""


def to_larger(corners: NDArray[np.floating], scale: float) -> Corners:
    return (np.asarray(corners, np.float64) + 0.5) / scale - 0.5


def to_smaller(corners: NDArray[np.floating], scale: float) -> Corners:
    return (np.asarray(corners, np.float64) + 0.5) * scale - 0.5


def within(points: NDArray[np.floating], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (... k x 2) lie in their quadrilateral (... 4 x 2)."""
    edge = np.roll(corners, -1, axis=-2) - corners
    away = points[..., :, None, :] - corners[..., None, :, :]
    side = edge[..., None, :, 0] * away[..., 1] - edge[..., None, :, 1] * away[..., 0]
    return np.asarray((side > 0).all(axis=-1) | (side < 0).all(axis=-1), np.bool_)


def grown(quad: Corners) -> Corners:
    """With its outer edge, as lines near it are of its making."""
    middle = quad.mean(axis=0)
    return np.asarray(middle + (quad - middle) * 1.03, np.float64)


def off_line(point: Corners, start: Corners, end: Corners) -> float:
    """Pixels from `point` to the line through `start` and `end`."""
    edge, away = end - start, point - start
    return float(abs(edge[0] * away[1] - edge[1] * away[0]) / max(np.hypot(*edge), 1e-6))


def areas(quads: Corners) -> NDArray[np.float64]:
    """Of n x 4 x 2: half of what its diagonals span."""
    one, other = quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]
    return np.asarray(np.abs(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2)


def area(quad: Corners) -> float:
    return float(areas(quad[None])[0])


def encloses(outer: Corners, inner: Corners) -> bool:
    shared, _ = cv2.intersectConvexConvex(outer.astype(np.float32), inner.astype(np.float32))
    return bool(float(shared) > 0.96 * area(inner))


def ordered(quad: NDArray[np.floating]) -> Corners:
    """Clockwise on the screen from the corner that is top left as the page lies."""
    return np.asarray(all_ordered(np.asarray(quad, np.float64)[None])[0], np.float64)


def all_ordered(quads: Corners) -> Corners:
    """The same for n x 4 x 2."""
    around = quads - quads.mean(axis=1, keepdims=True)
    turn = np.argsort(np.arctan2(around[..., 1], around[..., 0]), axis=1)
    rows = np.arange(len(quads))[:, None]
    quads = quads[rows, turn]
    # the top side is the one that runs most nearly to the right
    edge = np.roll(quads, -1, axis=1) - quads
    along = edge[..., 0] - np.roll(edge, -2, axis=1)[..., 0]
    first = (np.argmax(along, axis=1)[:, None] + np.arange(4)) % 4
    return np.asarray(quads[rows, first], np.float64)

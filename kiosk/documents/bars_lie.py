"""Where in a frame bars lie side by side, and how they are turned: in some six milliseconds.

Stacked bars are read only where their rows are level to a few degrees, and a long barcode only
where one line crosses all of it. A hand does not hold a paper level, but the bars tell how it is
held: where all edges run one way for the width of some bars, and in the next cells as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.turned import laid_out, turned_about

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

SHRINK: Final = 2  # bars of two pixels are still told; a quarter of the work
CELL_PX: Final = 24  # of the frame: some bars of a code held up
LEAST_EDGES: Final = 1200.0  # a pixel, mean square of Sobel's: a camera's noise makes 75
AGREE: Final = 0.4  # of a cell's edges: print has 0.1 to 0.4, bars 0.5 to 0.9
ONE_SIDED: Final = 0.5  # of all slopes; where light turns to dark and never back is a single edge
NEAR: Final = math.radians(9)  # cells this far from the most usual way are of the same bars
BINS: Final = 36  # of ways, 5 degrees each
LEAST_CELLS: Final = 10  # a barcode 240 pixels by 24
FIELDS: Final = 3
RIM: Final = 1.3  # cells around: those at the rim are half bars, and a quiet zone is wanted


@dataclass(frozen=True, slots=True)
class BarsLie:
    """Bars that lie together. `angle` across them, in radians; `middle` in pixels of the frame."""

    angle: float
    middle: tuple[float, float]
    size: tuple[float, float]  # pixels across and along the bars, rim included


def bars_lie(grey: Grey) -> list[BarsLie]:
    """The largest fields of bars in a frame, at most `FIELDS`."""
    height, width = (side // CELL_PX for side in grey.shape)
    if height < 2 or width < 2:
        return []
    part = grey[: height * CELL_PX, : width * CELL_PX]
    size = (part.shape[1] // SHRINK, part.shape[0] // SHRINK)
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    gx, gy = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    xx, yy, xy, x, y, steep = (
        cv2.blur(cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA), (3, 3))
        for one in (gx * gx, gy * gy, gx * gy, gx, gy, cv2.magnitude(gx, gy))
    )
    edges = xx + yy
    level, across = (xx - yy) / (edges + 1e-6), 2 * xy / (edges + 1e-6)
    bars = (edges > LEAST_EDGES) & (np.hypot(level, across) > AGREE)
    bars &= np.hypot(x, y) < ONE_SIDED * steep
    ways = np.arctan2(across, level)  # twice the angle: bars have no front
    found: list[BarsLie] = []
    while len(found) < FIELDS and np.count_nonzero(bars) >= LEAST_CELLS:
        field = _largest(bars & (np.cos(ways - _most_usual(ways[bars])) > math.cos(2 * NEAR)))
        if field is None:
            break
        bars &= ~field
        turn = 0.5 * math.atan2(float(across[field].sum()), float(level[field].sum()))
        rows, columns = np.nonzero(field)
        places = (np.stack([columns, rows], axis=1).astype(np.float64) + 0.5) * CELL_PX - 0.5
        found.append(_around(places, turn))
    return found


def _most_usual(ways: Floats) -> float:
    counted = np.bincount(
        ((ways + math.pi) / (2 * math.pi) * BINS).astype(int) % BINS, minlength=BINS
    )
    usual = counted + np.roll(counted, 1) + np.roll(counted, -1)
    return (int(np.argmax(usual)) + 0.5) / BINS * 2 * math.pi - math.pi


def _largest(cells: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The cells that hang together, six in a row may be missing: bars wide and alike."""
    mask = cells.astype(np.uint8)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    count, labels = cv2.connectedComponents(closed)
    if count < 2:
        return None
    sizes = np.bincount(labels[cells], minlength=count)
    sizes[0] = 0
    best = int(np.argmax(sizes))
    return cells & (labels == best) if sizes[best] >= LEAST_CELLS else None


def _around(places: Floats, turn: float) -> BarsLie:
    """The box, turned as the bars, that holds these cells and their rim."""
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    seen = places @ turned
    low, high = seen.min(axis=0), seen.max(axis=0)
    middle = (low + high) / 2 @ turned.T
    size = high - low + (1 + 2 * RIM) * CELL_PX
    return BarsLie(turn, (float(middle[0]), float(middle[1])), (float(size[0]), float(size[1])))


def levelled(grey: Grey, lie: BarsLie) -> tuple[Grey, Floats]:
    """The bars upright, at the frame's scale; and the 2 x 3 matrix back to the frame."""
    size = (max(8, math.ceil(lie.size[0])), max(8, math.ceil(lie.size[1])))
    matrix = turned_about(lie.middle, size, lie.angle)
    return laid_out(grey, matrix, size), matrix

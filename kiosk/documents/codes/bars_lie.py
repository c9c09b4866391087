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

from kiosk.documents.codes.turned import laid_out, turned_about

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
LONGISH: Final = 3.0  # variance along a field and across it: which way it runs is certain
LEAST_UPRIGHT: Final = math.sin(math.radians(25))  # nothing is read of bars that lie down more
RIM: Final = 1.3  # cells around: those at the rim are half bars, and a quiet zone is wanted


@dataclass(frozen=True, slots=True)
class BarsLie:
    """Bars that lie together. `angle` across them, in radians; `middle` in pixels of the frame."""

    angle: float
    middle: tuple[float, float]
    size: tuple[float, float]  # pixels across and along the bars, rim included


@dataclass(frozen=True, slots=True)
class _Cells:
    """Of a frame in cells of `CELL_PX`."""

    bars: NDArray[np.bool_]  # where bars lie side by side
    level: Floats  # cosine and sine of twice the angle across them, times how much edges agree
    across: Floats


def _cells(grey: Grey) -> _Cells | None:
    height, width = (side // CELL_PX for side in grey.shape)
    if height < 2 or width < 2:
        return None
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
    return _Cells(bars, level, across)


def bars_lie(grey: Grey) -> list[BarsLie]:
    """The largest fields of bars in a frame, at most `FIELDS`."""
    cells = _cells(grey)
    if cells is None:
        return []
    bars = cells.bars
    ways = np.arctan2(cells.across, cells.level)  # twice the angle: bars have no front
    found: list[BarsLie] = []
    while len(found) < FIELDS and np.count_nonzero(bars) >= LEAST_CELLS:
        field = _largest(bars & (np.cos(ways - _most_usual(ways[bars])) > math.cos(2 * NEAR)))
        if field is None:
            break
        bars &= ~field
        found.append(_around(_places(field), _turn(cells, field)))
    return found


def bars_slanted(grey: Grey) -> list[tuple[Grey, Floats]]:
    """Long fields of bars with their row level and their bars upright, however they are seen.

    From aside bars lean over and fan out: a line across some of them at right angles leaves the
    code before its ends. At the picture's scale, and the 2 x 3 matrix back to it.
    """
    cells = _cells(grey)
    if cells is None:
        return []
    bars = cells.bars
    found: list[tuple[Grey, Floats]] = []
    for _ in range(FIELDS):
        field = _largest(bars)
        if field is None:
            break
        bars &= ~field
        upright = _upright(grey, _places(field), _turn(cells, field))
        if upright is not None:
            found.append(upright)
    return found


def _places(field: NDArray[np.bool_]) -> Floats:
    """Middles of its cells, in pixels of the frame."""
    rows, columns = np.nonzero(field)
    return (np.stack([columns, rows], axis=1).astype(np.float64) + 0.5) * CELL_PX - 0.5


def _turn(cells: _Cells, field: NDArray[np.bool_]) -> float:
    """Across the bars of a field, in radians."""
    return 0.5 * math.atan2(float(cells.across[field].sum()), float(cells.level[field].sum()))


def _upright(grey: Grey, places: Floats, turn: float) -> tuple[Grey, Floats] | None:
    """Rows laid level along the field, columns along its bars; None where it is not a long one."""
    middle = places.mean(axis=0)
    spread, ways = np.linalg.eigh(np.cov((places - middle).T))
    row = ways[:, 1]  # the long way of the field
    bar = np.array([-math.sin(turn), math.cos(turn)])
    upright = abs(float(row[0] * bar[1] - row[1] * bar[0]))  # sine of the angle between them
    if spread[1] < LONGISH * spread[0] or upright < LEAST_UPRIGHT:
        return None
    if row[0] * bar[1] - row[1] * bar[0] < 0:
        bar = -bar  # no mirror
    both = np.stack([row, bar], axis=1)
    seen = (places - middle) @ np.linalg.inv(both).T
    low, high = seen.min(axis=0) - (0.5 + RIM) * CELL_PX, seen.max(axis=0) + (0.5 + RIM) * CELL_PX
    size = (math.ceil(high[0] - low[0]), math.ceil(high[1] - low[1]))
    matrix = np.concatenate([both, (middle + both @ low)[:, None]], axis=1)
    return laid_out(grey, matrix, size), matrix


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

"""What of a picture the codes that were read leave to be read: they are painted over.

An easily read code is no reason not to look for a harder one beside it. But looking costs up to a
second, so it is done only where something is left that is like a code (`patches.like_a_code`).
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.codes.found import ONE_DIMENSION, Code
from kiosk.documents.codes.turned import laid_out

Grey = NDArray[np.uint8]
Doubles = NDArray[np.float64]

SQUARE_RIM: Final = 0.2  # of a code's extent: its quiet zone, and corners that are not quite right
BARS_RIM: Final = 0.06  # of their length at either end
RING_PX: Final = 2  # around what is painted over: it becomes as its ring is
PAPER: Final = 255  # what a picture of nothing but a code becomes
BARS_ACROSS: Final = 160  # samples along a line across bars
BARS_BEYOND: Final = 1.0  # of their length: bars are read on some lines and may go on above them
LINES_A_LENGTH: Final = 100  # at which it is looked whether they go on
STILL_BARS: Final = 0.5  # correlation of a line with those that were read
LINES_MISSED: Final = 6  # dirt across the bars
SOFT_LINES: Final = 3  # that are looked at as one: noise
LEARNT: Final = (
    0.2  # of what the bars look like from line to line: they fan out when seen from aside
)
BARS_ASIDE: Final = 48  # samples at either side that slanted bars may run
SLANT: Final = 1  # samples from line to line, by which bars may run aside


def painted_over(grey: Grey, extents: list[Doubles]) -> Grey:
    """The picture without what lies there."""
    rest = grey.copy()
    for place in extents:
        inside = np.zeros_like(grey)
        cv2.fillConvexPoly(inside, np.round(place).astype(np.int32), 1)
        wide = np.ones((2 * RING_PX + 1, 2 * RING_PX + 1), np.uint8)
        ring = (cv2.dilate(inside, wide) > 0) & (inside == 0)
        rest[inside > 0] = round(float(np.median(rest[ring]))) if ring.any() else PAPER
    return rest


def is_of(code: Code, extents: list[Doubles]) -> bool:
    """Whether the code lies where one was read already."""
    middle = np.array(code.corners, np.float32).mean(axis=0)
    point = (float(middle[0]), float(middle[1]))
    return any(
        cv2.pointPolygonTest(place.astype(np.float32), point, False) >= 0 for place in extents
    )


def extent(grey: Grey, code: Code) -> Doubles:
    """All that belongs to a code, quiet zone included: 4 x 2, pixels."""
    corners = np.array(code.corners, np.float64)
    if code.format in ONE_DIMENSION:
        return _all_of_bars(grey, corners)
    middle = corners.mean(axis=0)
    return np.asarray(middle + (corners - middle) * (1 + 2 * SQUARE_RIM))


def _all_of_bars(grey: Grey, corners: Doubles) -> Doubles:
    """From where the bars begin to where they end, also along them, however they slant."""
    across = (corners[1] + corners[2] - corners[0] - corners[3]) / 2
    length = float(np.linalg.norm(across))
    if length < 1.0:
        return corners
    step = np.array([-across[1], across[0]]) / LINES_A_LENGTH
    reach = round(BARS_BEYOND * LINES_A_LENGTH)
    middle = corners.mean(axis=0)
    sample = across / BARS_ACROSS
    side = sample * (BARS_ACROSS / 2 + BARS_ASIDE)
    matrix = np.stack([sample, step, middle - side - step * reach], axis=1)
    size = (BARS_ACROSS + 2 * BARS_ASIDE, 2 * reach + 1)
    laid = laid_out(grey, matrix, size).astype(np.float32)
    lines = np.asarray(cv2.blur(laid, (1, SOFT_LINES)), np.float32)
    (up, left), (down, right) = _end_of(lines[reach::-1]), _end_of(lines[reach:])
    top, bottom = (
        middle - step * (up + 1) + sample * left,
        middle + step * (down + 1) + sample * right,
    )
    ends = across * (0.5 + BARS_RIM)
    return np.stack([top - ends, top + ends, bottom + ends, bottom - ends])


def _end_of(lines: NDArray[np.float32]) -> tuple[int, int]:
    """The last line that is still like the first, and by how many samples it is aside of it."""
    wanted = _centred(lines[:1, BARS_ASIDE:-BARS_ASIDE])[0]
    last, aside = 0, 0
    for number, line in enumerate(lines):
        spans = np.lib.stride_tricks.sliding_window_view(line, BARS_ACROSS)
        low = max(0, BARS_ASIDE + aside - SLANT)
        seen = _centred(spans[low : BARS_ASIDE + aside + SLANT + 1])
        alike = seen @ wanted
        place = int(np.argmax(alike))
        if alike[place] > STILL_BARS:
            last, aside = number, low + place - BARS_ASIDE
            wanted = (1 - LEARNT) * wanted + LEARNT * seen[place]
        elif number > last + LINES_MISSED:
            break
    return last, aside


def _centred(lines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each with mean 0 and length 1."""
    flat = lines - lines.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6))

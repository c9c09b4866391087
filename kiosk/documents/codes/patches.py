"""Where in a picture a code may be: busy patches, most promising first, and how they are turned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

SEARCH_PX: Final = 480  # long side of the picture in which patches are sought
SIDES_PX: Final = (14, 22, 34, 54, 86, 136, 210, 300)  # of patches, in that picture
FINEST_PX: Final = 27  # of a patch's side: finer than that none is placed
PATCHES: Final = 8  # more are hardly ever needed: 86 of 100 are covered, 77 of 100 by five
A_SIDE: Final = 3  # patches of one size
LEAST_SCORE: Final = 0.06  # share of busy pixels above what is around; less is noise
MARGIN: Final = 1.35  # a patch is cut out this much larger: quiet zone and corners
LOOKED_PX: Final = 64  # side at which a patch is looked at
WINDOW_PX: Final = 5  # of those: some modules
INNER: Final = 14  # of those at each side: not the quiet zone that was cut out with the code
OUTER: Final = 4  # of those at each side: quiet zone
LEAST_BUSY: Final = 2.5  # grey levels, nearly everywhere inside; a camera's noise makes 1 to 1.5
ALIKE_BUSY: Final = 0.3  # of what is usual inside; print has gaps between its lines
QUIETER: Final = 0.7  # of what is usual inside, at the rim
CALM_SIDES: Final = 3  # of four: something may lie close to the code
ONE_SIDED: Final = 0.4  # of all slopes; where light turns to dark and never back is a single edge
NEARLY_ALL: Final = 15  # percent may be less busy: glare, a wide bar
STEEPEST: Final = 20.0  # of the usual: steeper edges count as much as this
SAME: Final = 0.5  # two patches that overlap more (intersection over union) are one


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of a picture. `x`, `y`: its top left pixel; `grey` its pixels."""

    x: int
    y: int
    grey: Grey
    middle: tuple[float, float]  # in the whole picture
    side: float


def patches(grey: Grey) -> list[Patch]:
    """The busiest squares of several sizes, compared with what is around them."""
    height, width = grey.shape
    factor = max(1, round(max(height, width) / SEARCH_PX))
    size = (max(1, width // factor), max(1, height // factor))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    slope = np.abs(cv2.Sobel(small, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(small, cv2.CV_32F, 0, 1))
    # as steep as the light there allows: a code in the shade counts as much
    steep = slope / (cv2.blur(small, (31, 31)) * 0.8 + 12.0)
    # in 255 levels: means of it are taken in half of the time of floating point's
    busy = np.minimum(steep * 255.0, 255.0).astype(np.uint8)
    found: list[tuple[float, float, float, int]] = []
    for side in SIDES_PX:
        if side > max(busy.shape):
            break
        # a large square need not be placed to the pixel
        step = max(1, side // FINEST_PX)
        coarse = (max(1, busy.shape[1] // step), max(1, busy.shape[0] // step))
        part = busy if step == 1 else cv2.resize(busy, coarse, interpolation=cv2.INTER_AREA)
        span = round(side / step)
        within = cv2.blur(part, (span, span))
        around = cv2.blur(part, (2 * span + 1, 2 * span + 1))
        # what is within, less 0.6 of what is around it (`around` holds both)
        weighed = cv2.addWeighted(within, 1.2 / 255, around, -0.8 / 255, 0.0, dtype=cv2.CV_32F)
        score = np.asarray(weighed, np.float32)
        for _ in range(A_SIDE):
            y, x = divmod(int(np.argmax(score)), score.shape[1])
            value = float(score[y, x])
            if value < LEAST_SCORE:
                break
            middle_x = (x + 0.5) * busy.shape[1] / score.shape[1] - 0.5
            middle_y = (y + 0.5) * busy.shape[0] / score.shape[0] - 0.5
            found.append((value * math.sqrt(side), middle_x, middle_y, side))
            score[max(0, y - span) : y + span, max(0, x - span) : x + span] = -1.0
    found.sort(reverse=True)
    boxes: list[tuple[int, int, int, int]] = []
    out = []
    for _, x, y, side in found:
        reach = 0.5 * side * MARGIN + 2
        box = (
            max(0, int((x - reach) * factor)),
            max(0, int((y - reach) * factor)),
            min(width, int((x + reach + 1) * factor)),
            min(height, int((y + reach + 1) * factor)),
        )
        if any(_shared(box, other) > SAME for other in boxes):
            continue
        boxes.append(box)
        left, top, right, bottom = box
        part = np.ascontiguousarray(grey[top:bottom, left:right])
        middle = ((x + 0.5) * factor, (y + 0.5) * factor)
        out.append(Patch(left, top, part, middle, side * factor))
        if len(out) == PATCHES:
            break
    return out


def _shared(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    across = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    down = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    both = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return across * down / max(1, both - across * down)


def like_a_code(patch: Patch) -> bool:
    """Whether it is busy all over and calmer around.

    Of made-up codes that are not read at first sight 86 of 88 have such a patch; of pictures whose
    codes are painted over 30 of 102, of photographs 9 of 56.
    """
    side = (LOOKED_PX, LOOKED_PX)
    small = cv2.resize(patch.grey, side, interpolation=cv2.INTER_AREA).astype(np.float32)
    window = (WINDOW_PX, WINDOW_PX)
    spread = cv2.blur(small * small, window) - cv2.blur(small, window) ** 2
    busy = np.sqrt(np.maximum(spread, 0.0))
    inner = slice(INNER, -INNER)
    usual = float(np.median(busy[inner, inner]))
    if np.percentile(busy[inner, inner], NEARLY_ALL) < max(LEAST_BUSY, ALIKE_BUSY * usual):
        return False
    rims = (busy[:OUTER], busy[-OUTER:], busy[:, :OUTER], busy[:, -OUTER:])
    calm = sum(float(np.median(rim)) <= QUIETER * usual for rim in rims)
    if calm < CALM_SIDES:
        return False
    gx, gy = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    gx, gy = gx[inner, inner], gy[inner, inner]
    one_way = math.hypot(float(gx.sum()), float(gy.sum()))
    return one_way < ONE_SIDED * float(np.hypot(gx, gy).sum())


@dataclass(frozen=True, slots=True)
class Lie:
    """How the edges of a patch run."""

    angle: float  # radians, across the bars
    agreement: float  # 0..1: how much all edges agree with that
    quarter: float  # -pi/4..pi/4: by which the sides of a square code are turned


def lie_of(grey: Grey) -> Lie:
    """By the structure tensor, and by its like for four ways."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = gx * gx, gy * gy, gx * gy
    edges = xx + yy
    # the edge of the paper is not to outweigh faint signs on it
    most = STEEPEST * float(np.median(edges[::2, ::2])) + 1.0
    fair = np.minimum(most / (edges + 1e-3), 1.0)
    edges, level, across = edges * fair, (xx - yy) * fair, 2 * xy * fair  # by the double angle
    total = float(edges.sum())
    x, y = float(level.sum()), float(across.sum())
    weight = np.maximum(edges, 1e-3)
    fourth_x = float(((level * level - across * across) / weight).sum())
    fourth_y = float((2 * level * across / weight).sum())
    return Lie(
        angle=0.5 * math.atan2(y, x),
        agreement=math.hypot(x, y) / (total + 1e-6),
        quarter=math.atan2(fourth_y, fourth_x) / 4,
    )


def evened(grey: Grey, window: int) -> Grey:
    """Every neighbourhood stretched from its own darkest to its own lightest."""
    side = max(3, window) | 1
    kernel = np.ones((side, side), np.uint8)
    smooth = cv2.blur(grey, (3, 3))
    low = np.asarray(cv2.blur(cv2.erode(smooth, kernel), (side, side)), np.float32)
    high = np.asarray(cv2.blur(cv2.dilate(smooth, kernel), (side, side)), np.float32)
    stretched = (grey - low) * (255.0 / np.maximum(high - low, 8.0))
    return np.asarray(np.clip(stretched, 0, 255), np.uint8)


def sharpened(grey: Grey, sigma: float, amount: float) -> Grey:
    """Unsharp mask."""
    picture = grey.astype(np.float32)
    soft = cv2.GaussianBlur(picture, (0, 0), sigma)
    return np.asarray(np.clip(picture + amount * (picture - soft), 0, 255), np.uint8)

"""A straightened page made even, straight in its lines, and of the tone that was asked for."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.catalogue.papers import PageTone
from kiosk.documents.quads import Image
from kiosk.documents.smaller import fitting

GROUND_PX = 320  # long side at which the light is looked at: it changes slowly
PAPER_WHITE = 246  # what paper becomes: a little grey, so that its edge shows on white
MOST_GAIN = 2.2  # more would lift noise and shadows of folds to print
PICTURE_SHARE = 0.55  # of the page dark: it is a picture, not print on paper, and stays as it is
DESKEW_PX = 900  # long side on which lines are straightened
DESKEW_STRIP_PX = 8  # columns looked at together: they lean by less than a pixel in themselves
DESKEW_MOST_DEG = 5.0
DESKEW_LEAST_DEG = 0.15  # less is not seen, and turning costs sharpness
DESKEW_CLEARNESS = 1.25  # the best profile against one 2 degrees off: no lines of print otherwise


def even_light(page: Image) -> Image:
    """The same page under even light: paper white everywhere, colours kept.

    Where most of it is no paper (a photograph, a dark card) nothing is touched.
    """
    ground = _ground(page)
    level = float(np.percentile(ground, 80))
    if level < 60 or float((ground < 0.55 * level).mean()) > PICTURE_SHARE:
        return page
    # Dark areas are print or pictures, not dim paper: they are lifted no more than their surroundings.
    gain = np.clip(
        PAPER_WHITE / np.maximum(ground, 1.0), 1.0, MOST_GAIN * PAPER_WHITE / level / 1.1
    )
    small = np.clip(PAPER_WHITE / gain, 1, 255).astype(np.uint8)
    size = (page.shape[1], page.shape[0])
    out = np.empty_like(page)
    for top in range(0, size[1], 512):  # in strips: three planes at once would need three pages
        rows = slice(top, min(top + 512, size[1]))
        part = _stretched(small, size, rows)
        light = cv2.merge([part, part, part])
        cv2.divide(page[rows], light, dst=out[rows], scale=PAPER_WHITE)
    return out


def _stretched(small: NDArray[np.uint8], size: tuple[int, int], rows: slice) -> NDArray[np.uint8]:
    """Rows of `small` enlarged to `size`, smoothly, without making all of it."""
    width, height = size
    matrix = np.array(
        [
            [small.shape[1] / width, 0, 0.5 * small.shape[1] / width - 0.5],
            [0, small.shape[0] / height, (rows.start + 0.5) * small.shape[0] / height - 0.5],
        ]
    )
    return np.asarray(
        cv2.warpAffine(
            small,
            matrix,
            (width, rows.stop - rows.start),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def _ground(page: Image) -> NDArray[np.float32]:
    """How light the paper is behind the print, small."""
    small = fitting(page, GROUND_PX, 8)
    light = small.max(axis=2)
    side = max(9, max(light.shape) // 14) | 1
    lightest = cv2.dilate(light, np.ones((side // 2 | 1, side // 2 | 1), np.uint8))
    middle = cv2.medianBlur(np.asarray(lightest, np.uint8), min(side, 31))
    return np.asarray(cv2.GaussianBlur(middle, (0, 0), side / 4), np.float32)


def toned(page: Image, tone: PageTone) -> Image:
    """In colour, grey, or clean black on white (still three planes)."""
    match tone:
        case PageTone.COLOUR:
            return page
        case PageTone.GREY:
            grey = cv2.cvtColor(page, cv2.COLOR_BGR2GRAY)
        case PageTone.BLACK_WHITE:
            grey = _black_white(np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), np.uint8))
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def _black_white(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Ink is what is clearly darker than its surroundings; specks go, soft edges stay."""
    side = max(15, max(grey.shape) // 40) | 1
    around = cv2.blur(grey, (side, side)).astype(np.int16)
    dark = np.clip((around - 14 - grey.astype(np.int16)) * 14 + 128, 0, 255).astype(np.uint8)
    ink = cv2.threshold(dark, 127, 255, cv2.THRESH_BINARY)[1]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, None)
    least = max(2, round((max(grey.shape) / 1100) ** 2))
    keep = np.zeros(count, np.uint8)
    keep[1:] = stats[1:, cv2.CC_STAT_AREA] > least
    return np.asarray(255 - np.minimum(dark, keep[labels] * 255), np.uint8)


def skew_deg(page: Image) -> float:
    """By how much lines of print lean, counter-clockwise; 0 where there are none to tell by."""
    grey = np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), np.uint8)
    small = fitting(grey, DESKEW_PX, 8)
    ground = cv2.blur(cv2.dilate(small, np.ones((7, 7), np.uint8)), (31, 31))
    ink = np.asarray(cv2.subtract(np.asarray(ground, np.uint8), small), np.uint8)
    rim = max(4, max(small.shape) // 40)
    ink = np.asarray(np.where(ink > 25, ink, 0)[rim:-rim, rim:-rim], np.uint8, order="C")
    if ink.size == 0 or not ink.any():
        return 0.0
    strips = _strips(ink)
    half = np.asarray(cv2.resize(ink, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    half_strips = _strips(half)
    coarse = np.arange(-DESKEW_MOST_DEG, DESKEW_MOST_DEG + 0.01, 1.0)
    clear = [_clearness(half_strips, angle) for angle in coarse]
    best = float(coarse[int(np.argmax(clear))])
    fine = np.arange(best - 1.0, best + 1.01, 0.2)
    values = [_clearness(strips, angle) for angle in fine]
    at = int(np.argmax(values))
    found = float(fine[at])
    if 0 < at < len(fine) - 1:  # a parabola through the best three
        left, middle, right = values[at - 1 : at + 2]
        bend = left - 2 * middle + right
        found += 0.2 * 0.5 * (left - right) / bend if bend else 0.0
    usual = float(np.median(clear))
    if usual <= 0 or max(clear) < DESKEW_CLEARNESS * usual or abs(found) > DESKEW_MOST_DEG:
        return 0.0
    return found


def _strips(ink: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Each `DESKEW_STRIP_PX` columns as one: how far rows are apart is seen as well, much faster."""
    size = (max(1, ink.shape[1] // DESKEW_STRIP_PX), ink.shape[0])
    return np.asarray(cv2.resize(ink.astype(np.float32), size, interpolation=cv2.INTER_AREA))


def _clearness(strips: NDArray[np.float32], angle: float) -> float:
    """How sharply rows of print stand apart when the picture is turned by `angle`."""
    height, width = strips.shape
    # a shear is a small turn as far as rows are concerned, and much cheaper
    down = np.tan(np.radians(angle)) * DESKEW_STRIP_PX
    matrix = np.array([[1, 0, 0], [down, 1, -down * width / 2]])
    sheared = cv2.warpAffine(strips, matrix, (width, height), flags=cv2.INTER_LINEAR)
    rows = np.asarray(sheared, np.float32).sum(axis=1)
    return float((np.diff(rows) ** 2).sum())


def deskewed(page: Image) -> tuple[Image, float]:
    """Turned until its lines are level; the degrees. As it is where they are level already."""
    angle = skew_deg(page)
    if abs(angle) < DESKEW_LEAST_DEG:
        return page, 0.0
    height, width = page.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle, 1.0)
    turned = cv2.warpAffine(
        page, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(turned, np.uint8), angle

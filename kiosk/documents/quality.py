"""Is this page good enough to hand in? What is wrong, worst first, and where it shows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.finder import FoundPage
from kiosk.documents.plate.scale import is_of_size
from kiosk.documents.quads import Image
from kiosk.documents.smaller import fitting
from kiosk.flow.pages import Advice

Area = tuple[tuple[float, float], ...]
"""A quadrilateral as shares of the straightened page, clockwise from top left; () = all of it."""

WORK_PX = 700  # long side on which light is judged
DARK_LEVEL = 78.0  # paper below this is too dark to read without noise
GLARE_LEVEL = 250.0  # the sensor is full here
GLARE_ABOVE_PAPER = 9.0  # a reflection is brighter than the paper around it
GLARE_SHARE = 0.003  # of the page: about a postage stamp on A4
GLARE_RIM = 0.1  # of the page: how far around a reflection the paper is looked at
SHADOW_LEVEL = 0.66  # of the lit paper's lightness
SHADOW_SHARE = 0.02
CUT_BAND_SHARE = 0.12  # of the page: how much is shown of where it is cut off
FINGER_SHARE = 0.002
FINGER_DEPTH = 0.025  # of the page: how far in it must reach
FINGER_RED = 7.0  # levels of Cr by which skin is redder than paper
EDGE_CONTRAST = 45.0  # grey levels across an edge that is clear enough to judge sharpness by
MIN_EDGES = 60  # fewer places tell nothing
PART_PX = 320  # the side of the parts in which edges are looked for
PARTS_A_SIDE = 3
SIZE_SHARE = 0.08  # a booklet that bulges and a card held a little high still have their size
BLUR_SHARE = 0.0016  # of the page's long side: an edge softer than this blurs small print
BLUR_PX = 1.7  # and never less than this: a sensor's own softness
INK_SHARE = 0.0012  # of the page: less is dust


@dataclass(frozen=True, slots=True)
class Trouble:
    advice: Advice
    area: Area


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured, and what is wrong (worst first)."""

    troubles: tuple[Trouble, ...]
    paper_level: float  # 0..255
    edge_px: float  # how wide an edge is (sigma); 0 where there is none to judge by
    glare_share: float
    shadow_share: float
    finger_share: float
    ink_share: float
    size_mm: tuple[float, float] | None = None  # where the plate's scale is known

    @property
    def advice(self) -> Advice:
        return self.troubles[0].advice if self.troubles else Advice.GOOD

    @property
    def area(self) -> Area:
        return self.troubles[0].area if self.troubles else ()


def judge_page(
    page: Image,
    found: FoundPage,
    size_mm: tuple[float, float] | None = None,
    wanted_mm: tuple[float, float] | None = None,
) -> Quality:
    """`page` straightened; `found` tells what lies outside of the frame.

    `size_mm` as measured on the plate, `wanted_mm` of the paper that is asked for.
    """
    small = fitting(page, WORK_PX, 16)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
    ground = _ground(grey)
    level = float(np.percentile(ground, 75))
    glare = _glare(small, level)
    shadow = _shadow(small, ground, level)
    finger = _finger(small, level)
    ink, ink_share = _ink(grey, ground)
    edge_px = _edge_px(page)
    troubles: list[Trouble] = []
    if found.cut_off:
        troubles.append(Trouble(Advice.CUT_OFF, _cut_area(found)))
    if level < DARK_LEVEL:
        troubles.append(Trouble(Advice.TOO_DARK, ()))
    if glare is not None:
        troubles.append(Trouble(Advice.GLARE, glare[1]))
    if shadow is not None and level >= DARK_LEVEL:
        troubles.append(Trouble(Advice.SHADOW, shadow[1]))
    if finger is not None:
        troubles.append(Trouble(Advice.FINGER, finger[1]))
    soft = max(BLUR_PX, BLUR_SHARE * max(page.shape[:2]))
    if edge_px > soft:
        troubles.append(Trouble(Advice.BLURRED, ()))
    if (
        size_mm
        and wanted_mm
        and not found.cut_off
        and not is_of_size(size_mm, wanted_mm, SIZE_SHARE)
    ):
        troubles.append(Trouble(Advice.WRONG_SIZE, ()))
    if ink_share < INK_SHARE and not ink:
        troubles.append(Trouble(Advice.EMPTY_PAGE, ()))
    return Quality(
        tuple(troubles),
        level,
        edge_px,
        glare[0] if glare else 0.0,
        shadow[0] if shadow else 0.0,
        finger[0] if finger else 0.0,
        ink_share,
        size_mm,
    )


def _cut_area(found: FoundPage) -> Area:
    """The strip along the side that is cut off, or the corner; all of it where more is missing."""
    missing = [
        side
        for side in range(4)
        if found.cut[side] or (found.outside[side] and found.outside[(side + 1) % 4])
    ]
    corners = [corner for corner in range(4) if found.outside[corner]]
    band = CUT_BAND_SHARE
    if len(missing) == 1:
        left, top, right, bottom = (
            (0.0, 0.0, 1.0, band),
            (1 - band, 0.0, 1.0, 1.0),
            (0.0, 1 - band, 1.0, 1.0),
            (0.0, 0.0, band, 1.0),
        )[missing[0]]
    elif not missing and len(corners) == 1:
        left, top = ((0.0, 0.0), (1 - band, 0.0), (1 - band, 1 - band), (0.0, 1 - band))[corners[0]]
        right, bottom = left + band, top + band
    else:
        return ()
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _ground(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The paper behind the print: lightest nearby, then smoothed."""
    side = max(9, max(grey.shape) // 28) | 1
    lightest = cv2.dilate(grey, np.ones((side, side), np.uint8))
    back = cv2.erode(lightest, np.ones((side, side), np.uint8))
    return np.asarray(cv2.blur(back, (side, side)), np.float32)


def _largest(mask: NDArray[np.bool_]) -> tuple[int, NDArray[np.intp], NDArray[np.bool_]] | None:
    """Pixels, box (x, y, w, h) and mask of the largest connected part."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), None)
    if count < 2:
        return None
    index = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return int(stats[index, cv2.CC_STAT_AREA]), stats[index, :4].astype(np.intp), labels == index


def _area_of(box: NDArray[np.intp], shape: tuple[int, ...]) -> Area:
    x, y, w, h = (float(value) for value in box)
    left, right = x / shape[1], (x + w) / shape[1]
    top, bottom = y / shape[0], (y + h) / shape[0]
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _glare(small: Image, level: float) -> tuple[float, Area] | None:
    """A blown-out spot on paper that is not blown out."""
    smooth = _darkest(np.asarray(cv2.blur(small, (5, 5)), np.uint8))
    mask = np.asarray(smooth >= max(GLARE_LEVEL, level + GLARE_ABOVE_PAPER), bool)
    found = _largest(mask)
    if found is None or found[0] < GLARE_SHARE * mask.size:
        return None
    # light that grows slowly across the page takes no print away; a reflection ends at once
    reach = max(5, round(GLARE_RIM * max(mask.shape))) | 1
    around = cv2.dilate(found[2].astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    rim = smooth[around & ~found[2]]
    if not rim.size or float(np.percentile(rim, 75)) > GLARE_LEVEL - GLARE_ABOVE_PAPER:
        return None
    return found[0] / mask.size, _area_of(found[1], mask.shape)


def _darkest(picture: Image) -> NDArray[np.uint8]:
    """The darkest of the three colours, far faster than along the last axis."""
    return np.minimum(np.minimum(picture[..., 0], picture[..., 1]), picture[..., 2])


def _shadow(small: Image, ground: NDArray[np.float32], level: float) -> tuple[float, Area] | None:
    """Paper much darker than the rest, without colour of its own, and reaching the page's edge.

    A printed picture is dark too, but stands within the margin.
    """
    height, width = ground.shape
    mask = ground < SHADOW_LEVEL * level
    if np.count_nonzero(mask) < SHADOW_SHARE * mask.size:
        return None
    ycc = np.asarray(cv2.cvtColor(cv2.blur(small, (9, 9)), cv2.COLOR_BGR2YCrCb), np.int16)
    lit = ycc[::4, ::4][ground[::4, ::4] > 0.85 * level]
    if not len(lit):
        return None
    paper = np.median(lit, axis=0)
    for plane in (1, 2):
        mask &= np.abs(ycc[..., plane] - 128) - abs(float(paper[plane]) - 128) < 10
    rim = max(3, round(0.02 * max(height, width)))
    mask[:3], mask[-3:], mask[:, :3], mask[:, -3:] = False, False, False, False
    found = _largest(mask)
    if found is None or found[0] < SHADOW_SHARE * mask.size:
        return None
    x, y, w, h = (int(value) for value in found[1])
    if x > rim and y > rim and x + w < width - rim and y + h < height - rim:
        return None
    return found[0] / mask.size, _area_of(found[1], mask.shape)


def _finger(small: Image, level: float) -> tuple[float, Area] | None:
    """Skin that comes in from the page's edge: redder than the paper, not as red as a stamp."""
    height, width = small.shape[:2]
    smooth = np.asarray(cv2.blur(small, (5, 5)), np.uint8)
    ycc = np.asarray(cv2.cvtColor(smooth, cv2.COLOR_BGR2YCrCb), np.int16)
    paper = np.median(ycc[::4, ::4].reshape(-1, 3), axis=0).astype(np.int16)
    redder, bluer = ycc[..., 1] - paper[1], ycc[..., 2] - paper[2]
    gain = max(0.35, level / 220.0)  # in the dark all colours are weaker
    mask = (redder > FINGER_RED * gain) & (redder < 48) & (bluer < -2 * gain) & (bluer > -45)
    mask &= (ycc[..., 0] > 0.2 * level) & (ycc[..., 0] < 0.97 * level)
    mask &= ~(-bluer > 2.2 * redder)  # wood and yellow paper are more yellow than red
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(opened, None)
    deep = FINGER_DEPTH * max(height, width)
    for index in sorted(range(1, count), key=lambda i: -int(stats[i, cv2.CC_STAT_AREA])):
        x, y, w, h, pixels = (int(value) for value in stats[index])
        if pixels < FINGER_SHARE * mask.size:
            break
        rim = 4
        touches = x <= rim or y <= rim or x + w >= width - rim or y + h >= height - rim
        if touches and min(w, h) >= 0.6 * deep and max(w, h) >= deep:
            return pixels / mask.size, _area_of(stats[index, :4].astype(np.intp), mask.shape)
    return None


def _ink(grey: NDArray[np.uint8], ground: NDArray[np.float32]) -> tuple[bool, float]:
    """Whether there is print, and its share of the page without its rim."""
    height, width = grey.shape
    rim = max(4, round(0.03 * max(height, width)))
    part = grey[rim:-rim, rim:-rim].astype(np.float32)
    back = ground[rim:-rim, rim:-rim]
    dark = part < np.minimum(0.82 * back, back - 18)
    share = float(dark.mean()) if dark.size else 0.0
    return share >= INK_SHARE, share


def _edge_px(page: Image) -> float:
    """How soft the sharpest edges are: sigma in pixels of the page as it stands.

    Looked at in parts spread over the page: more of it tells no more and takes memory and time.
    """
    span = max(5, round(max(page.shape[:2]) * 0.006)) | 1
    found = [_sigmas(part, span) for part in _parts(page)]
    sigma = np.concatenate(found)
    return float(np.percentile(sigma, 25)) if len(sigma) >= MIN_EDGES else 0.0


def _parts(page: Image) -> list[Image]:
    """Squares spread evenly; the whole page where it is no larger than they."""
    height, width = page.shape[:2]
    across = min(PARTS_A_SIDE, max(1, width // PART_PX))
    down = min(PARTS_A_SIDE, max(1, height // PART_PX))
    if height * width <= across * down * PART_PX**2 * 1.5:
        return [page]
    lefts = np.linspace(0, max(0, width - PART_PX), across).astype(int)
    tops = np.linspace(0, max(0, height - PART_PX), down).astype(int)
    return [page[y : y + PART_PX, x : x + PART_PX] for y in tops for x in lefts]


def _sigmas(part: Image, span: int) -> NDArray[np.float32]:
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.float32)
    if min(grey.shape) < 40:
        return np.empty(0, np.float32)
    inner = np.asarray(cv2.GaussianBlur(grey[10:-10, 10:-10], (0, 0), 0.6), np.float32)
    kernel = np.ones((span, span), np.uint8)
    whole = np.asarray(inner, np.uint8)  # half a level matters to a slope, not to a contrast
    contrast = cv2.subtract(cv2.dilate(whole, kernel), cv2.erode(whole, kernel))
    slope_x = cv2.Sobel(inner, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    slope_y = cv2.Sobel(inner, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    slope = np.asarray(cv2.magnitude(slope_x, slope_y), np.float32)
    steepest = slope >= cv2.dilate(slope, kernel) - 1e-6
    level = float(np.percentile(inner, 75))
    edges = steepest & (contrast > EDGE_CONTRAST * max(0.25, level / 220.0))
    edges[:2], edges[-2:], edges[:, :2], edges[:, -2:] = False, False, False, False
    return np.asarray(contrast[edges] / np.maximum(slope[edges], 1e-3) / 2.5066, np.float32)

"""The faint sheet around a picture: white paper on a white plate, of which only a picture shows.

A photograph with a white border and the portrait on a card are sharper than anything around them,
and their sheet ends a little farther out, at an edge of two grey levels that no place shows. But
it runs alongside, and the mean along all of it shows it clearly. Where such an edge is found
beyond every side that is no paper's, there the sheet ends; where it is found beyond some of them
only, nobody can be sure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.judge import Judged
from kiosk.documents.pages.refit import meeting
from kiosk.documents.quads import Corners, Floats, Image

LIGHT_GROUND = 140.0  # of 255: on what is darker white paper shows
PLAIN_GROUND = 16.0  # levels of colour: white and grey plates have less
NO_PAPER_LEVELS = 22.0  # by which a picture is darker or more coloured than the ground beside it
PLACES = 24  # along a side, each the mean of the 3 x 3 around it
WINDOW_PX = 3  # on both sides of an edge
RAMP_PX = 4  # from there to the places on both sides whose steps tell a shadow's ramp
NEAREST_PX = 8.5  # of the picture searched: nearer, the picture's own edge would be seen as well
FARTHEST = 2.5  # times the longest side: a card's far edge from its portrait
ASLANT = 0.03  # of its length may a side run nearer to the picture at one end
LEAST_ASLANT_PX = 4.0
SETTLE_PX = 4.0  # how far off the sheet's own side may run from where it was found
SLANT_PX = 1.5  # between one slant that is tried and the next
FRAME_PX = 10.0  # from the frame's edge, where print was not taken out: noise is another there
MOST_LEVELS = 6.0  # of one place's step count: print and dust step more
CLEAR_LEVELS = 14.0  # no faint edge steps by as much
CLEAR_SHARE = 0.2  # of a side: less is dust
LEAST_LEVELS = 1.4  # of a side's mean step; wrinkles of light and noise stay below one
LEAST_OF_SURE = 1.0  # where the sheet's other sides are known
ALIKE_LEVELS = 0.4  # of the step of its other sides


@dataclass(frozen=True, slots=True)
class Around:
    """`corners` of the sheet; None where some of its sides show and others do not."""

    corners: Corners | None


def sheet_around(ground: Image, corners: Corners, judged: Judged) -> Around | None:
    """The sheet around a picture at `corners`; None where there is no sign of one.

    `ground`: the picture without print, in pixels of which `corners` are; `judged`: its sides.
    """
    sides = _of_pictures(judged)
    if not len(sides):
        return None
    grey = cv2.cvtColor(ground, cv2.COLOR_BGR2GRAY)
    light = np.asarray(cv2.blur(grey.astype(np.float32), (3, 3)), np.float32)
    edges = np.roll(corners, -1, axis=0) - corners
    farthest = FARTHEST * float(np.hypot(edges[:, 0], edges[:, 1]).max())
    look = _Look(NEAREST_PX, farthest, LEAST_LEVELS)
    sheet, levels = _sides_moved(light, corners, sides, look)
    if not levels:
        return None
    if not (min(levels.values()) > 0 or max(levels.values()) < 0):
        return Around(None)
    usual = float(np.median(list(levels.values())))
    # the sheet's own sides are longer than the picture's: along them more shows
    missing = np.array([side for side in sides if side not in levels], np.intp)
    least, way = max(LEAST_OF_SURE, ALIKE_LEVELS * abs(usual)), int(math.copysign(1, usual))
    sheet, more = _sides_moved(light, sheet, missing, _Look(NEAREST_PX, farthest, least, way))
    closer = _Look(-SETTLE_PX, SETTLE_PX, least, way, aslant=0.0, ramp_px=0)
    sheet, again = _sides_moved(light, sheet, sides, closer)
    return Around(sheet if len(levels) + len(more) == len(sides) == len(again) else None)


@dataclass(frozen=True, slots=True)
class _Look:
    """`nearest` and `farthest` distance outwards; `least` levels must an edge step by.

    `way`: 1 for what is lighter outside, -1 for what is darker there, 0 for either. `aslant`: of
    its length may the edge run nearer at one end; `ramp_px`: 0 where no shadow's ramp can be.
    """

    nearest: float
    farthest: float
    least: float
    way: int = 0
    aslant: float = ASLANT
    ramp_px: int = RAMP_PX


def _sides_moved(
    light: Floats, corners: Corners, sides: NDArray[np.intp], look: _Look
) -> tuple[Corners, dict[int, float]]:
    """Corners with each of `sides` where its edge was found, and by how much it steps there."""
    starts, ends = corners.copy(), np.roll(corners, -1, axis=0)
    levels: dict[int, float] = {}
    for side in sides.tolist():
        found = _edge_along(light, starts[side], ends[side], look)
        if found is not None:
            starts[side], ends[side], levels[side] = found.start, found.end, found.levels
    edges = ends - starts
    lengths = np.maximum(np.hypot(edges[:, 0], edges[:, 1]), 1e-6)
    normals = np.stack([-edges[:, 1], edges[:, 0]], axis=1) / lengths[:, None]
    met = meeting(normals, (normals * starts).sum(axis=1))
    return (corners, {}) if met is None else (met, levels)


def _of_pictures(judged: Judged) -> NDArray[np.intp]:
    """Which sides part a picture from light, plain ground; none where the ground is another."""
    off = judged.paper - judged.ground
    colour = np.hypot(off[:, 1], off[:, 2])
    plain = np.hypot(judged.ground[:, 1], judged.ground[:, 2]) < PLAIN_GROUND
    if not ((judged.ground[:, 0] > LIGHT_GROUND) & plain).all():
        return np.empty(0, np.intp)
    return np.nonzero((off[:, 0] < -NO_PAPER_LEVELS) | (colour > NO_PAPER_LEVELS))[0]


@dataclass(frozen=True, slots=True)
class _Edge:
    """From `start` to `end`; `levels` by which it is lighter outside of it."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    levels: float


def _edge_along(
    light: Floats, start: NDArray[np.float64], end: NDArray[np.float64], look: _Look
) -> _Edge | None:
    """The clearest edge that runs alongside a side."""
    edge = end - start
    length = float(np.hypot(edge[0], edge[1]))
    if length < PLACES / 2:
        return None
    outward = np.array([edge[1], -edge[0]]) / length
    part = np.linspace(0.05, 0.95, PLACES)
    room = _to_frame(light, (start + end) / 2, outward) - FRAME_PX
    farthest = min(look.farthest, room)
    beside = WINDOW_PX + look.ramp_px
    away = np.arange(look.nearest - beside, farthest + beside)
    if len(away) <= 2 * beside + 1:
        return None
    where = start + part[:, None, None] * edge + away[None, :, None] * outward
    where = where.astype(np.float32)
    across = cv2.remap(
        light,
        np.ascontiguousarray(where[..., 0]),
        np.ascontiguousarray(where[..., 1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    mean = cv2.blur(across, (WINDOW_PX, 1))
    steps = mean[:, WINDOW_PX + 1 :] - mean[:, : -WINDOW_PX - 1]
    away = away[: steps.shape[1]] + (WINDOW_PX + 1) / 2
    if look.ramp_px:  # beyond what is clear another paper lies, or a hand
        clear = (np.abs(steps) > CLEAR_LEVELS).mean(axis=0) > CLEAR_SHARE
        beyond = np.nonzero(clear & (away >= NEAREST_PX))[0]
        if len(beyond):
            steps, away = steps[:, : beyond[0]], away[: beyond[0]]
        if len(away) <= 2 * RAMP_PX:
            return None
    steps = np.clip(steps, -MOST_LEVELS, MOST_LEVELS)
    most = math.ceil(max(LEAST_ASLANT_PX, look.aslant * length))
    slants = np.arange(-most, most + 1, SLANT_PX)
    # each slant is a shift of the places along the side against each other
    shift = np.rint(slants[:, None] * (part - 0.5)).astype(np.intp)
    columns = np.arange(len(away)) + shift[..., None]
    inside = (columns >= 0) & (columns < len(away))
    shifted = steps[np.arange(PLACES)[:, None], columns.clip(0, len(away) - 1)] * inside
    means = shifted.mean(axis=1)  # slants x distances
    if look.ramp_px:
        means = _sharp(means)
        away = away[RAMP_PX:-RAMP_PX]
        # neither end may lie on the picture's own edge
        means *= away - np.abs(slants[:, None]) / 2 >= NEAREST_PX
    best = int(np.argmax(means * look.way if look.way else np.abs(means)))
    slant, place = divmod(best, len(away))
    levels = float(means[slant, place])
    if abs(levels) < look.least or levels * look.way < 0:
        return None
    near, far = away[place] - slants[slant] / 2, away[place] + slants[slant] / 2
    return _Edge(start + near * outward, end + far * outward, levels)


def _sharp(means: Floats) -> Floats:
    """Of steps at one distance after the other, what is more than the steps beside it.

    A shadow goes up slowly, and steps as much a little farther in and out.
    """
    here = means[:, RAMP_PX:-RAMP_PX]
    more = here - (means[:, : -2 * RAMP_PX] + means[:, 2 * RAMP_PX :]) / 2
    size = np.minimum(np.abs(here), np.abs(more))
    return np.asarray(np.where(here * more > 0, np.sign(here) * size, 0.0), np.float32)


def _to_frame(light: Floats, point: NDArray[np.float64], way: NDArray[np.float64]) -> float:
    """How far it is from `point` to the frame's edge."""
    last = np.array([light.shape[1], light.shape[0]]) - 1
    room = np.where(way > 0, last - point, point)
    return float((np.maximum(room, 0) / np.maximum(np.abs(way), 1e-6)).min())

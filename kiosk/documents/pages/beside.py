"""Print in the picture: it stands on paper, so what it stands on is no plate.

A picture on a page, or the portrait on a card, parts two grounds as a sheet does. But a sheet lies
on a plate, and a picture has print beside it on the ground around it. And where print covers the
whole frame and no edge shows, the frame is wholly page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.judge import ENCLOSING_SHARE, Judged
from kiosk.documents.pages.planes import Planes
from kiosk.documents.pages.reckoning import lengths
from kiosk.documents.quads import Corners, Floats, Image, grown

INK_SHARE = 0.38  # of the ground's lightness, by which print is darker; wood, stone, cloth are less
NOISE_TIMES = 4.0  # the usual difference of a picture to its ground, which is noise
LEAST_INK_LEVELS = 26.0  # in the dark: more than noise, of which the ground is the lightest
FEW_INK_PX = 60  # of the search picture: less is dust, and not worth a closer look
SIGN_PX = (4, 30)  # how high a character is where the long side has about a thousand pixels
SIGN_WIDE_PX = (3, 60)  # words in letters run together
SIGN_AREA_PX = 8  # of it clearly darker than the ground
WEAK_SHARE = 0.6  # of the clear difference: what connects
SAME_GROUND = 14.0  # levels of lightness and colour together
NEAR_SHARE = 1.5  # of a candidate's size: print farther off stands on another paper
LEAST_BESIDE = 5  # characters beside one side
LEAST_SIDES_BESIDE = 2  # a label on an unknown plate stands on one side of a paper
MANY_BESIDE = 15  # or has fewer characters
LEAST_SCORE = 0.3  # below it does not matter
BESIDE_SCORE = 0.45  # of its score is left to what has print beside it
LEAST_SIGNS = 45  # on a picture that is wholly page
SPREAD_SHARE = 0.72  # of width and height does what is drawn reach over, rules and all
SIGNS_SPREAD = 0.6  # of one of them do characters: a form's stand in one column
GRAIN_SHARE = 0.05  # of its lightness, by which half of all paper is darker than the lightest
CELLS = 4  # the frame in so many parts across and down
LEAST_CELLS = 12  # of them with print or rules; of a page all are, of a sheet on a plate fewer
LEAST_INK_SHARE = 0.004  # of a cell: half a rule across it, or some five characters
PAPER_LEVEL = 105.0
EVEN_LEVELS = 70.0  # between the darkest and the lightest part of the paper, shadows and all
DIFFERS = 10.0  # of the difference to the known plate: what is printed on the plate is no page's


@dataclass(frozen=True, slots=True)
class Print:
    """Characters: where, in pixels of the search picture (n x 2), and on what ground (n x 3).

    `of_papers`: what is printed on the plate itself was taken out. `drawn`: all ink, rules as
    well, in pixels of a larger picture.
    """

    places: Corners
    grounds: Floats
    of_papers: bool
    drawn: NDArray[np.bool_]


def has_ink(planes: Planes, beside: Corners | None = None) -> bool:
    """Whether there can be print at all, or beside a candidate: a glance, to spare a closer look."""
    lit = cv2.addWeighted(
        cv2.extractChannel(planes.ground, 0),
        1 - INK_SHARE / 2,
        cv2.extractChannel(planes.seen, 0),
        -1,
        0,
    )
    dark = cv2.threshold(lit, 0.0, 1.0, cv2.THRESH_BINARY)[1]
    if beside is not None:
        cv2.fillConvexPoly(dark, np.rint(grown(beside)).astype(np.int32), 0)
    return cv2.countNonZero(dark) >= FEW_INK_PX


def print_in(middle: Image, ground: Image, planes: Planes) -> Print:
    """What looks like characters in `middle`; `ground` is the same without print."""
    below = np.ascontiguousarray(ground[..., 1])
    darker = cv2.subtract(below, np.ascontiguousarray(middle[..., 1]))
    noise = NOISE_TIMES * float(np.median(darker[::4, ::4]))
    share, least = cv2.convertScaleAbs(below, alpha=INK_SHARE), max(LEAST_INK_LEVELS, noise)
    needed = cv2.max(share, np.full_like(share, min(255, round(least))))
    strong = darker > needed
    # a line in noise falls apart where it is judged strictly, and its parts look like characters
    weak = (darker > cv2.convertScaleAbs(needed, alpha=WEAK_SHARE)).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(weak, None)
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    signs = (high >= SIGN_PX[0]) & (high <= SIGN_PX[1])
    signs &= (wide >= SIGN_WIDE_PX[0]) & (wide <= SIGN_WIDE_PX[1])
    signs &= np.bincount(labels[strong], minlength=count) >= SIGN_AREA_PX
    signs[0] = False
    scale = planes.shape[1] / middle.shape[1]
    places = (centres[signs] + 0.5) * scale - 0.5
    rows = np.clip(np.rint(places[:, 1]), 0, planes.shape[0] - 1).astype(np.intp)
    columns = np.clip(np.rint(places[:, 0]), 0, planes.shape[1] - 1).astype(np.intp)
    if planes.plate_known:
        new = planes.seen[rows, columns, 3] >= DIFFERS
        places, rows, columns = places[new], rows[new], columns[new]
    grounds = planes.ground[rows, columns]
    return Print(np.asarray(places, np.float64), grounds, planes.plate_known, strong)


def with_print_beside(judged: list[Judged], quads: Corners, signs: Print) -> list[Judged]:
    """Candidates with print beside them, on the ground that they would lie on, are worth less.

    Looked at from the best on, until none that was not looked at can be chosen any more.
    """
    told = list(judged)
    if len(signs.places) < LEAST_BESIDE:
        return told
    best = 0.0
    for index in sorted(range(len(judged)), key=lambda one: -judged[one].score):
        one = judged[index]
        if one.score < max(LEAST_SCORE, ENCLOSING_SHARE * best):
            break
        if _beside(one, quads[index], signs):
            told[index] = one = replace(one, score=one.score * BESIDE_SCORE, worth=BESIDE_SCORE)
        best = max(best, one.score)
    return told


def _beside(one: Judged, quad: Corners, signs: Print) -> bool:
    edge = np.roll(quad, -1, axis=0) - quad
    length = np.maximum(np.hypot(edge[:, 0], edge[:, 1]), 1e-6)
    outward = np.stack([edge[:, 1], -edge[:, 0]], axis=1) / length[:, None]  # clockwise
    away = ((signs.places[:, None] - quad) * outward).sum(axis=2)  # signs x sides
    reach = NEAR_SHARE * float(length.max())
    farthest = away.max(axis=1)
    near = (farthest > 2.0) & (farthest < reach)
    if int(near.sum()) < LEAST_BESIDE:
        return False
    side = away.argmax(axis=1)
    alike = lengths(signs.grounds - one.ground[side]) < SAME_GROUND
    if signs.of_papers:  # where the plate itself shows beside it, that print is another paper's
        alike &= one.strange[side] >= DIFFERS / 2
    beside = (away > 2.0) & (near & alike)[:, None]
    counts = beside.sum(axis=0)
    sides = int((counts >= LEAST_BESIDE).sum())
    if signs.of_papers:
        return sides >= 1
    return sides >= LEAST_SIDES_BESIDE or int(counts.max()) >= MANY_BESIDE


def wholly_page(planes: Planes, signs: Print) -> bool:
    """Whether print and paper fill the frame, so that the page is the whole picture."""
    height, width = planes.shape
    light = planes.ground[::4, ::4, 0]
    low, middle, high = np.percentile(light, (5, 50, 98))
    if len(signs.places) < LEAST_SIGNS or middle < PAPER_LEVEL or high - low > EVEN_LEVELS:
        return False
    seen = planes.seen[::4, ::4, 0]
    if float(np.median((light - seen) / np.maximum(light, 1.0))) > GRAIN_SHARE:
        return False
    if max(_reach(signs.places[:, 0]) / width, _reach(signs.places[:, 1]) / height) < SIGNS_SPREAD:
        return False
    drawn = signs.drawn.astype(np.float32)
    if planes.plate_known:
        new = (planes.seen[..., 3] >= DIFFERS).astype(np.float32)
        drawn *= cv2.resize(new, drawn.shape[::-1], interpolation=cv2.INTER_NEAREST)
    for axis in range(2):
        share = np.cumsum(drawn.sum(axis=axis)) / max(float(drawn.sum()), 1.0)
        if int(((share > 0.01) & (share < 0.99)).sum()) < SPREAD_SHARE * len(share):
            return False
    cells = cv2.resize(drawn, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return int((cells >= LEAST_INK_SHARE).sum()) >= LEAST_CELLS


def _reach(places: NDArray[np.float64]) -> float:
    """How far places reach, but for a few."""
    low, high = np.percentile(places, (1, 99))
    return float(high - low)

"""Straight lines that may be sides of a page: from every cue there is, and what shows along them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.planes import Planes, beside, shifted, smooth
from kiosk.documents.pages.reckoning import lengths, medians
from kiosk.documents.quads import Floats, Image

MAX_LINES = 24  # all pairs of pairs are tried: more lines cost to the fourth power
MAX_PROPOSED = 56  # lines of which the best are kept
ON_LINE_PX = 2.2  # of the search picture: segments so near are parts of one line
MAX_SEGMENTS = 160  # the longest: every one is compared with every other
STEP_PX = 3.0
LSD_SCALE = 0.6  # of the search picture: as many long segments as at 0.8, in half the time
NEAR_PX = 2.4  # of the search picture, to both sides of a line: where it steps
FAR_PX = 7.2  # beyond a line that is drawn
FRAME_LINES = 4  # the last of all lines: the edges of the frame
FLAT_STEP = 2.0  # a step of this many grey levels or fewer is no step
CLEAR_STEP = 9.0  # from here on a step is beyond doubt
MIN_AREA_SHARE = 0.025  # a citizen's card in a frame that shows an A3 plate covers about 3 %


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines x*cos + y*sin = rho with what shows along each, at `STEP_PX` from `start`."""

    normal: Floats  # n x 2
    rho: Floats  # n
    cover: Floats  # n x samples + 1: running sum of evidence
    inside: Floats  # n x samples + 1: running count of samples inside the frame
    reach: float  # samples run from -reach to +reach around the foot of the frame's centre


def propose(planes: Planes) -> Floats:
    """Segments x1 y1 x2 y2 from every cue, n x 4."""
    height, width = planes.shape
    one, other = (cv2.extractChannel(planes.seen, plane) for plane in (1, 2))
    chroma = np.asarray(cv2.convertScaleAbs(cv2.magnitude(one, other), alpha=2.5), np.uint8)
    pictures = [cv2.convertScaleAbs(cv2.extractChannel(planes.seen, 0))]
    if planes.plate_known:
        pictures.append(cv2.convertScaleAbs(cv2.extractChannel(planes.seen, 3), alpha=8.0))
    else:
        ground = cv2.extractChannel(planes.ground, 0)
        around = cv2.blur(ground, (41, 41))
        pictures.append(cv2.addWeighted(ground, 4.0, around, -4.0, 128.0, dtype=cv2.CV_8U))
    if float(np.percentile(chroma[::3, ::3], 95)) > 20:
        pictures.append(chroma)
    found: list[Floats] = []
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD, LSD_SCALE)
    for one in pictures:
        segments = detector.detect(one)[0]
        if segments is not None:
            found.append(np.asarray(segments, np.float32).reshape(-1, 4))
    found.extend(_outlines(planes, chroma))
    if not found:
        return np.empty((0, 4), np.float32)
    segments = np.concatenate(found)
    length = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    return np.asarray(segments[length >= 0.035 * max(height, width)], np.float32)


def _outlines(planes: Planes, chroma: Image) -> list[Floats]:
    """Straight parts of the outlines of areas that may be the page."""
    height, width = planes.shape
    rim = max(3, height // 50)
    own = planes.ground
    frame = (own[:rim], own[-rim:], own[:, :rim], own[:, -rim:])
    usual = medians(np.concatenate([part.reshape(-1, 3) for part in frame]), 0)
    away = shifted(own, (-float(usual[0]), -float(usual[1]), -float(usual[2])))
    distance = cv2.sqrt(cv2.transform(cv2.multiply(away, away), np.ones((1, 3), np.float32)))
    light = cv2.convertScaleAbs(cv2.extractChannel(own, 0))
    masks = [
        cv2.threshold(cv2.convertScaleAbs(distance), 0, 255, cv2.THRESH_OTSU)[1],
        cv2.threshold(light, 0, 255, cv2.THRESH_OTSU)[1],
        cv2.threshold(chroma, 0, 255, cv2.THRESH_OTSU)[1],
    ]
    masks.append(cv2.bitwise_not(masks[2]))
    if planes.plate_known:
        masks.append(((planes.seen[..., 3] > 12.0) * 255).astype(np.uint8))
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (9, 9))
    found: list[Floats] = []
    for mask in masks:
        closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
        opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel)
        contours, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        large = sorted(contours, key=cv2.contourArea, reverse=True)[:2]
        for contour in large:
            if cv2.contourArea(contour) < MIN_AREA_SHARE * height * width:
                continue
            hull = cv2.convexHull(contour)
            around = cv2.approxPolyDP(hull, 0.012 * cv2.arcLength(hull, True), True)
            points = np.asarray(around, np.float32).reshape(-1, 2)
            found.append(np.concatenate([points, np.roll(points, -1, axis=0)], axis=1))
    return found


def evidence(planes: Planes, segments: Floats) -> Lines:
    """Segments joined into lines, and for each line how much of it is a step."""
    height, width = planes.shape
    centre = np.array([(width - 1) / 2, (height - 1) / 2], np.float32)
    reach = math.ceil(math.hypot(width, height) / 2)
    normals, rhos, seen = _joined(segments - np.tile(centre, 2), reach)
    along = np.arange(-reach, reach + STEP_PX, STEP_PX, dtype=np.float32)
    tangent = np.stack([-normals[:, 1], normals[:, 0]], axis=1)
    foot = normals * rhos[:, None] + centre
    at = foot[:, None, :] + along[None, :, None] * tangent[:, None, :]
    one, other = beside(planes.soft, at, normals, (-NEAR_PX, NEAR_PX))
    near = lengths(smooth(other - one, 5))
    # a line drawn on one ground steps as well, but the ground is the same on both sides of it
    one, other = beside(planes.ground, at, normals, (-FAR_PX, FAR_PX))
    beyond = lengths(smooth(other - one, 7))
    size = np.minimum(near, 1.6 * beyond)
    within = (
        (at[..., 0] >= 0)
        & (at[..., 0] <= width - 1)
        & (at[..., 1] >= 0)
        & (at[..., 1] <= height - 1)
    )
    evidence = np.clip((size - FLAT_STEP) / (CLEAR_STEP - FLAT_STEP), 0, 1) * within
    strongest = np.argsort(-(evidence * seen).sum(axis=1))[:MAX_LINES]
    normals, rhos = normals[strongest], rhos[strongest]
    evidence, within = evidence[strongest], within[strongest]
    # the frame's own edges: where a sheet that lies half outside ends
    for x, y, rho in ((1, 0, width), (-1, 0, width), (0, 1, height), (0, -1, height)):
        normals = np.concatenate([normals, np.array([[x, y]], np.float32)])
        rhos = np.append(rhos, np.float32(rho / 2))
        evidence = np.concatenate([evidence, np.full((1, len(along)), 0.6, np.float32)])
        within = np.concatenate([within, np.ones((1, len(along)), bool)])
    count = len(rhos)
    cover = np.zeros((count, len(along) + 1), np.float32)
    np.cumsum(evidence, axis=1, out=cover[:, 1:])
    inside = np.zeros((count, len(along) + 1), np.float32)
    np.cumsum(within, axis=1, out=inside[:, 1:])
    return Lines(normals, rhos, cover, inside, float(reach))


def _joined(segments: Floats, reach: int) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Segments (about the centre) on one straight line joined: normals, rhos, the longest first.

    Third: for each line, in which of its samples from -reach to +reach a segment was seen.
    """
    vector = segments[:, 2:] - segments[:, :2]
    length = np.hypot(vector[:, 0], vector[:, 1])
    order = np.argsort(-length)[:MAX_SEGMENTS]
    segments, vector, length = segments[order], vector[order], length[order]
    normal = np.stack([-vector[:, 1], vector[:, 0]], axis=1) / length[:, None]
    free = np.ones(len(order), bool)
    ends = segments.reshape(-1, 2, 2)
    rhos = (normal * ends[:, 0]).sum(axis=1)
    # lines x segments: is the segment on the line?
    together = np.abs(normal @ normal.T) > 0.998
    for end in (ends[:, 0], ends[:, 1]):
        together &= np.abs(normal @ end.T - rhos[:, None]) < ON_LINE_PX
    np.fill_diagonal(together, True)
    groups: list[NDArray[np.intp]] = []
    for index in range(len(order)):
        if free[index]:
            near = np.nonzero(free & together[index])[0]
            free[near] = False
            groups.append(near)
    groups.sort(
        key=lambda group: -float(length[group].sum() if len(group) > 1 else length[group[0]])
    )
    groups = groups[:MAX_PROPOSED]
    along = np.arange(-reach, reach + STEP_PX, STEP_PX, dtype=np.float32)
    if not groups:
        return (
            np.empty((0, 2), np.float32),
            np.empty(0, np.float32),
            np.empty((0, len(along)), bool),
        )
    members = np.concatenate(groups)
    counts = np.array([len(group) for group in groups])
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    normals, rhos = _through(ends[members], length[members], firsts)
    tangents = np.stack([-normals[:, 1], normals[:, 0]], axis=1).repeat(counts, axis=0)
    runs = (ends[members] * tangents[:, None]).sum(axis=2)
    low, high = runs.min(axis=1) - STEP_PX, runs.max(axis=1) + STEP_PX
    reached = (along >= low[:, None]) & (along <= high[:, None])
    return normals, rhos, np.asarray(np.logical_or.reduceat(reached, firsts, axis=0), np.bool_)


def _through(ends: Floats, length: Floats, firsts: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """The lines (normals, rhos) through groups of segments, each segment counting by its length.

    `ends`: segments x 2 x 2; `firsts`: where in it each group begins.
    """

    def total(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, firsts, axis=0), np.float64)

    middle, half = (
        ends.mean(axis=1).astype(np.float64),
        ((ends[:, 1] - ends[:, 0]) / 2).astype(np.float64),
    )
    weight = total(length)
    mean = total(middle * length[:, None]) / weight[:, None]
    dx, dy = (middle - mean.repeat(np.diff([*firsts, len(ends)]), axis=0)).T
    across = 2 * total(length * (dx * dy + half[:, 0] * half[:, 1]))
    along = total(length * (dx**2 - dy**2 + half[:, 0] ** 2 - half[:, 1] ** 2))
    angle = 0.5 * np.arctan2(across, along)
    normals = np.stack([-np.sin(angle), np.cos(angle)], axis=1)
    return np.asarray(normals, np.float32), np.asarray((normals * mean).sum(axis=1), np.float32)

"""Straight lines that may be sides of a page: from every cue there is, and what shows along them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.planes import Planes, sample, smooth
from kiosk.documents.pages.reckoning import lengths, medians
from kiosk.documents.quads import Floats, Image

MAX_LINES = 24  # all pairs of pairs are tried: more lines cost to the fourth power
MAX_PROPOSED = 56  # lines of which the best are kept
MAX_SEGMENTS = 160  # the longest: every one is compared with every other
STEP_PX = 2.0
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
    seen = planes.seen
    light = np.clip(seen[..., 0], 0, 255).astype(np.uint8)
    chroma = np.clip(np.hypot(seen[..., 1], seen[..., 2]) * 2.5, 0, 255).astype(np.uint8)
    ground = np.ascontiguousarray(planes.ground[..., 0])
    around = cv2.blur(ground, (41, 41))
    local = np.clip((ground - around) * 4.0 + 128.0, 0, 255).astype(np.uint8)
    found: list[Floats] = []
    pictures = [light]
    if planes.plate_known:
        pictures.append(np.clip(seen[..., 3] * 8.0, 0, 255).astype(np.uint8))
    else:
        pictures.append(local)
    if float(np.percentile(chroma[::3, ::3], 95)) > 20:
        pictures.append(chroma)
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD)
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
    ground = planes.ground
    light = np.clip(ground[..., 0], 0, 255).astype(np.uint8)
    rim = max(3, height // 50)
    frame = np.concatenate(
        [
            ground[:rim].reshape(-1, 3),
            ground[-rim:].reshape(-1, 3),
            ground[:, :rim].reshape(-1, 3),
            ground[:, -rim:].reshape(-1, 3),
        ]
    )
    distance = lengths(ground - medians(frame, 0))
    masks = [
        cv2.threshold(np.clip(distance, 0, 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)[1],
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
    offsets = np.array([-3.0, -1.7, 1.7, 3.0], np.float32)
    where = at[:, None] + offsets[None, :, None, None] * normals[:, None, None, :]
    sampled = sample(planes.seen, where)  # n, 4, samples, 4
    b, c = (np.asarray((sampled[:, one] + sampled[:, one + 1]) / 2, np.float32) for one in (0, 2))
    near = lengths(smooth(c - b, 7))
    # a line drawn on one ground steps as well, but the ground is the same on both sides of it
    offsets = np.array([-8.0, -6.5, 6.5, 8.0], np.float32)
    where = at[:, None] + offsets[None, :, None, None] * normals[:, None, None, :]
    sampled = sample(planes.ground, where)
    a, d = (np.asarray((sampled[:, one] + sampled[:, one + 1]) / 2, np.float32) for one in (0, 2))
    beyond = lengths(smooth(d - a, 9))
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
    off = np.abs(np.einsum("lk,sek->lse", normal, ends) - rhos[:, None, None]).max(axis=2)
    together = (off < 2.2) & (np.abs(normal @ normal.T) > 0.998)
    np.fill_diagonal(together, True)
    middles = (normal * ends.mean(axis=1)).sum(axis=1)
    lines: list[tuple[float, Floats, float, NDArray[np.intp]]] = []
    for index in range(len(order)):
        if not free[index]:
            continue
        near = np.nonzero(free & together[index])[0]
        free[near] = False
        if len(near) == 1:  # as most are
            lines.append((float(length[index]), normal[index], float(middles[index]), near))
        else:
            lines.append((float(length[near].sum()), *_through(ends[near], length[near]), near))
    lines.sort(key=lambda line: -line[0])
    kept = lines[:MAX_PROPOSED]
    along = np.arange(-reach, reach + STEP_PX, STEP_PX, dtype=np.float32)
    normals = np.array([line[1] for line in kept], np.float32).reshape(-1, 2)
    rhos = np.array([line[2] for line in kept], np.float32)
    if not kept:
        return normals, rhos, np.empty((0, len(along)), bool)
    members = np.concatenate([line[3] for line in kept])
    counts = np.array([len(line[3]) for line in kept])
    tangents = np.stack([-normals[:, 1], normals[:, 0]], axis=1).repeat(counts, axis=0)
    runs = (ends[members] * tangents[:, None]).sum(axis=2)
    low, high = runs.min(axis=1) - STEP_PX, runs.max(axis=1) + STEP_PX
    reached = (along >= low[:, None]) & (along <= high[:, None])
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return normals, rhos, np.asarray(np.logical_or.reduceat(reached, firsts, axis=0), np.bool_)


def _through(ends: Floats, length: Floats) -> tuple[Floats, float]:
    """The line (normal, rho) through segments (n x 2 x 2), each counting by its length."""
    points = ends.reshape(-1, 2)
    weight = np.repeat(length, 2)
    mean = weight @ points / weight.sum()
    dx, dy = (points - mean).T
    angle = 0.5 * math.atan2(
        2 * float(weight @ (dx * dy)), float(weight @ (dx * dx)) - float(weight @ (dy * dy))
    )
    normal = np.array([-math.sin(angle), math.cos(angle)], np.float32)
    return normal, float(normal @ mean)

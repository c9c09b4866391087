"""Sides fitted again in a larger picture: to where it steps most, to a fraction of a pixel."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.reckoning import masked_medians, medians
from kiosk.documents.quads import Corners, Floats, Image, ordered

REFIT_SAMPLES = 72  # places along a side
REFIT_ROUNDS = 3  # of the reweighted line fit: then it has settled
LEAST_PLACES = 12  # of a side in the frame; fewer tell nothing
LEAST_STEPS = 10  # of them that show a step
LEAST_STEP = 1.5  # grey levels, along the colour of the side's step
FLAT_STEP = 1.0  # the same, of all the side: nothing steps there
ON_LINE_PX = 0.8  # of the picture: so near lie the places of one straight side
TRIED_ENDS = 8  # places at each end of a side through which a line is tried
ALONG_SHARES = (-0.3, 0.3)  # of the way to the next place: where a place is looked at

Vectors = NDArray[np.float64]


def refit(picture: Image, quad: Corners, reach_px: float) -> Corners:
    """Each side moved to where the picture steps most, and the corners where the sides meet."""
    corners = ordered(quad)
    fitted = meeting(*refit_sides(picture, corners, np.roll(corners, -1, axis=0), reach_px))
    if fitted is None:
        return corners
    if np.abs(fitted - corners).max() > 4 * reach_px + 4:
        return corners
    return fitted


def meeting(normals: Vectors, rhos: Vectors) -> Corners | None:
    """The corners of four lines, each where it meets the one before it; None where two run alike."""
    before, rhos_before = np.roll(normals, 1, axis=0), np.roll(rhos, 1)
    cross = before[:, 0] * normals[:, 1] - before[:, 1] * normals[:, 0]
    if (np.abs(cross) < 1e-3).any():
        return None
    x = (rhos_before * normals[:, 1] - rhos * before[:, 1]) / cross
    y = (rhos * before[:, 0] - rhos_before * normals[:, 0]) / cross
    return np.stack([x, y], axis=1)


def refit_sides(
    picture: Image, starts: Vectors, ends: Vectors, reach_px: float
) -> tuple[Vectors, Vectors]:
    """The lines (normals n x 2, rhos n) of the steps along n sides; the old ones where none show."""
    edges = ends - starts
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    inward = np.stack([-edges[:, 1], edges[:, 0]], axis=1) / np.maximum(lengths, 1e-6)[:, None]
    normals, rhos = inward.copy(), (inward * starts).sum(axis=1)
    part = np.linspace(0.03, 0.97, REFIT_SAMPLES)
    at = starts[:, None] + part[:, None] * edges[:, None]
    far = np.array([picture.shape[1], picture.shape[0]]) - 2
    usable = np.asarray(((at >= 1) & (at <= far)).all(axis=2), np.bool_)
    spacing = max(0.5, reach_px / 14)
    count = math.ceil(reach_px / spacing) + 4
    offsets = np.arange(-count, count + 1, dtype=np.float64) * spacing
    profile = _profiles(picture, at, edges, inward, offsets)
    half = max(2, round(1.5 / spacing))
    rising = profile[:, :, 2 * half :] - profile[:, :, : -2 * half]
    centre = offsets[half:-half]
    steps = _along_its_colour(rising, usable, np.exp(-0.5 * (centre / (reach_px * 0.8)) ** 2))
    place = np.argmax(steps, axis=2)
    inner = np.clip(place, 1, steps.shape[2] - 2)[..., None]
    left, mid, right = (np.take_along_axis(steps, inner + k, axis=2)[..., 0] for k in (-1, 0, 1))
    bend = left - 2 * mid + right
    fraction = np.where(np.abs(bend) > 1e-6, 0.5 * (left - right) / np.where(bend == 0, 1, bend), 0)
    offset = centre[inner[..., 0]] + np.clip(fraction, -0.5, 0.5) * spacing
    weight = np.take_along_axis(steps, place[..., None], axis=2)[..., 0]
    good = usable & (weight > 0.25 * masked_medians(weight, usable)[:, None])
    good &= (weight > LEAST_STEP) & (place > 0) & (place < steps.shape[2] - 1)
    found = (usable.sum(axis=1) >= LEAST_PLACES) & (good.sum(axis=1) >= LEAST_STEPS)
    if not found.any():
        return normals, rhos
    weight = np.minimum(weight, masked_medians(weight, good)[:, None]) * good
    slopes, shifts = _fit(
        part * lengths[found, None], offset[found], np.asarray(weight[found], np.float64)
    )
    near = starts[found] + shifts[:, None] * inward[found]
    line = ends[found] + (shifts + slopes * lengths[found])[:, None] * inward[found] - near
    line /= np.maximum(np.hypot(line[:, 0], line[:, 1]), 1e-6)[:, None]
    normals[found] = np.stack([-line[:, 1], line[:, 0]], axis=1)
    rhos[found] = (normals[found] * near).sum(axis=1)
    return normals, rhos


def _profiles(
    picture: Image, at: Vectors, edges: Vectors, inward: Vectors, offsets: Vectors
) -> Floats:
    """The picture across each side, sides x places x offsets x 3; each place looked at twice."""
    along = np.array(ALONG_SHARES)[:, None, None] / REFIT_SAMPLES * edges
    looked = (at + along[:, :, None]).astype(np.float32)  # 2 x sides x places x 2
    away = (offsets[None, :, None] * inward[:, None]).astype(np.float32)
    where = looked[..., None, :] + away[None, :, None]
    flat = where.reshape(-1, len(offsets), 2)
    raw = cv2.remap(
        picture,
        np.ascontiguousarray(flat[..., 0]),
        np.ascontiguousarray(flat[..., 1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    one, other = np.asarray(raw, np.float32).reshape(2, *at.shape[:2], len(offsets), 3)
    return np.asarray((one + other) / 2, np.float32)


def _along_its_colour(rising: Floats, usable: NDArray[np.bool_], near: Vectors) -> Floats:
    """How much each place steps in the colour in which its side steps, sides x places x offsets.

    Which colour that is tells the offset where most of the side steps; 0 for a side without a step.
    """
    seen = np.abs(rising).sum(axis=3) * usable[..., None]
    peaks = np.argmax(seen.sum(axis=1) / np.maximum(usable.sum(axis=1), 1)[:, None] * near, axis=1)
    steps = np.zeros(rising.shape[:3], np.float32)
    for side, peak in enumerate(peaks):
        around = rising[side, usable[side], max(0, peak - 1) : peak + 2].reshape(-1, 3)
        if not len(around):
            continue
        direction = medians(around, 0)
        norm = float(np.linalg.norm(direction))
        if norm >= FLAT_STEP:
            steps[side] = cv2.blur(rising[side] @ (direction / norm).astype(np.float32), (1, 3))
    return steps


def _fit(run: Vectors, offset: Vectors, weight: Vectors) -> tuple[Vectors, Vectors]:
    """A straight line offset = slope * run + shift for each of n sides, that outliers do not pull.

    All n x places; a place of no weight does not count. Each side has places that do.
    """
    slopes, shifts = _through_most(run, offset, weight)
    for _ in range(REFIT_ROUNDS):
        error = offset - (slopes[:, None] * run + shifts[:, None])
        usual = masked_medians(np.abs(error), weight > 0)
        width = np.maximum(0.6, 1.5 * 1.4826 * usual)[:, None]
        w = weight * np.clip(1 - (error / (2 * width)) ** 2, 0, None) ** 2
        total = np.maximum(w.sum(axis=1), 1e-9)
        mean_run, mean_offset = (w * run).sum(axis=1) / total, (w * offset).sum(axis=1) / total
        away = run - mean_run[:, None]
        spread = (w * away**2).sum(axis=1)
        better = spread > 1e-9
        slope = (w * away * (offset - mean_offset[:, None])).sum(axis=1) / np.maximum(spread, 1e-9)
        slopes = np.where(better, slope, slopes)
        shifts = np.where(better, mean_offset - slope * mean_run, shifts)
    return slopes, shifts


def _through_most(run: Vectors, offset: Vectors, weight: Vectors) -> tuple[Vectors, Vectors]:
    """Of lines through a place near each end of a side, the one that most lie on.

    Fingers and text are whole runs of outliers: a fit that begins from all places would keep them.
    """
    tried = np.empty((2, len(run), TRIED_ENDS), np.intp)
    for side, row in enumerate(weight > 0):
        counted = np.nonzero(row)[0]
        quarter = len(counted) // 4
        tried[0, side] = counted[np.linspace(0, quarter, TRIED_ENDS).astype(np.intp)]
        tried[1, side] = counted[-1 - np.linspace(0, quarter, TRIED_ENDS).astype(np.intp)]
    sides = np.arange(len(run))[:, None]
    i, j = (sides, tried[0]), (sides, tried[1])
    rise = offset[j][:, None] - offset[i][:, :, None]
    slopes = rise / np.maximum(run[j][:, None] - run[i][:, :, None], 1e-6)
    shifts = offset[i][:, :, None] - slopes * run[i][:, :, None]
    slopes, shifts = slopes.reshape(len(run), -1), shifts.reshape(len(run), -1)
    errors = offset[:, None] - (slopes[..., None] * run[:, None] + shifts[..., None])
    on_line = (np.abs(errors) < ON_LINE_PX) @ weight[..., None]
    best = np.argmax(on_line[..., 0], axis=1)[:, None]
    return np.take_along_axis(slopes, best, axis=1)[:, 0], np.take_along_axis(shifts, best, axis=1)[
        :, 0
    ]

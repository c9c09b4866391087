"""Sides fitted again in a larger picture: to where it steps most, to a fraction of a pixel."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.reckoning import median, medians
from kiosk.documents.quads import Corners, Image, ordered

REFIT_SAMPLES = 72  # places along a side
REFIT_ROUNDS = 4  # of the reweighted line fit; it has settled after three


def refit(picture: Image, quad: Corners, reach_px: float) -> Corners:
    """Each side moved to where the picture steps most, and the corners where the sides meet."""
    corners = ordered(quad)
    normals = np.empty((4, 2))
    rhos = np.empty(4)
    for side in range(4):
        start, end = corners[side], corners[(side + 1) % 4]
        normals[side], rhos[side] = refit_side(picture, start, end, reach_px)
    fitted = meeting(normals, rhos)
    if fitted is None:
        return corners
    if np.abs(fitted - corners).max() > 4 * reach_px + 4:
        return corners
    return fitted


def meeting(normals: NDArray[np.float64], rhos: NDArray[np.float64]) -> Corners | None:
    """The corners of four lines, each where it meets the one before it; None where two run alike."""
    fitted = np.empty((4, 2))
    for corner in range(4):
        before = (corner + 3) % 4
        pair = np.stack([normals[before], normals[corner]])
        if abs(np.linalg.det(pair)) < 1e-3:
            return None
        fitted[corner] = np.linalg.solve(pair, np.array([rhos[before], rhos[corner]]))
    return fitted


def refit_side(
    picture: Image, start: NDArray[np.float64], end: NDArray[np.float64], reach_px: float
) -> tuple[NDArray[np.float64], float]:
    """The line (normal, rho) of the step along one side; the old line where none shows."""
    height, width = picture.shape[:2]
    edge = end - start
    length = float(np.hypot(edge[0], edge[1]))
    tangent = edge / max(length, 1e-6)
    inward = np.array([-tangent[1], tangent[0]])
    old = (inward, float(inward @ start))
    part = np.linspace(0.03, 0.97, REFIT_SAMPLES)
    at = start + part[:, None] * edge
    within = (at[:, 0] >= 1) & (at[:, 0] <= width - 2) & (at[:, 1] >= 1) & (at[:, 1] <= height - 2)
    if within.sum() < 12:
        return old
    at = at[within]
    spacing = max(0.5, reach_px / 14)
    count = math.ceil(reach_px / spacing) + 4
    offsets = np.arange(-count, count + 1) * spacing
    where = at[:, None] + offsets[None, :, None] * inward
    shifts = np.array([-0.3, 0.3])[:, None, None, None] * (length / REFIT_SAMPLES)
    spread = (where[None] + shifts * tangent).astype(np.float32)
    flat = spread.reshape(-1, spread.shape[2], 2)
    raw = cv2.remap(
        picture,
        np.ascontiguousarray(flat[..., 0]),
        np.ascontiguousarray(flat[..., 1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    profile = np.asarray(raw, np.float32).reshape(2, len(at), len(offsets), 3).mean(axis=0)
    half = max(2, round(1.5 / spacing))
    rising = profile[:, 2 * half :] - profile[:, : -2 * half]
    centre = offsets[half:-half]
    # which colour the step has on this side, by the place where most of it is
    strength = np.abs(rising).sum(axis=2).mean(axis=0)
    peak = int(np.argmax(strength * np.exp(-0.5 * (centre / (reach_px * 0.8)) ** 2)))
    direction = medians(rising[:, max(0, peak - 1) : peak + 2].reshape(-1, 3), 0)
    norm = float(np.linalg.norm(direction))
    if norm < 1.0:
        return old
    steps = rising @ (direction / norm).astype(np.float32)
    steps = np.asarray(cv2.blur(steps, (1, 3)), np.float32)
    place = np.argmax(steps, axis=1)
    rows = np.arange(len(at))
    weight = steps[rows, place]
    inner = np.clip(place, 1, steps.shape[1] - 2)
    left, mid, right = steps[rows, inner - 1], steps[rows, inner], steps[rows, inner + 1]
    bend = left - 2 * mid + right
    fraction = np.where(np.abs(bend) > 1e-6, 0.5 * (left - right) / np.where(bend == 0, 1, bend), 0)
    offset = centre[inner] + np.clip(fraction, -0.5, 0.5) * spacing
    good = (weight > 0.25 * median(weight)) & (weight > 1.5) & (place > 0)
    good &= place < steps.shape[1] - 1
    if good.sum() < 10:
        return old
    run = part[within] * length
    strong = weight[good]
    slope, shift = _fit(run[good], offset[good], np.minimum(strong, median(strong)))
    near, far = start + shift * inward, end + (shift + slope * length) * inward
    line = far - near
    line /= max(float(np.hypot(line[0], line[1])), 1e-6)
    normal = np.array([-line[1], line[0]])
    return normal, float(normal @ near)


def _fit(
    run: NDArray[np.float64], offset: NDArray[np.floating], weight: NDArray[np.floating]
) -> tuple[float, float]:
    """A straight line offset = slope * run + shift that outliers do not pull."""
    # begin from the line through the most points: fingers and text are whole runs of outliers
    quarter = len(run) // 4
    i = np.arange(0, quarter + 1, 2)[:, None]
    j = np.arange(len(run) - 1 - quarter, len(run), 2)[None]
    slopes = (offset[j] - offset[i]) / np.maximum(run[j] - run[i], 1e-6)
    shifts = offset[i] - slopes * run[i]
    errors = np.abs(offset - (slopes[..., None] * run + shifts[..., None]))
    best = int(np.argmax(((errors < 0.8) * weight).sum(axis=2)))
    slope, shift = float(slopes.flat[best]), float(shifts.flat[best])
    for _ in range(REFIT_ROUNDS):
        error = offset - (slope * run + shift)
        width = max(0.6, 1.5 * 1.4826 * median(np.abs(error)))
        w = weight * np.clip(1 - (error / (2 * width)) ** 2, 0, None) ** 2
        total = w.sum()
        if total <= 0:
            break
        mean_run, mean_offset = (w * run).sum() / total, (w * offset).sum() / total
        spread = (w * (run - mean_run) ** 2).sum()
        if spread <= 0:
            break
        slope = float((w * (run - mean_run) * (offset - mean_offset)).sum() / spread)
        shift = float(mean_offset - slope * mean_run)
    return slope, shift

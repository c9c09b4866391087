"""Quadrilaterals of four lines that may be a page, by how much of each side shows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.lines import FRAME_LINES, MIN_AREA_SHARE, STEP_PX, Lines
from kiosk.documents.quads import Corners, all_ordered, within

MAX_DETAILED = 32  # candidates judged sample by sample
ALIKE_PX = 2.5  # of the search picture: the refit takes both to the same place
REACH_SHARE = 0.3  # how far outside of the frame a corner of a page cut off may lie


def candidates_of(lines: Lines, width: int, height: int, taken: list[Corners]) -> Corners:
    """The most promising quadrilaterals of four lines apart from `taken`, best first: n x 4 x 2."""
    count = len(lines.rho)
    if count < 4:
        return np.empty((0, 4, 2))
    first, second = np.triu_indices(count, 1)
    dots = np.abs((lines.normal[first] * lines.normal[second]).sum(axis=1))
    opposite = dots > math.cos(math.radians(40))
    first, second = first[opposite], second[opposite]
    sign = np.sign((lines.normal[first] * lines.normal[second]).sum(axis=1))
    gap = np.abs(lines.rho[first] - sign * lines.rho[second])
    apart = gap > 0.08 * min(width, height)
    first, second, sign = first[apart], second[apart], sign[apart]
    if not len(first):
        return np.empty((0, 4, 2))
    direction = lines.normal[first] + sign[:, None] * lines.normal[second]
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    crossing = np.abs(direction @ direction.T) < math.cos(math.radians(42))
    one, two = np.nonzero(np.triu(crossing, 1))
    if not len(one):
        return np.empty((0, 4, 2))
    a, b, c, d = first[one], second[one], first[two], second[two]
    # each intersection of two lines once
    n, rho = lines.normal.astype(np.float64), lines.rho.astype(np.float64)
    cross = n[:, None, 0] * n[None, :, 1] - n[:, None, 1] * n[None, :, 0]
    safe = np.where(np.abs(cross) < 1e-3, np.inf, cross)
    x = (rho[:, None] * n[None, :, 1] - rho[None, :] * n[:, None, 1]) / safe
    y = (rho[None, :] * n[:, None, 0] - rho[:, None] * n[None, :, 0]) / safe
    reach_x, reach_y = width * (0.5 + REACH_SHARE), height * (0.5 + REACH_SHARE)
    usable = (np.abs(x) <= reach_x) & (np.abs(y) <= reach_y) & np.isfinite(safe)
    good = usable[a, c] & usable[a, d] & usable[b, c] & usable[b, d]
    a, b, c, d = a[good], b[good], c[good], d[good]
    if not len(a):
        return np.empty((0, 4, 2))
    points = np.stack(
        [np.stack([x[p, q], y[p, q]], axis=1) for p, q in ((a, c), (b, c), (b, d), (a, d))],
        axis=1,
    )
    following = np.roll(points, -1, axis=1)
    turn = np.roll(following - points, -1, axis=1)
    edge = following - points
    winding = edge[..., 0] * turn[..., 1] - edge[..., 1] * turn[..., 0]
    convex = (winding > 0).all(axis=1) | (winding < 0).all(axis=1)
    twice = np.abs(
        (points[..., 0] * following[..., 1] - following[..., 0] * points[..., 1]).sum(axis=1)
    )
    share = twice / 2 / (width * height)
    keep = convex & (share > MIN_AREA_SHARE)
    for other in taken:
        keep &= ~_meets(points, other - np.array([(width - 1) / 2, (height - 1) / 2]))
    points, share = points[keep], share[keep]
    a, b, c, d = a[keep], b[keep], c[keep], d[keep]
    if not len(points):
        return np.empty((0, 4, 2))
    # sides in order: on c from a to b, on b from c to d, on d from b to a, on a from d to c
    sides = np.stack(
        [
            _covered(lines, line, points[:, start], points[:, (start + 1) % 4])
            for start, line in ((0, c), (1, b), (2, d), (3, a))
        ],
        axis=1,
    )
    score = (0.65 * sides.min(axis=1) + 0.35 * sides.mean(axis=1)) * (0.7 + 0.3 * np.sqrt(share))
    order = np.argsort(-score)[: MAX_DETAILED * 8]
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    quads = all_ordered(points[order] + middle)
    first_edge = count - FRAME_LINES
    at_edge = sum(np.where(one >= first_edge, 1 << (one - first_edge), 0) for one in (a, b, c, d))
    kept, edges = np.empty((0, 4, 2)), np.empty(0, np.intp)
    for quad, edge in zip(quads, np.asarray(at_edge)[order], strict=True):
        # a side close to the frame's edge is not the frame's edge
        if ((np.abs(kept - quad).max(axis=(1, 2)) < ALIKE_PX) & (edges == edge)).any():
            continue
        kept, edges = np.concatenate([kept, quad[None]]), np.append(edges, edge)
        if len(kept) >= MAX_DETAILED:
            break
    return kept


def _meets(quads: Corners, other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of n x 4 x 2 lie on `other` (4 x 2) or around it; sides may touch."""
    part = np.array([0.12, 0.5, 0.88])
    u, v = (one.reshape(-1, 1) for one in np.meshgrid(part, part))

    def grid(corners: NDArray[np.float64]) -> NDArray[np.float64]:
        a, b, c, d = (corners[..., None, k, :] for k in range(4))
        return np.asarray((a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v)

    on_it = within(grid(quads), other).any(axis=-1)
    around = within(np.broadcast_to(grid(other), (len(quads), 9, 2)), quads).any(axis=-1)
    return np.asarray(on_it | around, np.bool_)


def _covered(
    lines: Lines, line: NDArray[np.intp], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the part from `start` to `end` of each line that shows a step."""
    tangent = np.stack([-lines.normal[line, 1], lines.normal[line, 0]], axis=1)
    last = lines.cover.shape[1] - 1
    low = ((start * tangent).sum(axis=1) + lines.reach) / STEP_PX
    high = ((end * tangent).sum(axis=1) + lines.reach) / STEP_PX
    low, high = np.minimum(low, high), np.maximum(low, high)
    i = np.clip(np.rint(low), 0, last).astype(np.intp)
    j = np.clip(np.rint(high), 0, last).astype(np.intp)
    seen = lines.inside[line, j] - lines.inside[line, i]
    total = lines.cover[line, j] - lines.cover[line, i]
    share = total / np.maximum(seen, 1.0)
    visible = seen / np.maximum(high - low, 1.0)
    return np.asarray(share * np.clip(visible * 1.25, 0, 1), np.float64)

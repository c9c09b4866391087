"""Quadrilaterals of four lines that may be a page, by how much of each side shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.lines import FRAME_LINES, MIN_AREA_SHARE, STEP_PX, Lines
from kiosk.documents.quads import Corners, Floats, all_ordered, within

MAX_DETAILED = 48  # candidates judged sample by sample
ALIKE_PX = 2.5  # of the search picture: the refit takes both to the same place
REACH_SHARE = 0.3  # how far outside of the frame a corner of a page cut off may lie


def candidates_of(lines: Lines, width: int, height: int, taken: list[Corners]) -> Corners:
    """The most promising quadrilaterals of four lines apart from `taken`, best first: n x 4 x 2."""
    none = np.empty((0, 4, 2))
    count = len(lines.rho)
    if count < 4:
        return none
    pairs = _opposite_pairs(lines, 0.08 * min(width, height))
    meeting = _meetings(lines, width, height)
    four = _crossing_pairs(pairs, meeting.usable)
    if not four.shape[1]:
        return none
    a, b, c, d = four
    # corners in order: on c from a to b, on b from c to d, on d from b to a, on a from d to c
    x, y = (np.stack([at[a, c], at[b, c], at[b, d], at[a, d]]) for at in (meeting.x, meeting.y))
    run, rise = np.roll(x, -1, axis=0) - x, np.roll(y, -1, axis=0) - y
    winding = run * np.roll(rise, -1, axis=0) - rise * np.roll(run, -1, axis=0)
    convex = (winding > 0).all(axis=0) | (winding < 0).all(axis=0)
    across = (x[2] - x[0]) * (y[3] - y[1]) - (y[2] - y[0]) * (x[3] - x[1])
    share = np.abs(across) / 2 / (width * height)
    keep = convex & (share > MIN_AREA_SHARE)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    for other in taken:
        keep &= ~_meets(np.stack([x, y], axis=2).transpose(1, 0, 2), other - middle)
    keep = np.nonzero(keep)[0]
    if not len(keep):
        return none
    a, b, c, d = four[:, keep]
    covered = _covered(lines, meeting)
    sides = np.stack([covered[c, a, b], covered[b, c, d], covered[d, a, b], covered[a, c, d]])
    score = 0.65 * sides.min(axis=0) + 0.35 * sides.mean(axis=0)
    score *= 0.7 + 0.3 * np.sqrt(share[keep])
    order = np.argsort(-score)[: MAX_DETAILED * 8]
    best = keep[order]
    quads = all_ordered(np.stack([x[:, best], y[:, best]], axis=2).transpose(1, 0, 2) + middle)
    first_edge = count - FRAME_LINES
    bits = np.where(np.arange(count) >= first_edge, 1 << (np.arange(count) - first_edge).clip(0), 0)
    return quads[_unlike(quads, bits[four[:, best]].sum(axis=0))]


def _opposite_pairs(lines: Lines, least_gap: float) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Pairs of lines that may be opposite sides, 2 x pairs; which two pairs may make four sides."""
    first, second = np.triu_indices(len(lines.rho), 1)
    dots = (lines.normal @ lines.normal.T)[first, second]
    sign = np.sign(dots)
    gap = np.abs(lines.rho[first] - sign * lines.rho[second])
    opposite = (np.abs(dots) > math.cos(math.radians(40))) & (gap > least_gap)
    first, second, sign = first[opposite], second[opposite], sign[opposite]
    direction = lines.normal[first] + sign[:, None] * lines.normal[second]
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-6)
    crossing = np.abs(direction @ direction.T) < math.cos(math.radians(42))
    return np.stack([first, second]), np.triu(crossing, 1)


@dataclass(frozen=True, slots=True)
class _Meetings:
    """Where each two lines meet, n x n: x and y about the centre; which are near enough.

    `place`: how far along the first of the two, in samples.
    """

    x: Floats
    y: Floats
    usable: NDArray[np.bool_]
    place: Floats


def _meetings(lines: Lines, width: int, height: int) -> _Meetings:
    n, rho = lines.normal.astype(np.float64), lines.rho.astype(np.float64)
    cross = n[:, None, 0] * n[None, :, 1] - n[:, None, 1] * n[None, :, 0]
    meet = np.abs(cross) >= 1e-3
    safe = np.where(meet, cross, 1.0)
    x = np.where(meet, rho[:, None] * n[None, :, 1] - rho[None, :] * n[:, None, 1], 0.0) / safe
    y = np.where(meet, rho[None, :] * n[:, None, 0] - rho[:, None] * n[None, :, 0], 0.0) / safe
    reach_x, reach_y = width * (0.5 + REACH_SHARE), height * (0.5 + REACH_SHARE)
    usable = (np.abs(x) <= reach_x) & (np.abs(y) <= reach_y) & meet
    place = (y * n[:, :1] - x * n[:, 1:] + lines.reach) / STEP_PX
    return _Meetings(x.astype(np.float32), y.astype(np.float32), usable, place.astype(np.float32))


def _crossing_pairs(
    pairs: tuple[NDArray[np.intp], NDArray[np.bool_]], usable: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Lines a, b across c, d, 4 x quadrilaterals: all of which meet where they may."""
    (first, second), crossing = pairs
    one, two = np.nonzero(crossing)
    a, b, c, d = first[one], second[one], first[two], second[two]
    good = usable[a, c] & usable[a, d] & usable[b, c] & usable[b, d]
    return np.stack([a[good], b[good], c[good], d[good]])


def _unlike(quads: Corners, edges: NDArray[np.intp]) -> list[int]:
    """Which to judge: the first of those alike. `edges`: which edges of the frame each has as sides."""
    flat = quads.reshape(-1, 8)
    free, kept = np.ones(len(quads), bool), list[int]()
    while free.any() and len(kept) < MAX_DETAILED:
        index = int(free.argmax())
        kept.append(index)
        # a side close to the frame's edge is not the frame's edge
        alike = (np.abs(flat - flat[index]) < ALIKE_PX).all(axis=1) & (edges == edges[index])
        free &= ~alike
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


def _covered(lines: Lines, meeting: _Meetings) -> Floats:
    """Share that shows a step of each line between where two others meet it, n x n x n."""
    last = lines.cover.shape[1] - 1
    at = np.clip(np.rint(meeting.place), 0, last).astype(np.intp)
    rows = np.arange(len(at))[:, None]
    cover, inside = lines.cover[rows, at], lines.inside[rows, at]
    total, seen, span = (
        np.abs(one[:, :, None] - one[:, None, :]) for one in (cover, inside, meeting.place)
    )
    share = total / np.maximum(seen, 1.0)
    share *= np.minimum(1.25 * seen / np.maximum(span, 1.0), 1.0)
    return np.asarray(share, np.float32)

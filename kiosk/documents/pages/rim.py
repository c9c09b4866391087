"""Sides close to the frame's edge, settled in the picture itself: whole, or cut off there.

In the search picture the last pixels before the frame's edge are one or two, so that a page that
ends just within it and one that goes on cannot be told apart, and a line of print just within it
looks like a side. Here the strip between side and edge is looked at: if it is plate, as what lies
beside the page is, the page ends there; if it is paper, the page goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.refit import meeting, refit_sides
from kiosk.documents.quads import Corners, Floats, Image, ordered

RIM_SHARE = 0.0125  # of the long side: 24 pixels of a preview at 1080 lines
BESIDE_PX = (8, 30)  # from a corner, along the frame's edge: there lies plate
CLEAR_LEVELS = 4.0  # of the medians of hundreds of pixels: plate and paper differ by more
PARTS = 4  # of a side, which may run a little aslant
MOST_PARTS = 3  # of them decide
LIGHT_PERCENT = 70  # of the pixels along a side: paper between print
SOFT_PX = 2.0  # beside a side everything is mixed
REFIT_PX = 4.0
EDGE_PX = 2.0  # a side this far outside of the frame is its edge, found not too well
MIN_RUN_PX = 24


@dataclass(frozen=True, slots=True)
class Settled:
    """`cut`: which sides (top, right, bottom, left) are the frame's edge."""

    corners: Corners
    cut: tuple[bool, bool, bool, bool]


def settle(picture: Image, quad: Corners) -> Settled:
    """`quad` with each side close to the frame's edge as it really is."""
    corners = ordered(quad)
    edge = np.roll(corners, -1, axis=0) - corners
    length = np.maximum(np.hypot(edge[:, 0], edge[:, 1]), 1e-6)
    normals = np.stack([-edge[:, 1], edge[:, 0]], axis=1) / length[:, None]
    rhos = (normals * corners).sum(axis=1)
    cut = [False] * 4
    for side in range(4):
        rim = _rim(picture, corners[side], corners[(side + 1) % 4])
        if rim is None:
            continue
        line = _true_side(picture, rim)
        cut[side] = line is None
        normals[side], rhos[side] = rim.frame if line is None else line
    settled = meeting(normals, rhos) if any(cut) or any(_near(picture, corners)) else None
    return Settled(corners if settled is None else settled, (cut[0], cut[1], cut[2], cut[3]))


def _near(picture: Image, corners: Corners) -> NDArray[np.bool_]:
    reach = RIM_SHARE * max(picture.shape[:2])
    far = np.array([picture.shape[1], picture.shape[0]]) - 1 - reach
    return np.asarray((corners < reach).any(axis=1) | (corners > far).any(axis=1))


@dataclass(frozen=True, slots=True)
class _Rim:
    """What lies along the frame's edge beside one side, seen from that edge inwards.

    `band`: places along x depth x 3, `first` and `last` where in it the side begins and ends;
    `depths` of the side there. `axis` and `far`: along which axis depth runs, and from where.
    """

    band: Image
    first: float
    last: float
    depths: tuple[float, float]
    axis: int
    far: bool
    frame: tuple[NDArray[np.float64], float]
    limit: int

    def depth_at(self, place: float) -> float:
        share = (place - self.first) / max(self.last - self.first, 1e-6)
        return self.depths[0] + share * (self.depths[1] - self.depths[0])

    def point(self, place: float, depth: float) -> NDArray[np.float64]:
        """In pixels of the picture; `depth` 0 at the centre of the outermost pixel."""
        across = self.limit - 1 - depth if self.far else depth
        return np.array([across, place] if self.axis == 0 else [place, across])


def _rim(picture: Image, start: NDArray[np.float64], end: NDArray[np.float64]) -> _Rim | None:
    """The rim along which this side runs; None for a side that does not."""
    height, width = picture.shape[:2]
    reach = max(8.0, RIM_SHARE * max(height, width))
    edge = end - start
    inward = np.array([-edge[1], edge[0]])
    axis = int(np.argmax(np.abs(inward)))
    far = bool(inward[axis] < 0)
    limit = (width, height)[axis]
    depths = [limit - 1 - point[axis] if far else point[axis] for point in (start, end)]
    if not all(-EDGE_PX <= depth <= reach for depth in depths):
        return None
    run = (width, height)[1 - axis]
    first, last = float(start[1 - axis]), float(end[1 - axis])
    if first > last:
        first, last, depths = last, first, depths[::-1]
    if min(last, run - 1) - max(first, 0) < MIN_RUN_PX:
        return None
    # places along the first axis, depth along the second
    turned = picture.transpose(1, 0, 2) if axis == 1 else picture
    band = (turned[:, ::-1] if far else turned)[:, : int(2 * reach) + 8]
    normal = np.zeros(2)
    normal[axis] = -1.0 if far else 1.0
    frame = (normal, -0.5 if not far else 0.5 - limit)
    return _Rim(band, first, last, (depths[0], depths[1]), axis, far, frame, limit)


def _true_side(picture: Image, rim: _Rim) -> tuple[NDArray[np.float64], float] | None:
    """The line of the side; None where the page goes on to the frame's edge."""
    reach = (rim.band.shape[1] - 8) // 2
    low, high = max(rim.first, 0.0), min(rim.last, rim.band.shape[0] - 1.0)
    ends = np.linspace(low + 0.04 * (high - low), high - 0.04 * (high - low), PARTS + 1)
    places = (ends[:-1] + ends[1:]) / 2
    levels = [_levels(rim.band[int(a) : int(b) + 1]) for a, b in pairwise(ends)]
    found: list[tuple[float, float]] = []  # where the page begins, by part: place, depth
    for place, level in zip(places, levels, strict=True):
        begin = _begin(level, reach)
        if begin is None:
            continue
        outside = np.median(level[: max(1, int(begin - SOFT_PX) + 1)], axis=0)
        inside = np.median(level[int(begin + SOFT_PX) + 1 : int(begin) + reach], axis=0)
        if _is_plate(rim, begin, outside, inside):
            found.append((float(place), begin))
    if len(found) < MOST_PARTS:
        return None
    where, begins = np.array(found).T
    own = np.array([rim.depth_at(place) for place in where])
    if float(np.abs(own - begins).max()) <= REFIT_PX:  # where it was found already
        shares = (own[-1] - own[0]) / (where[-1] - where[0])
        line = (shares, own[0] - shares * where[0])
    else:
        slope, shift = np.polyfit(where, begins, 1)
        line = (float(slope), float(shift))
    ends_at = [rim.point(place, line[0] * place + line[1]) for place in (rim.first, rim.last)]
    start, end = ends_at if _runs_inward(ends_at, rim.frame[0]) else ends_at[::-1]
    normals, rhos = refit_sides(picture, start[None], end[None], REFIT_PX)
    return normals[0], float(rhos[0])


def _runs_inward(ends: list[NDArray[np.float64]], inward: NDArray[np.float64]) -> bool:
    edge = ends[1] - ends[0]
    return bool(np.array([-edge[1], edge[0]]) @ inward > 0)


def _levels(part: Image) -> Floats:
    """The lighter colour at each depth: between print, the paper's."""
    return np.asarray(np.percentile(part, LIGHT_PERCENT, axis=0), np.float32)


def _begin(level: Floats, reach: int) -> float | None:
    """How deep the page begins in one part, if something else lies before it."""
    paper = np.median(level[reach:], axis=0)
    off = np.abs(level - paper).max(axis=1)
    if off[0] <= CLEAR_LEVELS:
        return None
    inside = np.nonzero(off[:reach] < 0.5 * off[0])[0]
    return float(inside[0]) - 0.5 if len(inside) else None


def _is_plate(
    rim: _Rim, begin: float, outside: NDArray[np.floating], inside: NDArray[np.floating]
) -> bool:
    """Whether the strip is no paper, and like what lies beside the page."""
    step = float(np.abs(outside - inside).max())
    if step <= CLEAR_LEVELS:
        return False
    deep = max(1, int(begin - SOFT_PX) + 1)
    near, far = BESIDE_PX
    spans = ((rim.first - far, rim.first - near), (rim.last + near, rim.last + far))
    beside = [
        np.median(rim.band[int(a) : int(b), :deep].reshape(-1, 3), axis=0)
        for a, b in spans
        if a >= 0 and b <= rim.band.shape[0]
    ]
    if not beside:
        return True
    away = min(float(np.abs(outside - one).max()) for one in beside)
    return away < max(CLEAR_LEVELS, 0.6 * step)

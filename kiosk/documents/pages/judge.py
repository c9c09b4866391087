"""Judge candidates side by side, and choose.

A candidate is as good as its *worst* side: how much of the side is a step from something else to
paper, with paper of one colour inside. A sheet that encloses a candidate and is nearly as good
wins over it, because tables, pictures and stamps are parts of a page; but not where it is the
candidate with its sides drawn out to some other line.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiosk.documents.pages.lines import CLEAR_STEP, FLAT_STEP
from kiosk.documents.pages.planes import Planes, beside, sample, smooth
from kiosk.documents.pages.reckoning import lengths, medians
from kiosk.documents.quads import Corners, Floats, all_ordered, areas, encloses, off_line, ordered

MIN_PROMISE = 0.3  # below: not worth a refit
SAMPLES = 36  # a side is looked at in this many places
BESIDE_PX = 2.5  # of the search picture: on both sides of a side, and not on it
FAR_OUT_PX = 8.0  # beyond any line drawn on the plate
BEYOND_OUT_PX = 13.0
FAR_IN_PX = 6.0  # within the margin of a sheet
GROUND_SWING = 2.5  # times as much as the ground swings must a side step to count in full
CALM_SWING = 4.0  # grey levels: the sheet's own shadow on the ground
ALIKE_DIFFERENCE = 0.7  # of the clearest side's difference to the empty plate counts in full
NO_DIFFERENCE = 0.6  # what a side without any is worth: papers may touch
CUT_OFF_SCORES = (
    1.0,
    0.88,
    0.82,
    0.0,
    0.0,
)  # by sides outside of the frame: never as sure as whole
NO_CORNER_SCORE = (
    0.7  # of two sides that run across the frame and meet no other: so wood grain does
)
END_SAMPLES = 7  # of a side that runs to the frame's edge: there it must show as well
OVERRUN_PX = (4.0, 6.0, 8.0, 10.0)  # of the search picture, beyond a corner: there a side has ended
OVERRUN_SHARE = 0.4  # of the side's step: so near must both grounds be beyond its corner, to go on
OVERRUN_OFF_PX = 4.0  # to both sides of the line
LEAST_OVERRUNS = 2  # places beyond a corner that lie in the frame
OVERRUN_SCORE = 0.7  # what a sheet is worth of whose sides one goes on
ENCLOSING_SHARE = (
    0.9  # of the best score: what encloses it and has as much wins; wood grain has less
)
GROUND_LEVELS = 10.0  # by which ground may differ from ground
GROUND_SWINGS = 0.75  # or as it goes up and down itself: of the step where it was taken for paper
GROUND_SHARE = 0.5  # nearer to the ground than half as far as to the paper: it is ground
LEAST_SHOWN_BEYOND = 0.6  # of a side, where it runs on beyond what it encloses
LEAST_DRAWN_OUT_PX = 6.0  # of the search picture: less hardly matters and cannot be judged
ON_LINE_PX = 4.0  # the same: a corner this close to a line lies on it


@dataclass(frozen=True, slots=True)
class Judged:
    """`score` and `sides` (top, right, bottom, left) 0..1.

    `paper` and `ground`: what lies inside and outside of each side, 4 x 3, by their medians;
    `strange`: by how much what lies outside differs from a known plate, 4.
    """

    score: float
    sides: tuple[float, float, float, float]
    paper: Floats = field(repr=False)
    ground: Floats = field(repr=False)
    strange: Floats = field(repr=False)
    worth: float = 1.0  # by which the score was lessened for what lies beside it


def judge(planes: Planes, quads: Corners) -> list[Judged]:
    """How much each of n x 4 x 2 looks like paper on something else, by its worst side."""
    corners = all_ordered(quads).astype(np.float32)
    ends, which = _once(corners)
    look = _looked_along(planes, ends)
    sides, off = look.share[which], (look.seen < 0.5)[which]
    spread_inside = _spread(look.inner[which])
    # a side along the frame's edge cannot be judged; then all must look alike inside
    spread = np.minimum(spread_inside, _spread(look.outer[which]))
    spread = np.where(off.any(axis=1), spread_inside, spread)
    alike = np.clip(1.3 - spread / 90.0, 0.5, 1) * np.array(CUT_OFF_SCORES)[off.sum(axis=1)]
    opposite = (off & np.roll(off, 2, axis=1)).any(axis=1)
    alike = np.where(opposite, np.minimum(alike, NO_CORNER_SCORE), alike)
    # and the sides that run to it must show up to there
    sides = np.where(np.roll(off, 1, axis=1), np.minimum(sides, look.begin[which]), sides)
    sides = np.where(np.roll(off, -1, axis=1), np.minimum(sides, look.end[which]), sides)
    goes_on = (look.goes_on[which] & ~off).any(axis=1)
    alike = np.where(goes_on, OVERRUN_SCORE * alike, alike)
    judgeable = np.maximum((~off).sum(axis=1), 1)
    if planes.plate_known:  # what is as the empty plate is, is no paper
        differs = np.where(off, look.inner[which][..., 3], look.differs[which])
        known = np.where(off, 0.0, differs).sum(axis=1) / judgeable
        alike = alike * np.clip(known / CLEAR_STEP, 0, 1)
        # and all sides of a sheet differ alike: where a shadow begins or print stands, less or nothing
        clearest = np.where(off, 0.0, differs).max(axis=1, keepdims=True)
        share = np.clip(differs / np.maximum(ALIKE_DIFFERENCE * clearest, 1e-3), 0, 1)
        alike = alike * np.where(off, share, 1.0).min(axis=1)
        sides = sides * np.where(off, 1.0, NO_DIFFERENCE + (1 - NO_DIFFERENCE) * share)
    worst = np.where(off, 1.0, sides).min(axis=1)
    mean = np.where(off, 0.0, sides).sum(axis=1) / judgeable
    score = (0.7 * worst + 0.3 * mean) * alike * _shape(corners)
    paper, ground, strange = look.paper[which], look.ground[which], look.strange[which]
    return [
        Judged(float(score[i]), (top, right, bottom, left), paper[i], ground[i], strange[i])
        for i, (top, right, bottom, left) in enumerate(sides.tolist())
    ]


def _once(corners: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Sides from corner to corner, n x 2 x 2, and which four of them each quadrilateral has.

    Candidates made of a few lines share most of their sides: each is looked at once.
    """
    ends = np.stack([corners, np.roll(corners, -1, axis=1)], axis=2).reshape(-1, 4)
    known: dict[bytes, int] = {}
    which = [known.setdefault(side.tobytes(), len(known)) for side in ends]
    first = np.empty(len(known), np.intp)
    first[which[::-1]] = np.arange(len(ends))[::-1]
    return ends[first].reshape(-1, 2, 2), np.array(which, np.intp).reshape(-1, 4)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What shows along n sides.

    `share` of the side that is a step to paper, and of its `begin` and its `end`; how much of it
    lies in the frame (`seen`). By their medians: `inner` and `outer`, n x 4, just beside the side;
    `paper` and `ground`, n x 3, farther off; `strange`: the difference to a known plate outside,
    and by how much it `differs` more inside. `goes_on`: beyond one of its ends.
    """

    share: Floats
    begin: Floats
    end: Floats
    seen: Floats
    inner: Floats
    outer: Floats
    paper: Floats
    ground: Floats
    strange: Floats
    differs: Floats
    goes_on: NDArray[np.bool_]


def _looked_along(planes: Planes, ends: Floats) -> _Looked:
    """`ends`: n x 2 x 2, clockwise around what would be paper."""
    height, width = planes.shape
    edge = ends[:, 1] - ends[:, 0]
    tangent = edge / np.maximum(np.hypot(edge[:, 0], edge[:, 1]), 1e-3)[:, None]
    inward = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)  # clockwise on the screen
    part = np.linspace(0.04, 0.96, SAMPLES, dtype=np.float32)
    at = ends[:, None, 0] + part[:, None] * edge[:, None]
    offsets: tuple[float, ...] = (-BEYOND_OUT_PX, -FAR_OUT_PX, -BESIDE_PX, BESIDE_PX)
    seen_beyond, seen_out, outer, inner = beside(planes.soft, at, inward, offsets)
    step = smooth(inner - outer, 5)
    size = lengths(step)
    # print steps as well, but the ground is the same on both sides of it
    # and has no grain: one place tells
    offsets = (-BEYOND_OUT_PX, -FAR_OUT_PX, FAR_IN_PX)
    beyond_out, far_out, far_in = beside(planes.ground, at, inward, offsets)
    behind = smooth(far_in - far_out, 9)
    # and so does a slow change of light, but it goes on outside
    slope = smooth(far_out - beyond_out, 21)
    beyond = np.minimum(lengths(behind), lengths(behind - 2.0 * slope) * 1.5)
    shown = np.minimum(size, 1.6 * beyond)
    shown = np.clip((shown - FLAT_STEP) / (CLEAR_STEP - FLAT_STEP), 0, 1)
    # where the ground goes up and down as much beside it, as wood does, a step tells little
    swing = np.maximum(
        lengths(smooth(outer - seen_out, 5)), lengths(smooth(seen_out - seen_beyond, 5))
    )
    swing = medians(swing, 1)[:, None]
    shown *= np.clip(size / np.maximum(GROUND_SWING * (swing - CALM_SWING), 1e-3), 0, 1)
    # the step points the same way along a side: paper is the lighter, or the darker, throughout
    direction = medians(step, 1)[:, None]
    agree = (step * direction).sum(axis=2) / np.maximum(size * lengths(direction), 1e-3)
    shown *= np.clip(0.6 + 0.6 * agree, 0, 1)
    # of one colour on one side of it at least, slow changes of light allowed
    shown *= np.clip(1.25 - np.minimum(_rough(inner), _rough(outer)) / 40.0, 0, 1)
    within = ((at >= 0) & (at <= np.array([width - 1, height - 1]))).all(axis=2)
    shown *= within
    grounds = medians(far_out, 1), medians(far_in, 1)
    return _Looked(
        shown.sum(axis=1) / np.maximum(within.sum(axis=1), 1),
        shown[:, :END_SAMPLES].mean(axis=1),
        shown[:, -END_SAMPLES:].mean(axis=1),
        within.mean(axis=1),
        medians(inner, 1),
        medians(outer, 1),
        grounds[1],
        grounds[0],
        medians(seen_out[..., 3], 1),
        medians(inner[..., 3] - seen_out[..., 3], 1),
        _overruns(planes, ends, (tangent, inward), grounds),
    )


def _overruns(
    planes: Planes, ends: Floats, ways: tuple[Floats, Floats], grounds: tuple[Floats, Floats]
) -> NDArray[np.bool_]:
    """Which of n sides go on beyond one of their corners: then that is no corner of the sheet.

    So it is where print was taken for a side: the sides beside it run on to the true one, or to
    the frame's edge. `ways`: along the sides and inwards; `grounds`: outside and inside, n x 3.
    """
    (tangent, inward), (out, paper) = ways, grounds
    height, width = planes.shape
    sign = np.array([-1.0, 1.0], np.float32)[:, None, None]
    away = np.array(OVERRUN_PX, np.float32)[:, None] * sign
    at = ends[:, :, None] + away * tangent[:, None, None]
    offsets = np.array([OVERRUN_OFF_PX, -OVERRUN_OFF_PX], np.float32)
    where = at[..., None, :] + offsets[:, None] * inward[:, None, None, None]
    inside = ((where >= 0) & (where <= np.array([width - 1, height - 1]))).all(axis=(-1, -2))
    values = sample(planes.ground, where.reshape(-1, 2, 2)).reshape(*where.shape[:-1], -1)
    off = lengths(values - np.stack([paper, out], axis=1)[:, None, None]).max(axis=-1)
    same = off < OVERRUN_SHARE * lengths(paper - out)[:, None, None]
    goes_on = (same | ~inside).all(axis=-1) & (inside.sum(axis=-1) >= LEAST_OVERRUNS)
    return np.asarray(goes_on.any(axis=-1), np.bool_)


def _rough(strip: Floats) -> Floats:
    """How far each place is from the places around it, sides x samples."""
    return np.asarray(lengths(strip - smooth(strip, 21)), np.float32)


def _spread(strips: Floats) -> Floats:
    """How different the four sides (n x 4 x 4) are; lightness counts less, because of shadows."""
    colours = strips[..., :3] * np.array([0.4, 1.0, 1.0], np.float32)
    off = lengths(colours - medians(colours, 1)[:, None])
    return np.asarray(off.max(axis=1), np.float32)


def _shape(corners: Floats) -> Floats:
    """1 for what a sheet can look like from above the plate, less for splinters."""
    edge = np.roll(corners, -1, axis=1) - corners
    length = np.maximum(np.hypot(edge[..., 0], edge[..., 1]), 1e-3)
    tangent = edge / length[..., None]
    cosines = np.abs((tangent * np.roll(tangent, -1, axis=1)).sum(axis=2))
    angle = np.clip(1.6 - 1.3 * cosines.max(axis=1), 0, 1)
    across = np.roll(length, -2, axis=1)
    opposite = (np.minimum(length, across) / np.maximum(length, across)).min(axis=1)
    return np.asarray(angle * np.clip(opposite * 2.0, 0, 1), np.float32)


def choose(planes: Planes, candidates: Corners, judged: list[Judged]) -> int | None:
    """The best; then whatever encloses it and is nearly as good."""
    scores = [one.score for one in judged]
    best = max(range(len(candidates)), key=lambda index: scores[index])
    if scores[best] < MIN_PROMISE:
        return None
    top = scores[best]
    size = areas(candidates)
    for index in sorted(range(len(candidates)), key=lambda i: float(size[i])):
        if size[index] <= size[best] * 1.03 or scores[index] < MIN_PROMISE:
            continue
        if not encloses(candidates[index], candidates[best]):
            continue
        if scores[index] < ENCLOSING_SHARE * top:
            continue
        outer, inner = candidates[index], candidates[best]
        if not _of_ground(judged[index], outer, inner) and not _drawn_out(planes, outer, inner):
            best = index
    return best


def _of_ground(judged: Judged, outer: Corners, inner: Corners) -> bool:
    """Whether what `outer` has more than `inner` is no paper, but more of what lies around it.

    Along a side that it has farther out its paper must be that of the sides that both have.
    """
    moved = np.array(
        [
            off_line((inner[k] + inner[(k + 1) % 4]) / 2, outer[k], outer[(k + 1) % 4]) > ON_LINE_PX
            for k in range(4)
        ]
    )
    if moved.all() or not moved.any():
        return False
    paper, ground = medians(judged.paper[~moved], 0), medians(judged.ground[~moved], 0)
    from_paper = lengths(judged.paper[moved] - paper)
    from_ground = lengths(judged.paper[moved] - ground)
    step = lengths(judged.paper[moved] - judged.ground[moved])
    own = np.maximum(GROUND_LEVELS, GROUND_SWINGS * step)
    return bool((from_ground < np.minimum(own, GROUND_SHARE * from_paper)).any())


def _drawn_out(planes: Planes, outer: Corners, inner: Corners) -> bool:
    """Whether `outer` is no larger sheet than `inner`, but its sides drawn out to another line.

    On wood, and where a shadow ends, there are lines to draw them out to; but along what was added
    nothing steps. One of two sides added must show: a finger may hide the other.
    """
    for side in range(4):
        near, far = side, (side + 1) % 4
        on_lines = all(
            np.linalg.norm(outer[one] - inner[one]) >= LEAST_DRAWN_OUT_PX
            and off_line(inner[one], outer[one], outer[other]) < ON_LINE_PX
            for one, other in ((far, (far + 1) % 4), (near, near - 1))
        )
        if not on_lines:
            continue
        added = np.stack([outer[near], outer[far], inner[far], inner[near]])
        shown = judge(planes, added[None])[0].sides
        # sides are told from the corner at the top left on
        first = int(np.argmin(np.linalg.norm(ordered(added) - outer[near], axis=1)))
        if max(shown[(first + 1) % 4], shown[(first + 3) % 4]) < LEAST_SHOWN_BEYOND:
            return True
    return False

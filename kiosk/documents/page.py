"""Find the page on the plate: four corners to a fraction of a pixel, or nothing.

Several cues propose straight lines (line segments in lightness, in colour and in locally
stretched lightness; outlines of what differs from the border of the frame, of bright and of
coloured areas, and of what differs from the picture of the empty plate). Four lines make a
candidate, and a candidate is as good as its *worst* side: how much of the side is a step from
something else to paper, with paper of one colour inside. A sheet that encloses a candidate and is
nearly as good wins over it, because tables, pictures and stamps are parts of a page. The sides of
the winner are then fitted again in the large picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.plate import PlateReference

Image = NDArray[np.uint8]
"""Height x width x 3, blue green red."""
Floats = NDArray[np.float32]
Corners = NDArray[np.float64]
"""4 x 2, x and y in pixels (whole numbers at pixel centres): TL, TR, BR, BL as the page lies."""

SEARCH_PX = 480  # long side of the picture in which candidates are sought
REFIT_PX = 900  # least long side of the picture of the first refit, a whole part of the original
MIN_AREA_SHARE = 0.025  # a citizen's card in a frame that shows an A3 plate covers about 3 %
MAX_LINES = 24  # all pairs of pairs are tried: more lines cost to the fourth power
MAX_PROPOSED = 56  # lines of which the best are kept
MAX_SEGMENTS = 160  # the longest: every one is compared with every other
MAX_DETAILED = 32  # candidates judged sample by sample
REACH_SHARE = 0.12  # how far outside of the frame a corner of a page cut off may lie
MIN_CONFIDENCE = 0.78  # below: there is no page; tiles and worn mats come near it
MIN_CONFIDENCE_ON_KNOWN_PLATE = 0.5  # what looks like the plate was already taken out
MIN_CONFIDENCE_OF_ANOTHER = 0.82  # beside a page: its own shadow and folds look like sheets
MAX_PAGES = 6  # cards on an A3 plate; more do not lie apart
MIN_PROMISE = 0.3  # below: not worth a refit
BRIGHT_LEVEL = 215.0  # a dim frame is stretched until its bright parts reach this
MAX_GAIN = 3.0  # more would stretch noise into edges
FLAT_STEP = 2.0  # a step of this many grey levels or fewer is no step
CLEAR_STEP = 9.0  # from here on a step is beyond doubt


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page. `confidence` 0..1; `sides` how well each side (top, right, bottom, left) shows."""

    corners: Corners
    confidence: float
    sides: tuple[float, float, float, float]
    cut_off: bool


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines x*cos + y*sin = rho with what shows along each, at `STEP_PX` from `start`."""

    normal: Floats  # n x 2
    rho: Floats  # n
    cover: Floats  # n x samples + 1: running sum of evidence
    inside: Floats  # n x samples + 1: running count of samples inside the frame
    reach: float  # samples run from -reach to +reach around the foot of the frame's centre


STEP_PX = 2.0
MAX_DIFFERENCE = 30.0


def find_page(picture: Image, plate: PlateReference | None = None) -> FoundPage | None:
    """The page in `picture`, or None when there is none that one could be sure of."""
    found = find_pages(picture, plate, most=1)
    return found[0] if found else None


def find_pages(
    picture: Image, plate: PlateReference | None = None, most: int = MAX_PAGES
) -> list[FoundPage]:
    """Every page in `picture` that one could be sure of, the surest first; none on another."""
    height, width = picture.shape[:2]
    if min(height, width) < 32:
        return []
    scale = min(1.0, SEARCH_PX / max(height, width))
    factor = max(1, max(height, width) // REFIT_PX)
    middle = _halved(picture, factor)
    small = _resized(middle, SEARCH_PX / max(middle.shape[:2]))
    planes = _planes(small, plate)
    segments = _propose(planes)
    found: list[FoundPage] = []
    taken: list[Corners] = []
    while len(found) < most:
        for other in taken[-1:]:  # its sides and print would crowd out another's
            segments = segments[~_within((segments[:, :2] + segments[:, 2:]) / 2, _grown(other))]
        lines = _evidence(planes, segments)
        candidates = _candidates(lines, small.shape[1], small.shape[0], taken)
        if not len(candidates):
            break
        judged = _judge(planes, candidates)
        best = _choose(planes, candidates, judged)
        if best is None:
            break
        page = _refined(picture, middle, planes, candidates[best], judged[best])
        least = MIN_CONFIDENCE if plate is None else MIN_CONFIDENCE_ON_KNOWN_PLATE
        if found:
            least = max(least, MIN_CONFIDENCE_OF_ANOTHER)
        if page.confidence < least:
            break
        found.append(page)
        taken.append(_to_smaller(page.corners, scale))
    return found


def _refined(
    picture: Image, middle: Image, planes: Floats, candidate: Corners, before: _Judged
) -> FoundPage:
    """A candidate's sides fitted again in larger pictures. `middle`: smaller by a whole factor."""
    height, width = picture.shape[:2]
    scale = min(1.0, SEARCH_PX / max(height, width))
    factor = max(1, max(height, width) // REFIT_PX)
    found = _to_larger(candidate, scale)
    if factor > 1:
        corners = _to_larger(_refit(middle, _to_smaller(found, 1 / factor), 7.0), 1 / factor)
        corners = _refit(picture, corners, reach_px=max(3.0, 1.6 * factor))
    else:
        corners = _refit(picture, found, reach_px=max(4.0, 2.5 / scale))
        corners = _refit(picture, corners, reach_px=3.0)
    final = _judge(planes, _to_smaller(corners, scale)[None])[0]
    if final.score < 0.6 * before.score:  # a refit that ran away
        corners, final = found, before
    corners = _ordered(corners)
    margin = 1.5
    outside = (
        (corners[:, 0] < margin)
        | (corners[:, 1] < margin)
        | (corners[:, 0] > width - 1 - margin)
        | (corners[:, 1] > height - 1 - margin)
    )
    cut_off = final.cut_off or bool(outside.any())
    return FoundPage(corners, final.score, final.sides, cut_off)


# -- the picture as planes ---------------------------------------------------------


def _resized(picture: Image, scale: float) -> Image:
    if scale >= 1.0:
        return picture
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _halved(picture: Image, factor: int) -> Image:
    """Smaller by a whole factor, which is several times faster than any other."""
    if factor == 1:
        return picture
    height, width = (side // factor for side in picture.shape[:2])
    part = picture[: height * factor, : width * factor]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _to_larger(corners: NDArray[np.floating], scale: float) -> Corners:
    return (np.asarray(corners, np.float64) + 0.5) / scale - 0.5


def _to_smaller(corners: NDArray[np.floating], scale: float) -> Corners:
    return (np.asarray(corners, np.float64) + 0.5) * scale - 0.5


def _planes(small: Image, plate: PlateReference | None) -> Floats:
    """Lightness 0..255, two colour planes, and the difference to the empty plate: h x w x 4."""
    level = float(np.percentile(small[::4, ::4, 1], 97))
    gain = min(MAX_GAIN, max(1.0, BRIGHT_LEVEL / max(level, 1.0)))
    stretched = small if gain < 1.01 else cv2.convertScaleAbs(small, alpha=gain)
    lab = cv2.cvtColor(stretched, cv2.COLOR_BGR2Lab)
    planes = np.empty((*small.shape[:2], 4), np.float32)
    planes[..., :3] = lab
    planes[..., 1:3] -= 128.0
    # what differs clearly differs enough: how much tells of the plate under it, not of the paper
    planes[..., 3] = (
        0.0 if plate is None else np.minimum(plate.difference(small) * 2.0, MAX_DIFFERENCE)
    )
    if gain > 1.5:  # what was stretched is noisy
        planes = np.asarray(cv2.GaussianBlur(planes, (0, 0), 0.4 * math.sqrt(gain)), np.float32)
    return planes


# -- lines ---------------------------------------------------------------------------


def _propose(planes: Floats) -> Floats:
    """Segments x1 y1 x2 y2 from every cue, n x 4."""
    height, width = planes.shape[:2]
    light = np.clip(planes[..., 0], 0, 255).astype(np.uint8)
    chroma = np.clip(np.hypot(planes[..., 1], planes[..., 2]) * 2.5, 0, 255).astype(np.uint8)
    ground = cv2.blur(planes[..., 0], (41, 41))
    local = np.clip((planes[..., 0] - ground) * 4.0 + 128.0, 0, 255).astype(np.uint8)
    found: list[Floats] = []
    pictures = [light]
    if planes[..., 3].any():
        pictures.append(np.clip(planes[..., 3] * 8.0, 0, 255).astype(np.uint8))
    else:
        pictures.append(local)
    if float(np.percentile(chroma[::3, ::3], 95)) > 20:
        pictures.append(chroma)
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD)
    for one in pictures:
        segments = detector.detect(one)[0]
        if segments is not None:
            found.append(np.asarray(segments, np.float32).reshape(-1, 4))
    found.extend(_outlines(planes, light, chroma))
    if not found:
        return np.empty((0, 4), np.float32)
    segments = np.concatenate(found)
    length = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    return np.asarray(segments[length >= 0.035 * max(height, width)], np.float32)


def _outlines(planes: Floats, light: Image, chroma: Image) -> list[Floats]:
    """Straight parts of the outlines of areas that may be the page."""
    height, width = light.shape
    rim = max(3, height // 50)
    frame = np.concatenate(
        [
            planes[:rim].reshape(-1, 4),
            planes[-rim:].reshape(-1, 4),
            planes[:, :rim].reshape(-1, 4),
            planes[:, -rim:].reshape(-1, 4),
        ]
    )
    distance = np.linalg.norm(planes[..., :3] - np.median(frame[:, :3], axis=0), axis=2)
    masks = [
        cv2.threshold(np.clip(distance, 0, 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)[1],
        cv2.threshold(light, 0, 255, cv2.THRESH_OTSU)[1],
        cv2.threshold(chroma, 0, 255, cv2.THRESH_OTSU)[1],
    ]
    masks.append(cv2.bitwise_not(masks[2]))
    if planes[..., 3].any():
        masks.append(((planes[..., 3] > 12.0) * 255).astype(np.uint8))
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


def _evidence(planes: Floats, segments: Floats) -> _Lines:
    """Segments joined into lines, and for each line how much of it is a step."""
    height, width = planes.shape[:2]
    centre = np.array([(width - 1) / 2, (height - 1) / 2], np.float32)
    reach = math.ceil(math.hypot(width, height) / 2)
    normals, rhos, seen = _joined(segments - np.tile(centre, 2), reach)
    along = np.arange(-reach, reach + STEP_PX, STEP_PX, dtype=np.float32)
    tangent = np.stack([-normals[:, 1], normals[:, 0]], axis=1)
    foot = normals * rhos[:, None] + centre
    at = foot[:, None, :] + along[None, :, None] * tangent[:, None, :]
    offsets = np.array([-8.0, -6.5, -3.0, -1.7, 1.7, 3.0, 6.5, 8.0], np.float32)
    where = at[:, None] + offsets[None, :, None, None] * normals[:, None, None, :]
    sampled = _sample(planes, where)  # n, 8, samples, 4
    a, b, c, d = (sampled[:, first : first + 2].mean(axis=1) for first in (0, 2, 4, 6))
    near = np.linalg.norm(_smooth(c - b, 7), axis=2)
    # a line drawn on one ground steps as well, but the ground behind it is the same
    beyond = np.minimum(
        np.linalg.norm(_smooth(d - b, 9), axis=2), np.linalg.norm(_smooth(c - a, 9), axis=2)
    )
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
    sides = ((1, 0, width / 2 - 1), (-1, 0, width / 2 - 1), (0, 1, height / 2 - 1))
    for x, y, rho in (*sides, (0, -1, height / 2 - 1)):
        normals = np.concatenate([normals, np.array([[x, y]], np.float32)])
        rhos = np.append(rhos, np.float32(rho))
        evidence = np.concatenate([evidence, np.full((1, len(along)), 0.6, np.float32)])
        within = np.concatenate([within, np.ones((1, len(along)), bool)])
    count = len(rhos)
    cover = np.zeros((count, len(along) + 1), np.float32)
    np.cumsum(evidence, axis=1, out=cover[:, 1:])
    inside = np.zeros((count, len(along) + 1), np.float32)
    np.cumsum(within, axis=1, out=inside[:, 1:])
    return _Lines(normals, rhos, cover, inside, float(reach))


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
    lines: list[tuple[float, Floats, float, Floats]] = []
    along = np.arange(-reach, reach + STEP_PX, STEP_PX, dtype=np.float32)
    for index in range(len(order)):
        if not free[index]:
            continue
        near = np.nonzero(free & together[index])[0]
        free[near] = False
        fitted, rho = _through(ends[near], length[near])
        lines.append((float(length[near].sum()), fitted, rho, ends[near]))
    lines.sort(key=lambda line: -line[0])
    kept = lines[:MAX_PROPOSED]
    return (
        np.array([line[1] for line in kept], np.float32).reshape(-1, 2),
        np.array([line[2] for line in kept], np.float32),
        np.array([_reached(line[1], line[3], along) for line in kept], bool).reshape(
            -1, len(along)
        ),
    )


def _through(ends: Floats, length: Floats) -> tuple[Floats, float]:
    """The line (normal, rho) through segments (n x 2 x 2), each counting by its length."""
    if len(ends) == 1:
        vector = ends[0, 1] - ends[0, 0]
        normal = np.array([-vector[1], vector[0]], np.float32) / length[0]
        return normal, float(normal @ ends[0].mean(axis=0))
    points = ends.reshape(-1, 2)
    weight = np.repeat(length, 2)
    mean = weight @ points / weight.sum()
    dx, dy = (points - mean).T
    angle = 0.5 * math.atan2(
        2 * float(weight @ (dx * dy)), float(weight @ (dx * dx)) - float(weight @ (dy * dy))
    )
    normal = np.array([-math.sin(angle), math.cos(angle)], np.float32)
    return normal, float(normal @ mean)


def _reached(normal: Floats, ends: Floats, along: Floats) -> NDArray[np.bool_]:
    """Which places of a line one of its segments covers."""
    runs = ends @ np.array([-normal[1], normal[0]], np.float32)
    low, high = runs.min(axis=1) - STEP_PX, runs.max(axis=1) + STEP_PX
    return np.asarray(((along >= low[:, None]) & (along <= high[:, None])).any(axis=0), np.bool_)


def _sample(planes: Floats, where: Floats) -> Floats:
    """Values at `where` (... x 2, x and y), bilinear, the frame's edge repeated."""
    shape = where.shape[:-1]
    flat = where.reshape(-1, shape[-1], 2)
    values = cv2.remap(
        planes,
        np.ascontiguousarray(flat[..., 0], np.float32),
        np.ascontiguousarray(flat[..., 1], np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(values, np.float32).reshape(*shape, planes.shape[2])


def _smooth(values: Floats, window: int) -> Floats:
    """Running mean along the second axis of n x samples x planes."""
    count, samples, depth = values.shape
    flat = np.ascontiguousarray(values.transpose(0, 2, 1)).reshape(count * depth, samples)
    blurred = cv2.blur(flat, (window, 1), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32).reshape(count, depth, samples).transpose(0, 2, 1)


# -- candidates -------------------------------------------------------------------------


def _candidates(lines: _Lines, width: int, height: int, taken: list[Corners]) -> Corners:
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
    quads = _all_ordered(points[order] + middle)
    kept = np.empty((0, 4, 2))
    for quad in quads:
        if len(kept) and (np.abs(kept - quad).max(axis=(1, 2)) < 2.5).any():
            continue
        kept = np.concatenate([kept, quad[None]])
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

    on_it = _within(grid(quads), other).any(axis=-1)
    around = _within(np.broadcast_to(grid(other), (len(quads), 9, 2)), quads).any(axis=-1)
    return np.asarray(on_it | around, np.bool_)


def _within(points: NDArray[np.floating], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (... k x 2) lie in their quadrilateral (... 4 x 2)."""
    edge = np.roll(corners, -1, axis=-2) - corners
    away = points[..., :, None, :] - corners[..., None, :, :]
    side = edge[..., None, :, 0] * away[..., 1] - edge[..., None, :, 1] * away[..., 0]
    return np.asarray((side > 0).all(axis=-1) | (side < 0).all(axis=-1), np.bool_)


def _grown(quad: Corners) -> Corners:
    """With its outer edge, as lines near it are of its making."""
    middle = quad.mean(axis=0)
    return np.asarray(middle + (quad - middle) * 1.03, np.float64)


def _covered(
    lines: _Lines, line: NDArray[np.intp], start: NDArray[np.float64], end: NDArray[np.float64]
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


# -- judging ------------------------------------------------------------------------------

SAMPLES = 36  # a side is looked at in this many places


@dataclass(frozen=True, slots=True)
class _Judged:
    score: float
    sides: tuple[float, float, float, float]
    cut_off: bool


def _judge(planes: Floats, quads: Corners) -> list[_Judged]:
    """How much each of n x 4 x 2 looks like paper on something else, by its worst side."""
    height, width = planes.shape[:2]
    count = len(quads)
    corners = _all_ordered(quads).astype(np.float32)
    edge = np.roll(corners, -1, axis=1) - corners
    length = np.maximum(np.hypot(edge[..., 0], edge[..., 1]), 1e-3)
    tangent = edge / length[..., None]
    inward = np.stack([-tangent[..., 1], tangent[..., 0]], axis=2)  # clockwise on the screen
    part = np.linspace(0.04, 0.96, SAMPLES, dtype=np.float32)
    at = (corners[:, :, None] + part[:, None] * edge[:, :, None]).reshape(-1, SAMPLES, 2)
    offsets = np.array(
        [*BEYOND_OUT, *FAR_OUT, -3.5, -2.5, -1.5, 1.5, 2.5, 3.5, *FAR_IN], np.float32
    )
    where = at[:, None] + offsets[:, None, None] * inward.reshape(-1, 1, 1, 2)
    values = _sample(planes, where)
    beyond_out, far_out, outer, inner, far_in = (
        values[:, first : first + 3].mean(axis=1) for first in (0, 3, 6, 9, 12)
    )
    step = _smooth(inner - outer, 5)
    size = np.linalg.norm(step, axis=2)
    # a line drawn on one ground steps as well, but the ground behind it is the same
    behind = _smooth(np.maximum(far_in, inner) - far_out, 9)
    # and so does a slow change of light, but it goes on outside
    slope = _smooth(far_out - beyond_out, 21)
    beyond = np.minimum(
        np.linalg.norm(behind, axis=2), np.linalg.norm(behind - 2.0 * slope, axis=2) * 1.5
    )
    shown = np.minimum(size, 1.6 * beyond)
    shown = np.clip((shown - FLAT_STEP) / (CLEAR_STEP - FLAT_STEP), 0, 1)
    # where the ground goes up and down as much beside it, as wood does, a step tells little
    swing = np.maximum(
        np.linalg.norm(_smooth(outer - far_out, 5), axis=2),
        np.linalg.norm(_smooth(far_out - beyond_out, 5), axis=2),
    )
    swing = np.median(swing, axis=1, keepdims=True)
    shown *= np.clip(size / np.maximum(GROUND_SWING * (swing - CALM_SWING), 1e-3), 0, 1)
    # the step points the same way along a side: paper is the lighter, or the darker, throughout
    direction = np.median(step, axis=1, keepdims=True)
    agree = (step * direction).sum(axis=2) / np.maximum(
        size * np.linalg.norm(direction, axis=2), 1e-3
    )
    shown *= np.clip(0.6 + 0.6 * agree, 0, 1)
    # of one colour on one side of it at least, slow changes of light allowed
    plain = np.clip(1.25 - np.minimum(_rough(inner), _rough(outer)) / 40.0, 0, 1)
    within = (
        (at[..., 0] >= 1)
        & (at[..., 0] <= width - 2)
        & (at[..., 1] >= 1)
        & (at[..., 1] <= height - 2)
    )
    seen = within.mean(axis=1).reshape(count, 4)
    sides = (shown * plain * within).sum(axis=1).reshape(count, 4)
    sides = sides / np.maximum(within.sum(axis=1).reshape(count, 4), 1)
    spread = np.minimum(_spread(inner, count), _spread(outer, count))
    # a side along the frame's edge cannot be judged; then all must look alike inside
    off = seen < 0.5
    spread = np.where(off.any(axis=1), _spread(inner, count), spread)
    alike = np.clip(1.3 - spread / 90.0, 0.5, 1) * CUT_OFF_SCORE ** off.sum(axis=1)
    alike = np.where(off.sum(axis=1) > 2, 0, alike)
    if planes[..., 3].any():  # what is as the empty plate is, is no paper
        differs = np.median(inner[..., 3] - far_out[..., 3], axis=1).reshape(count, 4)
        known = np.where(off, 0.0, differs).sum(axis=1) / np.maximum((~off).sum(axis=1), 1)
        alike = alike * np.clip(known / CLEAR_STEP, 0, 1)
    worst = np.where(off, 1.0, sides).min(axis=1)
    mean = np.where(off, 0.0, sides).sum(axis=1) / np.maximum((~off).sum(axis=1), 1)
    score = (0.7 * worst + 0.3 * mean) * alike * _shape(tangent, length)
    return [
        _Judged(
            float(score[i]),
            (float(sides[i, 0]), float(sides[i, 1]), float(sides[i, 2]), float(sides[i, 3])),
            bool(off[i].any()),
        )
        for i in range(count)
    ]


GROUND_SWING = 2.5  # times as much as the ground swings must a side step to count in full
CALM_SWING = 4.0  # grey levels: the sheet's own shadow on the ground
ENCLOSING_SHARE = 0.9  # (measured: less lets wood grain win) of the best score, from which on what encloses it wins
LEAST_SHOWN_BEYOND = 0.6  # of a side, where it runs on beyond what it encloses
LEAST_DRAWN_OUT_PX = 6.0  # of the search picture: less hardly matters and cannot be judged
ON_LINE_PX = 4.0  # the same: a corner this close to a line lies on it
CUT_OFF_SCORE = 0.85  # a sheet that ends at the frame's edge is never as sure as a whole one
BEYOND_OUT = (-14.0, -13.0, -12.0)
FAR_OUT = (-9.0, -8.0, -7.0)  # pixels of the search picture, beyond any line drawn on the plate
FAR_IN = (5.0, 6.0, 7.0)  # within the margin of a sheet


def _rough(strip: Floats) -> Floats:
    """How far each place is from the places around it, sides x samples."""
    return np.asarray(np.linalg.norm(strip - _smooth(strip, 21), axis=2), np.float32)


def _spread(strip: Floats, count: int) -> Floats:
    """How different the four sides are; lightness counts less, because of shadows."""
    colours = np.median(strip[..., :3], axis=1) * np.array([0.4, 1.0, 1.0], np.float32)
    colours = colours.reshape(count, 4, 3)
    off = np.linalg.norm(colours - np.median(colours, axis=1, keepdims=True), axis=2)
    return np.asarray(off.max(axis=1), np.float32)


def _shape(tangent: Floats, length: Floats) -> Floats:
    """1 for what a sheet can look like from above the plate, less for splinters."""
    cosines = np.abs((tangent * np.roll(tangent, -1, axis=1)).sum(axis=2))
    angle = np.clip(1.6 - 1.3 * cosines.max(axis=1), 0, 1)
    across = np.roll(length, -2, axis=1)
    opposite = (np.minimum(length, across) / np.maximum(length, across)).min(axis=1)
    return np.asarray(angle * np.clip(opposite * 2.0, 0, 1), np.float32)


def _choose(planes: Floats, candidates: Corners, judged: list[_Judged]) -> int | None:
    """The best; then whatever encloses it and is nearly as good."""
    scores = [one.score for one in judged]
    best = max(range(len(candidates)), key=lambda index: scores[index])
    if scores[best] < MIN_PROMISE:
        return None
    top = scores[best]
    areas = [_area(quad) for quad in candidates]
    for index in sorted(range(len(candidates)), key=lambda i: areas[i]):
        if areas[index] <= areas[best] * 1.03 or scores[index] < MIN_PROMISE:
            continue
        if judged[index].cut_off and not judged[best].cut_off:
            continue
        if not _encloses(candidates[index], candidates[best]):
            continue
        if scores[index] < ENCLOSING_SHARE * top:
            continue
        if not _drawn_out(planes, candidates[index], candidates[best]):
            best = index
    return best


def _drawn_out(planes: Floats, outer: Corners, inner: Corners) -> bool:
    """Whether `outer` is no larger sheet than `inner`, but its sides drawn out to another line.

    On wood, and where a shadow ends, there are lines to draw them out to; but along what was added
    nothing steps. One of two sides added must show: a finger may hide the other.
    """
    for side in range(4):
        near, far = side, (side + 1) % 4
        on_lines = all(
            np.linalg.norm(outer[one] - inner[one]) >= LEAST_DRAWN_OUT_PX
            and _off_line(inner[one], outer[one], outer[other]) < ON_LINE_PX
            for one, other in ((far, (far + 1) % 4), (near, near - 1))
        )
        if not on_lines:
            continue
        added = np.stack([outer[near], outer[far], inner[far], inner[near]])
        shown = _judge(planes, added[None])[0].sides
        # sides are told from the corner at the top left on
        first = int(np.argmin(np.linalg.norm(_ordered(added) - outer[near], axis=1)))
        if max(shown[(first + 1) % 4], shown[(first + 3) % 4]) < LEAST_SHOWN_BEYOND:
            return True
    return False


def _off_line(point: Corners, start: Corners, end: Corners) -> float:
    """Pixels from `point` to the line through `start` and `end`."""
    edge, away = end - start, point - start
    return float(abs(edge[0] * away[1] - edge[1] * away[0]) / max(np.hypot(*edge), 1e-6))


def _area(quad: Corners) -> float:
    following = np.roll(quad, -1, axis=0)
    return float(abs((quad[:, 0] * following[:, 1] - following[:, 0] * quad[:, 1]).sum()) / 2)


def _encloses(outer: Corners, inner: Corners) -> bool:
    shared, _ = cv2.intersectConvexConvex(outer.astype(np.float32), inner.astype(np.float32))
    return bool(float(shared) > 0.96 * _area(inner))


def _ordered(quad: NDArray[np.floating]) -> Corners:
    """Clockwise on the screen from the corner that is top left as the page lies."""
    return np.asarray(_all_ordered(np.asarray(quad, np.float64)[None])[0], np.float64)


def _all_ordered(quads: Corners) -> Corners:
    """The same for n x 4 x 2."""
    around = quads - quads.mean(axis=1, keepdims=True)
    turn = np.argsort(np.arctan2(around[..., 1], around[..., 0]), axis=1)
    quads = np.take_along_axis(quads, turn[..., None], axis=1)
    # the top side is the one that runs most nearly to the right
    edge = np.roll(quads, -1, axis=1) - quads
    along = edge[..., 0] - np.roll(edge, -2, axis=1)[..., 0]
    first = (np.argmax(along, axis=1)[:, None] + np.arange(4)) % 4
    return np.asarray(np.take_along_axis(quads, first[..., None], axis=1), np.float64)


# -- refit ----------------------------------------------------------------------------------

REFIT_SAMPLES = 72  # places along a side
REFIT_ROUNDS = 4  # of the reweighted line fit; it has settled after three


def _refit(picture: Image, quad: Corners, reach_px: float) -> Corners:
    """Each side moved to where the picture steps most, and the corners where the sides meet."""
    corners = _ordered(quad)
    normals = np.empty((4, 2))
    rhos = np.empty(4)
    for side in range(4):
        start, end = corners[side], corners[(side + 1) % 4]
        normals[side], rhos[side] = _refit_side(picture, start, end, reach_px)
    fitted = np.empty((4, 2))
    for corner in range(4):
        before = (corner + 3) % 4
        pair = np.stack([normals[before], normals[corner]])
        if abs(np.linalg.det(pair)) < 1e-3:
            return corners
        fitted[corner] = np.linalg.solve(pair, np.array([rhos[before], rhos[corner]]))
    if np.abs(fitted - corners).max() > 4 * reach_px + 4:
        return corners
    return fitted


def _refit_side(
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
    direction = np.median(rising[:, max(0, peak - 1) : peak + 2].reshape(-1, 3), axis=0)
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
    good = (weight > 0.25 * np.median(weight)) & (weight > 1.5) & (place > 0)
    good &= place < steps.shape[1] - 1
    if good.sum() < 10:
        return old
    run = part[within] * length
    slope, shift = _fit(run[good], offset[good], np.minimum(weight[good], np.median(weight[good])))
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
        width = max(0.6, 1.5 * 1.4826 * float(np.median(np.abs(error))))
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

"""QR codes that are seen and cannot be read: blurred, moved, shaded, partly under a reflection.

A third of the modules of a small QR code are known before it is read: finders, timing, alignment.
Where the code lies is settled by matching them; then a filter is learnt that turns the blurred
picture of the known modules into what they are, and it is used on all the others (an equaliser,
as a modem has). Every module comes out with how sure it is; the least sure words are given to the
Reed-Solomon decoder as erasures, which cost half of what errors cost. The corrected code is drawn
clean, and whoever reads codes reads that. All in pieces of some milliseconds (`budget`).

ISO/IEC 18004. Positions and sizes are segno's, which draws our receipts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import segno
from numpy.typing import NDArray
from segno import consts

from kiosk.documents.codes.budget import Pieces

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

MAX_VERSION = 20  # 97 modules; larger ones are never seen so badly and still whole
PX = 5  # pixels a module in the straightened picture
RIM = 4  # modules around it
TAPS = (-8, -5, -3, 0, 3, 5, 8)  # pixels from a module's centre at which its filter looks
ROUNDS = 3  # of learning the filter also from modules that are sure by now
RIDGE = 0.02  # per tap and sample: keeps the filter from amplifying noise
SURE = 0.55  # of 1: from here on a module is used for learning
MIN_MATCH = 0.40  # correlation of the known modules; less is no QR code
SPARE_WORDS = 3  # of a block's check words are never used up, so that chance cannot pass
SPARE_WORDS_MANY = 2  # where several blocks must agree
ERASED_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the check words that may be used up
FORMATS_TRIED = 2  # most likely first
STEPS = (1.0, 0.5, 0.25, 0.12)  # modules by which corners are moved
COARSE_STEPS = (1.0, 0.5)
COARSE_TRIED = 5
MIN_START = 0.2  # correlation before corners are moved; less is no QR code
SETTLE_ROUNDS = 6
LEAST_GAIN = 0.002
RIMS = (0.0, 2.0, 4.5)  # modules of white that were outlined with the code
PLACE_PX = 240  # long side of the picture in which a patch is outlined
PROPOSED_VERSIONS = 14  # where nothing told the version: 73 modules


@dataclass(frozen=True, slots=True)
class Repaired:
    """A code drawn clean, one pixel a module with its quiet zone, and where it was."""

    drawing: Grey
    corners: tuple[tuple[float, float], ...]  # TL, TR, BR, BL in pixels of the picture


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is known about a version: +1 dark, -1 light, 0 not known; and where its bits are."""

    known: Floats  # n x n
    at: NDArray[np.float64]  # 3 x k: places of the known modules (x, y, 1), and
    wanted: Floats  # k: what they are, mean 0 and length 1
    data: NDArray[np.intp]  # bits x 2 (row, column), in the order of the code words
    formats: tuple[NDArray[np.intp], NDArray[np.intp]]  # both copies, 15 x 2, highest bit first


def repair(grey: Grey, corners: Doubles, version: int | None) -> Pieces[Repaired | None]:
    """The code that a reader saw at `corners` (4 x 2: TL, TR, BR, BL; no finder at BR)."""
    picture = _levelled(grey, corners)
    starts = [
        (float(_matches(picture, _plan(one), corners[None])[0]), one, corners)
        for one in _versions(version)
    ]
    yield
    return (yield from _best(picture, starts, 2))


def search(grey: Grey) -> Pieces[Repaired | None]:
    """The code that nobody saw, in a picture of little else, turned by any quarter."""
    quads = _places(grey)
    if not quads:
        return None
    picture = _levelled(grey, quads[0])
    yield
    starts = []
    for one in _versions(None):
        modules = len(_plan(one).known)
        tried = np.stack(
            [
                np.roll(_grown(quad, modules / (modules + 2 * rim)), -turn, axis=0)
                for quad in quads
                for rim in RIMS
                for turn in range(4)
            ]
        )
        values = _matches(picture, _plan(one), tried)
        starts += [(float(value), one, tried[k]) for k, value in enumerate(values)]
        yield
    starts.sort(key=lambda start: -start[0])
    if starts[0][0] < MIN_START:
        return None
    roughly = []
    for first, one, corners in starts[:COARSE_TRIED]:
        if first < 0.6 * starts[0][0]:
            break
        placed, match = yield from _settle(picture, _plan(one), corners, COARSE_STEPS)
        roughly.append((match, one, placed))
    return (yield from _best(picture, roughly, 2))


def _best(
    picture: Floats, starts: list[tuple[float, int, Doubles]], count: int
) -> Pieces[Repaired | None]:
    for _, one, corners in sorted(starts, key=lambda start: -start[0])[:count]:
        placed, match = yield from _settle(picture, _plan(one), corners, STEPS)
        if match < MIN_MATCH:
            continue
        drawing = yield from _read(picture, _plan(one), one, placed)
        if drawing is not None:
            return Repaired(drawing, tuple((float(x), float(y)) for x, y in placed))
    return None


def _places(grey: Grey) -> list[Doubles]:
    """Where a busy patch with straight sides is: quadrilaterals clockwise, any corner first."""
    shrink = min(1.0, PLACE_PX / max(grey.shape))
    size = (max(8, round(grey.shape[1] * shrink)), max(8, round(grey.shape[0] * shrink)))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    window = max(5, min(size) // 14) | 1
    mean = cv2.blur(small, (window, window))
    busy = np.sqrt(np.maximum(cv2.blur((small - mean) ** 2, (window, window)), 0.0))
    level = np.clip(busy * (255.0 / max(float(np.percentile(busy, 98)), 1.0)), 0, 255)
    mask = cv2.threshold(level.astype(np.uint8), 0, 255, cv2.THRESH_OTSU)[1]
    wide = np.ones((window, window), np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((2 * window + 1,) * 2, np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2 * window + 1,) * 2, np.uint8))
    mask = cv2.erode(mask, wide)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in sorted(contours, key=cv2.contourArea, reverse=True)[:1]:
        if cv2.contourArea(contour) < 0.04 * mask.size:
            break
        hull = cv2.convexHull(contour)
        box = np.asarray(cv2.boxPoints(cv2.minAreaRect(hull)), np.float64)
        quads = [box]
        for share in (0.03, 0.05, 0.08, 0.12):
            around = cv2.approxPolyDP(hull, share * cv2.arcLength(hull, True), True)
            if len(around) == 4:
                quads.append(np.asarray(around, np.float64).reshape(4, 2))
                break
        for quad in quads:
            middle = quad.mean(axis=0)
            turn = np.argsort(np.arctan2(*(quad - middle).T[::-1]))
            ordered = (quad[turn] + 0.5) / shrink - 0.5
            found.append(ordered)
    return found


def _grown(quad: Doubles, share: float) -> Doubles:
    middle = quad.mean(axis=0)
    return np.asarray(middle + (quad - middle) * share)


def _versions(version: int | None) -> list[int]:
    if version is None:
        return list(range(1, PROPOSED_VERSIONS + 1))
    near = (version, version - 1, version + 1)
    return [one for one in near if 1 <= one <= MAX_VERSION]


# -- what is known of a version ---------------------------------------------------------


@lru_cache(maxsize=MAX_VERSION)
def _plan(version: int) -> _Plan:
    code = segno.make("1", version=version, error="l", mask=0, boost_error=False)
    kinds = np.array([list(row) for row in code.matrix_iter(border=0, verbose=True)])
    dark = {
        consts.TYPE_FINDER_PATTERN_DARK,
        consts.TYPE_ALIGNMENT_PATTERN_DARK,
        consts.TYPE_TIMING_DARK,
        consts.TYPE_VERSION_DARK,
        consts.TYPE_DARKMODULE,
    }
    light = {
        consts.TYPE_FINDER_PATTERN_LIGHT,
        consts.TYPE_ALIGNMENT_PATTERN_LIGHT,
        consts.TYPE_TIMING_LIGHT,
        consts.TYPE_VERSION_LIGHT,
        consts.TYPE_SEPARATOR,
    }
    known = np.isin(kinds, list(dark)).astype(np.float32) - np.isin(kinds, list(light))
    n = len(kinds)
    down = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]
    other = [(n - 1 - k, 8) for k in range(7)] + [(8, n - 8 + k) for k in range(8)]
    free = known == 0  # segno 1.6.6 calls one module too many a format's, so they are listed here
    free[tuple(np.array(down + other).T)] = False
    bits = []
    column, upwards = n - 1, True
    while column > 0:
        if column == 6:  # the timing column holds none
            column -= 1
        for row in range(n - 1, -1, -1) if upwards else range(n):
            bits += [(row, c) for c in (column, column - 1) if free[row, c]]
        column, upwards = column - 2, not upwards
    rows, columns = np.nonzero(known)
    wanted = known[rows, columns] - known[rows, columns].mean()
    return _Plan(
        np.asarray(known, np.float32),
        np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))]),
        np.asarray(wanted / np.linalg.norm(wanted), np.float32),
        np.array(bits, np.intp),
        (np.array(down, np.intp), np.array(other, np.intp)),
    )


def masked(number: int, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where mask `number` turns a bit round (ISO/IEC 18004, 7.8.2)."""
    i, j = rows, columns
    values = (
        (i + j) % 2,
        i % 2,
        j % 3,
        (i + j) % 3,
        (i // 2 + j // 3) % 2,
        (i * j) % 2 + (i * j) % 3,
        ((i * j) % 2 + (i * j) % 3) % 2,
        ((i + j) % 2 + (i * j) % 3) % 2,
    )
    return np.asarray(values[number] == 0, np.bool_)


# -- where it lies ------------------------------------------------------------------------


def _levelled(grey: Grey, corners: Doubles) -> Floats:
    """The same contrast everywhere: shadows and veils of light taken out."""
    span = float(np.ptp(corners, axis=0).max())
    side = max(9, round(span / 4)) | 1
    picture = grey.astype(np.float32)
    mean = cv2.blur(picture, (side, side))
    spread = np.maximum(cv2.blur((picture - mean) ** 2, (side, side)), 0.0)
    return np.asarray((mean - picture) / np.sqrt(spread + 4.0), np.float32)


def _to_picture(corners: Doubles, n: int) -> Doubles:
    """3 x 3: from modules (0..n) to pixels."""
    square = np.array([[0, 0], [n, 0], [n, n], [0, n]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(square, corners.astype(np.float32)))


def _matches(picture: Floats, plan: _Plan, quads: Doubles) -> Doubles:
    """For m x 4 x 2: correlation of the known modules with what is seen at their places."""
    n = len(plan.known)
    seen = np.stack([_to_picture(quad, n) for quad in quads]) @ plan.at
    places = np.asarray(seen[:, :2] / seen[:, 2:], np.float32)
    values = cv2.remap(
        picture, places[:, 0], places[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    values = values - values.mean(axis=1, keepdims=True)
    length = np.sqrt((values * values).sum(axis=1)) + 1e-6
    return np.asarray((values @ plan.wanted) / length, np.float64)


def _settle(
    picture: Floats, plan: _Plan, corners: Doubles, steps: tuple[float, ...]
) -> Pieces[tuple[Doubles, float]]:
    """Each corner moved until the known modules fit best."""
    module = float(np.ptp(corners, axis=0).max()) / len(plan.known)
    best, match = corners, float(_matches(picture, plan, corners[None])[0])
    for step in steps:
        moves = _MOVES * (step * module)
        for _ in range(SETTLE_ROUNDS):
            values = _matches(picture, plan, best + moves)
            gains = np.maximum(values - match, 0.0)
            if gains.max() < LEAST_GAIN:
                break
            # the best move, or all that help together
            together = (moves * (gains / gains.max())[:, None, None]).sum(axis=0)
            tried = np.stack([best + moves[int(np.argmax(gains))], best + together])
            both = _matches(picture, plan, tried)
            place = int(np.argmax(both))
            best, match = tried[place], float(both[place])
            yield
    return best, match


def _all_moves() -> Doubles:
    """The whole quadrilateral, or one corner, one module to each of four sides: 20 x 4 x 2."""
    moves = np.zeros((5, 2, 2, 4, 2))
    for axis in range(2):
        for sign in range(2):
            moves[0, axis, sign, :, axis] = 1 - 2 * sign
            for corner in range(4):
                moves[1 + corner, axis, sign, corner, axis] = 1 - 2 * sign
    return moves.reshape(20, 4, 2)


_MOVES = _all_moves()


# -- what it says --------------------------------------------------------------------------


def _read(picture: Floats, plan: _Plan, version: int, corners: Doubles) -> Pieces[Grey | None]:
    """The code drawn clean, or None."""
    for soft in _equalised(picture, plan, corners):
        for level, mask in _formats(soft, plan):
            found = _words(soft, plan, version, level, mask)
            if found is not None:
                return _drawn(plan, found, level, mask)
            yield
    return None


def _equalised(picture: Floats, plan: _Plan, corners: Doubles) -> Iterator[Floats]:
    """How dark each module is, -1..1 and beyond: n x n, better from round to round."""
    n = len(plan.known)
    side = (n + 2 * RIM) * PX
    to_flat = np.array([[1 / PX, 0, 0.5 / PX - RIM], [0, 1 / PX, 0.5 / PX - RIM], [0, 0, 1]])
    flat = cv2.warpPerspective(
        picture,
        _to_picture(corners, n) @ to_flat,
        (side, side),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    first = RIM * PX + PX // 2
    last = first + n * PX
    taps = [
        flat[first + dy : last + dy : PX, first + dx : last + dx : PX].reshape(-1)
        for dy in TAPS
        for dx in TAPS
    ]
    seen = np.stack([*taps, np.ones(n * n, np.float32)], axis=1).astype(np.float64)
    wanted = plan.known.reshape(-1).astype(np.float64)
    centre = seen[:, len(taps) // 2]
    yield np.asarray(centre.reshape(n, n), np.float32)
    sure = wanted != 0
    ridge = np.eye(seen.shape[1])
    ridge[-1, -1] = 0.0
    for turn in range(ROUNDS):
        some = seen[sure]
        weight = RIDGE * (some * some).sum() / seen.shape[1] * (3.0 if turn == 0 else 1.0)
        filter_ = np.linalg.solve(some.T @ some + weight * ridge, some.T @ wanted[sure])
        soft = seen @ filter_
        yield np.asarray(soft.reshape(n, n), np.float32)
        guessed = np.sign(soft)
        fixed = plan.known.reshape(-1) != 0
        wanted = np.where(fixed, plan.known.reshape(-1), guessed)
        sure = fixed | (np.abs(soft) > SURE * np.median(np.abs(soft[fixed])))


def _formats(soft: Floats, plan: _Plan) -> list[tuple[int, int]]:
    """(error level as in the code, mask), most likely first."""
    one, other = (np.clip(soft[p[:, 0], p[:, 1]], -1, 1) for p in plan.formats)
    seen = one + other
    scores = []
    for number, word in enumerate(consts.FORMAT_INFO):
        bits = np.array([word >> (14 - k) & 1 for k in range(15)]) * 2.0 - 1.0
        scores.append((float((bits * seen).sum()), number))
    scores.sort(reverse=True)
    return [(number >> 3, number & 7) for _, number in scores[:FORMATS_TRIED]]


def _words(
    soft: Floats, plan: _Plan, version: int, level: int, mask: int
) -> NDArray[np.bool_] | None:
    """The bits of all code words, corrected, in the order of the code; None when beyond repair."""
    rows, columns = plan.data[:, 0], plan.data[:, 1]
    values = soft[rows, columns] * np.where(masked(mask, rows, columns), -1.0, 1.0)
    count = len(values) // 8
    bits = (values[: count * 8] > 0).reshape(count, 8)
    sure = np.sort(np.abs(values[: count * 8]).reshape(count, 8), axis=1)[:, :2].mean(axis=1)
    words = np.packbits(bits, axis=1)[:, 0].astype(int)
    table: Any = consts.ECC
    groups = table[version][level]
    sizes = [(g.num_total, g.num_data) for g in groups for _ in range(g.num_blocks)]
    order = _interleaving(sizes)
    corrected = words.copy()
    spare = SPARE_WORDS if len(sizes) == 1 else SPARE_WORDS_MANY
    for block, (total, data) in enumerate(sizes):
        places = order[block]
        parity = total - data
        received = [int(words[place]) for place in places]
        least = np.argsort(sure[places])
        for share in ERASED_SHARES:
            erased = least[: round(share * (parity - spare))]
            right = correct(received, parity, [int(k) for k in erased], spare)
            if right is not None:
                corrected[places] = right
                break
        else:
            return None
    whole = np.unpackbits(corrected.astype(np.uint8))
    rest = values[count * 8 :] > 0  # bits that belong to no word: they are 0
    return np.concatenate([whole.astype(bool), np.zeros(len(rest), bool)])


def _interleaving(sizes: list[tuple[int, int]]) -> list[list[int]]:
    """For each block the places of its words in the code, data first."""
    order: list[list[int]] = [[] for _ in sizes]
    place = 0
    for k in range(max(data for _, data in sizes)):
        for block, (_, data) in enumerate(sizes):
            if k < data:
                order[block].append(place)
                place += 1
    for _ in range(sizes[0][0] - sizes[0][1]):
        for block in range(len(sizes)):
            order[block].append(place)
            place += 1
    return order


def _drawn(plan: _Plan, bits: NDArray[np.bool_], level: int, mask: int) -> Grey:
    rows, columns = plan.data[:, 0], plan.data[:, 1]
    dark = plan.known > 0
    dark[rows, columns] = bits ^ masked(mask, rows, columns)
    word = consts.FORMAT_INFO[level << 3 | mask]
    for places in plan.formats:
        for k, (row, column) in enumerate(places):
            dark[row, column] = bool(word >> (14 - k) & 1)
    dark[len(dark) - 8, 8] = True  # always
    drawing = np.where(dark, 0, 255).astype(np.uint8)
    return np.pad(drawing, 4, constant_values=255)


# -- Reed-Solomon ----------------------------------------------------------------------------

_EXP = [1] * 512
for _k in range(1, 512):
    _value = _EXP[_k - 1] << 1
    _EXP[_k] = _value ^ 0x11D if _value > 255 else _value
_LOG = [0] * 256
for _k in range(255):
    _LOG[_EXP[_k]] = _k


_EXPS, _LOGS = np.array(_EXP), np.array(_LOG)


def _times(a: int, b: int) -> int:
    return _EXP[_LOG[a] + _LOG[b]] if a and b else 0


def _inverse(a: int) -> int:
    return _EXP[255 - _LOG[a]]


def _product(p: list[int], q: list[int]) -> list[int]:
    out = [0] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        if a:
            for j, b in enumerate(q):
                out[i + j] ^= _times(a, b)
    return out


def _value_at(p: list[int], x: int) -> int:
    """`p` lowest power first."""
    total = 0
    for a in reversed(p):
        total = _times(total, x) ^ a
    return total


def correct(
    received: list[int], parity: int, erased: list[int], spare: int = 0
) -> list[int] | None:
    """The code word nearest to `received` whose places `erased` are not to be believed.

    GF(256) with 0x11D, first root 1. None when more than `parity - spare` check words would be
    used up (an error costs two, an erasure one), or when there is no such word. Blahut's form of
    Berlekamp and Massey, Forney's values.
    """
    size = len(received)
    syndromes = _syndromes(received, parity)
    if not any(syndromes):
        return list(received)
    gone = len(erased)
    if gone > parity - spare:
        return None
    locator = [1]
    for place in erased:
        locator = _product(locator, [1, _EXP[size - 1 - place]])
    helper, length = list(locator), gone
    for r in range(gone + 1, parity + 1):
        gap = 0
        for j, a in enumerate(locator):
            if j < r:
                gap ^= _times(a, syndromes[r - 1 - j])
        helper = [0, *helper]
        if gap == 0:
            continue
        longer = max(len(locator), len(helper))
        new = [
            (locator[k] if k < len(locator) else 0)
            ^ (_times(gap, helper[k]) if k < len(helper) else 0)
            for k in range(longer)
        ]
        if 2 * length <= r + gone - 1:
            length = r + gone - length
            scale = _inverse(gap)
            helper = [_times(a, scale) for a in locator]
        locator = new
    while len(locator) > 1 and locator[-1] == 0:
        locator.pop()
    wrong = len(locator) - 1
    if 2 * (wrong - gone) + gone > parity - spare:
        return None
    places = [k for k in range(size) if _value_at(locator, _EXP[255 - (size - 1 - k) % 255]) == 0]
    if len(places) != wrong:
        return None
    values = _product(syndromes, locator)[:parity]
    slope = [a if k % 2 == 0 else 0 for k, a in enumerate(locator[1:])]
    right = list(received)
    for place in places:
        x = _EXP[(size - 1 - place) % 255]
        back = _inverse(x)
        below = _value_at(slope, back)
        if below == 0:
            return None
        right[place] ^= _times(x, _times(_value_at(values, back), _inverse(below)))
    return None if any(_syndromes(right, parity)) else right


def _syndromes(received: list[int], parity: int) -> list[int]:
    """The values of `received` (highest power first) at the roots of its code."""
    words = np.array(received)
    places = np.nonzero(words)[0]
    powers = len(received) - 1 - places
    logs = _LOGS[words[places]] + np.arange(parity)[:, None] * powers[None]
    return [int(one) for one in np.bitwise_xor.reduce(_EXPS[logs % 255], axis=1)]

"""The slow ways to read a code, one after the other until one reads or the time is up.

They are cut into pieces (`budget`), and what cannot be cut is begun only while there is time for
it: long fields of bars made level and upright; the picture larger, then with one threshold, then
with light and dark changed round; all of it turned as the bars in it lie, for stacked bars, and what
is around them evened out; then only the busy patches of it, each turned upright, evened out,
sharpened, and its bars averaged along their length; QR codes that are seen but not read are repaired
(`qr_repair`); libzbar last, which has had memory faults: it is loaded only when everything else has
failed.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from kiosk.documents.codes import bar_repair, qr_repair, zxing
from kiosk.documents.codes.bar_lines import band_across, read_line
from kiosk.documents.codes.bars_lie import bars_slanted
from kiosk.documents.codes.belief import Votes, larger, read_twice, reads_again
from kiosk.documents.codes.budget import Budget, Heavy, Pieces
from kiosk.documents.codes.found import Code, Reading, moved
from kiosk.documents.codes.patches import Lie, Patch, evened, lie_of, patches, sharpened
from kiosk.documents.codes.turned import laid_out, turned_about, turning

Grey = NDArray[np.uint8]

DOUBLED_AS: Final = 3  # pictures: four times the pixels, but no finer detail
BARS_AS: Final = 0.6  # of a picture in which squares are sought as well
SMALL_SIDE_PX: Final = 2000  # a picture below this is also tried at twice its size
BARS_AGREE: Final = 0.28  # of all edges: less is no barcode
STACKED_AGREE: Final = 0.25  # of rows of bars: their ends are edges as well
TURNS: Final = 2  # ways to lie that are tried for stacked bars
SAME_TURN: Final = 0.06  # radians: both are read in one go
TURNED_ZOOMS: Final = (1.0, 0.75)  # two readings that agree are wanted
STACKS: Final = 2  # places at which stacked bars are sought in spite of poor light
STACK_ACROSS: Final = 5.0  # sides of a patch: it may be a third of them
STACK_ALONG: Final = 2.5
STACK_PX: Final = 900  # at which they are read at most, across
STACK_SHARPER: Final = ((1.2, 4.0), (2.5, 4.0))  # sigma in pixels, amount
BANDS: Final = 5  # lines across a patch of bars
BAR_SIGMAS: Final = (0.0, 3.0, 6.0)  # pixels of the line
BLURRED: Final = 3  # patches in which a barcode is read through its blur
BLURRED_BANDS: Final = (-1, 1)  # of each
BLURRED_AGREE: Final = 0.6  # there only bars are worth it
PATCH_PX: Final = 700  # long side at which patches are read: reading costs by the area
EVEN_PARTS: Final = 8  # of a patch: where light is evened out
PATCH_SHARPER: Final = ((5.0, 5.0), (2.5, 4.0), (1.2, 4.0))  # sigma in pixels, amount
SEARCHED: Final = 4  # patches in which a QR code that nobody saw is sought
LEAST_REPAIR_PX: Final = 25.0  # 21 modules are not told apart in less

T = TypeVar("T")
Steps = Generator[Reading, None, T]  # what each piece of the work reads, mostly nothing


def slow_ways(grey: Grey, budget: Budget, sought: list[Patch] | None = None) -> Iterator[Reading]:
    """What may be believed after each piece of the slow ways.

    `sought`: the only patches that are looked at; else all that are busy.
    """
    yield from _ways_of_all(grey, budget)
    votes = Votes()
    for codes in _ways(grey, budget, sought):
        yield votes.count(codes)


def _ways_of_all(grey: Grey, budget: Budget) -> Steps[None]:
    """What zxing-cpp reads in the whole picture is believed: it has seen it on several lines."""
    yield _slanted(grey)
    if max(grey.shape) <= SMALL_SIDE_PX:
        large = larger(grey, 2)
        doubled = partial(zxing.read, large, zxing.USUAL, thorough=True, scale=2.0)
        pixels = DOUBLED_AS * grey.size
        yield read_twice(grey, budget.spend(Heavy.WHOLE, pixels, doubled) or [])
    single = partial(
        zxing.read, grey, zxing.USUAL, thorough=True, binarizer=zxingcpp.Binarizer.GlobalHistogram
    )
    yield read_twice(grey, budget.spend(Heavy.WHOLE, grey.size, single) or [])
    # of light signs on dark ones zxing-cpp reads only squares
    negative = np.asarray(255 - grey, np.uint8)
    light = partial(zxing.read, negative, zxing.HELD_BARS, thorough=True)
    pixels = int(BARS_AS * grey.size)
    yield read_twice(negative, budget.spend(Heavy.WHOLE, pixels, light) or [])


def _slanted(grey: Grey) -> Reading:
    """In some ten milliseconds; each is read twice."""
    found = []
    for upright, back in bars_slanted(grey):
        for code in zxing.read(upright, zxing.HELD_BARS, thorough=False):
            if reads_again(upright, code):
                found.append(moved(code, back))
    return found


def _ways(grey: Grey, budget: Budget, sought: list[Patch] | None) -> Steps[None]:
    half = np.asarray(cv2.resize(grey, _halved(grey), interpolation=cv2.INTER_AREA), np.uint8)
    yield budget.spend(Heavy.ZBAR, half.size, partial(_zbar, half, 0.5)) or []
    found: list[tuple[Patch, Lie]] = []
    for patch in patches(grey) if sought is None else sought:
        found.append((patch, lie_of(patch.grey)))
        yield []
    yield from _ways_of_turned(grey, found, budget)
    yield from _ways_of_stacked(grey, found, budget)
    for patch, lie in found:
        if lie.agreement >= BARS_AGREE:
            yield from _ways_of_bars(grey, patch, lie)
    for patch, lie in found[:BLURRED]:
        if lie.agreement >= BLURRED_AGREE:
            yield from _ways_of_blurred(grey, patch, lie)
    for patch, lie in found:
        yield from _ways_of_patch(patch, lie, budget)
    for patch, _ in found[:SEARCHED]:
        searched = yield from _meanwhile(qr_repair.search(patch.grey))
        if searched is not None:
            yield _from_drawing(searched, (patch.x, patch.y))
    yield budget.spend(Heavy.ZBAR, grey.size, partial(_zbar, grey, 1.0)) or []


def _meanwhile(work: Pieces[T]) -> Steps[T]:
    """Pieces of work that read nothing before it ends."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        yield []


def _halved(grey: Grey) -> tuple[int, int]:
    return max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2)


def _ways_of_turned(grey: Grey, found: list[tuple[Patch, Lie]], budget: Budget) -> Steps[None]:
    """All of the picture turned as bars in it lie: zxing-cpp reads stacked bars only level."""
    turns: list[float] = []
    for _, lie in found:
        known = any(abs(math.sin(2 * (lie.quarter - other))) < 2 * SAME_TURN for other in turns)
        if len(turns) < TURNS and not known and lie.agreement >= STACKED_AGREE:
            turns.append(lie.quarter)
            for zoom in TURNED_ZOOMS:
                turned = partial(_turned, grey, lie.quarter, zoom)
                yield budget.spend(Heavy.TURNED, int(grey.size * zoom * zoom), turned) or []


def _turned(grey: Grey, angle: float, zoom: float) -> Reading:
    matrix, size = turning(grey.shape, angle, zoom)
    level = laid_out(grey, matrix, size)
    read = zxing.scan(level, zxing.STACKED, try_rotate=True, try_downscale=False)
    return [moved(code, matrix) for code in zxing.codes_of(read)]


def _ways_of_stacked(grey: Grey, found: list[tuple[Patch, Lie]], budget: Budget) -> Steps[None]:
    """What is around a few patches of bars, level and evened out: stacked bars are three wide."""
    places: list[tuple[tuple[float, float], float]] = []
    for patch, lie in sorted(found, key=lambda one: -one[0].side):  # of a small one much is beyond
        known = any(math.dist(patch.middle, middle) < reach for middle, reach in places)
        if len(places) == STACKS or known or lie.agreement < STACKED_AGREE:
            continue
        places.append((patch.middle, patch.side * STACK_ACROSS / 2))
        zoom = min(2.0, STACK_PX / (patch.side * STACK_ACROSS))
        size = (
            max(8, round(patch.side * STACK_ACROSS * zoom)),
            max(8, round(patch.side * STACK_ALONG * zoom)),
        )
        matrix = turned_about(patch.middle, size, lie.angle, zoom)
        pixels = size[0] * size[1]
        level = partial(_level, grey, matrix, size)
        even = budget.spend(Heavy.PATCH, pixels, level)
        if even is None:
            return
        yield []
        for sharper in (None, *STACK_SHARPER):
            look = partial(_stacked_in, even, zoom, sharper)
            read = budget.spend(Heavy.TURNED, pixels, look) or []
            yield [moved(code, matrix) for code in read]


def _level(grey: Grey, matrix: NDArray[np.float64], size: tuple[int, int]) -> Grey:
    return evened(laid_out(grey, matrix, size, fine=True), min(size) // EVEN_PARTS)


def _stacked_in(even: Grey, zoom: float, sharper: tuple[float, float] | None) -> Reading:
    """`sharper`: sigma and amount."""
    picture = even if sharper is None else sharpened(even, sharper[0] * zoom, sharper[1])
    read = zxing.scan(picture, zxing.STACKED, try_rotate=True, try_downscale=False)
    return zxing.codes_of(read)


def _ways_of_bars(grey: Grey, patch: Patch, lie: Lie) -> Steps[None]:
    """Lines across the bars, each the mean of a band: noise and dirt are averaged away."""
    bands = []
    for number in range(-(BANDS // 2), BANDS // 2 + 1):
        bands.append(band_across(grey, patch, lie.angle, number))
        yield []
    for sigma in BAR_SIGMAS:
        for band, place in bands:
            yield read_line(band, place, sigma)


def _ways_of_blurred(grey: Grey, patch: Patch, lie: Lie) -> Steps[None]:
    """The bars of one patch drawn as a blur would show them; two bands must agree."""
    for number in BLURRED_BANDS:
        band, place = band_across(grey, patch, lie.angle, number)
        read = yield from _meanwhile(bar_repair.read_blurred(band))
        if read is not None:
            corners = ((read.start, 0.0), (read.end, 0.0), (read.end, 1.0), (read.start, 1.0))
            yield [moved(Code("EAN_13", corners, read.digits.encode(), read.digits), place)]


def _ways_of_patch(patch: Patch, lie: Lie, budget: Budget) -> Steps[None]:
    """The patch upright and larger, evened out, sharpened: what the libraries can read then."""
    shrink = min(1.0, PATCH_PX / max(patch.grey.shape))
    zoom = 2.0 if max(patch.grey.shape) * shrink * 2 <= 1.5 * PATCH_PX else 1.0
    matrix, size = turning(patch.grey.shape, lie.quarter, shrink * zoom)
    pixels = size[0] * size[1]
    even = budget.spend(Heavy.PATCH, pixels, partial(_level, patch.grey, matrix, size))
    if even is None:
        return
    yield []
    corner = (patch.x, patch.y)
    back = matrix + np.array([[0, 0, patch.x], [0, 0, patch.y]])
    for sharper in (None, *PATCH_SHARPER):
        look = partial(_seen_in_patch, even, zoom, sharper)
        seen = budget.spend(Heavy.PATCH_READ, pixels, look) or []
        codes = [moved(code, back) for code in zxing.codes_of(seen)]
        yield codes or (yield from _repaired(patch.grey, seen, matrix, corner))


def _seen_in_patch(even: Grey, zoom: float, sharper: tuple[float, float] | None) -> list[Any]:
    """All that zxing-cpp sees, what it cannot read as well. `sharper`: sigma and amount."""
    picture = even if sharper is None else sharpened(even, sharper[0] * zoom, sharper[1])
    seen = zxing.scan(
        picture, zxing.MATRIX, try_rotate=False, try_downscale=False, return_errors=True
    )
    return list(seen)


def _repaired(
    grey: Grey, seen: Any, matrix: NDArray[np.float64], corner: tuple[int, int]
) -> Steps[Reading]:
    """QR codes that zxing-cpp saw in `seen` and could not read, repaired in `grey`."""
    for one in seen:
        version = str((one.extra or {}).get("Version", ""))
        if one.valid or one.symbology.name != "QRCode" or (version and not version.isdigit()):
            continue
        corners = np.array([(x, y, 1.0) for x, y in zxing.corners_of(one.position)]) @ matrix.T
        spans = np.ptp(corners, axis=0)
        if spans.min() < LEAST_REPAIR_PX or spans.max() > 4 * spans.min():
            continue
        if (corners < -spans).any() or (corners > np.array(grey.shape[::-1]) + spans).any():
            continue
        told = int(version) if version else None
        found = yield from _meanwhile(qr_repair.repair(grey, corners, told))
        if found is not None:
            return _from_drawing(found, corner)
    return []


def _from_drawing(found: qr_repair.Repaired, corner: tuple[int, int]) -> Reading:
    drawing = np.repeat(np.repeat(found.drawing, 4, axis=0), 4, axis=1)
    codes = zxing.codes_of(zxing.scan(np.ascontiguousarray(drawing), zxing.FAST, is_pure=True))
    corners = tuple((x + corner[0], y + corner[1]) for x, y in found.corners)
    return [replace(code, corners=corners) for code in codes]


def _zbar(grey: Grey, scale: float) -> Reading:
    from kiosk.documents.codes import zbar  # noqa: PLC0415 - loaded only when nothing else reads

    return zbar.read(grey, scale)

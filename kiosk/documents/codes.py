"""Read codes: quickly on every frame, slowly after misses, and never trust what was read.

zxing-cpp goes first everywhere. libzbar guesses character sets wrongly and has had memory faults,
so it is loaded only when everything else has failed, and never outside of the vision process.
Bytes are handed over as they stand in the code; what they mean is for whoever checks them.

Frame by frame: QR codes in every one; every third one all formats; between those, where bars lie
together (`bars_lie`), only they, turned level: that is how a hand holds stacked bars.

The slow ways, until one reads or the time is up (`budget`: they are cut into pieces, and what
cannot be cut is begun only while there is time for it): the picture larger, then with one threshold;
all of it turned as the bars in it lie, for stacked bars; then only the busy patches of it, each
turned upright, evened out, sharpened, and its bars averaged along their length; QR codes that are
seen but not read are repaired (`qr_repair`); libzbar last.
A barcode has at most one check digit, so a slow way's text counts only when a second one agrees.
So does a PDF417's in any way: zxing-cpp uses up all of its check words, and then noise has a text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar, assert_never

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from kiosk.documents import bar_repair, qr_repair
from kiosk.documents.bars_lie import bars_lie, levelled
from kiosk.documents.budget import Budget, Heavy, Pieces
from kiosk.documents.page import Image
from kiosk.documents.patches import Lie, Patch, evened, lie_of, patches, sharpened

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

MORE_FORMATS_EVERY: Final = 3  # frames; six formats cost as much as ten fast passes
TURNED_AFTER: Final = 1  # frame of those: bars, turned level; three fast passes
SLOW_AFTER_MISSES: Final = 5  # frames without a code until the slow ways are begun
TIME_LIMIT_S: Final = 0.8  # of work on a picture; what was begun ends within a tenth more
SLOW_A_FRAME_S: Final = 0.04  # of that at a time between frames: a code held up is seen at once
DOUBLED_AS: Final = 3  # pictures: four times the pixels, but no finer detail
SMALL_SIDE_PX: Final = 2000  # a picture below this is also tried at twice its size
MAX_CODE_BYTES: Final = 7089  # the digits that a version 40 QR holds; of bytes it holds 2,953
LARGEST_PX: Final = (
    4200  # long side; the largest stills are 4,160 wide, and time grows with the area
)

BARS_AGREE: Final = 0.28  # of all edges: less is no barcode
STACKED_AGREE: Final = 0.25  # of rows of bars: their ends are edges as well
TURNS: Final = 2  # ways to lie that are tried for stacked bars
SAME_TURN: Final = 0.06  # radians: both are read in one go
TURNED_ZOOMS: Final = (1.0, 0.75)  # two readings that agree are wanted
SECOND_ZOOMS: Final = (1.5, 0.75)  # at which stacked bars are read again
SAME_BARS_GAP: Final = 0.05  # of the code's length: a scratch, and dirt beside it
SCRATCH_THICKNESS: Final = 0.03  # of its length: bars are at least a tenth as high as they are long
SCRATCH_GAP: Final = 0.5  # of its length: a scratch this near is of the same bars
THIN_PX: Final = 2.0  # along the bars: less is next to a single line
SECOND_RIM: Final = 0.15  # of the code's extent around it
BANDS: Final = 5  # lines across a patch of bars
BAND_STEP: Final = 0.09  # of the patch's side from band to band
BAND_SHARE: Final = 0.07  # of the side: how high a band is
BAND_REACH: Final = 4.0  # sides: the patch may be a third of a long code
BAND_ZOOM: Final = 3.0  # pixels of the line for one of the picture
BAR_LINES: Final = 12  # the reader wants more than one
BAR_WINDOW_PX: Final = 151  # pixels of the line in which both bar and gap are to be found
BAR_SIGMAS: Final = (0.0, 3.0, 6.0)  # pixels of the line
BAR_AMOUNT: Final = 4.0
BLURRED: Final = 3  # patches in which a barcode is read through its blur
BLURRED_BANDS: Final = (-1, 1)  # of each
BLURRED_AGREE: Final = 0.6  # there only bars are worth it
PATCH_PX: Final = 700  # long side at which patches are read: reading costs by the area
EVEN_PARTS: Final = 8  # of a patch: where light is evened out
PATCH_SHARPER: Final = ((5.0, 5.0), (2.5, 4.0), (1.2, 4.0))  # sigma in pixels, amount
ZBAR_LINES: Final = 6  # that agree are as good as two readings
SEARCHED: Final = 4  # patches in which a QR code that nobody saw is sought
LEAST_REPAIR_PX: Final = 25.0  # 21 modules are not told apart in less

# Code 39 as it stands: the library's other kinds of it make a pharmacist's number of six signs, and
# other signs of some pairs
FAST = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
USUAL = zxingcpp.barcode_formats_from_str("QRCode,Code128,Code39Std,EAN13,PDF417,DataMatrix")
MATRIX = zxingcpp.barcode_formats_from_str("QRCode,DataMatrix,PDF417")
BARS = zxingcpp.barcode_formats_from_str("Code128,Code39Std,EAN13")
HELD_BARS = zxingcpp.barcode_formats_from_str("Code128,Code39Std,EAN13,PDF417")
STACKED = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.PDF417)

_ZXING_NAMES = {
    "QRCode": "QR_CODE",
    "QRCodeModel2": "QR_CODE",
    "QRCodeModel1": "QR_CODE",
    "Code128": "CODE_128",
    "Code39": "CODE_39",
    "EAN13": "EAN_13",
    "PDF417": "PDF_417",
    "CompactPDF417": "PDF_417",
    "DataMatrix": "DATA_MATRIX",
}
_ONE_DIMENSION = frozenset({"CODE_128", "CODE_39", "EAN_13"})

Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """One code. `corners` in pixels: top left, top right, bottom right, bottom left as it lies."""

    format: str
    corners: Corners
    data: bytes = field(repr=False)
    text: str = field(repr=False)


class CodeReader:
    """Frames of one camera, one after the other."""

    def __init__(self) -> None:
        self._frames = 0
        self._misses = 0
        self._slow_ways: Iterator[Reading] | None = None  # in an earlier frame
        self._slow_budget = Budget(0.0)

    def look(self, picture: Image) -> list[Code]:
        """Whatever this frame gives for little time; some of the slow ways once in a while.

        They are gone through frame by frame: a code that is held up meanwhile does not wait.
        """
        grey = _grey(picture)
        self._frames += 1
        found = self._fast(grey)
        turn = self._frames % MORE_FORMATS_EVERY
        if not found and turn == 0:
            found = _read_twice(grey, _zxing(grey, USUAL, thorough=True))
        if not found and turn == TURNED_AFTER:
            found = _bars_held(grey)
        if found:
            self._misses, self._slow_ways = 0, None
            return found
        self._misses += 1
        if self._slow_ways is None and self._misses % SLOW_AFTER_MISSES == 0:
            self._slow_budget = Budget(TIME_LIMIT_S)
            self._slow_ways = _slow_ways(grey, self._slow_budget)
        return self._look_slowly()

    def _look_slowly(self) -> Reading:
        """As many of the slow ways as a frame has time for."""
        budget = self._slow_budget
        pause_at = budget.left_s - SLOW_A_FRAME_S
        with budget.working():
            while self._slow_ways is not None and budget.left_s > pause_at:
                found = next(self._slow_ways, None)
                if found or found is None or budget.left_s <= 0:
                    self._slow_ways = None
                if found:
                    return found
        return []

    def look_fast(self, picture: Image) -> list[Code]:
        """Only what every frame is looked at for."""
        return self._fast(_grey(picture))

    @staticmethod
    def _fast(grey: Grey) -> list[Code]:
        return _zxing(grey, FAST, thorough=False)

    def forget(self) -> None:
        self._frames = self._misses = 0
        self._slow_ways = None


def read_codes(picture: Image, limit_s: float = TIME_LIMIT_S) -> list[Code]:
    """Everything in one still picture, by all the ways there are."""
    budget = Budget(limit_s)
    with budget.working():
        factor = math.ceil(max(picture.shape[:2]) / LARGEST_PX)
        if factor == 1:
            return _read_still(_grey(picture), budget)
        size = (max(1, picture.shape[1] // factor), max(1, picture.shape[0] // factor))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        codes = _read_still(_grey(np.asarray(small, np.uint8)), budget)
        return [replace(code, corners=_larger_corners(code.corners, factor)) for code in codes]


def _read_still(grey: Grey, budget: Budget) -> Reading:
    first = partial(_zxing, grey, USUAL, thorough=True)
    found = _read_twice(grey, budget.spend(Heavy.WHOLE, grey.size, first, anyway=True) or [])
    if found:
        return found
    for found in _slow_ways(grey, budget):
        if found or budget.left_s <= 0:
            return found
    return []


def _bars_held(grey: Grey) -> Reading:
    """Bars as a hand holds them, none too small and none spoiled: each read twice."""
    found = []
    for lie in bars_lie(grey):
        level, back = levelled(grey, lie)
        for code in _zxing(level, HELD_BARS, thorough=False):
            if _reads_again(level, code):
                found.append(_moved(code, back))
    return found


# -- the slow ways ---------------------------------------------------------------------

Reading = list[Code]
T = TypeVar("T")
Steps = Generator[Reading, None, T]  # what each piece of the work reads, mostly nothing


class _Votes:
    """What slow ways read. All but QR codes need two readings that agree, and none against.

    A QR code keeps check words that are never used up; the others' are few, or there are none.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bytes], int] = {}

    def count(self, codes: Reading) -> Reading:
        """One way's reading; what may be believed by now."""
        believed = [code for code in codes if code.format == "QR_CODE"]
        for code in codes:
            key = (code.format, code.data)
            self._seen[key] = self._seen.get(key, 0) + 1
            against = max((n for other, n in self._seen.items() if other != key), default=0)
            if self._seen[key] >= 2 + against and code not in believed:
                believed.append(code)
        return believed


def _slow_ways(grey: Grey, budget: Budget) -> Iterator[Reading]:
    """What may be believed after each piece of the slow ways."""
    yield from _ways_of_all(grey, budget)
    votes = _Votes()
    for codes in _ways(grey, budget):
        yield votes.count(codes)


def _ways_of_all(grey: Grey, budget: Budget) -> Steps[None]:
    """What zxing-cpp reads in the whole picture is believed: it has seen it on several lines."""
    if max(grey.shape) <= SMALL_SIDE_PX:
        large = _larger(grey, 2)
        doubled = partial(_zxing, large, USUAL, thorough=True, scale=2.0)
        pixels = DOUBLED_AS * grey.size
        yield _read_twice(grey, budget.spend(Heavy.WHOLE, pixels, doubled) or [])
    single = partial(
        _zxing, grey, USUAL, thorough=True, binarizer=zxingcpp.Binarizer.GlobalHistogram
    )
    yield _read_twice(grey, budget.spend(Heavy.WHOLE, grey.size, single) or [])


def _read_twice(grey: Grey, codes: Reading) -> Reading:
    """`codes` without those that a look tells by chance, and another at their place not alike.

    Stacked bars, and bars that were told from next to a single line across them.
    """
    return [code for code in codes if not _may_be_chance(code) or _reads_again(grey, code)]


def _may_be_chance(code: Code) -> bool:
    thin = code.format in _ONE_DIMENSION and _thickness(code) < THIN_PX
    return thin or code.format == "PDF_417"


def _reads_again(grey: Grey, code: Code) -> bool:
    points = np.array(code.corners)
    low, high = points.min(axis=0), points.max(axis=0)
    rim = SECOND_RIM * float((high - low).max()) + 2
    left, top = (max(0, int(value)) for value in low - rim)
    right, bottom = (int(value) + 1 for value in high + rim)
    part = grey[top:bottom, left:right]
    return part.size > 0 and any(
        code.data == again.data
        for zoom in SECOND_ZOOMS
        for again in _zxing(_larger(part, zoom), USUAL, thorough=True)
    )


def _ways(grey: Grey, budget: Budget) -> Steps[None]:
    half = np.asarray(cv2.resize(grey, _halved(grey), interpolation=cv2.INTER_AREA), np.uint8)
    yield budget.spend(Heavy.ZBAR, half.size, partial(_zbar, half, 0.5)) or []
    found: list[tuple[Patch, Lie]] = []
    for patch in patches(grey):
        found.append((patch, lie_of(patch.grey)))
        yield []
    yield from _ways_of_turned(grey, found, budget)
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


def _larger(grey: Grey, times: float) -> Grey:
    large = cv2.resize(grey, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8)


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
    matrix, size = _turning(grey.shape, angle, zoom)
    level = cv2.warpAffine(
        grey,
        matrix,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    read = _scan(np.asarray(level, np.uint8), STACKED, try_rotate=True, try_downscale=False)
    return [_moved(code, matrix) for code in _codes(read)]


def _ways_of_bars(grey: Grey, patch: Patch, lie: Lie) -> Steps[None]:
    """Lines across the bars, each the mean of a band: noise and dirt are averaged away."""
    bands = []
    for number in range(-(BANDS // 2), BANDS // 2 + 1):
        bands.append(_band(grey, patch, lie.angle, number))
        yield []
    for sigma in BAR_SIGMAS:
        for band, place in bands:
            yield _bars(band, place, sigma)


def _band(
    grey: Grey, patch: Patch, angle: float, number: int
) -> tuple[Floats, NDArray[np.float64]]:
    """Line `number` (0 is the middle one) across the patch and beyond it; its 2 x 3 matrix back."""
    across = np.array([math.cos(angle), math.sin(angle)])
    along = np.array([-across[1], across[0]])
    # the patch may be a part of a long code: to the ends of the picture
    long = min(float(math.hypot(*grey.shape)), BAND_REACH * patch.side)
    high = patch.side * BAND_SHARE
    lines = max(2, round(high))
    middle = np.array(patch.middle) + along * (number * patch.side * BAND_STEP)
    corner = middle - across * long / 2 - along * high / 2
    columns = np.stack([across / BAND_ZOOM, along * (high / lines), corner], axis=1)
    size = (max(8, int(long * BAND_ZOOM)), lines)
    strip = cv2.warpAffine(
        grey,
        columns,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(strip, np.float32).mean(axis=0), columns


def _bars(band: Floats, place: NDArray[np.float64], sigma: float) -> Reading:
    """Read one line."""
    line = band[None]
    if sigma:
        line = line + BAR_AMOUNT * (line - cv2.GaussianBlur(line, (0, 0), sigma))
    kernel = np.ones((1, BAR_WINDOW_PX), np.uint8)
    low = cv2.blur(cv2.erode(line, kernel), (BAR_WINDOW_PX, 1))
    high = cv2.blur(cv2.dilate(line, kernel), (BAR_WINDOW_PX, 1))
    even = np.clip((line - low) * (255.0 / np.maximum(high - low, 8.0)), 0, 255)
    picture = np.repeat(even.astype(np.uint8), BAR_LINES, axis=0)
    read = _scan(picture, BARS, try_rotate=False, try_downscale=False)
    return [_moved(code, place) for code in _codes(read)]


def _ways_of_blurred(grey: Grey, patch: Patch, lie: Lie) -> Steps[None]:
    """The bars of one patch drawn as a blur would show them; two bands must agree."""
    for number in BLURRED_BANDS:
        band, place = _band(grey, patch, lie.angle, number)
        read = yield from _meanwhile(bar_repair.read_blurred(band))
        if read is not None:
            corners = ((read.start, 0.0), (read.end, 0.0), (read.end, 1.0), (read.start, 1.0))
            yield [_moved(Code("EAN_13", corners, read.digits.encode(), read.digits), place)]


def _moved(code: Code, matrix: NDArray[np.float64]) -> Code:
    """`matrix` 2 x 3, from where it was read to the picture."""
    corners = tuple(
        (float(x), float(y)) for x, y in np.array([(x, y, 1.0) for x, y in code.corners]) @ matrix.T
    )
    return replace(code, corners=corners)


def _ways_of_patch(patch: Patch, lie: Lie, budget: Budget) -> Steps[None]:
    """The patch upright and larger, evened out, sharpened: what the libraries can read then."""
    shrink = min(1.0, PATCH_PX / max(patch.grey.shape))
    zoom = 2.0 if max(patch.grey.shape) * shrink * 2 <= 1.5 * PATCH_PX else 1.0
    matrix, size = _turning(patch.grey.shape, lie.quarter, shrink * zoom)
    pixels = size[0] * size[1]
    even = budget.spend(Heavy.PATCH, pixels, partial(_upright, patch, matrix, size))
    if even is None:
        return
    yield []
    corner = (patch.x, patch.y)
    back = matrix + np.array([[0, 0, patch.x], [0, 0, patch.y]])
    for sharper in (None, *PATCH_SHARPER):
        look = partial(_seen_in_patch, even, zoom, sharper)
        seen = budget.spend(Heavy.PATCH_READ, pixels, look) or []
        codes = [_moved(code, back) for code in _codes(seen)]
        yield codes or (yield from _repaired(patch.grey, seen, matrix, corner))


def _upright(patch: Patch, matrix: NDArray[np.float64], size: tuple[int, int]) -> Grey:
    upright = cv2.warpAffine(
        patch.grey,
        matrix,
        size,
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return evened(np.asarray(upright, np.uint8), min(size) // EVEN_PARTS)


def _seen_in_patch(even: Grey, zoom: float, sharper: tuple[float, float] | None) -> list[Any]:
    """All that zxing-cpp sees, what it cannot read as well. `sharper`: sigma and amount."""
    picture = even if sharper is None else sharpened(even, sharper[0] * zoom, sharper[1])
    seen = _scan(picture, MATRIX, try_rotate=False, try_downscale=False, return_errors=True)
    return list(seen)


def _turning(
    shape: tuple[int, ...], angle: float, zoom: float
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Matrix from a picture turned by `angle` to one of `shape`, and the size that holds all."""
    height, width = shape
    along, across = abs(math.cos(angle)) * zoom, abs(math.sin(angle)) * zoom
    size = (
        max(8, int(width * along + height * across)),
        max(8, int(width * across + height * along)),
    )
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turn = turn / zoom
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = middle - turn @ np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    return np.concatenate([turn, shift[:, None]], axis=1), size


def _repaired(
    grey: Grey, seen: Any, matrix: NDArray[np.float64], corner: tuple[int, int]
) -> Steps[Reading]:
    """QR codes that zxing-cpp saw in `seen` and could not read, repaired in `grey`."""
    for one in seen:
        version = str((one.extra or {}).get("Version", ""))
        if one.valid or one.symbology.name != "QRCode" or (version and not version.isdigit()):
            continue
        corners = np.array([(x, y, 1.0) for x, y in _corners(one.position)]) @ matrix.T
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
    codes = _codes(_scan(np.ascontiguousarray(drawing), FAST, is_pure=True))
    corners = tuple((x + corner[0], y + corner[1]) for x, y in found.corners)
    return [replace(code, corners=corners) for code in codes]


# -- the libraries -------------------------------------------------------------------------


def _grey(picture: Image) -> Grey:
    return np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _zxing(
    grey: Grey,
    formats: Any,
    *,
    thorough: bool,
    scale: float = 1.0,
    binarizer: Any = zxingcpp.Binarizer.LocalAverage,
) -> Reading:
    read = _scan(
        grey,
        formats,
        try_rotate=thorough,
        try_downscale=thorough,
        try_invert=thorough,
        binarizer=binarizer,
    )
    found = _codes(read)
    if scale == 1.0:
        return found
    return [replace(code, corners=_larger_corners(code.corners, 1 / scale)) for code in found]


def _larger_corners(corners: Corners, times: float) -> Corners:
    return tuple(((x + 0.5) * times - 0.5, (y + 0.5) * times - 0.5) for x, y in corners)


def _scan(grey: Grey, formats: Any, **how: Any) -> Any:
    """zxing-cpp, with bytes and character sets as they stand in the code instead of a text."""
    return zxingcpp.read_barcodes(grey, formats, text_mode=zxingcpp.TextMode.HexECI, **how)


def _codes(read: Any) -> Reading:
    """What zxing-cpp read (`_scan`), without what cannot be."""
    found = []
    for one in read:
        data = bytes(one.bytes)
        if not one.valid or not data or len(data) > MAX_CODE_BYTES:
            continue
        name = _ZXING_NAMES.get(one.format.name, one.format.name)
        text = _declared(one)
        if text is None and name == "QR_CODE":
            text = _text_of_qr(data, one)
        elif text is None:
            text = text_of(data, Doubt.LATIN if name in _ONE_DIMENSION else None)
        corners = _corners(one.position)
        if name in _ONE_DIMENSION and _against_the_clock(corners):
            # bars that stand on their head: told from their first one, but from the upper end
            corners = corners[::-1]
        found.append(Code(name, corners, data, text))
    return _without_ghosts(found)


def _corners(place: Any) -> Corners:
    return tuple(
        (float(point.x), float(point.y))
        for point in (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    )


def _against_the_clock(corners: Corners) -> bool:
    (left, top), (right, upper), _, (low_left, bottom) = corners
    return (right - left) * (bottom - top) < (upper - top) * (low_left - left)


def _without_ghosts(codes: Reading) -> Reading:
    """Of barcodes with different texts on the same bars, only the one on most of them.

    A scratch or the edge of the bars makes a few lines read as another number.
    """
    kept: Reading = []
    for code in sorted(codes, key=_thickness, reverse=True):
        ghost = code.format in _ONE_DIMENSION and any(
            other.format in _ONE_DIMENSION
            and other.data != code.data
            and _same_bars(code.corners, other.corners)
            for other in kept
        )
        if not ghost:
            kept.append(code)
    return [code for code in codes if code in kept]


def _thickness(code: Code) -> float:
    """How far the reading reaches along the bars, in pixels."""
    points = np.array(code.corners)
    return float(np.linalg.norm(points[3] - points[0]) + np.linalg.norm(points[2] - points[1])) / 2


def _same_bars(one: Corners, other: Corners) -> bool:
    """Whether two readings lie on the same bars (`other` tells which way they lie).

    They cover the same range across them, and between them along the bars there is no gap, or one
    is no thicker than a scratch: a few lines at the bars' end are read as another number.
    """
    a, b = np.array(one), np.array(other)
    across = b[1] - b[0]
    length = float(np.linalg.norm(across))
    if length < 1.0:
        return False
    across = across / length
    low, high = sorted((float(a[0] @ across), float(a[1] @ across)))
    start, end = sorted((float(b[0] @ across), float(b[1] @ across)))
    if min(high, end) - max(low, start) <= 0.5 * min(high - low, end - start):
        return False
    along = np.array([-across[1], across[0]])
    top, bottom = float((a @ along).min()), float((a @ along).max())
    upper, lower = float((b @ along).min()), float((b @ along).max())
    apart = max(top, upper) - min(bottom, lower)
    thin = min(bottom - top, lower - upper) < SCRATCH_THICKNESS * length
    return apart < (SCRATCH_GAP if thin else SAME_BARS_GAP) * length


# -- bytes to text -------------------------------------------------------------------------

# AIM ECI assignments; both sets of GB are parts of GB 18030. 899 are bytes without any.
CHARACTER_SETS: Final = {
    **{0: "cp437", 1: "latin-1", 2: "cp437", 3: "latin-1"},
    **{number: f"iso8859-{number - 2}" for number in (*range(4, 14), *range(15, 19))},
    **{20: "cp932", 21: "cp1250", 22: "cp1251", 23: "cp1252", 24: "cp1256"},
    **{25: "utf-16-be", 26: "utf-8", 27: "ascii", 28: "big5", 29: "gb18030", 30: "cp949"},
    **{31: "gb18030", 32: "gb18030", 33: "utf-16-le", 34: "utf-32-be", 35: "utf-32-le"},
    170: "ascii",
}
# of what HexECI tells after the identifier: a backslash is doubled, one with six digits is an ECI
_ECI_OR_BYTES: Final = re.compile(rb"\\(\d{6})|((?:\\\\|[^\\])+)", re.DOTALL)


class Doubt(Enum):
    """What bytes that could be GB 18030 may be as well; then only everyday Chinese is believed."""

    JAPANESE = "a QR code's Japanese signs: their bytes are those of other, rare Chinese ones"
    LATIN = "a barcode's, whose standard knows no other signs"


def _declared(one: Any) -> str | None:
    """The text where the code itself says in which character sets it is (ECI), else None."""
    told = bytes.fromhex(one.text)
    identifier = one.symbology_identifier.encode()
    # zxing-cpp changes the identifier's modifier only here, and only when there is an ECI
    if len(told) < len(identifier) or told.startswith(identifier):
        return None
    text, character_set = "", CHARACTER_SETS[3]  # what stands before the first ECI
    for number, part in _ECI_OR_BYTES.findall(told[len(identifier) :]):
        if number:
            character_set = CHARACTER_SETS.get(int(number), "")
            if not character_set:
                return None
            continue
        try:
            text += part.replace(b"\\\\", b"\\").decode(character_set)
        except UnicodeDecodeError:
            return None
    return text


class _Mode(Enum):
    """How a QR code's first signs are written (ISO/IEC 18004, table 2)."""

    KANJI = 0b1000
    BYTE = 0b0100
    HANZI = 0b1101


def _first_mode(one: Any) -> _Mode | None:
    """None: another one. It stands in the last four modules, zxing-cpp tells it nowhere else."""
    mask = str((one.extra or {}).get("DataMask", ""))
    drawn = np.asarray(one.to_image(scale=1, add_quiet_zones=False)).squeeze()
    if not mask.isdigit() or drawn.ndim != 2 or drawn.shape[0] != drawn.shape[1]:
        return None
    last = drawn.shape[0] - 1
    rows, columns = np.array([last, last, last - 1, last - 1]), np.array([last, last - 1] * 2)
    bits = (drawn[rows, columns] < 128) ^ qr_repair.masked(int(mask), rows, columns)
    number = int(bits @ np.array([8, 4, 2, 1]))
    return _Mode(number) if number in {mode.value for mode in _Mode} else None


def _text_of_qr(data: bytes, one: Any) -> str:
    """Where its first signs are Japanese ones, so are all that could be.

    Some writers put what is in Shift JIS as bytes, but only beside ASCII: else they use that mode.
    """
    if not _may_be_kanji(data):
        return text_of(data)
    mode = _first_mode(one)
    japanese = data.decode("cp932")
    mixed = mode is _Mode.BYTE and any(letter.isascii() for letter in japanese)
    if mixed and _is_everyday_chinese(japanese, share=1.0):
        return text_of(data, Doubt.JAPANESE)
    match mode:
        case _Mode.KANJI:
            return japanese
        case _Mode.BYTE | _Mode.HANZI:
            return text_of(data)
        case None:
            return text_of(data, Doubt.JAPANESE)
        case other:
            assert_never(other)


def text_of(data: bytes, doubt: Doubt | None = None) -> str:
    """Bytes of a code without a character set: UTF-8, else GB 18030, else Japanese, else Latin."""
    text = _decoded(data, "utf-8")
    if text is None:
        text = _chinese(data, doubt)
    if text is None and doubt is not Doubt.LATIN:
        text = _japanese(data)
    return data.decode("latin-1") if text is None else text


def _decoded(data: bytes, character_set: str) -> str | None:
    try:
        return data.decode(character_set)
    except UnicodeDecodeError:
        return None


def _chinese(data: bytes, doubt: Doubt | None) -> str | None:
    text = _decoded(data, "gb18030")
    if text is None or doubt is None or _is_everyday_chinese(text):
        return text
    return text if doubt is Doubt.JAPANESE and not _may_be_kanji(data) else None


def _japanese(data: bytes) -> str | None:
    """None where all of it would be single bytes: those are rather Latin letters."""
    text = _decoded(data, "cp932")
    return None if text is None or len(text) == len(data) else text


def _may_be_kanji(data: bytes) -> bool:
    """Whether all that is not ASCII, and there is some, could be of a QR code's Japanese mode."""
    return (
        not data.isascii()
        and _KANJI.fullmatch(data) is not None
        and _decoded(data, "cp932") is not None
    )


# ISO/IEC 18004, 7.4.6: Shift JIS from 8140 to 9FFC and from E040 to EBBF
_KANJI: Final = re.compile(rb"(?:[\x00-\x7f]|[\x81-\x9f\xe0-\xeb][\x40-\x7e\x80-\xfc])*")


def _is_everyday_chinese(text: str, share: float = 0.5) -> bool:
    """At least this share of the characters that are not ASCII are of the first level or signs."""
    other = [letter.encode("gb18030") for letter in text if not letter.isascii()]
    usual = sum(
        len(code) == 2 and code[1] >= 0xA1 and (0xB0 <= code[0] <= 0xD7 or 0xA1 <= code[0] <= 0xA3)
        for code in other
    )
    return usual >= share * len(other)


def _zbar(grey: Grey, scale: float) -> list[Code]:
    from kiosk.documents import zbar  # noqa: PLC0415 - loaded only when nothing else reads

    found = []
    for one in zbar.read(grey):
        if not one.data or len(one.data) > MAX_CODE_BYTES:
            continue
        if one.format == "QR_CODE":
            # nothing tells its mode: what may be Japanese signs is only told where it is not
            text = _decoded(one.data, "utf-8") or _chinese(one.data, Doubt.JAPANESE)
        else:
            text = text_of(one.data, Doubt.LATIN)
        if not text:
            continue
        corners = _larger_corners(one.corners, 1 / scale)
        code = Code(one.format, corners, one.data, text)
        found += [code] * (2 if one.lines >= ZBAR_LINES else 1)
    return found

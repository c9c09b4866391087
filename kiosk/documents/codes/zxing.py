"""zxing-cpp: the formats that are asked for, and what it reads without what cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from kiosk.documents.codes import qr_repair
from kiosk.documents.codes.found import (
    ONE_DIMENSION,
    Code,
    Corners,
    Reading,
    larger_corners,
    thickness,
)
from kiosk.documents.codes.text import Doubt, Mode, declared, may_be_kanji, text_of, text_of_qr

Grey = NDArray[np.uint8]

MAX_CODE_BYTES: Final = 7089  # the digits that a version 40 QR holds; of bytes it holds 2,953
SAME_BARS_GAP: Final = 0.05  # of the code's length: a scratch, and dirt beside it
SCRATCH_THICKNESS: Final = 0.03  # of its length: bars are at least a tenth as high as they are long
SCRATCH_GAP: Final = 0.5  # of its length: a scratch this near is of the same bars

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


def read(
    grey: Grey,
    formats: Any,
    *,
    thorough: bool,
    scale: float = 1.0,
    binarizer: Any = zxingcpp.Binarizer.LocalAverage,
) -> Reading:
    """`thorough`: in all four directions, at half the size as well, and light on dark."""
    seen = scan(
        grey,
        formats,
        try_rotate=thorough,
        try_downscale=thorough,
        try_invert=thorough,
        binarizer=binarizer,
    )
    found = codes_of(seen)
    if scale == 1.0:
        return found
    return [replace(code, corners=larger_corners(code.corners, 1 / scale)) for code in found]


def scan(grey: Grey, formats: Any, **how: Any) -> Any:
    """zxing-cpp, with bytes and character sets as they stand in the code instead of a text."""
    return zxingcpp.read_barcodes(grey, formats, text_mode=zxingcpp.TextMode.HexECI, **how)


def codes_of(read: Any) -> Reading:
    """What zxing-cpp read (`scan`), without what cannot be."""
    found = []
    for one in read:
        data = bytes(one.bytes)
        if not one.valid or not data or len(data) > MAX_CODE_BYTES:
            continue
        name = _ZXING_NAMES.get(one.format.name, one.format.name)
        text = declared(bytes.fromhex(one.text), one.symbology_identifier.encode())
        if text is None and name == "QR_CODE":
            text = text_of_qr(data, _first_mode(one) if may_be_kanji(data) else None)
        elif text is None:
            text = text_of(data, Doubt.LATIN if name in ONE_DIMENSION else None)
        corners = corners_of(one.position)
        if name in ONE_DIMENSION and _against_the_clock(corners):
            # bars that stand on their head: told from their first one, but from the upper end
            corners = corners[::-1]
        found.append(Code(name, corners, data, text))
    return _without_ghosts(found)


def corners_of(place: Any) -> Corners:
    return tuple(
        (float(point.x), float(point.y))
        for point in (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    )


def _against_the_clock(corners: Corners) -> bool:
    (left, top), (right, upper), _, (low_left, bottom) = corners
    return (right - left) * (bottom - top) < (upper - top) * (low_left - left)


def _first_mode(one: Any) -> Mode | None:
    """None: another one. It stands in the last four modules, zxing-cpp tells it nowhere else."""
    mask = str((one.extra or {}).get("DataMask", ""))
    drawn = np.asarray(one.to_image(scale=1, add_quiet_zones=False)).squeeze()
    if not mask.isdigit() or drawn.ndim != 2 or drawn.shape[0] != drawn.shape[1]:
        return None
    last = drawn.shape[0] - 1
    rows, columns = np.array([last, last, last - 1, last - 1]), np.array([last, last - 1] * 2)
    bits = (drawn[rows, columns] < 128) ^ qr_repair.masked(int(mask), rows, columns)
    number = int(bits @ np.array([8, 4, 2, 1]))
    return Mode(number) if number in {mode.value for mode in Mode} else None


def _without_ghosts(codes: Reading) -> Reading:
    """Of barcodes with different texts on the same bars, only the one on most of them.

    A scratch or the edge of the bars makes a few lines read as another number.
    """
    kept: Reading = []
    for code in sorted(codes, key=thickness, reverse=True):
        ghost = code.format in ONE_DIMENSION and any(
            other.format in ONE_DIMENSION
            and other.data != code.data
            and _same_bars(code.corners, other.corners)
            for other in kept
        )
        if not ghost:
            kept.append(code)
    return [code for code in codes if code in kept]


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

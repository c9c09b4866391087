"""What a reading must show before it is told.

A barcode has at most one check digit, so a slow way's text counts only when a second one agrees.
So does a PDF417's or a short Data Matrix' in any way: zxing-cpp uses up all of their check words, and
then noise has a text.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.codes import zxing
from kiosk.documents.codes.found import ONE_DIMENSION, Code, Reading, thickness

Grey = NDArray[np.uint8]

SECOND_ZOOMS: Final = (1.5, 0.75)  # at which stacked bars are read again
THIN_PX: Final = 2.0  # along the bars: less is next to a single line
SHORT_MATRIX: Final = 10  # digits that 12 modules square hold: seven check words or five
FAINT: Final = 60.0  # levels between dark and light
SECOND_RIM: Final = 0.15  # of the code's extent around it


class Votes:
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


def read_twice(grey: Grey, codes: Reading) -> Reading:
    """`codes` without those that a look tells by chance, and another at their place not alike.

    Stacked bars, the smallest of Data Matrix, and bars told from next to a single line across them.
    """
    return [code for code in codes if not _may_be_chance(code) or reads_again(grey, code)]


def _may_be_chance(code: Code) -> bool:
    thin = code.format in ONE_DIMENSION and thickness(code) < THIN_PX
    short = code.format == "DATA_MATRIX" and len(code.data) <= SHORT_MATRIX
    return thin or short or code.format == "PDF_417"


def reads_again(grey: Grey, code: Code) -> bool:
    points = np.array(code.corners)
    low, high = points.min(axis=0), points.max(axis=0)
    rim = SECOND_RIM * float((high - low).max()) + 2
    left, top = (max(0, int(value)) for value in low - rim)
    right, bottom = (int(value) + 1 for value in high + rim)
    part = grey[top:bottom, left:right]
    if part.size == 0:
        return False
    clear = stretched(part)
    return any(
        code.data == again.data
        for zoom in SECOND_ZOOMS
        for again in zxing.read(larger(clear, zoom), zxing.USUAL, thorough=True)
    )


def stretched(grey: Grey) -> Grey:
    """A faint picture in all of its levels; zxing-cpp takes what spans less than 24 for even."""
    low, high = (float(level) for level in np.percentile(grey, (1, 99)))
    if not 0 < high - low < FAINT:
        return grey
    return np.asarray(np.clip((grey - low) * (255.0 / (high - low)), 0, 255), np.uint8)


def larger(grey: Grey, times: float) -> Grey:
    large = cv2.resize(grey, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8)

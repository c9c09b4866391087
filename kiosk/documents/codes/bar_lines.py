"""Lines across bars, each the mean of a band along them: noise and dirt are averaged away."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.codes import zxing
from kiosk.documents.codes.found import Reading, moved
from kiosk.documents.codes.patches import Patch
from kiosk.documents.codes.turned import laid_out

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

BAND_STEP: Final = 0.09  # of the patch's side from band to band
BAND_SHARE: Final = 0.07  # of the side: how high a band is
BAND_REACH: Final = 4.0  # sides: the patch may be a third of a long code
BAND_ZOOM: Final = 3.0  # pixels of the line for one of the picture
BAR_LINES: Final = 12  # the reader wants more than one
BAR_WINDOW_PX: Final = 151  # pixels of the line in which both bar and gap are to be found
BAR_AMOUNT: Final = 4.0


def band_across(
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
    strip = laid_out(grey, columns, size)
    return strip.astype(np.float32).mean(axis=0), columns


def read_line(band: Floats, place: NDArray[np.float64], sigma: float) -> Reading:
    """Read one line; `sigma` (pixels of the line): sharpened by so much first."""
    line = band[None]
    if sigma:
        line = line + BAR_AMOUNT * (line - cv2.GaussianBlur(line, (0, 0), sigma))
    kernel = np.ones((1, BAR_WINDOW_PX), np.uint8)
    low = cv2.blur(cv2.erode(line, kernel), (BAR_WINDOW_PX, 1))
    high = cv2.blur(cv2.dilate(line, kernel), (BAR_WINDOW_PX, 1))
    even = np.clip((line - low) * (255.0 / np.maximum(high - low, 8.0)), 0, 255)
    picture = np.repeat(even.astype(np.uint8), BAR_LINES, axis=0)
    seen = zxing.scan(picture, zxing.BARS, try_rotate=False, try_downscale=False)
    return [moved(code, place) for code in zxing.codes_of(seen)]

"""Parts of a picture laid out anew: turned, larger or smaller, as a strip; always one way."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


def laid_out(
    grey: Grey, matrix: NDArray[np.float64], size: tuple[int, int], *, fine: bool = False
) -> Grey:
    """`size` (width, height) pixels of `grey`, each taken from where `matrix` (2 x 3) says.

    Beyond its edge a picture goes on as it ended. `fine`: cubic, for what is read by its detail.
    """
    laid = cv2.warpAffine(
        grey,
        matrix,
        size,
        flags=(cv2.INTER_CUBIC if fine else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(laid, np.uint8)


def turned_about(
    middle: tuple[float, float], size: tuple[int, int], angle: float, zoom: float = 1.0
) -> NDArray[np.float64]:
    """Matrix (2 x 3) to a picture from its part around `middle`, turned by `angle` (radians).

    `size`: width and height of the part laid out, `zoom` of its pixels to one of the picture.
    """
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turn = turn / zoom
    shift = np.array(middle) - turn @ ((np.array(size) - 1) / 2)
    return np.concatenate([turn, shift[:, None]], axis=1)


def turning(
    shape: tuple[int, ...], angle: float, zoom: float
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Matrix from a picture turned by `angle` to one of `shape`, and the size that holds all."""
    height, width = shape
    along, across = abs(math.cos(angle)) * zoom, abs(math.sin(angle)) * zoom
    size = (
        max(8, int(width * along + height * across)),
        max(8, int(width * across + height * along)),
    )
    return turned_about(((width - 1) / 2, (height - 1) / 2), size, angle, zoom), size

"""A code that was found in a picture: what it says and where it lies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Corners = tuple[tuple[float, float], ...]

ONE_DIMENSION = frozenset({"CODE_128", "CODE_39", "EAN_13"})


@dataclass(frozen=True, slots=True)
class Code:
    """One code. `corners` in pixels: top left, top right, bottom right, bottom left as it lies."""

    format: str
    corners: Corners
    data: bytes = field(repr=False)
    text: str = field(repr=False)


Reading = list[Code]


def moved(code: Code, matrix: NDArray[np.float64]) -> Code:
    """`matrix` 2 x 3, from where it was read to the picture."""
    corners = tuple(
        (float(x), float(y)) for x, y in np.array([(x, y, 1.0) for x, y in code.corners]) @ matrix.T
    )
    return replace(code, corners=corners)


def larger_corners(corners: Corners, times: float) -> Corners:
    """Of a picture that many times as large."""
    return tuple(((x + 0.5) * times - 0.5, (y + 0.5) * times - 0.5) for x, y in corners)


def thickness(code: Code) -> float:
    """How far the reading reaches along the bars, in pixels."""
    points = np.array(code.corners)
    return float(np.linalg.norm(points[3] - points[0]) + np.linalg.norm(points[2] - points[1])) / 2

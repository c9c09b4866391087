"""How many millimetres a pixel of this camera is on this plate: measured once with a printed target.

The target is a chessboard of known squares. Its corners give the mapping from the picture to the
plate in millimetres, so a paper's true size is known wherever it lies and however the camera leans.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.documents.quads import Corners, Image

SQUARE_MM = 25.0
ACROSS, DOWN = 9, 6  # inner corners; one number odd and one even, so that the board has one way up
SHEET_MM = (297.0, 210.0)
WORST_FIT_MM = 0.7  # corners further from a flat board: it is bent, or the lens is no camera's
ASPECT_SHARE = 0.01  # pictures of other proportions show another part of the plate
MM_AN_INCH = 25.4


@dataclass(frozen=True, slots=True)
class PlateScale:
    """`matrix` (3 x 3) takes pixels of a picture of `size` to millimetres on the plate."""

    size: tuple[int, int]
    matrix: NDArray[np.float64] = field(repr=False)

    def side_lengths(self, corners: Corners, size: tuple[int, int]) -> tuple[float, float] | None:
        """Width and height in mm of the quadrilateral TL, TR, BR, BL in a picture of `size`.

        None for a picture that shows another part of the plate.
        """
        if abs(size[0] / size[1] / (self.size[0] / self.size[1]) - 1) > ASPECT_SHARE:
            return None
        own = (corners + 0.5) * (self.size[0] / size[0]) - 0.5
        on_plate = cv2.perspectiveTransform(own[None].astype(np.float64), self.matrix)[0]
        top, right, bottom, left = np.hypot(*(np.roll(on_plate, -1, axis=0) - on_plate).T)
        return float(top + bottom) / 2, float(left + right) / 2

    @property
    def dpi(self) -> float:
        """Dots an inch in the middle of the picture."""
        middle = np.array(self.size, np.float64) / 2
        cross = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64) + middle
        lengths = self.side_lengths(cross, self.size)
        return 0.0 if lengths is None else MM_AN_INCH / (sum(lengths) / 2)

    def to_json(self) -> str:
        return json.dumps(
            {"size": list(self.size), "matrix": self.matrix.tolist(), "dpi": round(self.dpi, 1)}
        )

    @classmethod
    def from_json(cls, text: str) -> PlateScale | None:
        """None for what is no scale."""
        try:
            stored = json.loads(text)
            width, height = (int(side) for side in stored["size"])
            matrix = np.array(stored["matrix"], np.float64)
        except (ValueError, KeyError, TypeError):
            return None
        usable = matrix.shape == (3, 3) and bool(np.isfinite(matrix).all())
        if not usable or min(width, height) < 1 or abs(np.linalg.det(matrix)) < 1e-12:
            return None
        scale = cls((width, height), matrix)
        return scale if 10 < scale.dpi < 2000 else None


def find_target(picture: Image) -> PlateScale | None:
    """The scale from a picture of the printed target; None when it is not seen whole and flat."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    found, corners = cv2.findChessboardCornersSB(
        grey, (ACROSS, DOWN), flags=cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_ACCURACY
    )
    if not found:
        return None
    seen = np.asarray(corners, np.float64).reshape(-1, 2)
    grid = np.array([(x, y) for y in range(DOWN) for x in range(ACROSS)], np.float64) * SQUARE_MM
    matrix = np.asarray(cv2.findHomography(seen, grid, 0)[0], np.float64)
    if matrix.shape != (3, 3):
        return None
    fitted = cv2.perspectiveTransform(seen[None], matrix)[0]
    if float(np.hypot(*(fitted - grid).T).max()) > WORST_FIT_MM:
        return None
    return PlateScale((picture.shape[1], picture.shape[0]), matrix)


def is_of_size(measured: tuple[float, float], wanted: tuple[float, float], share: float) -> bool:
    """Whether a paper is as large as it should be, lying either way."""
    return any(
        all(
            abs(math.log(side / should)) <= share
            for side, should in zip(measured, way, strict=True)
        )
        for way in (wanted, wanted[::-1])
    )

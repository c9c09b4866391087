"""How many millimetres a pixel of this camera is on this plate: measured once with a printed target.

The target is a chessboard of known squares. Its corners give the mapping from the picture to the
plate in millimetres, so a paper's true size is known wherever it lies and however the camera leans.
"""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass, field

import cv2
import img2pdf
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw

from kiosk.documents.page import Corners, Image

SQUARE_MM = 25.0
ACROSS, DOWN = 9, 6  # inner corners; one number odd and one even, so that the board has one way up
SHEET_MM = (297.0, 210.0)
TARGET_DPI = 300
CARD_MM = (85.6, 53.98)  # ISO 7810 ID-1, drawn on the target to lay a card against
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


def draw_target() -> bytes:
    """The target as a PDF of one A4 page, to be printed at 100 %."""

    def px(mm: float) -> int:
        return round(mm / MM_AN_INCH * TARGET_DPI)

    sheet = PillowImage.new("1", (px(SHEET_MM[0]), px(SHEET_MM[1])), 1)
    pen = ImageDraw.Draw(sheet)
    left = (SHEET_MM[0] - (ACROSS + 1) * SQUARE_MM) / 2
    top = (SHEET_MM[1] - (DOWN + 1) * SQUARE_MM) / 2
    for row in range(DOWN + 1):
        for column in range(ACROSS + 1):
            if (row + column) % 2 == 0:
                x, y = left + column * SQUARE_MM, top + row * SQUARE_MM
                pen.rectangle((px(x), px(y), px(x + SQUARE_MM) - 1, px(y + SQUARE_MM) - 1), fill=0)
    # 100 mm under the board, for a ruler: a printer that shrinks to fit spoils the scale
    y = top + (DOWN + 1) * SQUARE_MM + 8
    pen.line((px(left), px(y), px(left + 100), px(y)), fill=0, width=4)
    for x in (left, left + 100):
        pen.line((px(x), px(y - 3), px(x), px(y + 3)), fill=0, width=4)
    pen.text(
        (px(left + 104), px(y - 2)),
        "100 mm: print at 100 %, measure this line, lay the sheet flat, whole board in the picture",
        fill=0,
        font_size=px(3.6),
    )
    out = io.BytesIO()
    sheet.save(out, "PNG", dpi=(TARGET_DPI, TARGET_DPI))
    size = tuple(img2pdf.mm_to_pt(side) for side in SHEET_MM)
    return bytes(img2pdf.convert(out.getvalue(), layout_fun=img2pdf.get_layout_fun(size)))


def is_of_size(measured: tuple[float, float], wanted: tuple[float, float], share: float) -> bool:
    """Whether a paper is as large as it should be, lying either way."""
    return any(
        all(
            abs(math.log(side / should)) <= share
            for side, should in zip(measured, way, strict=True)
        )
        for way in (wanted, wanted[::-1])
    )

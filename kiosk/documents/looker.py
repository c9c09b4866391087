"""One look at the plate: page, quality, stillness, as the window is told it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kiosk.documents.messages import Plate, Point
from kiosk.documents.page import Corners, Image, find_page
from kiosk.documents.plate import PlateReference, something_lies_there
from kiosk.documents.quality import Area, judge_page
from kiosk.documents.rectify import straighten
from kiosk.documents.steady import Steady
from kiosk.flow.pages import Advice


@dataclass(frozen=True, slots=True)
class StillPage:
    """A still, judged. `page` None: no page in it."""

    page: Image | None
    advice: Advice
    confidence: float


class Looker:
    """Looks at previews one after the other, and at stills."""

    def __init__(self, plate: PlateReference | None) -> None:
        self._plate = plate
        self._steady = Steady()

    def forget(self) -> None:
        self._steady.forget()

    def look(self, preview: Image, at: float) -> Plate:
        """A look for a page. `at` in seconds."""
        found = find_page(preview, self._plate)
        if found is None:
            self._steady.look(None, at)
            there = something_lies_there(preview, self._plate)
            return _plate(Advice.NO_PAGE, None, (), paper=there, steady=False)
        shares = _shares(found.corners, preview)
        steady = self._steady.look(shares, at)
        quality = judge_page(straighten(preview, found.corners), found)
        advice = quality.advice
        if advice is Advice.GOOD and not steady:
            advice = Advice.HOLD_STILL
        area = _in_frame(quality.area, shares)
        return _plate(advice, shares, area, paper=True, steady=steady)

    def look_for_anything(self, preview: Image) -> Plate:
        """A look that asks only whether the plate is empty."""
        there = something_lies_there(preview, self._plate)
        if not there:
            there = find_page(preview, self._plate) is not None  # white on white
        advice = Advice.GOOD if there else Advice.NO_PAGE
        return _plate(advice, None, (), paper=there, steady=False)

    def still(self, picture: Image) -> StillPage:
        """Find, straighten and judge at full resolution."""
        found = find_page(picture, self._plate)
        if found is None:
            return StillPage(None, Advice.NO_PAGE, 0.0)
        page = straighten(picture, found.corners)
        return StillPage(page, judge_page(page, found).advice, found.confidence)


def _plate(
    advice: Advice, corners: Corners | None, area: Area, *, paper: bool, steady: bool
) -> Plate:
    return Plate(
        advice=advice.value,
        corners=() if corners is None else _points(corners),
        trouble_area=area,
        paper=paper,
        steady=steady,
    )


def _points(corners: Corners) -> tuple[Point, ...]:
    return tuple((round(float(x), 5), round(float(y), 5)) for x, y in corners)


def _shares(corners: Corners, picture: Image) -> Corners:
    """Pixels as shares of the frame, 0 at its left and top edge, 1 at its right and bottom."""
    height, width = picture.shape[:2]
    return (corners + 0.5) / np.array([width, height], np.float64)


def _in_frame(area: Area, corners: Corners) -> tuple[Point, ...]:
    """An area of the straightened page as it lies in the frame."""
    if not area:
        return ()
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(unit, corners.astype(np.float32))
    moved = cv2.perspectiveTransform(np.array([area], np.float32), matrix)
    return _points(np.asarray(moved[0], np.float64))

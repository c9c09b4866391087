"""One look at the plate: page, quality, stillness, as the window is told it; and the still."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kiosk.catalogue.papers import KnownPaper, PageTone
from kiosk.documents.enhance import deskewed, even_light, toned
from kiosk.documents.lying import Lying, overlap
from kiosk.documents.messages import Plate, Point
from kiosk.documents.pages.finder import MAX_PAGES, FoundPage, find_again, find_page, find_pages
from kiosk.documents.plate.reference import PlateReference, something_lies_there
from kiosk.documents.plate.scale import MM_AN_INCH, PlateScale, is_of_size
from kiosk.documents.quads import Corners, Image
from kiosk.documents.quality import SIZE_SHARE, Area, judge_page
from kiosk.documents.rectify import proportion, straighten
from kiosk.documents.smaller import shrunk
from kiosk.documents.steady import Steady
from kiosk.documents.upright import SURE, UprightJudge, upright
from kiosk.flow.pages import Advice

MAX_ON_PLATE = 4  # papers among which the one that is asked for is sought
ALIKE_SHARE = 0.04  # of a paper's proportions: with them it is taken for the paper it should be
SHOWN_SHARE = 0.3  # overlap from which the page in a still is the one that was looked at


@dataclass(frozen=True, slots=True)
class StillPage:
    """A still, judged. `page` None: no page in it. `area` lies on `page`."""

    page: Image | None
    advice: Advice
    confidence: float
    area: Area = ()
    turns: int = 0  # quarter turns by which it was turned upright
    skew_deg: float = 0.0  # and degrees by which its lines were levelled
    dpi: float | None = None  # where its true size is known
    corners: Corners | None = None  # shares of the still


class Looker:
    """Looks at previews one after the other, and at stills.

    Of several papers on the plate it looks at one that was not taken yet (`took`).
    """

    def __init__(self, plate: PlateReference | None, scale: PlateScale | None = None) -> None:
        self._plate = plate
        self._scale = scale
        self._steady = Steady()
        self._lying = Lying()
        self._shown: Corners | None = None  # where the page of the newest look lies
        self._upright = UprightJudge()

    def renew(self, plate: PlateReference | None, scale: PlateScale | None) -> None:
        """A technician took new pictures of the plate."""
        self._plate, self._scale = plate, scale

    def forget(self) -> None:
        """Nobody looks any more."""
        self._steady.forget()
        self._shown = None

    def forget_papers(self) -> None:
        """Another person's papers come."""
        self.forget()
        self._lying.forget()

    def took(self, still: StillPage) -> None:
        """This page was taken: while it lies there, it is another's turn."""
        if still.corners is None:
            return
        shown = self._shown  # as the looks see it, should the still show more or less of the plate
        same = shown is not None and overlap(shown, still.corners) >= SHOWN_SHARE
        self._lying.add(shown if shown is not None and same else still.corners)

    def look(self, preview: Image, at: float, paper: KnownPaper | None = None) -> Plate:
        """A look for a page. `at` in seconds; `paper` is what should lie there, if it is known."""
        self._lying.pause(at)
        found, fresh = self._find_untaken(preview, paper, at)
        if found is None:
            self._steady.look(None, at)
            self._shown = None
            there = something_lies_there(preview, self._plate)
            return _plate(Advice.NO_PAGE, None, (), paper=there, steady=False)
        shares = self._shown = _shares(found.corners, preview)
        steady = self._steady.look(shares, at)
        size = self._size(found, preview)
        page = straighten(preview, found.corners, size)
        quality = judge_page(page, found, size, paper.size_mm if paper else None)
        advice = quality.advice
        if not fresh:
            advice = Advice.TAKEN
        elif advice is Advice.GOOD and not steady:
            advice = Advice.HOLD_STILL
        area = _in_frame(quality.area, shares) if fresh else ()
        taken = tuple(_points(quad) for quad in self._lying.quads)
        seen = shares if fresh else None
        return _plate(advice, seen, area, paper=True, steady=steady, taken=taken)

    def _find_untaken(
        self, preview: Image, paper: KnownPaper | None, at: float
    ) -> tuple[FoundPage | None, bool]:
        """The page to look at, and whether it was not taken yet."""
        if not self._lying:
            return self._find(preview, paper), True
        pages = find_pages(preview, self._plate, MAX_PAGES)
        if not pages:
            self._lying.forget()
            return None, True
        seen = [
            (_shares(page.corners, preview), fingerprint(straighten(preview, page.corners, None)))
            for page in pages
        ]
        answers = self._lying.see(seen, at)
        untaken = [page for page, taken in zip(pages, answers, strict=True) if not taken]
        if not untaken:
            return pages[0], False
        if paper is not None:
            untaken.sort(key=lambda page: not self._fits(page, preview, paper))
        return untaken[0], True

    def _find(self, picture: Image, paper: KnownPaper | None) -> FoundPage | None:
        """The surest page; of several papers on the plate, the one that is asked for."""
        found = find_page(picture, self._plate)
        if found is None or paper is None or self._fits(found, picture, paper):
            return found
        others = find_pages(picture, self._plate, MAX_ON_PLATE)
        return next((page for page in others if self._fits(page, picture, paper)), found)

    def _fits(self, found: FoundPage, picture: Image, paper: KnownPaper) -> bool:
        """By its size where the scale is known, else by its proportions."""
        size = self._size(found, picture)
        if size is not None:
            return is_of_size(size, paper.size_mm, SIZE_SHARE)
        share = proportion(found.corners, picture.shape[1], picture.shape[0])
        wanted = max(paper.size_mm) / min(paper.size_mm)
        return abs(max(share, 1 / share) / wanted - 1) <= ALIKE_SHARE

    def _size(self, found: FoundPage, picture: Image) -> tuple[float, float] | None:
        """In millimetres, where the plate's scale is known."""
        if self._scale is None:
            return None
        return self._scale.side_lengths(found.corners, (picture.shape[1], picture.shape[0]))

    def look_for_anything(self, preview: Image) -> Plate:
        """A look that asks only whether the plate is empty."""
        there = something_lies_there(preview, self._plate)
        if not there:
            there = find_page(preview, self._plate) is not None  # white on white
        advice = Advice.GOOD if there else Advice.NO_PAGE
        return _plate(advice, None, (), paper=there, steady=False)

    def still(
        self, picture: Image, paper: KnownPaper | None = None, tone: PageTone = PageTone.COLOUR
    ) -> StillPage:
        """Find, straighten, judge, turn upright and make even, at full resolution."""
        found = self._find_still(picture, paper)
        if found is None:
            return StillPage(None, Advice.NO_PAGE, 0.0)
        size = self._size(found, picture)
        page = straighten(picture, found.corners, size)
        quality = judge_page(page, found, size, paper.size_mm if paper else None)
        dpi = _dpi(page, size, paper)
        page, way = upright(page, self._upright)
        turned = way.turns if way.sure >= SURE else 0
        page, skew = deskewed(page)
        page = toned(even_light(page), tone)
        area = _turned(quality.area, turned)
        corners = _shares(found.corners, picture)
        return StillPage(page, quality.advice, found.confidence, area, turned, skew, dpi, corners)

    def _find_still(self, picture: Image, paper: KnownPaper | None) -> FoundPage | None:
        """The page of the newest look where it was seen; sought where it is there no more."""
        if self._shown is not None:
            again = find_again(picture, self._plate, _pixels(self._shown, picture))
            if again is not None:
                return again
        return self._find_shown(picture, paper) if self._lying else self._find(picture, paper)

    def _find_shown(self, picture: Image, paper: KnownPaper | None) -> FoundPage | None:
        """Of several papers in a still, the one that was looked at; else one that is asked for."""
        pages = find_pages(picture, self._plate, MAX_PAGES)
        if self._shown is not None:
            shown = self._shown
            near = [(overlap(shown, _shares(page.corners, picture)), page) for page in pages]
            best = max(near, key=lambda one: one[0], default=None)
            if best is not None and best[0] >= SHOWN_SHARE:
                return best[1]
        fitting = [page for page in pages if paper is None or self._fits(page, picture, paper)]
        return next(iter(fitting or pages), None)


def _dpi(page: Image, size: tuple[float, float] | None, paper: KnownPaper | None) -> float | None:
    """Dots an inch: as measured on the plate, else from the paper that it should be and looks like."""
    if size is not None:
        return float(page.shape[1] / size[0] * MM_AN_INCH)
    if paper is None:
        return None
    wanted = sorted(paper.size_mm)
    sides = sorted(page.shape[:2])
    if abs(sides[1] / sides[0] / (wanted[1] / wanted[0]) - 1) > ALIKE_SHARE:
        return None
    return float(sides[1] / wanted[1] * MM_AN_INCH)


def fingerprint(page: Image) -> int:
    """256 bits that hardly change from one picture of a page to the next: where it grows lighter."""
    grey = np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), np.uint8)
    even = shrunk(grey, (17 * 16, 16 * 16))  # a whole factor is left: nothing is cut away
    small = np.asarray(cv2.resize(even, (17, 16), interpolation=cv2.INTER_AREA), np.int16)
    bits = (small[:, 1:] > small[:, :-1] + 1).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _turned(area: Area, turns: int) -> Area:
    """An area of the page after `turns` quarter turns counter-clockwise."""
    for _ in range(turns % 4):
        area = tuple((y, 1 - x) for x, y in area)
    return area


def _plate(
    advice: Advice,
    corners: Corners | None,
    area: Area,
    *,
    paper: bool,
    steady: bool,
    taken: tuple[tuple[Point, ...], ...] = (),
) -> Plate:
    return Plate(
        advice=advice.value,
        taken=taken,
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


def _pixels(shares: Corners, picture: Image) -> Corners:
    height, width = picture.shape[:2]
    return shares * np.array([width, height], np.float64) - 0.5


def _in_frame(area: Area, corners: Corners) -> tuple[Point, ...]:
    """An area of the straightened page as it lies in the frame."""
    if not area:
        return ()
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    matrix = cv2.getPerspectiveTransform(unit, corners.astype(np.float32))
    moved = cv2.perspectiveTransform(np.array([area], np.float32), matrix)
    return _points(np.asarray(moved[0], np.float64))

"""Find the page on the plate: four corners to a fraction of a pixel, or nothing.

Several cues propose straight lines (`lines`: line segments in lightness, in colour and in
locally stretched lightness; outlines of what differs from the border of the frame, of bright and
of coloured areas, and of what differs from the picture of the empty plate). Four lines make a
candidate (`candidates`), which is judged by its worst side (`judge`): a side parts two
grounds, the picture without its print (`planes`), or it is the frame's edge; and it ends at its
corners. What has print beside it on its own ground is a part of a page (`beside`). The sides of
the winner are then fitted again in the large picture (`refit`), and those close to the frame's
edge are settled there: whole, or cut off (`rim`). What is a picture on a sheet as white as the
plate is given its sheet (`around`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kiosk.documents.pages.around import Around, sheet_around
from kiosk.documents.pages.beside import Print, has_ink, print_in, wholly_page, with_print_beside
from kiosk.documents.pages.candidates import candidates_of
from kiosk.documents.pages.judge import Judged, choose, judge
from kiosk.documents.pages.lines import evidence, propose
from kiosk.documents.pages.planes import Planes, halved, planes_of, resized, without_print
from kiosk.documents.pages.refit import refit
from kiosk.documents.pages.rim import settle
from kiosk.documents.plate.reference import PlateReference
from kiosk.documents.quads import (
    Corners,
    Image,
    grown,
    ordered,
    to_larger,
    to_smaller,
    within,
)

__all__ = ["MAX_PAGES", "Corners", "FoundPage", "Image", "find_again", "find_page", "find_pages"]

SEARCH_PX = 480  # long side of the picture in which candidates are sought
REFIT_PX = 900  # least long side of the picture of the first refit, a whole part of the original
MIN_CONFIDENCE = 0.78  # below: there is no page; tiles and worn mats come near it
MIN_CONFIDENCE_ON_KNOWN_PLATE = 0.5  # what looks like the plate was already taken out
MIN_CONFIDENCE_OF_ANOTHER = 0.82  # beside a page: its own shadow and folds look like sheets
MOVED_SHARE = 0.004  # of the long side: a page that lies still is seen again nearer than this
FAINT_CONFIDENCE = 0.82  # at most, of a sheet of which no place shows an edge
UNSURE_SHEET = 0.45  # of its confidence is left to a picture on a sheet that shows in part
WHOLE_CONFIDENCE = 0.8  # of a picture that is wholly page: no side of it was seen
OUTSIDE_PX = 1.0  # a corner farther out than the frame: half a pixel is its edge, half is error
MAX_PAGES = 6  # cards on an A3 plate; more do not lie apart


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page. `confidence` 0..1; `sides` how well each side (top, right, bottom, left) shows.

    `cut`: which sides are the frame's edge, because the page goes on beyond it; `outside`: which
    corners lie outside of the frame.
    """

    corners: Corners
    confidence: float
    sides: tuple[float, float, float, float]
    cut: tuple[bool, bool, bool, bool]
    outside: tuple[bool, bool, bool, bool] = (False,) * 4

    @property
    def cut_off(self) -> bool:
        """Whether some of the page lies outside of the frame."""
        return any(self.outside) or any(self.cut)

    @property
    def whole_picture(self) -> bool:
        """Whether the page fills the frame, so that none of its edges shows."""
        return all(self.cut)


def find_page(picture: Image, plate: PlateReference | None = None) -> FoundPage | None:
    """The page in `picture`, or None when there is none that one could be sure of."""
    found = find_pages(picture, plate, most=1)
    return found[0] if found else None


def find_pages(
    picture: Image, plate: PlateReference | None = None, most: int = MAX_PAGES
) -> list[FoundPage]:
    """Every page in `picture` that one could be sure of, the surest first; none on another."""
    height, width = picture.shape[:2]
    if min(height, width) < 32:
        return []
    scale = min(1.0, SEARCH_PX / max(height, width))
    factor = max(1, max(height, width) // REFIT_PX)
    middle = halved(picture, factor)
    ground = without_print(middle)
    planes = _planes(middle, ground, plate)
    signs: Print | None = None  # looked for where it may tell something
    segments = propose(planes)
    found: list[FoundPage] = []
    taken: list[Corners] = []
    while len(found) < most:
        for other in taken[-1:]:  # its sides and print would crowd out another's
            segments = segments[~within((segments[:, :2] + segments[:, 2:]) / 2, grown(other))]
        lines = evidence(planes, segments)
        candidates = candidates_of(lines, planes.shape[1], planes.shape[0], taken)
        if not len(candidates):
            break
        judged = judge(planes, candidates)
        best = choose(planes, candidates, judged)
        if best is not None and has_ink(planes, beside=candidates[best]):
            signs = signs or print_in(middle, ground, planes)
            judged = with_print_beside(judged, candidates, signs)
            best = choose(planes, candidates, judged)
        if best is None:
            break
        page = _refined(picture, middle, planes, candidates[best], judged[best])
        page = _of_sheet(
            page,
            sheet_around(ground, to_smaller(page.corners, 1 / factor), judged[best]),
            factor,
            (width, height),
        )
        least = MIN_CONFIDENCE if plate is None else MIN_CONFIDENCE_ON_KNOWN_PLATE
        if found:
            least = max(least, MIN_CONFIDENCE_OF_ANOTHER)
        if page.confidence < least:
            break
        found.append(page)
        taken.append(to_smaller(page.corners, scale))
    if not found and has_ink(planes):
        signs = signs or print_in(middle, ground, planes)
        if wholly_page(planes, signs):
            found.append(_whole(width, height))
    return found


def _whole(width: int, height: int) -> FoundPage:
    """The whole picture: a page that no edge of shows."""
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64) - 0.5
    return FoundPage(corners, WHOLE_CONFIDENCE, (0.0,) * 4, (True,) * 4)


def find_again(picture: Image, plate: PlateReference | None, seen: Corners) -> FoundPage | None:
    """The page that another picture of the same plate showed at `seen` (pixels of this picture).

    None when no page lies just there any more: it has to be sought.
    """
    height, width = picture.shape[:2]
    if min(height, width) < 32:
        return None
    middle = halved(picture, max(1, max(height, width) // REFIT_PX))
    planes = _planes(middle, without_print(middle), plate)
    candidate = to_smaller(seen, min(1.0, SEARCH_PX / max(height, width)))
    before = judge(planes, candidate[None])[0]
    page = _refined(picture, middle, planes, candidate, before)
    least = MIN_CONFIDENCE if plate is None else MIN_CONFIDENCE_ON_KNOWN_PLATE
    moved = float(abs(page.corners - seen).max()) > MOVED_SHARE * max(height, width)
    return None if moved or page.confidence < least else page


def _of_sheet(
    page: FoundPage, around: Around | None, factor: int, size: tuple[int, int]
) -> FoundPage:
    """The sheet around what was found, if it is a picture on one."""
    if around is None or page.cut_off:
        return page
    if around.corners is None:
        return replace(page, confidence=page.confidence * UNSURE_SHEET)
    corners = ordered(to_larger(around.corners, 1 / factor))
    confidence = min(page.confidence, FAINT_CONFIDENCE)
    return FoundPage(corners, confidence, page.sides, page.cut, _outside(corners, *size))


def _outside(corners: Corners, width: int, height: int) -> tuple[bool, bool, bool, bool]:
    """Which corners lie outside of the frame."""
    far = np.array([width, height]) - 1 + OUTSIDE_PX
    out = np.asarray(((corners < -OUTSIDE_PX) | (corners > far)).any(axis=1), np.bool_)
    one, two, three, four = out.tolist()
    return one, two, three, four


def _planes(middle: Image, ground: Image, plate: PlateReference | None) -> Planes:
    scale = min(1.0, SEARCH_PX / max(middle.shape[:2]))
    return planes_of(resized(middle, scale), resized(ground, scale), plate)


def _refined(
    picture: Image, middle: Image, planes: Planes, candidate: Corners, before: Judged
) -> FoundPage:
    """A candidate's sides fitted again in larger pictures. `middle`: smaller by a whole factor."""
    height, width = picture.shape[:2]
    scale = min(1.0, SEARCH_PX / max(height, width))
    factor = max(1, max(height, width) // REFIT_PX)
    found = to_larger(candidate, scale)
    if factor > 1:
        corners = to_larger(refit(middle, to_smaller(found, 1 / factor), 7.0), 1 / factor)
        corners = refit(picture, corners, reach_px=max(3.0, 1.6 * factor))
    else:
        corners = refit(picture, found, reach_px=max(4.0, 2.5 / scale))
        corners = refit(picture, corners, reach_px=3.0)
    settled = settle(picture, corners)
    final = judge(planes, to_smaller(settled.corners, scale)[None])[0]
    if final.score * before.worth < 0.6 * before.score:  # a refit that ran away
        settled, final = settle(picture, found), judge(planes, candidate[None])[0]
    corners = ordered(settled.corners)
    return FoundPage(
        corners,
        final.score * before.worth,
        final.sides,
        settled.cut,
        _outside(corners, width, height),
    )

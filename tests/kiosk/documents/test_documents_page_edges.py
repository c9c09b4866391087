"""A page that sticks out of the frame is told as cut off, and print is never taken for its edge.

Frames of every kind are in `made_edges`; hundreds of them are counted by `kiosk bench pages`.
"""

from __future__ import annotations

import made_edges
import made_pages
import numpy as np
import paper_frames as frames
import pytest

from kiosk.documents.pages.finder import FoundPage, find_page
from kiosk.documents.pages.planes import without_print
from kiosk.documents.pages.rim import settle
from kiosk.documents.plate.reference import PlateReference
from kiosk.documents.quality import judge_page
from kiosk.documents.smaller import shrunk
from kiosk.flow.pages import Advice

FRAME = np.array([[0, 0], [1280, 0], [1280, 720], [0, 720]], np.float64) - 0.5


def sheet_at(box: tuple[float, float, float, float], *, seed: int = 3) -> frames.Image:
    """A printed sheet on a dark mat, from left, top to right, bottom, which may be outside."""
    rng = np.random.default_rng(seed)
    left, top, right, bottom = box
    page = frames.sheet(rng, round((right - left) * 2), round((bottom - top) * 2))
    plate = frames.mat(rng, "dark").astype(np.float32)
    x, y = np.meshgrid(np.arange(1280), np.arange(720))
    on_it = (x > left) & (x < right) & (y > top) & (y < bottom)
    u = np.clip((x - left) * 2, 0, page.shape[1] - 1).astype(int)
    v = np.clip((y - top) * 2, 0, page.shape[0] - 1).astype(int)
    return frames.finish(rng, np.where(on_it[..., None], page[v, u], plate).astype(np.float32))


@pytest.mark.parametrize("number", [0, 5, 7], ids=["one side out", "two sides out", "wholly page"])
def test_a_page_that_sticks_out_ends_at_the_frame_and_is_told_as_cut_off(number: int) -> None:
    made = made_edges.make(1, number)
    found = find_page(made.picture)
    assert found is not None
    assert made.cut_off and found.cut_off
    assert made_edges.overlap(found.corners, made.corners) > 0.98
    assert found.whole_picture == (made.kind == "wholly page")


def test_a_form_that_fills_the_frame_is_wholly_page_though_its_words_stand_in_one_column() -> None:
    made = made_edges.make(66017, 7)
    assert (made.kind, made.paper) == ("wholly page", "form")
    for size in (made_pages.FULL_HD, (640, 360)):
        found = find_page(shrunk(made.picture, size))
        assert found is not None
        assert found.whole_picture


@pytest.mark.parametrize("gap", [2.0, 5.0, 10.0])
def test_a_page_that_ends_just_within_the_frame_is_whole(gap: float) -> None:
    found = find_page(sheet_at((300, 80, 1280 - gap, 640)))
    assert found is not None
    assert not found.cut_off
    assert np.abs(found.corners[1] - (1279.5 - gap, 79.5)).max() < 1.5


@pytest.mark.parametrize("side", range(4), ids=["top", "right", "bottom", "left"])
def test_the_side_that_is_cut_off_is_shown(side: int) -> None:
    box = [(400, -60, 900, 600), (800, 60, 1330, 660), (400, 120, 900, 790), (-50, 60, 480, 660)]
    picture = sheet_at(box[side])
    found = find_page(picture)
    assert found is not None
    assert found.cut == tuple(one == side for one in range(4))
    trouble = judge_page(picture[100:500, 450:850], found).troubles[0]
    assert trouble.advice is Advice.CUT_OFF
    middle = np.mean(trouble.area, axis=0)
    nearest = (middle[1], 1 - middle[0], 1 - middle[1], middle[0])
    assert int(np.argmin(nearest)) == side


def test_a_corner_that_is_cut_off_is_shown_and_more_than_that_is_all_of_it() -> None:
    page = np.full((300, 200, 3), 240, np.uint8)
    corner = FoundPage(FRAME, 0.9, (1.0,) * 4, (False,) * 4, (False, False, True, False))
    area = judge_page(page, corner).troubles[0].area
    assert np.mean(area, axis=0).min() > 0.9
    assert judge_page(page, FoundPage(FRAME, 0.9, (1.0,) * 4, (True,) * 4)).troubles[0].area == ()


def test_a_line_of_print_at_the_frame_is_no_side_and_a_strip_of_plate_is_one() -> None:
    """The last line of a page that goes on lies 8 pixels from the frame's edge."""
    picture = sheet_at((300, 60, 900, 900))
    picture[708:711, 340:860] = 40
    claimed = np.array([[300, 60], [900, 60], [900, 711.5], [300, 711.5]]) - 0.5
    settled = settle(picture, claimed)
    assert settled.cut == (False, False, True, False)
    assert np.abs(settled.corners[2:, 1] - 719.5).max() < 0.01
    whole = sheet_at((300, 60, 900, 712))
    settled = settle(whole, claimed)
    assert settled.cut == (False,) * 4
    assert np.abs(settled.corners[2:, 1] - 711.5).max() < 1


def test_print_is_taken_out_of_the_ground_and_papers_stay() -> None:
    picture = sheet_at((300, 60, 900, 660))
    ground = without_print(picture)
    inside = (slice(100, 620), slice(340, 860))
    assert int(picture[inside].min()) < 100  # there is print
    assert int(ground[inside].min()) > 190
    assert int(ground[300, 100:250].max()) < 80  # the mat beside it is as it was


def test_white_on_white_without_a_known_plate_no_block_of_text_is_taken_for_the_page() -> None:
    made = made_edges.make(1, 6)
    found = find_page(made.picture)
    assert found is None or made_edges.overlap(found.corners, made.corners) > 0.95


def test_a_photograph_with_a_white_border_on_a_white_plate_is_found_with_its_border() -> None:
    made = made_edges.make(66017, 17)
    assert (made.kind, made.paper) == ("white on white", "photo")
    for plate in (None, PlateReference(made.plate)):
        found = find_page(made.picture, plate)
        assert found is not None
        assert made_edges.overlap(found.corners, made.corners) > 0.98


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "with another beside it"])
def test_a_dark_booklet_on_a_white_plate_ends_where_it_ends_and_not_at_its_shadow(
    beside: bool,
) -> None:
    rng = np.random.default_rng(4)
    cover = frames.sheet(rng, 750, 1050, paper=(40, 25, 120), blank=True)
    cover[200:330, 150:600] = (60, 200, 220)
    picture = made_pages.plate_of(rng, "white", *made_pages.FULL_HD)
    corners = np.array([[700, 200], [1185, 220], [1160, 900], [674, 880]], np.float64)
    if beside:
        other = (corners - [700, 200]) * 0.6 + [1320, 340]
        picture = made_pages.laid(rng, picture, cover, other, white=False)
    picture = made_pages.laid(rng, picture, cover, corners, white=False)
    found = find_page(made_pages.sensed(rng, picture, 2.0))
    assert found is not None
    assert made_edges.overlap(found.corners, corners) > 0.985


def test_a_plain_white_frame_is_no_page_and_a_plate_with_a_label_does_not_hide_one() -> None:
    rng = np.random.default_rng(8)
    white = frames.mat(rng, "white").astype(np.float32)
    assert find_page(frames.finish(rng, white)) is None
    picture = sheet_at((300, 80, 800, 640))
    label = frames.sheet(rng, 260, 60, paper=(40, 40, 40), blank=True)
    label[20:40, 10:250:12] = 200
    picture[300:360, 900:1160] = label
    for plate in (None, PlateReference(frames.mat(np.random.default_rng(3), "dark"))):
        found = find_page(picture, plate)
        assert found is not None
        assert not found.cut_off
        assert found.confidence > 0.8

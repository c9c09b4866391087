"""The page on the plate is found to the pixel, and nothing is found where nothing lies."""

from __future__ import annotations

import cv2
import numpy as np
import paper_frames as frames
import pytest

from kiosk.documents.pages.finder import find_again, find_page
from kiosk.documents.plate.reference import PlateReference, something_lies_there
from kiosk.documents.rectify import proportion, straighten
from kiosk.documents.smaller import shrunk


@pytest.mark.parametrize("kind", ["dark", "tiles", "white", "green"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_page_is_found_to_the_pixel_on_every_mat(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scene = frames.place(rng, frames.sheet(rng), frames.mat(rng, kind))
    found = find_page(scene.picture)
    assert found is not None
    assert frames.overlap(found.corners, scene.corners) > 0.985
    assert not found.cut_off


def test_a_page_is_found_on_wood(root: object) -> None:
    rng = np.random.default_rng(4)
    scene = frames.place(rng, frames.sheet(rng), frames.mat(rng, "wood"))
    found = find_page(scene.picture)
    assert found is not None
    assert frames.overlap(found.corners, scene.corners) > 0.95


def test_corners_begin_at_the_top_left_of_the_page_as_it_lies() -> None:
    for turn in (-30, 0, 30):
        rng = np.random.default_rng(7)
        scene = frames.place(rng, frames.sheet(rng), frames.mat(rng, "dark"), turn=turn, cover=0.7)
        found = find_page(scene.picture)
        assert found is not None
        assert np.abs(found.corners - scene.corners).max() < 4


@pytest.mark.parametrize("kind", frames.MATS)
@pytest.mark.parametrize("known", [False, True])
def test_an_empty_plate_has_no_page(kind: str, known: bool) -> None:
    rng = np.random.default_rng(11)
    mat = frames.mat(rng, kind).astype(np.float32)
    reference = PlateReference(frames.finish(rng, mat)) if known else None
    assert find_page(frames.finish(rng, mat, gain=0.9), reference) is None


def test_a_dim_and_noisy_page_is_found() -> None:
    rng = np.random.default_rng(5)
    mat = frames.mat(rng, "dark")
    scene = frames.place(rng, frames.sheet(rng), mat, gain=0.35, noise=7)
    found = find_page(scene.picture)
    assert found is not None
    assert frames.overlap(found.corners, scene.corners) > 0.97


def test_the_larger_sheet_wins_over_the_picture_printed_on_it() -> None:
    rng = np.random.default_rng(6)
    page = frames.sheet(rng, blank=True)
    page[400:1300, 200:1040] = (160, 90, 40)
    scene = frames.place(rng, page, frames.mat(rng, "dark"))
    found = find_page(scene.picture)
    assert found is not None
    assert frames.overlap(found.corners, scene.corners) > 0.98


def test_a_card_is_found() -> None:
    rng = np.random.default_rng(8)
    card = frames.sheet(rng, 1011, 638, paper=(236, 228, 214), blank=True)
    card[40:130] = (170, 90, 60)
    scene = frames.place(rng, card, frames.mat(rng, "green"), cover=0.4)
    found = find_page(scene.picture)
    assert found is not None
    assert frames.overlap(found.corners, scene.corners) > 0.97


@pytest.mark.parametrize("shift", [(0, 0.4), (0, -0.3), (0.3, 0.3)])
def test_a_page_that_lies_half_outside_is_told_as_cut_off(shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(5)
    scene = frames.place(
        rng, frames.sheet(rng), frames.mat(rng, "green"), cover=1.0, shift=shift, turn=8
    )
    found = find_page(scene.picture)
    assert found is not None
    assert found.cut_off


@pytest.mark.parametrize("shape", [(1, 1, 3), (31, 500, 3), (200, 3, 3), (64, 64, 3)])
def test_pictures_of_no_use_have_no_page(shape: tuple[int, int, int]) -> None:
    assert find_page(np.zeros(shape, np.uint8)) is None
    assert find_page(np.full(shape, 255, np.uint8)) is None


@pytest.mark.parametrize("kind", frames.MATS)
def test_paper_left_on_the_plate_is_seen_and_an_empty_plate_is_empty(kind: str) -> None:
    rng = np.random.default_rng(9)
    mat = frames.mat(rng, kind)
    reference = PlateReference(frames.finish(rng, mat.astype(np.float32)))
    empty = frames.finish(rng, mat.astype(np.float32), gain=0.8)  # the light has drifted
    assert not something_lies_there(empty, reference)
    small = frames.sheet(rng, 400, 300)
    scene = frames.place(rng, small, mat, cover=0.2, gain=0.8)
    assert something_lies_there(scene.picture, reference)
    crumpled = mat.copy()
    cv2.circle(crumpled, (900, 500), 120, (120, 190, 205), -1)
    assert something_lies_there(frames.finish(rng, crumpled.astype(np.float32)), reference)


@pytest.mark.parametrize("kind", ["dark", "green"])
def test_paper_on_a_plain_plate_is_seen_without_a_reference(kind: str) -> None:
    rng = np.random.default_rng(10)
    mat = frames.mat(rng, kind)
    assert not something_lies_there(frames.finish(rng, mat.astype(np.float32)), None)
    scene = frames.place(rng, frames.sheet(rng, 400, 300), mat, cover=0.2)
    assert something_lies_there(scene.picture, None)


def test_a_straightened_page_has_its_true_proportions_and_its_print_upright() -> None:
    rng = np.random.default_rng(12)
    page = frames.sheet(rng, blank=True)
    cv2.rectangle(page, (100, 100), (400, 300), (0, 0, 200), -1)  # red, top left
    cv2.rectangle(page, (900, 1500), (1200, 1700), (200, 0, 0), -1)  # blue, bottom right
    scene = frames.place(rng, page, frames.mat(rng, "dark", *frames.FULL_HD), turn=12)
    found = find_page(scene.picture)
    assert found is not None
    flat = straighten(scene.picture, found.corners)
    height, width = flat.shape[:2]
    assert abs(height / width - 2**0.5) < 0.01
    assert tuple(np.argsort(flat[int(height * 0.11), int(width * 0.2)]))[-1] == 2
    assert tuple(np.argsort(flat[int(height * 0.91), int(width * 0.85)]))[-1] == 0


def test_proportions_come_out_of_a_slanted_view() -> None:
    """A pinhole camera at 1.2 widths, tilted 25 degrees, looks at a sheet of 1 : 1.8."""
    focal, tilt = 1.2 * 1920, np.radians(25)
    corners = []
    for x, y in ((-0.5, -0.9), (0.5, -0.9), (0.5, 0.9), (-0.5, 0.9)):
        depth = 3.2 + y * np.sin(tilt)
        corners.append((959.5 + focal * x / depth, 539.5 + focal * y * np.cos(tilt) / depth))
    assert abs(proportion(np.array(corners), 1920, 1080) - 1 / 1.8) < 0.005


def test_a_page_that_a_look_showed_is_seen_again_and_only_where_it_lay() -> None:
    rng = np.random.default_rng(8)
    scene = frames.place(rng, frames.sheet(rng), frames.mat(rng, "dark"))
    near = scene.corners + rng.uniform(-2, 2, (4, 2))  # as a smaller preview tells it
    again = find_again(scene.picture, None, near)
    found = find_page(scene.picture)
    assert again is not None and found is not None
    assert np.abs(again.corners - found.corners).max() < 0.3
    assert find_again(scene.picture, None, scene.corners + np.array([40.0, 0.0])) is None
    empty = frames.finish(rng, frames.mat(rng, "dark").astype(np.float32))
    assert find_again(empty, None, scene.corners) is None


@pytest.mark.parametrize(
    "size", [(480, 270), (700, 333), (17, 16), (1, 1), (961, 541), (1920, 1080)]
)
def test_a_picture_made_smaller_shows_the_same_in_the_same_places(size: tuple[int, int]) -> None:
    wide = np.linspace(0, 255, 1920, dtype=np.float32)
    picture = np.repeat(wide[None], 1080, axis=0).astype(np.uint8)
    small = shrunk(picture, size)
    assert small.shape == (size[1], size[0])
    exact = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - exact).max() <= 2

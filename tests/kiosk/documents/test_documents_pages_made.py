"""Frames of every kind, and several papers at once. The long runs are `kiosk bench pages`."""

from __future__ import annotations

import made_pages
import numpy as np
import paper_frames as frames
import pytest

from kiosk.documents.pages.finder import find_page, find_pages
from kiosk.documents.plate.reference import PlateReference


@pytest.mark.parametrize("number", range(len(made_pages.KINDS)), ids=made_pages.KINDS)
def test_a_page_of_every_kind_is_found_with_the_empty_plate_known(number: int) -> None:
    made = made_pages.make(11, number)
    found = find_page(made.picture, PlateReference(made.plate))
    if made.corners is None:
        assert found is None
        assert find_page(made.picture) is None
        return
    assert found is not None
    assert frames.overlap(found.corners, made.corners) > 0.98


@pytest.mark.parametrize("number", [77, 109, 137], ids=["shadow", "wood", "finger"])
def test_a_page_is_not_drawn_out_to_the_next_line(number: int) -> None:
    """In wood and where a shadow ends there is a fourth line, which is no side of the page."""
    made = made_pages.make(4001, number)
    assert made.corners is not None
    for plate in (None, PlateReference(made.plate)):
        found = find_page(made.picture, plate)
        assert found is not None
        assert frames.overlap(found.corners, made.corners) > 0.99


@pytest.mark.parametrize(
    "number", [23, 77, 33], ids=["shadow within", "shadow beside", "light from the other side"]
)
def test_a_known_plate_is_known_in_deep_shadow_and_under_another_lamp(number: int) -> None:
    made = made_pages.make(7701, number)
    found = find_page(made.picture, PlateReference(made.plate))
    assert found is not None
    assert made.corners is not None
    assert frames.overlap(found.corners, made.corners) > 0.99


def lay_three(kind: str) -> tuple[frames.Image, list[np.ndarray]]:
    """A page and two cards beside each other."""
    rng = np.random.default_rng(2)
    plate, truth = frames.mat(rng, kind), []
    page, card = frames.sheet(rng), frames.sheet(rng, 1011, 638, paper=(236, 228, 214))
    for sheet, cover, shift, turn in (
        (page, 0.75, (-0.28, 0.0), 4),
        (card, 0.32, (0.18, -0.25), -6),
        (card, 0.32, (0.25, 0.25), 9),
    ):
        scene = frames.place(
            rng, sheet, plate, cover=cover, shift=shift, turn=turn, noise=0, blur=0
        )
        plate = scene.picture
        truth.append(scene.corners)
    return frames.finish(rng, plate.astype(np.float32)), truth


@pytest.mark.parametrize("kind", ["dark", "green"])
def test_several_papers_on_the_plate_are_found_one_by_one(kind: str) -> None:
    picture, truth = lay_three(kind)
    found = find_pages(picture)
    assert len(found) == 3
    for corners in truth:
        assert max(frames.overlap(one.corners, corners) for one in found) > 0.98


def test_one_page_is_not_taken_for_several() -> None:
    rng = np.random.default_rng(3)
    scene = frames.place(rng, frames.sheet(rng), frames.mat(rng, "dark"))
    assert len(find_pages(scene.picture)) == 1

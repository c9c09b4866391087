"""A bad picture is told as bad, with the reason a person can do something about."""

from __future__ import annotations

import cv2
import numpy as np
import paper_frames as frames
import pytest

from kiosk.documents.looker import Looker
from kiosk.documents.pages.finder import find_page
from kiosk.documents.quads import Image
from kiosk.documents.quality import Quality, judge_page
from kiosk.documents.rectify import straighten
from kiosk.documents.steady import STILL_S, Steady
from kiosk.flow.pages import Advice


def judged(picture: Image) -> Quality:
    found = find_page(picture)
    assert found is not None
    return judge_page(straighten(picture, found.corners), found)


def scene(seed: int, **how: float) -> frames.Scene:
    rng = np.random.default_rng(seed)
    plate = frames.mat(rng, "green", *frames.FULL_HD)
    return frames.place(rng, frames.sheet(rng), plate, cover=0.9, turn=3.0, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_a_good_page_is_good(seed: int) -> None:
    assert judged(scene(seed).picture).troubles == ()


def test_a_reflection_is_told_as_glare_where_it_shows() -> None:
    one = scene(1, gain=0.85)
    picture = one.picture.astype(np.float32)
    light = np.zeros(picture.shape[:2], np.float32)
    cv2.ellipse(light, frames.inside(one, 0.7, 0.3), (90, 60), 20, 0, 360, 200.0, -1)
    picture += cv2.GaussianBlur(light, (0, 0), 12)[..., None]
    quality = judged(np.clip(picture, 0, 255).astype(np.uint8))
    assert quality.advice is Advice.GLARE
    (left, top), _, (right, bottom), _ = quality.area
    assert left < 0.7 < right
    assert top < 0.3 < bottom


def test_a_shadow_across_the_page_is_told() -> None:
    one = scene(2)
    picture = one.picture.astype(np.float32)
    shadow = np.ones(picture.shape[:2], np.float32)
    edge = [frames.inside(one, x, y) for x, y in ((0.5, -0.1), (1.1, -0.1), (1.1, 0.6))]
    cv2.fillPoly(shadow, [np.array(edge, np.int32)], 0.5)
    picture *= cv2.GaussianBlur(shadow, (0, 0), 6)[..., None]
    assert judged(picture.astype(np.uint8)).advice is Advice.SHADOW


@pytest.mark.parametrize("skin", [(140, 165, 215), (110, 140, 195), (70, 95, 140), (45, 62, 95)])
def test_a_finger_on_the_page_is_told_whatever_its_colour(skin: tuple[int, int, int]) -> None:
    one = scene(3)
    picture = one.picture.copy()
    outside, tip = frames.inside(one, 1.25, 0.62), frames.inside(one, 0.86, 0.55)
    cv2.line(picture, outside, tip, skin, 58, cv2.LINE_AA)
    quality = judged(cv2.GaussianBlur(picture, (0, 0), 0.7))
    assert Advice.FINGER in [trouble.advice for trouble in quality.troubles]


def test_a_red_stamp_is_no_finger_and_a_printed_picture_no_shadow() -> None:
    rng = np.random.default_rng(4)
    page = frames.sheet(rng)
    cv2.circle(page, (620, 1200), 200, (40, 40, 210), 16, cv2.LINE_AA)
    page[300:700, 200:1000] = (70, 70, 72)
    one = frames.place(rng, page, frames.mat(rng, "green"), cover=0.9, turn=0)
    assert judged(one.picture).troubles == ()


def test_a_page_in_the_dark_is_told() -> None:
    assert judged(scene(5, gain=0.25, noise=4).picture).advice is Advice.TOO_DARK


def test_a_blurred_page_is_told_and_a_slightly_soft_one_is_not() -> None:
    assert judged(scene(6, blur=4.0).picture).advice is Advice.BLURRED
    assert judged(scene(6, blur=1.0).picture).advice is Advice.GOOD


def test_a_blank_page_is_told() -> None:
    rng = np.random.default_rng(7)
    page = frames.sheet(rng, blank=True)
    one = frames.place(rng, page, frames.mat(rng, "green"), cover=0.9, turn=2)
    assert judged(one.picture).advice is Advice.EMPTY_PAGE


def test_a_page_half_outside_is_told_first() -> None:
    rng = np.random.default_rng(5)
    one = frames.place(
        rng, frames.sheet(rng), frames.mat(rng, "green"), cover=1.0, shift=(0, 0.4), turn=8
    )
    assert judged(one.picture).advice is Advice.CUT_OFF


# -- stillness ------------------------------------------------------------------------

HERE = np.array([[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]])


def test_a_page_is_still_only_after_it_has_lain_still_long_enough() -> None:
    steady = Steady()
    looks = [(steady.look(HERE + 0.001 * (k % 2), k * 0.2), k * 0.2) for k in range(8)]
    assert [still for still, at in looks if at < STILL_S - 0.01] == [False] * 4
    assert looks[-1][0]


def test_a_moved_page_begins_anew() -> None:
    steady = Steady()
    for k in range(6):
        steady.look(HERE, k * 0.2)
    assert not steady.look(HERE + 0.05, 1.2)
    assert not steady.look(HERE + 0.05, 1.4)


def test_a_page_that_slides_slowly_is_not_still() -> None:
    steady = Steady()
    assert not any(steady.look(HERE + 0.005 * k, k * 0.2) for k in range(12))


def test_a_page_that_was_gone_for_one_look_begins_anew() -> None:
    steady = Steady()
    for k in range(6):
        steady.look(HERE, k * 0.2)
    assert not steady.look(None, 1.2)
    assert not steady.look(HERE, 1.4)


def test_looks_tell_the_citizen_to_hold_still_and_then_that_it_is_good() -> None:
    looker, one = Looker(None), scene(8)
    plates = [looker.look(one.picture, k * 0.25) for k in range(5)]
    assert plates[0].advice == Advice.HOLD_STILL
    assert plates[-1].advice == Advice.GOOD
    assert plates[-1].steady
    corners = np.array(plates[-1].corners) * frames.FULL_HD - 0.5
    assert one.corners is not None
    assert np.abs(corners - one.corners).max() < 3

"""A page comes out upright, level, even and in the tone that was asked for, however it was laid."""

from __future__ import annotations

import functools
import subprocess

import cv2
import numpy as np
import paper_frames as frames
import pytest
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from kiosk.catalogue.papers import PageTone, known_papers
from kiosk.documents.enhance import deskewed, even_light, skew_deg, toned
from kiosk.documents.looker import Looker, fingerprint
from kiosk.documents.plate.scale import PlateScale
from kiosk.documents.quads import Image
from kiosk.documents.upright import SURE, UprightJudge, upright
from kiosk.flow.pages import Advice

TEXT = (
    "本人自愿申请高龄津贴并保证所填写的内容和提交的材料真实有效如有变化应当在三十日内告知民政部门"
)


@functools.cache
def font(family: str, size: int) -> ImageFont.FreeTypeFont:
    path, index = subprocess.run(
        ["fc-match", "-f", "%{file}\t%{index}", family], check=True, capture_output=True, text=True
    ).stdout.split("\t")
    return ImageFont.truetype(path, size, index=int(index))


def printed(
    family: str = "Noto Serif CJK SC", size: int = 22, width: int = 900, height: int = 1272
) -> Image:
    """A page of Chinese print."""
    sheet = PillowImage.new("RGB", (width, height), (246, 245, 241))
    pen = ImageDraw.Draw(sheet)
    a_line = (width - 160) // size
    for row, y in enumerate(range(90, height - 90, int(size * 1.7))):
        start = row * 7 % len(TEXT)
        words = (TEXT * 3)[start : start + a_line]
        pen.text((80, y), words, font=font(family, size), fill=(40, 38, 36))
    return np.ascontiguousarray(np.asarray(sheet)[..., ::-1])


@pytest.fixture(scope="module")
def judge() -> UprightJudge:
    return UprightJudge()


@pytest.mark.parametrize("family", ["Noto Serif CJK SC", "Noto Sans CJK SC:bold"])
@pytest.mark.parametrize("size", [13, 22, 38])
def test_print_is_turned_upright_from_every_way(
    judge: UprightJudge, family: str, size: int
) -> None:
    page = printed(family, size)
    for turned in range(4):
        found, way = upright(np.ascontiguousarray(np.rot90(page, -turned)), judge)
        assert (way.turns, way.sure > SURE) == (turned, True)
        assert np.array_equal(found, page)


def test_a_badly_photographed_page_is_turned_upright_too(judge: UprightJudge) -> None:
    rng = np.random.default_rng(3)
    small = cv2.resize(printed(), None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    slope = np.linspace(0.55, 1.0, small.shape[1])[None, :, None]
    bad = frames.finish(rng, (small * slope).astype(np.float32), noise=5, blur=0.9)
    for turned in range(4):
        assert judge.judge(np.ascontiguousarray(np.rot90(bad, -turned))).turns == turned


def test_what_has_no_print_is_left_as_it_lies(judge: UprightJudge) -> None:
    rng = np.random.default_rng(4)
    blank = frames.sheet(rng, 600, 850, blank=True)
    table = blank.copy()
    for y in range(50, 800, 40):
        cv2.line(table, (40, y), (560, y), (30, 30, 30), 2)
    for page in (blank, table, frames.mat(rng, "wood", 640, 480)):
        found, way = upright(page, judge)
        assert way.sure < SURE
        assert found is page


@pytest.mark.parametrize("angle", [-4.0, -1.3, 0.6, 2.5])
def test_leaning_lines_are_levelled(angle: float) -> None:
    page = printed()
    height, width = page.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    leaning = cv2.warpAffine(page, matrix, (width, height), borderValue=(246, 245, 241))
    assert abs(skew_deg(np.asarray(leaning, np.uint8)) - angle) < 0.12
    level, by = deskewed(np.asarray(leaning, np.uint8))
    assert abs(by - angle) < 0.12
    assert abs(skew_deg(level)) < 0.15


def test_level_lines_and_pages_without_lines_are_left_alone() -> None:
    page = printed()
    assert deskewed(page)[0] is page
    blank = np.full((800, 600, 3), 240, np.uint8)
    assert deskewed(blank)[0] is blank


def test_uneven_light_is_evened_out_and_print_and_colours_stay() -> None:
    page = printed()
    cv2.circle(page, (600, 1000), 90, (50, 50, 205), 9, cv2.LINE_AA)
    slope = np.linspace(0.5, 1.0, page.shape[1])[None, :, None]
    dim = (page * slope).astype(np.uint8)
    even = even_light(dim)
    paper = even[20:60, ::40].mean(axis=(0, 2))
    assert paper.min() > 228
    assert paper.max() - paper.min() < 12
    assert np.percentile(even, 2) < 90  # print is still dark
    stamp = even[np.abs(dim[..., 2].astype(int) - dim[..., 0]) > 70]
    assert float((stamp[:, 2].astype(int) - stamp[:, 0]).mean()) > 60  # and the stamp red


def test_a_dark_picture_is_not_bleached() -> None:
    rng = np.random.default_rng(5)
    photo = frames.mat(rng, "dark", 600, 800)
    assert even_light(photo) is photo


def test_black_and_white_has_ink_and_paper_and_hardly_anything_between() -> None:
    rng = np.random.default_rng(6)
    page = frames.finish(rng, printed().astype(np.float32), noise=4)
    clean = toned(even_light(page), PageTone.BLACK_WHITE)
    between = float(((clean > 60) & (clean < 200)).mean())
    assert between < 0.05
    assert clean[20:60].min() > 200  # no specks in the margin
    grey = toned(page, PageTone.GREY)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert toned(page, PageTone.COLOUR) is page


def test_two_pictures_of_one_page_are_alike_and_of_two_pages_are_not() -> None:
    rng = np.random.default_rng(7)
    one, other = frames.sheet(rng), frames.sheet(rng)
    again = frames.finish(rng, cv2.resize(one, (900, 1273)).astype(np.float32), gain=0.93)
    assert (fingerprint(one) ^ fingerprint(again)).bit_count() <= 30
    assert (fingerprint(one) ^ fingerprint(other)).bit_count() > 60


# -- the still ------------------------------------------------------------------------


def test_a_card_laid_upside_down_comes_out_upright_and_of_its_true_size() -> None:
    rng = np.random.default_rng(8)
    card = printed(size=34, width=856, height=540)
    laid = np.ascontiguousarray(np.rot90(card, 2))
    scene = frames.place(
        rng,
        laid,
        frames.mat(rng, "dark", *frames.FULL_HD),
        cover=0.42,
        turn=3,
        tilt=0.0,
        noise=1,
        blur=0.5,
    )
    assert scene.corners is not None
    px = float(np.hypot(*(scene.corners[1] - scene.corners[0])))
    scale = PlateScale((1920, 1080), np.diag([85.6 / px, 85.6 / px, 1.0]))
    looker, paper = Looker(None, scale), known_papers()["id_card_front"]
    still = looker.still(scene.picture, paper)
    assert still.page is not None
    assert still.turns == 2
    assert still.advice is Advice.GOOD
    assert still.dpi is not None
    assert abs(still.page.shape[1] / still.dpi * 25.4 - 85.6) < 0.6
    register = looker.still(scene.picture, known_papers()["household_register"])
    assert register.advice is Advice.WRONG_SIZE
    assert (
        looker.look(scene.picture, 0.0, known_papers()["household_register"]).advice == "wrong_size"
    )


def test_without_a_scale_a_known_paper_of_the_right_proportions_has_its_size() -> None:
    rng = np.random.default_rng(9)
    card = printed(size=34, width=856, height=540)
    scene = frames.place(
        rng, card, frames.mat(rng, "green", *frames.FULL_HD), cover=0.5, turn=2, tilt=0.0
    )
    looker = Looker(None)
    still = looker.still(scene.picture, known_papers()["id_card_front"])
    assert still.page is not None
    assert still.dpi is not None
    assert abs(max(still.page.shape[:2]) / still.dpi * 25.4 - 85.6) < 0.1
    assert looker.still(scene.picture, known_papers()["household_register"]).dpi is None
    assert looker.still(scene.picture).dpi is None


@pytest.mark.parametrize("scaled", [True, False])
def test_of_several_papers_on_the_plate_the_one_that_is_asked_for_is_taken(scaled: bool) -> None:
    rng = np.random.default_rng(11)
    plate = frames.mat(rng, "dark", *frames.FULL_HD)
    register, card = (
        printed(size=26, width=1430, height=1050),
        printed(size=40, width=856, height=540),
    )
    picture = plate.copy()
    mm = 4.0  # pixels
    for page, size, at in ((register, (143, 105), (90, 200)), (card, (85.6, 53.98), (1300, 420))):
        shape = (round(size[0] * mm), round(size[1] * mm))
        small = cv2.resize(page, shape, interpolation=cv2.INTER_AREA)
        picture[at[1] : at[1] + shape[1], at[0] : at[0] + shape[0]] = small
    picture = frames.finish(rng, picture.astype(np.float32), noise=1.5, blur=0.6)
    looker = Looker(
        None, PlateScale((1920, 1080), np.diag([1 / mm, 1 / mm, 1.0])) if scaled else None
    )
    for name, long_side in (("household_register", 572), ("id_card_front", 342)):
        still = looker.still(picture, known_papers()[name])
        assert still.page is not None
        assert abs(max(still.page.shape[:2]) - long_side) < 6

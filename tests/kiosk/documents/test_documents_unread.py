"""A code that is easily read hides no harder one beside it, and nothing is told twice."""

from __future__ import annotations

import cv2
import made_codes
import numpy as np
import paper_frames as frames
import pytest
import zxingcpp
from drawn_codes import picture_of
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.documents.codes import reader as codes
from kiosk.documents.codes import zxing
from kiosk.documents.codes.belief import read_twice
from kiosk.documents.codes.found import Code
from kiosk.documents.codes.patches import like_a_code, patches
from kiosk.documents.codes.reader import read_codes
from kiosk.documents.codes.unread import extent, is_of, painted_over
from kiosk.documents.quads import Image


def blurred(picture: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def test_a_blurred_code_is_told_beside_a_clear_one() -> None:
    page = np.full((900, 1300, 3), 255, np.uint8)
    clear, soft = picture_of("甲-QR1"), blurred(picture_of("乙-QR2"), 4.2)
    page[60 : 60 + clear.shape[0], 60 : 60 + clear.shape[1]] = clear
    page[500 : 500 + soft.shape[0], 700 : 700 + soft.shape[1]] = soft
    told = {code.text: code for code in read_codes(page)}
    assert set(told) == {"甲-QR1", "乙-QR2"}
    assert np.abs(np.array(told["乙-QR2"].corners[0]) - (730, 530)).max() < 6


@pytest.mark.parametrize("number", [3, 12])
def test_spoiled_codes_are_told_beside_clear_ones(number: int) -> None:
    two = made_codes.make_two(31, number)
    at_first_sight = zxing.read(codes._grey(two.picture), zxing.USUAL, thorough=True)
    assert [code.text for code in at_first_sight] == [two.clear]
    assert sorted(code.text for code in read_codes(two.picture)) == sorted([two.clear, two.spoiled])


@pytest.mark.parametrize("number", [16, 119])
def test_bars_of_which_some_lines_are_read_at_first_sight_are_not_told_twice(number: int) -> None:
    """The two bend and blur so that a slow way reads the rest of them again."""
    two = made_codes.make_two(31, number)
    texts = [code.text for code in read_codes(two.picture)]
    assert sorted(texts) == sorted({two.clear, two.spoiled})


def bars_at(turn: float, slant: float) -> tuple[Image, np.ndarray]:
    """A barcode 110 pixels high in a frame of 900 x 700, its bars leaning over; its corners."""
    made = zxingcpp.create_barcode("QS01261122", zxingcpp.BarcodeFormat.Code128)
    line = np.asarray(made.to_image(scale=3, add_quiet_zones=False), np.uint8)
    bars = np.repeat(line[line.shape[0] // 2][None], 110, axis=0)
    height, width = bars.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    matrix = matrix @ np.array([[1, slant, -slant * height / 2], [0, 1, 0], [0, 0, 1]])
    matrix[:, 2] += np.array([450, 350]) - (width / 2, height / 2)
    frame = cv2.warpAffine(bars, matrix, (900, 700), borderValue=255)
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]]) @ matrix.T
    return np.asarray(frame, np.uint8), corners


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 360), st.floats(-0.2, 0.2), st.floats(0.1, 0.9))
def test_of_a_barcode_seen_on_one_line_all_is_painted_over(
    turn: float, slant: float, share: float
) -> None:
    frame, corners = bars_at(turn, slant)
    left = corners[0] + (corners[3] - corners[0]) * share
    right = corners[1] + (corners[2] - corners[1]) * share
    line = tuple((float(x), float(y)) for x, y in (left, right, right, left))
    place = extent(frame, Code("CODE_128", line, b"QS01261122", "QS01261122"))
    assert (painted_over(frame, [place]) > 200).mean() > 0.999


def test_a_picture_of_nothing_but_a_code_is_paper_without_it() -> None:
    grey = cv2.cvtColor(picture_of("甲-QR1"), cv2.COLOR_BGR2GRAY)[28:-28, 28:-28]
    height, width = grey.shape
    all_of_it = ((0.0, 0.0), (width - 1.0, 0.0), (width - 1.0, height - 1.0), (0.0, height - 1.0))
    place = extent(grey, Code("QR_CODE", all_of_it, b"1", "1"))
    assert (painted_over(grey, [place]) == 255).all()


def test_only_what_lies_where_a_code_was_read_is_of_it() -> None:
    square = ((10.0, 10.0), (60.0, 10.0), (60.0, 60.0), (10.0, 60.0))
    known = extent(np.zeros((200, 300), np.uint8), Code("QR_CODE", square, b"1", "1"))
    beside = tuple((x + 90, y) for x, y in square)
    assert is_of(Code("QR_CODE", square, b"1", "1"), [known])
    assert not is_of(Code("QR_CODE", beside, b"1", "1"), [known])


@pytest.mark.parametrize(("sigma", "levels"), [(0.8, 20), (3.0, 60), (5.0, 200)])
def test_a_faint_code_and_a_blurred_one_are_sought(sigma: float, levels: int) -> None:
    page = np.full((700, 900), 255.0)
    code = picture_of("甲-QR1")[..., 0]
    page[200 : 200 + code.shape[0], 300 : 300 + code.shape[1]] = code
    seen = 30 + cv2.GaussianBlur(page, (0, 0), sigma) / 255 * levels
    seen += np.random.default_rng(3).normal(0, 1.0, seen.shape)
    assert any(like_a_code(patch) for patch in patches(seen.round().astype(np.uint8)))


@pytest.mark.parametrize("kind", frames.MATS)
def test_what_is_no_code_is_seldom_sought(kind: str) -> None:
    plate = cv2.cvtColor(frames.mat(np.random.default_rng(5), kind), cv2.COLOR_BGR2GRAY)
    assert not any(like_a_code(patch) for patch in patches(np.asarray(plate, np.uint8)))


def test_the_edge_of_a_shadow_is_not_sought() -> None:
    x = np.mgrid[0:600, 0:800][1]
    edge = (200 / (1 + np.exp(-(x - 400) / 12.0)) + 30).astype(np.uint8)
    assert not any(like_a_code(patch) for patch in patches(edge))


def test_a_short_data_matrix_is_told_only_where_a_second_look_reads_it() -> None:
    """zxing-cpp alone has read one of 10 x 10 modules in the noise around another code."""
    noise = np.random.default_rng(3).integers(0, 256, (200, 200)).astype(np.uint8)
    place = ((40.0, 40.0), (80.0, 40.0), (80.0, 80.0), (40.0, 80.0))
    assert read_twice(noise, [Code("DATA_MATRIX", place, b"\nE72", "\nE72")]) == []
    made = zxingcpp.create_barcode("E72", zxingcpp.BarcodeFormat.DataMatrix)
    drawn = np.pad(np.asarray(made.to_image(scale=5), np.uint8), 40, constant_values=255)
    (code,) = read_codes(cv2.cvtColor(drawn, cv2.COLOR_GRAY2BGR))
    assert (code.format, code.text) == ("DATA_MATRIX", "E72")

"""What libzbar reads when nothing else does is what stands in the code, or nothing."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.documents.codes import zbar
from kiosk.documents.codes.reader import read_codes

CHINESE = (
    "政务-QR-2026",
    "张三",
    "王怡婷",
    "龑翀",
    "李宸睿",
    "社会保险",
    "https://zwfw.example/事项?id=1",
)
ENCODINGS = ("utf-8", "gb18030")


def drawn(content: str | bytes, mode: str) -> np.ndarray:
    file = io.BytesIO()
    segno.make(content, mode=mode, micro=False).save(file, kind="png", scale=6, border=4)
    picture = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return picture


def faint(grey: np.ndarray) -> np.ndarray:
    """Grey on grey: too faint for the reader that goes first."""
    levels = 190 + grey.astype(np.float32) * 8 / 255
    noisy = levels + np.random.default_rng(4).normal(0, 0.4, grey.shape)
    return cv2.cvtColor(noisy.round().astype(np.uint8), cv2.COLOR_GRAY2BGR)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=60))
def test_bytes_come_as_they_stand(content: bytes) -> None:
    assert {one.data for one in zbar.seen(drawn(content, "byte"))} == {content}


@pytest.mark.parametrize("text", CHINESE)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_chinese_is_not_taken_for_japanese(text: str, encoding: str) -> None:
    content = text.encode(encoding)
    assert {code.text for code in zbar.read(drawn(content, "byte"), 1.0)} == {text}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_faint_code_with_chinese_is_told_as_it_is(encoding: str) -> None:
    picture = faint(drawn(CHINESE[0].encode(encoding), "byte"))
    assert [code.text for code in read_codes(picture)] == [CHINESE[0]]


def test_japanese_signs_are_rather_not_read_than_read_wrongly() -> None:
    assert zbar.read(drawn("点茗", "kanji"), 1.0) == []


def test_a_short_barcode_is_not_told_as_a_long_one() -> None:
    short = zxingcpp.create_barcode("01202168", zxingcpp.BarcodeFormat.UPCE)
    bars = np.asarray(zxingcpp.write_barcode_to_image(short, scale=4, add_quiet_zones=True))
    picture = cv2.copyMakeBorder(bars, 40, 40, 40, 40, cv2.BORDER_CONSTANT, value=255)
    assert zbar.read(picture, 1.0) == []


def a_barcode() -> np.ndarray:
    made = zxingcpp.create_barcode("KIOSK-01", zxingcpp.BarcodeFormat.Code128)
    bars = np.asarray(zxingcpp.write_barcode_to_image(made, scale=3, add_quiet_zones=True))
    return np.repeat(bars[bars.shape[0] // 2][None], 110, axis=0)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["squares", "bars"])
def test_corners_are_told_in_the_same_order_by_both_readers(kind: str, turn: int) -> None:
    code = drawn(b"abc", "byte") if kind == "squares" else a_barcode()
    page = np.pad(code, ((40, 90), (60, 20)), constant_values=255)
    picture = np.ascontiguousarray(np.rot90(page, turn))
    wanted = read_codes(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))[0].corners
    for found in zbar.read(picture, 1.0):
        assert len(found.corners) == 4
        assert np.abs(np.array(found.corners) - np.array(wanted)).max() < 12


def test_a_barcode_seen_on_a_single_line_has_four_corners() -> None:
    page = np.full((200, 600), 255, np.uint8)
    bars = a_barcode()
    page[100:102, 50 : 50 + bars.shape[1]] = bars[:2]
    found = zbar.seen(page)
    assert found
    assert all(len(one.corners) == 4 for one in found)

"""Barcodes are read however they lie, as far as they are in light, and light on dark as well."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.documents.codes.bars_lie import bars_slanted
from kiosk.documents.codes.patches import lie_of
from kiosk.documents.codes.reader import read_codes
from kiosk.documents.quads import Image

TEXTS = {"Code128": "QS01261122003757", "Code39": "QS-0126", "EAN13": "6901234567892"}


def bars_of(kind: str) -> np.ndarray:
    """3 pixels a bar, 150 high, on white paper."""
    made = zxingcpp.create_barcode(TEXTS[kind], zxingcpp.barcode_format_from_str(kind))
    line = np.asarray(made.to_image(scale=3, add_quiet_zones=False), np.uint8)
    bars = np.repeat(line[line.shape[0] // 2][None], 150, axis=0)
    return np.pad(bars, ((20, 20), (40, 40)), constant_values=255)


def stacked() -> np.ndarray:
    made = zxingcpp.create_barcode("QS0126", zxingcpp.BarcodeFormat.PDF417)
    return np.pad(np.asarray(made.to_image(scale=3), np.uint8), 30, constant_values=255)


def on_a_desk(paper: np.ndarray, corners: list[tuple[float, float]]) -> Image:
    """Where the corners of the paper (TL, TR, BR, BL) are in a frame of 1280 x 960."""
    height, width = paper.shape
    square = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(square, np.array(corners, np.float32))
    seen = cv2.warpPerspective(paper, matrix, (1280, 960), flags=cv2.INTER_LINEAR)
    inside = cv2.warpPerspective(np.full_like(paper, 255), matrix, (1280, 960))
    frame = np.where(inside > 127, seen, 70).astype(np.uint8)
    soft = cv2.GaussianBlur(frame, (0, 0), 0.8)
    noisy = soft + np.random.default_rng(2).normal(0, 1.5, soft.shape)
    grey = np.clip(noisy, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


LYING = {
    "leaning": [(206, 683), (910, 263), (925, 510), (146, 880)],
    "fanning out": [(464, 13), (869, 784), (743, 949), (255, 29)],
    "leaning back": [(140, 148), (884, 408), (846, 694), (236, 374)],
}


@pytest.mark.parametrize(("kind", "lying"), list(zip(TEXTS, LYING, strict=True)))
def test_bars_seen_from_aside_are_read_at_their_place(kind: str, lying: str) -> None:
    picture = on_a_desk(bars_of(kind), LYING[lying])
    (code,) = read_codes(picture)
    assert code.text == TEXTS[kind]
    far = np.linalg.norm(np.mean(code.corners, axis=0) - np.mean(LYING[lying], axis=0))
    assert far < 60


@pytest.mark.parametrize("turn", [0, 3])
@pytest.mark.parametrize("kind", TEXTS)
def test_light_bars_on_dark_are_read(kind: str, turn: int) -> None:
    """Zxing-cpp reads only squares that way."""
    page = np.pad(bars_of(kind), 120, constant_values=255)
    picture = np.rot90(255 - page, turn)
    (code,) = read_codes(np.repeat(picture[..., None], 3, axis=2))
    assert code.text == TEXTS[kind]


@pytest.mark.parametrize("dark", [False, True])
def test_stacked_bars_are_read_light_on_dark_and_dark_on_light(dark: bool) -> None:
    page = np.pad(stacked(), 120, constant_values=255)
    picture = 255 - page if dark else page
    (code,) = read_codes(np.repeat(picture[..., None], 3, axis=2))
    assert (code.format, code.text) == ("PDF_417", "QS0126")


@pytest.mark.parametrize("turn", [0.0, 17.0])
def test_faint_stacked_bars_are_read(turn: float) -> None:
    """14 levels of 255 between paper and ink."""
    page = np.full((700, 1000), 255.0)
    paper = stacked()
    page[300 : 300 + paper.shape[0], 350 : 350 + paper.shape[1]] = paper
    matrix = cv2.getRotationMatrix2D((500, 350), turn, 1.0)
    turned = cv2.warpAffine(page, matrix, (1000, 700), borderValue=255.0)
    faint = (120 + turned * 14 / 255).astype(np.uint8)
    (code,) = read_codes(np.repeat(faint[..., None], 3, axis=2))
    assert (code.format, code.text) == ("PDF_417", "QS0126")


def test_faint_bars_tell_how_they_lie_beside_the_edge_of_their_paper() -> None:
    part = np.full((200, 200), 20.0)
    part[:, 40:] = 150 + 12 * np.sign(np.sin(np.arange(200) * 0.7))[:, None]
    part += np.random.default_rng(1).normal(0, 1.0, part.shape)
    assert abs(np.cos(lie_of(part.astype(np.uint8)).angle)) < 0.1


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_any_picture_has_fields_within_it_or_none(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grey = np.repeat(rng.integers(0, 256, (1, width)), height, axis=0).astype(np.uint8)
    for field, back in bars_slanted(grey):
        assert field.size > 0
        assert np.isfinite(back).all()

"""Codes are read as they are held, and nothing is read where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import paper_frames as frames
import pytest
import zxingcpp
from drawn_codes import picture_of

from kiosk.documents.codes import budget
from kiosk.documents.codes import reader as codes
from kiosk.documents.codes.found import Code
from kiosk.documents.codes.reader import MORE_FORMATS_EVERY, CodeReader, read_codes
from kiosk.documents.quads import Image

RECEIPT = "ZW1.QS01261122003757.MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPI"


def held_up(text: str, *, turn: float, blur: float, module_px: int = 6) -> Image:
    """The code somewhere in a frame of the camera."""
    rng = np.random.default_rng(3)
    code = picture_of(text, module_px)
    plate = frames.mat(rng, "dark", 1280, 960)
    cover = code.shape[0] / 960
    return frames.place(rng, code, plate, cover=cover, turn=turn, blur=blur, noise=3).picture


@pytest.mark.parametrize("turn", [0, 7, 45, 90, 133, 180, 271])
@pytest.mark.parametrize("blur", [0.7, 1.6])
def test_a_receipt_is_read_however_it_is_turned(turn: float, blur: float) -> None:
    codes = read_codes(held_up(RECEIPT, turn=turn, blur=blur))
    assert [code.data for code in codes] == [RECEIPT.encode()]
    assert codes[0].format == "QR_CODE"
    assert len(codes[0].corners) == 4


def test_a_receipt_held_to_the_camera_is_read_on_the_first_frame() -> None:
    assert [c.data for c in CodeReader().look(held_up(RECEIPT, turn=7, blur=0.7))] == [
        RECEIPT.encode()
    ]


def test_a_barcode_is_read_within_three_frames() -> None:
    made = zxingcpp.create_barcode("QS01261122003757", zxingcpp.BarcodeFormat.Code128)
    bars = np.asarray(made.to_image(scale=3), np.uint8)
    frame = np.full((600, 1000, 3), 230, np.uint8)
    wide = cv2.resize(bars, (bars.shape[1], 160), interpolation=cv2.INTER_NEAREST)
    frame[200:360, 60 : 60 + wide.shape[1]] = wide[..., None]
    reader = CodeReader()
    seen = [code for _ in range(MORE_FORMATS_EVERY) for code in reader.look(frame)]
    assert {(code.format, code.text) for code in seen} == {("CODE_128", "QS01261122003757")}


@pytest.mark.parametrize("turn", [12, 38, 97, 196])
@pytest.mark.parametrize("kind", ["PDF417", "Code128"])
def test_bars_are_read_however_a_hand_holds_them(kind: str, turn: float) -> None:
    """zxing-cpp alone reads stacked bars only where they are level to a few degrees."""
    text = "QS01261122003757"
    made = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(kind))
    bars = np.asarray(made.to_image(scale=4 if kind == "PDF417" else 3), np.uint8)
    if kind == "Code128":
        bars = np.repeat(bars[bars.shape[0] // 2][None], 110, axis=0)
    paper = cv2.cvtColor(np.pad(bars, 36, constant_values=255), cv2.COLOR_GRAY2BGR)
    frame = frames.mat(np.random.default_rng(3), "dark", 1920, 1080)
    frame = np.ascontiguousarray(frame)
    cv2.rectangle(frame, (60, 80), (300, 700), (230, 230, 230), -1)  # with edges of its own
    matrix = cv2.getRotationMatrix2D((paper.shape[1] / 2, paper.shape[0] / 2), turn, 1.0)
    matrix[:, 2] += np.array([1150, 560]) - np.array(paper.shape[1::-1]) / 2
    cv2.warpAffine(paper, matrix, (1920, 1080), dst=frame, borderMode=cv2.BORDER_TRANSPARENT)
    soft = np.asarray(cv2.GaussianBlur(frame, (0, 0), 0.8), np.uint8)
    reader = CodeReader()
    seen = [code for _ in range(MORE_FORMATS_EVERY) for code in reader.look(soft)]
    assert {code.text for code in seen} == {text}
    middle = np.mean([code.corners for code in seen], axis=(0, 1))
    assert np.linalg.norm(middle - (1150, 560)) < 40


@pytest.mark.parametrize("text", ["3LVJX2", "A+B-C", "-12345678", "AB 12/C$D"])
def test_code_39_is_told_as_it_stands_and_not_as_another_trade_would_have_it(text: str) -> None:
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code39)
    bars = np.pad(np.asarray(made.to_image(scale=3), np.uint8), 30, constant_values=255)
    codes = read_codes(np.repeat(bars[..., None], 3, axis=2))
    assert [(code.format, code.text) for code in codes] == [("CODE_39", text)]


def test_a_code_held_up_does_not_wait_for_the_slow_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """They go on where they were, a little with each frame, and are left when a code is seen."""
    now, steps = [0.0], []
    late = Code("EAN_13", ((0.0, 0.0),) * 4, b"6901234567892", "6901234567892")

    def slow_ways(grey: object, budget: object) -> Iterator[list[Code]]:
        for step in range(4):
            now[0] += 1.5 * codes.SLOW_A_FRAME_S
            steps.append(step)
            yield []
        yield [late]

    monkeypatch.setattr(codes, "slow_ways", slow_ways)
    monkeypatch.setattr(budget.time, "thread_time", lambda: now[0])
    empty, held = np.full((300, 400, 3), 200, np.uint8), picture_of(RECEIPT)
    reader = CodeReader()
    seen = [reader.look(empty) for _ in range(codes.SLOW_AFTER_MISSES + 1)]
    assert seen == [[]] * len(seen)
    assert steps == [0, 1]
    assert [code.text for code in reader.look(held)] == [RECEIPT]
    steps.clear()
    seen = [reader.look(empty) for _ in range(codes.SLOW_AFTER_MISSES + 4)]
    assert steps == [0, 1, 2, 3]
    assert seen[-1] == [late]


@pytest.mark.parametrize("kind", frames.MATS)
def test_nothing_is_read_on_paper_without_a_code(kind: str) -> None:
    rng = np.random.default_rng(5)
    scene = frames.place(rng, frames.sheet(rng), frames.mat(rng, kind))
    reader = CodeReader()
    assert not any(reader.look(scene.picture) for _ in range(6))


@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (1, 900, 3), (17, 17, 3), (1, 20000, 3), (9000, 2, 3)]
)
def test_pictures_of_no_use_have_no_code(shape: tuple[int, int, int]) -> None:
    assert read_codes(np.full(shape, 128, np.uint8)) == []


def test_a_code_in_a_picture_larger_than_any_cameras_is_told_at_its_place() -> None:
    huge = np.full((700, 9000, 3), 200, np.uint8)
    code = picture_of(RECEIPT, 10)
    huge[100 : 100 + code.shape[0], 6000 : 6000 + code.shape[1]] = code
    (found,) = read_codes(huge)
    assert found.text == RECEIPT
    assert np.abs(np.array(found.corners[0]) - (6050, 150)).max() < 10


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("gap_px", [25, 200])
@pytest.mark.parametrize(
    "stack",
    [
        [("Code128", "KIOSK-0001"), ("Code128", "KIOSK-0002"), ("Code128", "KIOSK-0003")],
        [("EAN13", "6901234567892"), ("EAN13", "6920202888883")],
        [("EAN13", "6901234567892"), ("Code39", "ABC39"), ("Code128", "KIOSK-0001")],
    ],
)
def test_barcodes_above_one_another_are_all_told_and_each_once(
    stack: list[tuple[str, str]], gap_px: int, turn: int
) -> None:
    page = np.full((1000, 1000), 255, np.uint8)
    for number, (kind, text) in enumerate(stack):
        made = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(kind))
        line = np.asarray(made.to_image(scale=2), np.uint8)
        line = line[line.shape[0] // 2]
        top = 60 + number * (90 + gap_px)
        page[top : top + 90, 100 : 100 + len(line)] = line
    codes = read_codes(np.repeat(np.rot90(page, turn)[..., None], 3, axis=2))
    assert sorted(code.text for code in codes) == sorted(text for _, text in stack)

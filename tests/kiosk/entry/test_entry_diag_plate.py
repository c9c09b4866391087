"""A technician records the plate: the printed target, its scale, the empty plate."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.device import Fault, FaultCode
from kiosk.documents.plate.scale import PlateScale, find_target, is_of_size
from kiosk.documents.plate.store import PlateStore
from kiosk.documents.plate.target import draw_target
from kiosk.entry.commands import diag_plate
from kiosk.settings import CameraSettings, Settings

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "kiosk" / "documents"))
import paper_frames as frames  # noqa: E402

DPI = 110.0
CARD_MM = (85.6, 53.98)  # ISO 7810 ID-1
MM = DPI / 25.4


def settings(folder: Path) -> Settings:
    return Settings(document_camera=CameraSettings(url="http://127.0.0.1:9/", plate=folder))


def board() -> frames.Image:
    """The target as a printer at 100 % gives it, at `DPI`."""
    from kiosk.documents.plate.scale import ACROSS, DOWN, SHEET_MM, SQUARE_MM

    page = np.full((round(SHEET_MM[1] * MM), round(SHEET_MM[0] * MM), 3), 250, np.uint8)
    left = (SHEET_MM[0] - (ACROSS + 1) * SQUARE_MM) / 2
    top = (SHEET_MM[1] - (DOWN + 1) * SQUARE_MM) / 2
    for row in range(DOWN + 1):
        for column in range(ACROSS + 1):
            if (row + column) % 2 == 0:
                a = (round((left + column * SQUARE_MM) * MM), round((top + row * SQUARE_MM) * MM))
                b = (
                    round((left + (column + 1) * SQUARE_MM) * MM) - 1,
                    round((top + (row + 1) * SQUARE_MM) * MM) - 1,
                )
                cv2.rectangle(page, a, b, (20, 20, 20), -1)
    return page


LEAN = np.array([[0.99, 0.03, 20.0], [-0.01, 1.0, 40.0], [2e-5, 1e-5, 1.0]])


def seen(page: frames.Image, at: tuple[int, int] = (60, 60)) -> frames.Image:
    """As a camera that leans a little sees it on the plate."""
    rng = np.random.default_rng(5)
    plate = frames.mat(rng, "dark", 1600, 1200)
    move = np.array([[1, 0, at[0]], [0, 1, at[1]], [0, 0, 1]], np.float64)
    matrix = LEAN @ move
    size = (1600, 1200)
    laid = cv2.warpPerspective(page, matrix, size, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full(page.shape[:2], 255, np.uint8), matrix, size)[..., None]
    return frames.finish(rng, np.where(mask > 127, laid, plate).astype(np.float32))


def answered(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def test_the_printed_target_gives_the_scale_and_a_card_its_true_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = diag_plate.run(
        settings(tmp_path), "scale", tmp_path, json=True, look=lambda url, count: [seen(board())]
    )
    assert done == 0
    dpi = answered(capsys)["dpi"]
    assert isinstance(dpi, float)
    assert abs(dpi - DPI) < 6  # the camera leans: this is the middle of the picture
    scale = PlateStore(tmp_path).scale()
    assert scale is not None
    for at in ((100, 100), (900, 700)):  # wherever it lies
        w, h = CARD_MM[0] * MM, CARD_MM[1] * MM
        flat = np.array([[[0, 0], [w, 0], [w, h], [0, h]]], np.float64) + at
        corners = cv2.perspectiveTransform(flat, LEAN)[0]
        size = scale.side_lengths(corners, (1600, 1200))
        assert size is not None
        assert abs(size[0] - CARD_MM[0]) < 0.4
        assert abs(size[1] - CARD_MM[1]) < 0.4
        half = scale.side_lengths((corners + 0.5) / 2 - 0.5, (800, 600))
        assert half is not None
        assert abs(half[0] - size[0]) < 0.01
    assert scale.side_lengths(corners, (1920, 1080)) is None  # another part of the plate


def test_no_target_no_scale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = frames.mat(np.random.default_rng(1), "wood", 800, 600)
    done = diag_plate.run(
        settings(tmp_path), "scale", tmp_path, json=True, look=lambda url, count: [nothing]
    )
    assert (done, answered(capsys)["fault"]) == (3, "not_found")
    bent = seen(board())
    bent[:, 700:] = np.roll(bent[:, 700:], 12, axis=0)  # torn apart in the middle
    assert find_target(bent) is None


def _undated(pdf: bytes) -> bytes:
    """Without the second in which it was made, and the id that is made of it."""
    return re.sub(rb"D:[0-9]{14}Z|<[0-9a-f]{32}>", b"", pdf)


def test_the_target_is_a_sheet_of_a4_to_print(tmp_path: Path) -> None:
    out = tmp_path / "target.pdf"
    assert diag_plate.run(settings(tmp_path), "target", out, json=True) == 0
    assert _undated(out.read_bytes()) == _undated(draw_target())
    assert b"841.889" in out.read_bytes()  # A4, lying


def test_the_empty_plate_is_recorded_and_read_again_when_it_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = PlateStore(tmp_path)
    facts = store.changed()
    assert facts is not None
    assert (facts.empty, facts.scale) == (None, None)
    assert store.changed() is None
    rng = np.random.default_rng(2)
    plate = frames.mat(rng, "green", 640, 480).astype(np.float32)
    empty = [frames.finish(rng, plate) for _ in range(5)]
    take = diag_plate.run(
        settings(tmp_path), "empty", tmp_path, json=True, look=lambda url, count: empty[:count]
    )
    assert (take, answered(capsys)["width_px"]) == (0, 640)
    facts = store.changed()
    assert facts is not None
    assert facts.empty is not None
    assert diag_plate.run(settings(tmp_path), "status", tmp_path, json=True) == 0
    assert answered(capsys) == {"ok": True, "empty": True, "dpi": None, "faults": []}


def test_a_plate_with_a_paper_on_it_is_not_recorded_as_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(3)
    laid = frames.place(rng, frames.sheet(rng), frames.mat(rng, "green", 960, 720)).picture
    done = diag_plate.run(
        settings(tmp_path), "empty", tmp_path, json=True, look=lambda url, count: [laid] * count
    )
    assert (done, answered(capsys)["fault"]) == (4, "not_empty")


def test_what_is_recorded_wrongly_is_told_and_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.png").write_bytes(b"no picture")
    (tmp_path / "scale.json").write_text('{"size": [1, 1], "matrix": [[0]]}', encoding="utf-8")
    assert diag_plate.run(settings(tmp_path), "status", tmp_path, json=True) == 4
    assert answered(capsys)["faults"] == ["empty.png", "scale.json"]
    assert PlateScale.from_json("null") is None
    assert PlateScale.from_json('{"size": [0, 9], "matrix": 7}') is None


def test_without_the_camera_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fault = Fault(FaultCode.DEVICE_LOST, "the camera is disconnected")
    for action in ("scale", "empty"):
        done = diag_plate.run(
            settings(tmp_path), action, tmp_path, json=True, look=lambda url, count: fault
        )
        assert (done, answered(capsys)["fault"]) == (3, "device_lost")
    assert diag_plate.run(settings(tmp_path), "polish", tmp_path, json=True) == 2


def test_size_is_judged_lying_either_way() -> None:
    assert is_of_size((86.0, 53.5), CARD_MM, 0.08)
    assert is_of_size((53.5, 86.0), CARD_MM, 0.08)
    assert not is_of_size((105.0, 148.0), CARD_MM, 0.08)
    assert not is_of_size((86.0, 60.0), CARD_MM, 0.08)

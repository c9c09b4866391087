"""Frames of made-up papers under a made-up camera, the same for the same seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

FULL_HD = (1920, 1080)  # where it matters how many pixels a paper has
MATS = ("dark", "wood", "tiles", "white", "green")


@dataclass(frozen=True)
class Scene:
    """A frame and where the page lies: corners TL, TR, BR, BL, or None on an empty plate."""

    picture: Image
    corners: NDArray[np.float64] | None


def clouds(rng: np.random.Generator, height: int, width: int, cell: int) -> NDArray[np.float32]:
    """Slow random changes between -1 and 1."""
    coarse = rng.standard_normal((height // cell + 3, width // cell + 3)).astype(np.float32)
    big = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(big, -1, 1), np.float32)


def mat(rng: np.random.Generator, kind: str, width: int = 1280, height: int = 720) -> Image:
    """A plate without paper. As large as a preview: what size changes is tested with `made_pages`."""
    slow = clouds(rng, height, width, 200)[..., None]
    match kind:
        case "dark":
            picture = np.full((height, width, 3), (34, 32, 30), np.float32) + slow * 7
        case "green":
            picture = np.full((height, width, 3), (58, 78, 24), np.float32) + slow * 9
        case "white":
            picture = np.full((height, width, 3), (222, 224, 225), np.float32) + slow * 4
        case "wood":
            rings = np.sin(np.linspace(0, 90, width) + clouds(rng, 1, width, 40)[0] * 3)
            grain = np.tile(rings[None, :, None], (height, 1, 1)).astype(np.float32)
            grain = grain * 9 + clouds(rng, height, width, 12)[..., None] * 5
            picture = np.array((62, 96, 138), np.float32) + grain + slow * 8
        case "tiles":
            picture = np.full((height, width, 3), (150, 148, 146), np.float32) + slow * 22
            angle = rng.uniform(-0.05, 0.05)
            for k in range(-2, 16):
                x, y = k * 150 + 30, k * 150 + 40
                ends = (int(x + height * math.tan(angle)), height)
                cv2.line(picture, (x, 0), ends, (70, 70, 70), 4, cv2.LINE_AA)
                ends = (width, int(y - width * math.tan(angle)))
                cv2.line(picture, (0, y), ends, (70, 70, 70), 4, cv2.LINE_AA)
        case _:
            raise AssertionError(kind)
    return np.clip(picture, 0, 255).astype(np.uint8)


def sheet(
    rng: np.random.Generator,
    width: int = 1240,
    height: int = 1754,
    paper: tuple[int, int, int] = (242, 244, 245),
    blank: bool = False,
) -> Image:
    """A printed page, flat."""
    page = np.full((height, width, 3), paper, np.uint8)
    if blank:
        return page
    margin = width // 11
    y = margin + 40
    cv2.putText(page, "HOUSEHOLD REGISTER", (margin, y), 0, 2.0, (40, 30, 150), 5, cv2.LINE_AA)
    letters = list("ABCDEFGHKLMNPRSTUVXYZ0123456789")
    while y < height - margin - 60:
        y += 46
        words = " ".join(
            "".join(rng.choice(letters, rng.integers(2, 8))) for _ in range(rng.integers(4, 9))
        )
        cv2.putText(page, words[: width // 27], (margin, y), 0, 1.0, (45, 42, 40), 2, cv2.LINE_AA)
    if rng.random() < 0.5:
        top = int(rng.integers(height // 3, height // 2))
        cv2.rectangle(page, (margin, top), (width - margin, top + 300), paper, -1)
        cv2.rectangle(page, (margin, top), (width - margin, top + 300), (40, 40, 40), 2)
        for k in range(1, 5):
            cv2.line(page, (margin, top + 60 * k), (width - margin, top + 60 * k), (40, 40, 40), 2)
    cv2.circle(page, (int(width * 0.7), int(height * 0.8)), 110, (50, 50, 205), 7, cv2.LINE_AA)
    return page


def place(
    rng: np.random.Generator,
    page: Image,
    plate: Image,
    *,
    cover: float = 0.8,
    turn: float | None = None,
    tilt: float = 0.03,
    shift: tuple[float, float] = (0.0, 0.0),
    gain: float = 1.0,
    noise: float = 2.0,
    blur: float = 0.7,
) -> Scene:
    """The page on the plate: turned, seen a little from the side, with sensor noise."""
    frame_h, frame_w = plate.shape[:2]
    h, w = page.shape[:2]
    scale = cover * min(frame_h / h, frame_w / w)
    angle = math.radians(rng.uniform(-15, 15) if turn is None else turn)
    box = np.array([[-w / 2, -h / 2], [w / 2, -h / 2], [w / 2, h / 2], [-w / 2, h / 2]]) * scale
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    corners = box @ rotation.T + (frame_w / 2, frame_h / 2)
    corners += rng.uniform(-tilt, tilt, (4, 2)) * frame_h
    corners += np.array(shift) * (frame_w, frame_h)
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    big = cv2.warpPerspective(page, matrix, (frame_w, frame_h), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full((h, w), 255, np.uint8), matrix, (frame_w, frame_h))
    alpha = (mask.astype(np.float32) / 255.0)[..., None]
    soft = cv2.GaussianBlur(mask, (0, 0), 9).astype(np.float32)[..., None] / 255.0
    ground = plate.astype(np.float32) * (1 - 0.12 * soft)  # a sheet throws a little shadow
    picture = ground * (1 - alpha) + big.astype(np.float32) * alpha
    return Scene(finish(rng, picture, gain=gain, noise=noise, blur=blur), corners)


def finish(
    rng: np.random.Generator,
    picture: NDArray[np.float32],
    *,
    gain: float = 1.0,
    noise: float = 2.0,
    blur: float = 0.7,
) -> Image:
    """What the sensor makes of it."""
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture = picture * gain
    return np.clip(picture + noise * rng.standard_normal(picture.shape, np.float32), 0, 255).astype(
        np.uint8
    )


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over union of two quadrilaterals."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    shared, _ = cv2.intersectConvexConvex(a, b)
    return float(shared / (cv2.contourArea(a) + cv2.contourArea(b) - shared))


def inside(scene: Scene, x: float, y: float) -> tuple[int, int]:
    """The pixel at share x, y of the page (bilinear between its corners)."""
    assert scene.corners is not None
    tl, tr, br, bl = scene.corners
    point = (tl * (1 - x) + tr * x) * (1 - y) + (bl * (1 - x) + br * x) * y
    return int(point[0]), int(point[1])

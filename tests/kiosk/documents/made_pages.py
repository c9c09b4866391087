"""Papers under the terminal's camera, in known places: the same for the same seed.

Each frame comes with the picture of its plate without paper, under the light of another hour.
Kinds are dealt out in turn, so that any run of frames holds all of them alike:

    python tests/kiosk/documents/made_pages.py --count 1000 --seed 1 --out FOLDER

writes frames, their empty plates and `truth.json` as `kiosk bench pages --corpus FOLDER` reads them.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

FULL_HD = (1920, 1080)
EIGHT_MEGAPIXELS = (3264, 2448)
KINDS = (
    "dark mat",
    "wood",
    "tiles",
    "clutter",
    "white on white",
    "shadow",
    "steep",
    "dim and noisy",
    "card",
    "receipt",
    "coloured",
    "finger",
    "green mat",
    "stone",
    "cloth",
    "warm light from the side",
    "8 megapixels",
    "empty plate",
)


@dataclass(frozen=True)
class MadePage:
    """A frame, its plate without paper at another hour, and where the page lies (or None)."""

    picture: Image
    plate: Image
    corners: NDArray[np.float64] | None
    """4 x 2: TL, TR, BR, BL as the page lies, whole numbers at pixel centres."""
    kind: str


def make(seed: int, number: int) -> MadePage:
    """Frame `number` of the set `seed`."""
    rng = np.random.default_rng((seed, number))
    kind = KINDS[number % len(KINDS)]
    width, height = EIGHT_MEGAPIXELS if kind == "8 megapixels" else FULL_HD
    plain = ("dark mat", "wood", "tiles", "clutter", "green mat", "stone", "cloth")
    ground = {
        "white on white": "white",
        "empty plate": ("dark mat", "wood", "tiles", "white", "green mat", "stone", "cloth")[
            rng.integers(7)
        ],
        "8 megapixels": ("dark mat", "green mat", "wood")[rng.integers(3)],
    }.get(kind) or (kind if kind in plain else ("dark mat", "wood", "green mat")[rng.integers(3)])
    plate = plate_of(rng, ground, width, height)
    page = None if kind == "empty plate" else _page(rng, kind)
    corners = None
    picture = plate
    if page is not None:
        corners = _lie(rng, page.shape[1] / page.shape[0], kind, width, height)
        picture = laid(rng, plate, page, corners, white=kind == "white on white")
        if kind == "finger":
            picture = _finger(rng, picture, corners)
    then = light_of(rng, width, height, 0.12 if kind != "warm light from the side" else 0.35)
    now = light_of(rng, width, height, 0.12 if kind != "warm light from the side" else 0.35)
    if kind == "shadow":
        now = now * _shadow(rng, width, height)[..., None]
    gain = (
        float(rng.uniform(0.25, 0.45)) if kind == "dim and noisy" else float(rng.uniform(0.85, 1))
    )
    noise = float(rng.uniform(5, 9)) if kind == "dim and noisy" else float(rng.uniform(1.0, 3.5))
    return MadePage(
        sensed(rng, picture * now * gain, noise),
        sensed(rng, plate * then, 2.0),
        corners,
        kind,
    )


def many(seed: int, count: int) -> Iterator[MadePage]:
    """The first `count` frames of the set `seed`."""
    for number in range(count):
        yield make(seed, number)


def clouds(rng: np.random.Generator, height: int, width: int, cell: int) -> Floats:
    """Slow random changes between -1 and 1."""
    coarse = rng.standard_normal((height // cell + 3, width // cell + 3)).astype(np.float32)
    big = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(big, -1, 1), np.float32)


def plate_of(rng: np.random.Generator, kind: str, width: int, height: int) -> Floats:
    """A plate without paper, in even light."""
    slow = clouds(rng, height, width, width // 9)[..., None]
    flat = np.ones((height, width, 3), np.float32)
    match kind:
        case "dark mat":
            level = rng.uniform(22, 62)
            return flat * (rng.uniform(0.85, 1.15, 3) * level).astype(np.float32) + slow * 7
        case "green mat":
            colour = np.array([rng.uniform(35, 70), rng.uniform(60, 100), rng.uniform(15, 45)])
            return flat * colour.astype(np.float32) + slow * 9
        case "white":
            level = rng.uniform(212, 232)
            return flat * np.float32(level) + slow * 4
        case "wood":
            wave = np.linspace(0, rng.uniform(60, 160), width, dtype=np.float32)
            rings = np.sin(wave + clouds(rng, 1, width, 40)[0] * 3)[None, :, None]
            grain = rings * 9 + clouds(rng, height, width, 12)[..., None] * 6
            tone = np.array([rng.uniform(50, 80), rng.uniform(85, 110), rng.uniform(120, 155)])
            return flat * tone.astype(np.float32) + grain + slow * 8
        case "tiles":
            level = rng.uniform(90, 160)
            picture = flat * np.float32(level) + slow * 20
            lines = np.zeros((height, width), np.uint8)
            step, angle = int(rng.integers(110, 190)), float(rng.uniform(-0.06, 0.06))
            for k in range(-3, width // step + 4):
                end = (int(k * step + height * math.tan(angle)), height)
                cv2.line(lines, (k * step, 0), end, 255, 4, cv2.LINE_AA)
                end = (width, int(k * step - width * math.tan(angle)))
                cv2.line(lines, (0, k * step), end, 255, 4, cv2.LINE_AA)
            share = lines.astype(np.float32)[..., None] / 255
            return np.asarray(picture * (1 - 0.55 * share), np.float32)
        case "clutter":
            picture = np.clip(clouds(rng, height, width, 160)[..., None] * 60 + 110, 0, 255)
            drawn = np.ascontiguousarray(np.repeat(picture, 3, axis=2).astype(np.uint8))
            for _ in range(30):
                colour = tuple(int(c) for c in rng.integers(20, 235, 3))
                middle = rng.uniform(0, 1, 2) * (width, height)
                sides = rng.uniform(40, 300, 2)
                box = ((float(middle[0]), float(middle[1])), tuple(map(float, sides)), 0.0)
                points = cv2.boxPoints((box[0], box[1], float(rng.uniform(0, 90))))
                cv2.fillConvexPoly(drawn, points.round().astype(np.int32), colour, cv2.LINE_AA)
            return drawn.astype(np.float32)
        case "stone":
            fine = clouds(rng, height, width, 5)[..., None] * 16
            return flat * np.float32(rng.uniform(90, 150)) + fine + slow * 12
        case "cloth":
            x = np.sin(np.arange(width, dtype=np.float32) * float(rng.uniform(0.5, 1.2)))
            y = np.sin(np.arange(height, dtype=np.float32) * float(rng.uniform(0.5, 1.2)))
            weave = (x[None, :] + y[:, None])[..., None] * 8
            tone = rng.uniform(40, 120, 3).astype(np.float32)
            return flat * tone + weave + slow * 6
        case _:
            raise AssertionError(kind)


def _page(rng: np.random.Generator, kind: str) -> Image:
    """A printed sheet, flat."""
    width, height = ((1240, 1754), (1240, 1754), (1754, 1240), (1240, 874))[rng.integers(4)]
    paper = np.array([1.0, 1.0, 1.0]) * rng.uniform(236, 250)
    if kind == "card":
        width, height = 1011, 638
        paper = np.array([rng.uniform(205, 245), rng.uniform(215, 240), rng.uniform(215, 240)])
    elif kind == "receipt":
        width, height = 620, int(rng.integers(1100, 1700))
    elif kind == "coloured":
        paper = np.array([rng.uniform(120, 245), rng.uniform(150, 245), rng.uniform(150, 245)])
    page = np.ones((height, width, 3), np.float32) * paper.astype(np.float32)
    page = np.clip(page, 0, 255).astype(np.uint8)
    margin = width // 11
    if kind == "card":
        head = tuple(int(c) for c in rng.integers(60, 180, 3))
        cv2.rectangle(page, (0, 0), (width, 90), head, -1)
        photo = (int(width * 0.68), 170, 220, 280)
        cv2.rectangle(page, photo, tuple(int(c) for c in rng.integers(60, 200, 3)), -1)
    y = margin + 40
    letters = list("ABCDEFGHKLMNPRSTUVXYZ0123456789")
    cv2.putText(page, "APPLICATION", (margin, y), 0, 1.8, (40, 30, 150), 5, cv2.LINE_AA)
    step = int(rng.integers(38, 60))
    while y < height - margin - 60:
        y += step
        words = " ".join(
            "".join(rng.choice(letters, rng.integers(2, 8))) for _ in range(rng.integers(4, 9))
        )
        words = words[: int(width * 0.8) // 22]
        cv2.putText(page, words, (margin, y), 0, 1.0, (45, 42, 40), 2, cv2.LINE_AA)
    if kind not in ("card", "receipt") and rng.random() < 0.6:
        top = int(rng.integers(height // 4, height // 2))
        low = min(top + 300, height - margin)
        colour = tuple(int(c) for c in paper)
        cv2.rectangle(page, (margin, top), (width - margin, low), colour, -1)
        if rng.random() < 0.5:  # a table, or a picture
            for k in range(6):
                at = top + (low - top) * k // 5
                cv2.line(page, (margin, at), (width - margin, at), (40, 40, 40), 2)
        else:
            coarse = rng.integers(0, 255, (4, 9, 3)).astype(np.uint8)
            page[top:low, margin : width - margin] = cv2.resize(
                coarse, (width - 2 * margin, low - top), interpolation=cv2.INTER_CUBIC
            )
    if rng.random() < 0.5:
        seal = (int(width * 0.7), int(height * 0.75))
        cv2.circle(page, seal, min(width, height) // 10, (50, 50, 205), 7, cv2.LINE_AA)
    return page


def _lie(
    rng: np.random.Generator, share: float, kind: str, width: int, height: int
) -> NDArray[np.float64]:
    """Where the corners are: the sheet turned and seen from where a camera hangs."""
    cover = float(rng.uniform(0.55, 0.92))
    if kind == "card":
        cover = float(rng.uniform(0.25, 0.5))
    turn = float(rng.normal(0, math.radians(9)))
    slant = float(rng.uniform(0.0, math.radians(9)))
    if kind == "steep":
        slant = float(rng.uniform(math.radians(18), math.radians(38)))
        turn = float(rng.uniform(-0.6, 0.6))
    towards = float(rng.uniform(0, 2 * math.pi))
    box = np.array([[-share, -1.0], [share, -1.0], [share, 1.0], [-share, 1.0]]) / 2
    spin = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    flat = box @ spin.T
    axis = np.array([math.cos(towards), math.sin(towards)])
    across = np.array([-axis[1], axis[0]])
    distance = 2.4
    depth = distance + (flat @ axis) * math.sin(slant)
    seen = ((flat @ axis) * math.cos(slant) * distance / depth)[:, None] * axis
    seen = seen + ((flat @ across) * distance / depth)[:, None] * across
    extent = np.ptp(seen, axis=0)
    seen = seen * cover * min(width / extent[0], height / extent[1])
    extent = np.ptp(seen, axis=0)
    rim = 0.012 * width
    room = np.maximum(np.array([width, height]) - extent - 2 * rim, 0)
    at = rim + room * (0.5 + 0.5 * rng.uniform(-1, 1, 2))
    return np.asarray(seen - seen.min(axis=0) + at, np.float64)


def laid(
    rng: np.random.Generator,
    plate: Floats,
    page: Image,
    corners: NDArray[np.float64],
    *,
    white: bool,
) -> Floats:
    """The page on the plate, with the little shadow that a sheet throws."""
    height, width = plate.shape[:2]
    h, w = page.shape[:2]
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), corners.astype(np.float32))
    scale = math.sqrt(cv2.contourArea(corners.astype(np.float32)) / (w * h))
    # as a sensor does: a pixel is the mean of what it sees
    soft_page = cv2.GaussianBlur(page, (0, 0), 0.45 / scale) if scale < 0.9 else page
    seen = cv2.warpPerspective(
        soft_page, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    whole = np.full((h, w), 255, np.uint8)
    mask = cv2.warpPerspective(whole, matrix, (width, height), flags=cv2.INTER_LINEAR)
    alpha = (mask.astype(np.float32) / 255.0)[..., None]
    spread = float(rng.uniform(0.004, 0.01)) * width
    small = cv2.resize(mask, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    shade = cv2.resize(cv2.GaussianBlur(small, (0, 0), spread / 4), (width, height))
    deep = float(rng.uniform(0.02, 0.06)) if white else float(rng.uniform(0.05, 0.16))
    ground = plate * (1 - deep * (shade.astype(np.float32) / 255.0)[..., None])
    return np.asarray(ground * (1 - alpha) + seen.astype(np.float32) * alpha, np.float32)


def _finger(rng: np.random.Generator, picture: Floats, corners: NDArray[np.float64]) -> Floats:
    """Somebody holds the page by one side."""
    height, width = picture.shape[:2]
    side = int(rng.integers(4))
    place = corners[side] + float(rng.uniform(0.2, 0.8)) * (corners[(side + 1) % 4] - corners[side])
    away = place - corners.mean(axis=0)
    away = away / np.linalg.norm(away)
    thick = int(0.035 * width)
    mask = np.zeros((height, width), np.uint8)
    tip = place - away * float(rng.uniform(0.5, 1.2)) * thick
    far = place + away * width
    ends = [tuple(int(v) for v in point) for point in (tip, far)]
    cv2.line(mask, ends[0], ends[1], 255, thick, cv2.LINE_AA)
    alpha = (cv2.GaussianBlur(mask, (0, 0), 1.5).astype(np.float32) / 255)[..., None]
    skin = np.array([rng.uniform(110, 150), rng.uniform(140, 175), rng.uniform(190, 225)])
    return np.asarray(picture * (1 - alpha) + skin.astype(np.float32) * alpha, np.float32)


def light_of(rng: np.random.Generator, width: int, height: int, change: float) -> Floats:
    """The light of an hour: a colour, and a slope across the plate."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    angle = rng.uniform(0, 2 * math.pi)
    slope = 1 + change * (x * math.cos(angle) + y * math.sin(angle)) / 2
    tint = rng.uniform(1 - change / 3, 1.0, 3).astype(np.float32)
    return np.asarray(slope[..., None] * tint * (1 - change / 2), np.float32)


def _shadow(rng: np.random.Generator, width: int, height: int) -> Floats:
    """Somebody's head and arm between the lamp and the plate."""
    mask = np.zeros((height // 4, width // 4), np.uint8)
    points = rng.uniform(0, 1, (int(rng.integers(3, 6)), 2)) * (width // 4, height // 4)
    hull = cv2.convexHull(points.astype(np.float32)).round().astype(np.int32)
    cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(1.0, 8.0)))
    large = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    return 1 - float(rng.uniform(0.25, 0.5)) * large.astype(np.float32) / 255


def sensed(rng: np.random.Generator, picture: Floats, noise: float) -> Image:
    """What the sensor and its JPEG make of it."""
    height, width = picture.shape[:2]
    soft = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 0.9)))
    # noise of one tile, turned about: a new value for each of 24 million would take a second
    tile = rng.normal(0, noise, (512, 512, 3)).astype(np.float32)
    down, along = -(-height // 512), -(-width // 512)
    grain = np.tile(tile, (down, along, 1))[:height, :width]
    grey = np.clip(soft + grain, 0, 255).astype(np.uint8)
    done, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(80, 95))])
    assert done
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write made-up frames of papers.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    truth = []
    for number, one in enumerate(many(given.seed, given.count)):
        name, plate = f"{number:05}.jpg", f"{number:05}.plate.jpg"
        cv2.imwrite(str(given.out / name), one.picture, [cv2.IMWRITE_JPEG_QUALITY, 97])
        cv2.imwrite(str(given.out / plate), one.plate, [cv2.IMWRITE_JPEG_QUALITY, 90])
        quad = None if one.corners is None else one.corners.round(3).tolist()
        truth.append({"file": name, "plate": plate, "quad": quad, "cat": one.kind})
    (given.out / "truth.json").write_text(json.dumps(truth), encoding="utf-8")


if __name__ == "__main__":
    main()

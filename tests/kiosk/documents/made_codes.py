"""Codes as people hold them up, spoiled in ways that are known: the same for the same seed.

A code is drawn, laid on something, seen from somewhere and photographed badly. Its text is the
truth. Kinds are dealt out in turn, so that any run of pictures holds all of them alike:

    python tests/kiosk/documents/made_codes.py --count 1000 --seed 1 --out FOLDER

writes pictures with their texts beside them, as `kiosk bench codes --corpus FOLDER` reads them.
"""

from __future__ import annotations

import argparse
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import segno
import zxingcpp
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

KINDS = (
    "clean",
    "out of focus",
    "moved",
    "slanted",
    "glare",
    "low contrast",
    "small",
    "shadow",
    "everything a little",
)
FORMATS = (  # as often as they are held up to a terminal
    *("QR_CODE",) * 6,
    "CODE_128",
    "CODE_39",
    "EAN_13",
    "PDF_417",
    "DATA_MATRIX",
)
LABEL_GAP_PX = 12  # between two codes in a picture, their quiet zones come on top
SURNAMES = "赵钱孙李周吴郑王冯陈"
PLACES = ("清水镇便民服务中心", "高龄津贴申请", "北河县政务服务大厅", "居住证办理")


@dataclass(frozen=True)
class MadeCode:
    """A picture with one code in it, spoiled in a known way."""

    picture: Image
    text: str
    format: str
    kind: str
    corners: NDArray[np.float64]  # of the symbol with its quiet zone, 4 x 2, in pixels


def make(seed: int, number: int) -> MadeCode:
    """Picture `number` of the set `seed`."""
    rng = np.random.default_rng((seed, number))
    kind = KINDS[number % len(KINDS)]
    name = FORMATS[int(rng.integers(len(FORMATS)))]
    text, symbol = _symbol(rng, name)
    picture, corners = _photograph(rng, symbol, kind, name)
    return MadeCode(picture, text, name, kind, corners)


@dataclass(frozen=True)
class MadeTwo:
    """A picture with two codes in it: one that is easily read, one spoiled in a known way."""

    picture: Image
    clear: str
    spoiled: str
    format: str  # of the spoiled one
    kind: str
    corners: NDArray[np.float64]  # of the spoiled one with its quiet zone, 4 x 2, in pixels


def make_two(seed: int, number: int) -> MadeTwo:
    """Picture `number` of the set `seed`, and a clear code on a label beside its own."""
    one = make(seed, number)
    rng = np.random.default_rng((seed, number, 11))
    text, symbol = _symbol(rng, FORMATS[int(rng.integers(len(FORMATS)))])
    module = min(float(rng.uniform(3.0, 5.0)), 640 / max(symbol.shape))
    module = max(2.0, module)
    size = (round(symbol.shape[1] * module), round(symbol.shape[0] * module))
    label = cv2.resize(symbol, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    label = float(rng.uniform(15, 50)) + label / 255 * float(rng.uniform(150, 190))
    label = cv2.GaussianBlur(label, (0, 0), 0.6) + rng.normal(0, 1.5, label.shape)
    picture, (x, y) = _room(rng, one, size)
    picture[y : y + size[1], x : x + size[0]] = np.clip(label, 0, 255)[..., None]
    return MadeTwo(picture, text, one.text, one.format, one.kind, one.corners)


def _room(
    rng: np.random.Generator, one: MadeCode, size: tuple[int, int]
) -> tuple[Image, tuple[int, int]]:
    """A picture with a place of `size` clear of its code, beside it where there is none."""
    height, width = one.picture.shape[:2]
    low, high = one.corners.min(axis=0) - LABEL_GAP_PX, one.corners.max(axis=0) + LABEL_GAP_PX
    for _ in range(60):
        if size[0] > width or size[1] > height:
            break
        x, y = int(rng.integers(width - size[0] + 1)), int(rng.integers(height - size[1] + 1))
        beside = x + size[0] < low[0] or x > high[0] or y + size[1] < low[1] or y > high[1]
        if beside:
            return one.picture.copy(), (x, y)
    right, below = size[0] + LABEL_GAP_PX, max(0, size[1] - height)
    larger = cv2.copyMakeBorder(one.picture, 0, below, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(larger, np.uint8), (width + LABEL_GAP_PX, 0)


def many(seed: int, count: int) -> Iterator[MadeCode]:
    """The first `count` pictures of the set `seed`."""
    for number in range(count):
        yield make(seed, number)


def _letters(rng: np.random.Generator, alphabet: str, count: int) -> str:
    return "".join(alphabet[i] for i in rng.integers(0, len(alphabet), count))


def _symbol(rng: np.random.Generator, name: str) -> tuple[str, Image]:
    """A text and its code: one pixel a module, black 0 on white 255, with its quiet zone."""
    capitals = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    match name:
        case "QR_CODE":
            way = int(rng.integers(5))
            if way == 0:  # our own receipts
                text = f"ZW1.QS01{_letters(rng, '0123456789', 12)}.{_letters(rng, capitals, 34)}"
            elif way == 1:
                text = f"https://zw.example.gov.cn/r/{_letters(rng, capitals.lower(), 12)}"
            elif way == 2:
                text = _letters(rng, "0123456789", int(rng.integers(8, 20)))
            elif way == 3:
                text = f"{PLACES[rng.integers(len(PLACES))]} {_letters(rng, SURNAMES, 2)}"
                text += _letters(rng, "0123456789", 8)
            else:  # electronic licences carry more
                text = _letters(rng, capitals + "./+", int(rng.integers(80, 200)))
            out = io.BytesIO()
            error = ("l", "m", "q", "h")[rng.integers(4)]
            made = segno.make(text, error=error, micro=False)
            made.save(out, kind="png", scale=1, border=4)
            drawn = cv2.imdecode(np.frombuffer(out.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)
            return text, np.asarray(drawn, np.uint8)
        case "CODE_128":
            text = f"QS{_letters(rng, '0123456789', int(rng.integers(8, 16)))}"
        case "CODE_39":
            text = _letters(rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", int(rng.integers(6, 11)))
        case "EAN_13":
            digits = _letters(rng, "0123456789", 12)
            odd = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits))
            text = digits + str(-odd % 10)
        case "PDF_417":
            text = _letters(rng, capitals, int(rng.integers(10, 60)))
        case "DATA_MATRIX":
            text = _letters(rng, capitals, int(rng.integers(6, 40)))
        case _:
            raise AssertionError(name)
    formats = {
        "CODE_128": zxingcpp.BarcodeFormat.Code128,
        "CODE_39": zxingcpp.BarcodeFormat.Code39,
        "EAN_13": zxingcpp.BarcodeFormat.EAN13,
        "PDF_417": zxingcpp.BarcodeFormat.PDF417,
        "DATA_MATRIX": zxingcpp.BarcodeFormat.DataMatrix,
    }
    made = zxingcpp.create_barcode(text, formats[name])
    drawn = np.array(made.to_image(scale=1, add_quiet_zones=False), np.uint8)
    if name in ("CODE_128", "CODE_39", "EAN_13"):
        high = int(drawn.shape[1] * rng.uniform(0.18, 0.45))
        drawn = np.repeat(drawn[drawn.shape[0] // 2][None], high, axis=0)
        border = (4, 11)
    elif name == "PDF_417":
        border = (3, 4)
    else:
        border = (3, 3)
    up, side = border
    return text, cv2.copyMakeBorder(drawn, up, up, side, side, cv2.BORDER_CONSTANT, value=255)


def _photograph(
    rng: np.random.Generator, symbol: Image, kind: str, name: str
) -> tuple[Image, NDArray[np.float64]]:
    """The code on something, seen by a poor camera."""
    width, height = ((1280, 720), (1280, 960), (1920, 1080))[rng.integers(3)]
    modules_high, modules_wide = symbol.shape
    largest = 0.8 * min(height / modules_high, width / modules_wide)
    bars = name in ("CODE_128", "CODE_39", "EAN_13", "PDF_417")
    least = 2.0 if not bars else 1.7
    module = min(largest, float(rng.uniform(3.0, 7.0)))
    if kind == "small":
        module = min(largest, float(rng.uniform(1.15, 2.2)))
    module = max(module, 1.0 if kind == "small" else min(least, largest))
    slant = rng.uniform(0.0, 0.35)
    if kind == "slanted":
        slant = rng.uniform(0.75, 1.2)
    elif kind == "everything a little":
        slant = rng.uniform(0.3, 0.7)
    corners = _seen(rng, symbol.shape, module, slant, (width, height))

    # ink on paper, or light of a telephone's screen
    paper, ink = float(rng.uniform(190, 245)), float(rng.uniform(15, 60))
    if kind == "low contrast":
        paper = float(rng.uniform(60, 220))
        ink = paper - float(rng.uniform(14, 40))
    flat = ink + symbol.astype(np.float32) / 255.0 * (paper - ink)
    scale = 8 if max(symbol.shape) < 240 else 4
    flat = np.asarray(cv2.resize(flat, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST))
    source = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    source = source * (flat.shape[1], flat.shape[0]) - 0.5
    # photographed at three times the size, then averaged as a sensor does
    over = 3
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 3, 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 4, (width, height))
    inside = (corners - low + 0.5) * over - 0.5
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), inside.astype(np.float32))
    part = (int(high[0] - low[0]), int(high[1] - low[1]))
    size = (part[0] * over, part[1] * over)
    smooth = cv2.GaussianBlur(flat, (0, 0), max(0.3, 0.35 * scale / (module * over)))
    large = cv2.warpPerspective(smooth, matrix, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones_like(flat), matrix, size, flags=cv2.INTER_LINEAR)
    code = cv2.resize(large, part, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(mask, part, interpolation=cv2.INTER_AREA)
    picture = surroundings(rng, width, height, paper)
    under = picture[low[1] : high[1], low[0] : high[0]]
    under *= 1 - alpha
    under += code
    x0, y0 = corners.min(axis=0)
    x1, y1 = corners.max(axis=0)
    middle, span = np.array([(x0 + x1) / 2, (y0 + y1) / 2]), float(max(x1 - x0, y1 - y0))

    noise, blur = float(rng.uniform(1.0, 3.5)), 0.5
    match kind:
        case "out of focus":
            picture = _disc(picture, module * float(rng.uniform(0.6, 1.5)))
        case "moved":
            length = module * float(rng.uniform(1.0, 2.6))
            picture = _motion(picture, length, float(rng.uniform(0, math.pi)))
        case "glare":
            picture = _glare(rng, picture, middle, span)
        case "low contrast":
            noise = float(rng.uniform(1.0, 3.0))
        case "shadow":
            picture = _shadow(rng, picture, middle, span)
        case "everything a little":
            picture = _disc(picture, module * float(rng.uniform(0.3, 0.9)))
            picture = _motion(picture, module * 0.7, float(rng.uniform(0, math.pi)))
            picture = _shadow(rng, picture, middle, span)
            noise = float(rng.uniform(2.0, 5.0))
        case _:
            pass
    picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture = picture + rng.normal(0, noise, picture.shape).astype(np.float32)
    grey = np.clip(picture, 0, 255).astype(np.uint8)
    tint = rng.uniform(0.92, 1.0, 3)
    colour = np.clip(grey[..., None] * tint, 0, 255).astype(np.uint8)
    quality = int(rng.integers(70, 96))
    done, data = cv2.imencode(".jpg", colour, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8), corners


def _seen(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    module: float,
    slant: float,
    frame: tuple[int, int],
) -> NDArray[np.float64]:
    """Where the four corners of the symbol are in the frame. `slant` in radians off the axis."""
    h, w = shape
    width, height = frame
    box = np.array([[-w / 2, -h / 2], [w / 2, -h / 2], [w / 2, h / 2], [-w / 2, h / 2]])
    turn, towards = rng.uniform(0, 2 * math.pi), rng.uniform(0, 2 * math.pi)
    if rng.random() < 0.5:  # most people hold it nearly straight
        turn = rng.normal(0, 0.12)
    spin = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    flat = box @ spin.T * module
    axis = np.array([math.cos(towards), math.sin(towards)])
    across = np.array([-axis[1], axis[0]])
    distance = 1.6 * max(width, height) * 0.5
    near, far = flat @ axis, flat @ across
    depth = distance + near * math.sin(slant)
    seen = (near * math.cos(slant) * distance / depth)[:, None] * axis
    seen = seen + (far * distance / depth)[:, None] * across
    room = np.array([width, height])
    shrink = min(1.0, *((room - 24) / np.ptp(seen, axis=0)))
    seen = seen * shrink
    low = seen.min(axis=0)
    at = 10 + rng.uniform(0, 1, 2) * np.maximum(room - np.ptp(seen, axis=0) - 20, 0)
    return np.asarray(seen - low + at, np.float64)


def surroundings(rng: np.random.Generator, width: int, height: int, paper: float) -> Floats:
    """A page with print, a desk, or something with a grain."""
    way = int(rng.integers(3))
    picture = np.full((height, width), paper if way == 0 else rng.uniform(30, 200), np.float32)
    coarse = rng.standard_normal((height // 90 + 3, width // 90 + 3)).astype(np.float32)
    picture += (
        np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), -2, 2) * 6
    )
    if way == 0:
        print_ = np.zeros((height, width), np.uint8)
        y = 30
        while y < height:
            words = _letters(
                rng, "abcdefghijklmnopqrstuvwxyz  0123456789", int(rng.integers(20, 80))
            )
            cv2.putText(print_, words, (20, y), 0, 0.7, 255, 2, cv2.LINE_AA)
            y += int(rng.integers(28, 44))
        picture *= 1 - 0.7 * print_.astype(np.float32) / 255
    elif way == 1:
        wave = np.sin(np.linspace(0, rng.uniform(40, 200), width)).astype(np.float32)
        picture += wave[None, :] * float(rng.uniform(3, 12))
    else:
        for _ in range(12):
            x, y = int(rng.integers(width)), int(rng.integers(height))
            box = (x, y, int(rng.integers(30, 300)), int(rng.integers(30, 200)))
            cv2.rectangle(picture, box, float(rng.uniform(20, 240)), -1)
    return picture


@dataclass(frozen=True)
class HeldUp:
    """A code that moves into the camera's view and is held there."""

    frames: list[Image]
    text: str
    format: str
    whole_from: int  # the first frame in which all of it can be seen


def held_up(seed: int, number: int, frames_per_s: float) -> HeldUp:
    """A second of a telephone or a receipt brought before the camera, 1080p."""
    rng = np.random.default_rng((seed, number, 3))
    name = FORMATS[number % len(FORMATS)]
    text, symbol = _symbol(rng, name)
    module = min(6.0, 620 / max(symbol.shape))
    size = (round(symbol.shape[1] * module), round(symbol.shape[0] * module))
    flat = cv2.resize(symbol, size, interpolation=cv2.INTER_NEAREST).astype(np.float32)
    flat = 30 + flat / 255 * 190
    back = surroundings(rng, 1920, 1080, 220.0)
    angle, still = float(rng.normal(0, 8)), rng.uniform(-120, 120, 2)
    arrives = 0.2 * frames_per_s
    frames, whole = [], -1
    for k in range(int(1.2 * frames_per_s)):
        away = max(0.0, 1 - k / arrives)
        centre = np.array([960.0, 540.0]) + still + np.array([1400.0, 500.0]) * away
        centre = centre + rng.normal(0, 1.5, 2)  # a hand is never still
        matrix = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), angle, 1.0)
        matrix[:, 2] += centre - np.array(size) / 2
        seen = cv2.warpAffine(flat, matrix, (1920, 1080), borderValue=-1)
        mask = cv2.warpAffine(np.ones_like(flat), matrix, (1920, 1080))
        picture = back * (1 - mask) + np.maximum(seen, 0) * mask
        speed = 1400 / arrives if away > 0 else float(rng.uniform(0, 2))
        if speed > 1.5:  # open for a third of the time between frames
            picture = _motion(picture, min(speed / 3, 40.0), 0.34)
        picture = cv2.GaussianBlur(picture, (0, 0), 0.8)
        picture = picture + rng.normal(0, 2.0, (1080, 1920)).astype(np.float32)
        grey = np.clip(picture, 0, 255).astype(np.uint8)
        frames.append(np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8))
        corners = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]])
        corners = corners @ matrix[:, :2].T + matrix[:, 2]
        if whole < 0 and (corners >= 0).all() and (corners <= (1919, 1079)).all():
            whole = k
    return HeldUp(frames, text, name, max(whole, 0))


def _disc(picture: Floats, radius: float) -> Floats:
    """Out of focus: every point becomes a disc of `radius` pixels."""
    reach = math.ceil(radius) + 1
    fine = 8
    y, x = np.mgrid[-reach * fine : reach * fine + 1, -reach * fine : reach * fine + 1]
    disc = (np.hypot(x, y) <= radius * fine).astype(np.float32)
    side = 2 * reach + 1
    kernel = cv2.resize(disc, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def _motion(picture: Floats, length: float, angle: float) -> Floats:
    """Moved while it was taken: every point becomes a line of `length` pixels."""
    side = math.ceil(length) + 3 | 1
    fine = 8
    large = np.zeros((side * fine, side * fine), np.uint8)
    middle = side * fine / 2
    reach = length * fine / 2
    ends = [
        (round(middle + s * reach * math.cos(angle)), round(middle + s * reach * math.sin(angle)))
        for s in (-1, 1)
    ]
    cv2.line(large, ends[0], ends[1], 255, fine // 2)
    kernel = cv2.resize(large.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def _glare(
    rng: np.random.Generator, picture: Floats, middle: NDArray[np.float64], span: float
) -> Floats:
    """A lamp mirrored in plastic: a patch of white, and a veil around it."""
    height, width = picture.shape
    x, y = middle + rng.uniform(-0.35, 0.35, 2) * span
    across, down = rng.uniform(0.1, 0.22, 2) * span
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, math.pi)
    u = (xx - x) * math.cos(angle) + (yy - y) * math.sin(angle)
    v = -(xx - x) * math.sin(angle) + (yy - y) * math.cos(angle)
    away = (u / across) ** 2 + (v / down) ** 2
    veil = 150 * np.exp(-away / 6) + 400 * np.exp(-(away**2))
    return np.asarray(picture + veil * float(rng.uniform(0.6, 1.0)), np.float32)


def _shadow(
    rng: np.random.Generator, picture: Floats, middle: NDArray[np.float64], span: float
) -> Floats:
    """A hand's shadow: a part of the code two to five times darker."""
    height, width = picture.shape
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    edge = (xx - middle[0]) * math.cos(angle) + (yy - middle[1]) * math.sin(angle)
    edge += 0.1 * span * np.sin(edge / (0.3 * span) + yy / (0.4 * span))
    soft = 1 / (1 + np.exp(-np.clip(edge / float(rng.uniform(2, 0.1 * span + 3)), -30, 30)))
    dark = float(rng.uniform(0.2, 0.5))
    return np.asarray(picture * (dark + (1 - dark) * soft), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write made-up pictures of codes.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    for number, one in enumerate(many(given.seed, given.count)):
        folder = given.out / one.kind.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{number:05}.png"), one.picture)
        (folder / f"{number:05}.txt").write_bytes(one.text.encode())


if __name__ == "__main__":
    main()

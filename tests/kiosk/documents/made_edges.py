"""Papers that stick out of the frame, lie close to its edge or fill it, and white on white.

The same for the same seed; kinds are dealt out in turn, and papers among them:

    python tests/kiosk/documents/made_edges.py --count 200 --seed 1 --out FOLDER

`corners` are the page's true ones, which lie outside of the frame where it sticks out: two
quadrilaterals are compared by what of them is in the frame (`overlap`).
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cv2
import made_pages
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

Image = NDArray[np.uint8]
Corners = NDArray[np.float64]

WIDTH, HEIGHT = made_pages.FULL_HD
KINDS = (
    "one side out",
    "white on white",
    "one corner out",
    "near the edge",
    "one side out",
    "two sides out",
    "white on white",
    "wholly page",
)
PAPERS = ("text", "small print", "table", "form", "card", "receipt", "photo")
GROUNDS = ("dark mat", "green mat", "wood", "grey", "stone", "cloth")
SIGNS = "根据国家有关规定申请人应当如实填写本表所列各项内容并对提交材料的真实性负责经审核符合条件由主管部门予以受理一二三四五六七八九十年月日"
NEAR_PX = (2.0, 10.0)  # from the frame's edge to the nearest corner of a page that is whole
OUT_SHARE = (0.03, 0.3)  # of the page's width or height


@dataclass(frozen=True)
class MadeEdge:
    """A frame, its plate without paper at another hour, and where the page lies."""

    picture: Image
    plate: Image
    corners: Corners
    """4 x 2: TL, TR, BR, BL as the page lies, whole numbers at pixel centres."""
    kind: str
    paper: str

    @property
    def cut_off(self) -> bool:
        """Whether some of the page lies outside of the frame."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        return bool((low < -0.5).any() or high[0] > WIDTH - 0.5 or high[1] > HEIGHT - 0.5)


def make(seed: int, number: int) -> MadeEdge:
    """Frame `number` of the set `seed`."""
    rng = np.random.default_rng((seed, number, 57))
    kind = KINDS[number % len(KINDS)]
    papers = PAPERS
    if kind == "wholly page":  # a card or a photograph that fills the frame is a picture of that
        papers = ("text", "small print", "table", "form")
    paper = papers[int(rng.integers(len(papers)))]
    white = kind == "white on white"
    level = float(rng.uniform(228, 246)) if white else float(rng.uniform(236, 250))
    page = _DRAWN[paper](rng, level)
    ground = "white" if white else GROUNDS[int(rng.integers(len(GROUNDS)))]
    if ground == "grey":
        plate = np.full((HEIGHT, WIDTH, 3), rng.uniform(100, 165), np.float32)
        plate += made_pages.clouds(rng, HEIGHT, WIDTH, 220)[..., None] * 5
    else:
        plate = made_pages.plate_of(rng, ground, WIDTH, HEIGHT)
    corners = _lie(rng, page.shape[1] / page.shape[0], kind, paper)
    picture = made_pages.laid(rng, plate, page, corners, white=white)
    then = made_pages.light_of(rng, WIDTH, HEIGHT, 0.12)
    now = made_pages.light_of(rng, WIDTH, HEIGHT, 0.12)
    noise = float(rng.uniform(1.0, 3.0))
    return MadeEdge(
        made_pages.sensed(rng, picture * now * float(rng.uniform(0.85, 1)), noise),
        made_pages.sensed(rng, plate * then, 2.0),
        corners,
        kind,
        paper,
    )


def in_frame(corners: NDArray[np.floating]) -> NDArray[np.float32]:
    """What of a quadrilateral lies in the frame: a polygon of up to eight corners."""
    frame = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32) - 0.5
    _, shared = cv2.intersectConvexConvex(corners.astype(np.float32), frame.astype(np.float32))
    return np.asarray(shared, np.float32).reshape(-1, 2)


def overlap(found: NDArray[np.floating], corners: Corners) -> float:
    """Intersection over union of what of them lies in the frame."""
    one, other = in_frame(found), in_frame(corners)
    shared, _ = cv2.intersectConvexConvex(one, other)
    return float(shared / (cv2.contourArea(one) + cv2.contourArea(other) - shared))


def _lie(rng: np.random.Generator, share: float, kind: str, paper: str) -> Corners:
    """Where the corners are: turned a little, seen almost from above."""
    turn = math.radians(float(rng.choice([0.0, rng.normal(0, 1.5), rng.normal(0, 6)])))
    cover = float(rng.uniform(0.6, 0.9)) if paper != "card" else float(rng.uniform(0.3, 0.5))
    if kind == "wholly page":
        cover = 1.0
    high = HEIGHT * cover
    wide = high * share
    if wide > WIDTH * cover:
        wide, high = WIDTH * cover, WIDTH * cover / share
    box = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2
    spin = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    seen = box @ spin.T + rng.uniform(-0.006, 0.006, (4, 2)) * HEIGHT
    size = np.ptp(seen, axis=0)
    frame = np.array([WIDTH, HEIGHT], np.float64)
    room = np.maximum(frame - size, 24.0)  # whole and anywhere
    low = 12 + (room - 24) * rng.uniform(0, 1, 2)
    axis, far = int(rng.integers(2)), bool(rng.integers(2))
    match kind:
        case "one side out" | "two sides out" | "one corner out":
            out = rng.uniform(*OUT_SHARE, 2) * size
            if kind == "one corner out":  # turned, so that one corner leads
                out = rng.uniform(0.02, 0.06, 2) * size
            for one in (axis, 1 - axis) if kind == "two sides out" else (axis,):
                low[one] = frame[one] - size[one] + out[one] if far else -out[one]
            if kind == "one corner out":
                turn = math.radians(float(rng.choice([-1, 1]) * rng.uniform(9, 30)))
                spin = np.array(
                    [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
                )
                turned = box @ spin.T
                size = np.ptp(turned, axis=0)
                seen = turned
                shrink = min(1.0, 0.92 * frame[1 - axis] / size[1 - axis])
                seen, size = seen * shrink, size * shrink
                low[1 - axis] = 12 + max(0.0, frame[1 - axis] - size[1 - axis] - 24) * rng.random()
                part = float(rng.uniform(0.03, 0.15)) * size[axis]
                low[axis] = frame[axis] - size[axis] + part if far else -part
        case "near the edge":
            gap = float(rng.uniform(*NEAR_PX)) - 0.5
            low[axis] = frame[axis] - 1 - size[axis] - gap if far else gap
        case "wholly page":  # larger than the frame in both directions
            grow = float(rng.uniform(1.02, 1.15)) * float((frame / size).max())
            seen, size = seen * grow, size * grow
            low = -(size - frame) * rng.uniform(0.35, 0.65, 2)
    return np.asarray(seen - seen.min(axis=0) + low, np.float64)


# -- the papers ----------------------------------------------------------------------------


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    path, index = subprocess.run(
        ["fc-match", "-f", "%{file}\t%{index}", "Noto Sans CJK SC"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\t")
    return ImageFont.truetype(path, size, index=int(index))


def _words(rng: np.random.Generator, count: int) -> str:
    return "".join(SIGNS[k] for k in rng.integers(0, len(SIGNS), count))


def _sheet(size: tuple[int, int], level: float) -> tuple[PillowImage.Image, ImageDraw.ImageDraw]:
    tone = tuple(round(level + shift) for shift in (0, -1, -3))
    sheet = PillowImage.new("RGB", size, tone)
    return sheet, ImageDraw.Draw(sheet)


def _done(sheet: PillowImage.Image) -> Image:
    return np.ascontiguousarray(np.asarray(sheet, np.uint8)[..., ::-1])


def _a4(rng: np.random.Generator) -> tuple[int, int]:
    return (1240, 1754) if rng.random() < 0.6 else (1754, 1240)


def _printed(rng: np.random.Generator, level: float, sign: int, apart: float) -> Image:
    """A sheet of paragraphs under a title. `sign`: height of a character in pixels."""
    width, height = _a4(rng)
    sheet, pen = _sheet((width, height), level)
    ink = (30, 30, 32)
    pen.text((width * 0.32, height * 0.05), "高龄津贴申请表", fill=ink, font=_font(width // 18))
    y, across = height * 0.13, int(width * 0.84 / sign)
    while y < height * 0.93:
        count = int(rng.integers(6, across)) if rng.random() < 0.25 else across
        pen.text((width * 0.08, y), _words(rng, count), fill=ink, font=_font(sign))
        y += sign * (apart + (0.8 if rng.random() < 0.12 else 0.0))
    return _done(sheet)


def _text(rng: np.random.Generator, level: float) -> Image:
    return _printed(rng, level, int(rng.integers(30, 42)), float(rng.uniform(1.5, 1.9)))


def _small_print(rng: np.random.Generator, level: float) -> Image:
    return _printed(rng, level, int(rng.integers(20, 26)), float(rng.uniform(1.35, 1.6)))


def _table(rng: np.random.Generator, level: float) -> Image:
    """Rules from margin to margin, some cells shaded."""
    width, height = _a4(rng)
    sheet, pen = _sheet((width, height), level)
    left, right, top, low = width * 0.07, width * 0.93, height * 0.14, height * 0.93
    pen.text((width * 0.3, height * 0.05), "人员情况登记表", fill=(30, 30, 30), font=_font(60))
    rows, columns = int(rng.integers(10, 24)), int(rng.integers(3, 7))
    shaded = rng.random() < 0.5
    for row in range(rows + 1):
        y = top + (low - top) * row / rows
        if row == 0 and shaded:
            box = (left, y, right, top + (low - top) / rows)
            pen.rectangle(box, fill=tuple([round(level * 0.85)] * 3))
        pen.line((left, y, right, y), fill=(40, 40, 40), width=3)
    for column in range(columns + 1):
        x = left + (right - left) * column / columns
        pen.line((x, top, x, low), fill=(40, 40, 40), width=3)
        for row in range(rows if column < columns else 0):
            if rng.random() < 0.75:
                y = top + (low - top) * (row + 0.25) / rows
                pen.text((x + 12, y), _words(rng, 4), fill=(35, 35, 40), font=_font(26))
    return _done(sheet)


def _form(rng: np.random.Generator, level: float) -> Image:
    """A heavy frame within the margin, lines to write on."""
    width, height = _a4(rng)
    sheet, pen = _sheet((width, height), level)
    edge = width * float(rng.uniform(0.04, 0.09))
    ink = (40, 40, 150) if rng.random() < 0.3 else (30, 30, 30)
    pen.rectangle((edge, edge, width - edge, height - edge), outline=ink, width=5)
    pen.text((width * 0.3, edge + 50), "业务办理委托书", fill=ink, font=_font(64))
    y = edge + 180
    while y < height - edge - 90:
        pen.text((edge + 60, y), _words(rng, 5) + "：", fill=ink, font=_font(34))
        pen.line((edge + 320, y + 46, width - edge - 80, y + 46), fill=ink, width=3)
        y += 84
    return _done(sheet)


def _card(rng: np.random.Generator, level: float) -> Image:
    sheet, pen = _sheet((1011, 638), level - 14)
    ink = (40, 40, 44)
    for row, words in enumerate(("姓名  王某某", "性别  女  民族  汉", "出生  1950 年 1 月 1 日")):
        pen.text((60, 60 + 92 * row), words, fill=ink, font=_font(40))
    pen.text((60, 350), "住址  " + _words(rng, 11), fill=ink, font=_font(38))
    pen.text((60, 545), "公民身份号码", fill=ink, font=_font(38))
    face = rng.integers(60, 210, (12, 9, 3)).astype(np.uint8)
    sheet.paste(PillowImage.fromarray(cv2.resize(face, (260, 330))), (690, 80))
    return _done(sheet)


def _receipt(rng: np.random.Generator, level: float) -> Image:
    height = int(rng.integers(1100, 1600))
    sheet, pen = _sheet((620, height), level)
    y = 60
    pen.text((200, y), "缴费凭证", fill=(50, 50, 52), font=_font(52))
    while y < height - 160:
        y += 54
        pen.text((40, y), _words(rng, int(rng.integers(4, 14))), fill=(50, 50, 52), font=_font(32))
        pen.text((480, y), f"{rng.uniform(1, 900):.2f}", fill=(50, 50, 52), font=_font(32))
    return _done(sheet)


def _photo(rng: np.random.Generator, level: float) -> Image:
    """A picture with a white border."""
    width, height = (1500, 1000) if rng.random() < 0.5 else (1000, 1500)
    sheet, _ = _sheet((width, height), level)
    inner = (width - 120, height - 120)
    coarse = rng.integers(20, 235, (7, 9, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, inner, interpolation=cv2.INTER_CUBIC)
    sheet.paste(PillowImage.fromarray(smooth), (60, 60))
    return _done(sheet)


_DRAWN = {
    "text": _text,
    "small print": _small_print,
    "table": _table,
    "form": _form,
    "card": _card,
    "receipt": _receipt,
    "photo": _photo,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write made-up frames of papers at the edge.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    truth = []
    for number in range(given.count):
        one = make(given.seed, number)
        name, plate = f"{number:05}.jpg", f"{number:05}.plate.jpg"
        cv2.imwrite(str(given.out / name), one.picture, [cv2.IMWRITE_JPEG_QUALITY, 97])
        cv2.imwrite(str(given.out / plate), one.plate, [cv2.IMWRITE_JPEG_QUALITY, 90])
        truth.append(
            {
                "file": name,
                "plate": plate,
                "quad": one.corners.round(3).tolist(),
                "cat": one.kind,
                "paper": one.paper,
                "cut_off": one.cut_off,
            }
        )
    (given.out / "truth.json").write_text(json.dumps(truth), encoding="utf-8")


if __name__ == "__main__":
    main()

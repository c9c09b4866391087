"""Papers that lie on the plate: a page of a household register drawn for a made-up person, a QR.

Pictures are drawn at 300 dpi of their real size; the camera's emulator brings them to its own.
"""

from __future__ import annotations

import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import segno
from PIL import Image, ImageDraw, ImageFont, ImageOps

DPI = 300
REGISTER_MM = (143.0, 105.0)  # a page of the booklet, lying
SONG, HEI, KAI = "Noto Serif CJK SC", "Noto Sans CJK SC", "Noto Serif CJK SC"
INK, PRINTED, STAMP = (40, 40, 48), (70, 60, 58), (196, 44, 40)
PAPER = (247, 243, 232)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture and its real size."""

    picture: Image.Image  # RGB
    width_mm: float
    height_mm: float


def _px(mm: float) -> int:
    return round(mm / 25.4 * DPI)


@functools.cache
def _font(family: str, size: int) -> ImageFont.FreeTypeFont:
    found = subprocess.run(
        ["fc-match", "-f", "%{file}\t%{index}", family], check=True, capture_output=True, text=True
    ).stdout
    path, index = found.split("\t")
    return ImageFont.truetype(path, size, index=int(index))


def household_register(page: dict[str, Any]) -> Sheet:
    """常住人口登记卡 of a made-up person; `page` as `people.Person.page` gives it."""
    width_mm, height_mm = REGISTER_MM
    picture = Image.new("RGB", (_px(width_mm), _px(height_mm)), PAPER)
    draw = ImageDraw.Draw(picture)

    def write(
        x: float, y: float, text: str, mm: float, *, family: str, ink: Any, anchor: str
    ) -> None:
        draw.text((_px(x), _px(y)), text, font=_font(family, _px(mm)), fill=ink, anchor=anchor)

    write(width_mm / 2, 8.5, "常 住 人 口 登 记 卡", 5.2, family=SONG, ink=PRINTED, anchor="mm")
    left, top, right = 7.0, 14.0, width_mm - 7.0
    rows: tuple[tuple[float, tuple[tuple[str, str, float, float], ...]], ...] = (
        (9, (("姓    名", page["name"], 20, 43), ("户主或与\n户主关系", "户主", 20, 46))),
        (9, (("曾 用 名", "", 20, 43), ("性    别", page["sex"], 20, 46))),
        (9, (("出 生 地", page["native_place"], 20, 43), ("民    族", page["nation"], 20, 46))),
        (9, (("籍    贯", page["native_place"], 20, 43), ("出生日期", page["birth"], 20, 46))),
        (9, (("本市(县)其\n他住址", page["address"], 20, 60), ("宗教\n信仰", "", 12, 37))),
        (9, (("公民身份\n证件编号", page["number"], 20, 50), ("身高", "", 12, 14), ("血型", "", 12, 21))),
        (9, (("文化程度", "小学", 20, 23), ("婚姻状况", "有配偶", 18, 23), ("兵役状况", "", 18, 27))),
        (9, (("服务处所", "", 20, 49), ("职业", "粮农", 14, 46))),
    )  # fmt: skip
    y = top
    for height, cells in rows:
        x = left
        for label, value, label_mm, value_mm in cells:
            for width in (label_mm, value_mm):
                draw.rectangle(
                    (_px(x), _px(y), _px(min(x + width, right)), _px(y + height)),
                    outline=PRINTED,
                    width=3,
                )
                x += width
            label_x = x - value_mm - label_mm / 2
            lines = label.split("\n")
            for n, line in enumerate(lines):
                dy = height / 2 + (n - (len(lines) - 1) / 2) * 3.4
                write(label_x, y + dy, line, 2.9, family=SONG, ink=PRINTED, anchor="mm")
            size = 3.8 if len(value) <= 14 else 3.3
            write(x - value_mm + 1.8, y + height / 2, value, size, family=HEI, ink=INK, anchor="lm")
        y += height
    write(left, y + 4.5, "承办人签章：", 3.0, family=SONG, ink=PRINTED, anchor="lm")
    write(
        right - 50, y + 4.5, "登记日期：2013年 5月20日", 3.0, family=SONG, ink=PRINTED, anchor="lm"
    )
    _stamp(picture, _px(left + 34), _px(y + 0.5))
    return Sheet(picture, width_mm, height_mm)


def _stamp(picture: Image.Image, x: int, y: int) -> None:
    """The red oval of a police station that is nowhere."""
    layer = Image.new("RGBA", (_px(34), _px(20)), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    ink = (*STAMP, 190)
    draw.ellipse((6, 6, layer.width - 7, layer.height - 7), outline=ink, width=7)
    for n, line in enumerate(("清水镇派出所", "户口专用")):
        draw.text(
            (layer.width / 2, layer.height * (0.36 + 0.3 * n)),
            line,
            font=_font(HEI, _px(3.4)),
            fill=ink,
            anchor="mm",
        )
    layer = layer.rotate(4, resample=Image.Resampling.BICUBIC, expand=True)
    picture.paste(layer, (x, y - layer.height // 2), layer)


def from_file(path: Path, width_mm: float, height_mm: float) -> Sheet:
    """Any picture as a sheet of the size given; raises OSError."""
    with Image.open(path) as picture:
        return Sheet(picture.convert("RGB"), width_mm, height_mm)


def photograph(path: Path, size: tuple[int, int]) -> Image.Image:
    """A photograph as the camera's whole frame: lying, fitted in, its rim continued to the frame's
    edges. Raises OSError."""
    with Image.open(path) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    if picture.height > picture.width:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    picture = ImageOps.contain(picture, size, Image.Resampling.LANCZOS)
    across, down = size[0] - picture.width, size[1] - picture.height
    rim = ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
    return Image.fromarray(np.pad(np.asarray(picture), rim, mode="edge"))


def code_on_paper(text: str, side_mm: float = 45.0) -> Sheet:
    """A receipt's end with its QR code, as it is held to the camera."""
    code = segno.make(text, error="m", micro=False)
    rows = [list(row) for row in code.matrix]
    quiet = 4
    small = Image.new("L", (len(rows) + 2 * quiet,) * 2, 245)
    for y, row in enumerate(rows):
        for x, dot in enumerate(row):
            if dot:
                small.putpixel((x + quiet, y + quiet), 42)
    side = _px(side_mm)
    picture = small.resize((side, side), Image.Resampling.NEAREST).convert("RGB")
    sheet = Image.new("RGB", (_px(80), _px(70)), (248, 246, 240))
    sheet.paste(picture, ((sheet.width - side) // 2, (sheet.height - side) // 2))
    return Sheet(sheet, 80.0, 70.0)

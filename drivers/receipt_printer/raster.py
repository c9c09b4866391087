"""Draws a row that the printer has no glyphs for, dot for dot as wide as its own text would be.

Loaded on the printer's own thread: python-escpos, which turns pictures into bits, takes half a
second to import.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Final

from escpos.constants import PAPER_FULL_CUT
from escpos.image import EscposImage
from PIL import Image, ImageDraw, ImageFont

from drivers.receipt_printer.protocol import (
    COLUMN_DOTS,
    GAP_DOTS,
    ROW_DOTS,
    Picture,
    Row,
    char_columns,
    raster,
)
from drivers.receipt_printer.values import Logo

CUT: Final = bytes(PAPER_FULL_CUT)
FONT_SEARCH_LIMIT_S: Final = 3.0
_FAMILY: Final = "Noto Sans CJK SC"
_DEBIAN_PATH: Final = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
_DEBIAN_FACE: Final = 2  # JP, KR, SC, TC, HK in one file
_INK: Final = 110  # of 255: thin strokes stay whole at 24 dots


def find_font() -> tuple[Path, int] | None:
    """File and face of the Chinese font: fontconfig's answer, else where Debian puts it."""
    program = shutil.which("fc-match")
    if program is not None:
        try:
            answer = subprocess.run(  # noqa: S603 - fixed arguments
                [program, "-f", "%{family}|%{file}|%{index}", _FAMILY],
                capture_output=True,
                timeout=FONT_SEARCH_LIMIT_S,
                check=False,
                text=True,
            )
        except (OSError, subprocess.TimeoutExpired):
            answer = None
        parts = answer.stdout.split("|") if answer is not None else []
        if len(parts) == 3 and _FAMILY in parts[0] and parts[2].isdigit():
            return Path(parts[1]), int(parts[2]) & 0xFFFF  # above: fontconfig's named instance
    return (_DEBIAN_PATH, _DEBIAN_FACE) if _DEBIAN_PATH.exists() else None


class RowPainter:
    """Draws rows with one font. Without any font a character becomes an empty box, never a refusal."""

    def __init__(self, font: tuple[Path, int] | None) -> None:
        self._fonts: dict[int, ImageFont.FreeTypeFont] = {}
        if font is not None:
            path, face = font
            for size in (ROW_DOTS, 2 * ROW_DOTS):
                try:
                    self._fonts[size] = ImageFont.truetype(str(path), size, index=face)
                except OSError:
                    self._fonts.clear()
                    break

    def __call__(self, row: Row) -> bytes:
        """GS v 0 of the row."""
        image = self.draw(row)
        return raster(image.width, EscposImage(image).to_raster_format())

    def draw(self, row: Row) -> Image.Image:
        """Black on white, as wide as the row's text, a whole number of bytes."""
        scale = 2 if row.large else 1
        height = ROW_DOTS * scale
        width = max(1, sum(char_columns(c) for c in row.text)) * COLUMN_DOTS * scale
        image = Image.new("L", (-(-width // 8) * 8, height + GAP_DOTS), 255)
        pen = ImageDraw.Draw(image)
        font = self._fonts.get(height)
        x = 0
        for cluster in _clusters(row.text):
            cell = char_columns(cluster[0]) * COLUMN_DOTS * scale
            if font is None or any(0xD800 <= ord(c) <= 0xDFFF for c in cluster):
                pen.rectangle((x + 2, 2, x + cell - 3, height - 3), outline=0)
            elif cluster != " ":
                # In the middle of its cell and of the font's own line, so that rows look like text.
                middle = (x + cell // 2, height // 2)
                stroke = 1 if row.bold else 0
                pen.text(middle, cluster, font=font, fill=0, anchor="mm", stroke_width=stroke)
            x += cell
        return image.point([0 if level < 255 - _INK else 255 for level in range(256)]).convert("1")


MAX_LOGO_DOTS: Final = 576  # high and wide: the paper's width, about 7 cm


def draw_logo(logo: Logo, width_dots: int) -> Picture | None:
    """A logo's picture file as dots, never larger than the paper; None for what is no picture."""
    try:
        with Image.open(io.BytesIO(logo.png), formats=["PNG"]) as opened:
            if opened.width * opened.height > 4_000_000:
                return None
            seen = opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    white = Image.new("RGBA", seen.size, "white")
    image = Image.alpha_composite(white, seen).convert("L")
    image.thumbnail((min(width_dots, MAX_LOGO_DOTS), MAX_LOGO_DOTS))
    padded = Image.new("L", (-(-image.width // 8) * 8, image.height), 255)
    padded.paste(image, (0, 0))
    return Picture(padded.width, EscposImage(padded).to_raster_format())


def _clusters(text: str) -> list[str]:
    """Characters with the combining marks that stand on them."""
    clusters: list[str] = []
    for char in text:
        if clusters and char_columns(char) == 0:
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters

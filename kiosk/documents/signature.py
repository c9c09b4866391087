"""Strokes of a finger -> the picture of a signature."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

WIDTH_PX = 1200
HEIGHT_PX = 400  # the signature box is three times as wide as high
PEN_PX = 7  # about a felt pen when printed 60 mm wide
SMOOTH = 4  # drawn this many times larger, then made small: soft edges
INK = 20  # near black; pure black looks printed

Stroke = tuple[tuple[float, float], ...]


def draw_signature(strokes: tuple[Stroke, ...]) -> bytes:
    """PNG, grey, ink on white. Points are 0..1 of the box; what lies outside is cut off."""
    size = (WIDTH_PX * SMOOTH // 2, HEIGHT_PX * SMOOTH // 2)
    paper = Image.new("L", size, 255)
    pen = ImageDraw.Draw(paper)
    thick = PEN_PX * SMOOTH // 2
    for stroke in strokes:
        points = [(x * size[0], y * size[1]) for x, y in stroke]
        if len(points) > 1:
            pen.line(points, fill=INK, width=thick, joint="curve")
        for x, y in (points[0], points[-1]) if points else ():
            pen.ellipse(
                (x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=INK, outline=INK
            )
    out = io.BytesIO()
    paper.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()

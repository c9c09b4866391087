"""The target that is printed and laid on the plate to measure its scale."""

from __future__ import annotations

import io

import img2pdf
from PIL import Image as PillowImage
from PIL import ImageDraw

from kiosk.documents.plate.scale import ACROSS, DOWN, MM_AN_INCH, SHEET_MM, SQUARE_MM

TARGET_DPI = 300


def draw_target() -> bytes:
    """The target as a PDF of one A4 page, to be printed at 100 %."""

    def px(mm: float) -> int:
        return round(mm / MM_AN_INCH * TARGET_DPI)

    sheet = PillowImage.new("1", (px(SHEET_MM[0]), px(SHEET_MM[1])), 1)
    pen = ImageDraw.Draw(sheet)
    left = (SHEET_MM[0] - (ACROSS + 1) * SQUARE_MM) / 2
    top = (SHEET_MM[1] - (DOWN + 1) * SQUARE_MM) / 2
    for row in range(DOWN + 1):
        for column in range(ACROSS + 1):
            if (row + column) % 2 == 0:
                x, y = left + column * SQUARE_MM, top + row * SQUARE_MM
                pen.rectangle((px(x), px(y), px(x + SQUARE_MM) - 1, px(y + SQUARE_MM) - 1), fill=0)
    # 100 mm under the board, for a ruler: a printer that shrinks to fit spoils the scale
    y = top + (DOWN + 1) * SQUARE_MM + 8
    pen.line((px(left), px(y), px(left + 100), px(y)), fill=0, width=4)
    for x in (left, left + 100):
        pen.line((px(x), px(y - 3), px(x), px(y + 3)), fill=0, width=4)
    pen.text(
        (px(left + 104), px(y - 2)),
        "100 mm: print at 100 %, measure this line, lay the sheet flat, whole board in the picture",
        fill=0,
        font_size=px(3.6),
    )
    out = io.BytesIO()
    sheet.save(out, "PNG", dpi=(TARGET_DPI, TARGET_DPI))
    size = tuple(img2pdf.mm_to_pt(side) for side in SHEET_MM)
    return bytes(img2pdf.convert(out.getvalue(), layout_fun=img2pdf.get_layout_fun(size)))

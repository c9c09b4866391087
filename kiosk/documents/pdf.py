"""JPEG pages into one PDF, byte for byte: what was judged is what is kept."""

from __future__ import annotations

import io
from typing import Any

import img2pdf
from PIL import Image as PillowImage

from drivers.device import Fault, FaultCode

MAX_PAGES = 30  # a channel frame carries 32 blobs
A4_MM = (210.0, 297.0)
MARGIN_MM = 0.0


def make_pdf(pages: tuple[bytes, ...]) -> bytes | Fault:
    """Every page on an A4 sheet of its own direction, as large as fits."""
    if not pages or len(pages) > MAX_PAGES:
        return Fault(FaultCode.BAD_INPUT, f"{len(pages)} pages")
    for number, page in enumerate(pages, start=1):
        if not _is_jpeg(page):
            return Fault(FaultCode.BAD_INPUT, f"page {number} is not a JPEG")
    short, long = (img2pdf.mm_to_pt(side) for side in A4_MM)
    layout = img2pdf.get_layout_fun(
        (short, long), border=(MARGIN_MM, MARGIN_MM), fit=img2pdf.FitMode.into, auto_orient=True
    )
    try:
        made: Any = img2pdf.convert(list(pages), layout_fun=layout, nodate=True)
    except (img2pdf.ImageOpenError, img2pdf.JpegColorspaceError, ValueError) as error:
        return Fault(FaultCode.BAD_INPUT, type(error).__name__)
    return bytes(made)


def _is_jpeg(page: bytes) -> bool:
    try:
        with PillowImage.open(io.BytesIO(page), formats=("JPEG",)) as picture:
            return picture.width > 0 and picture.height > 0
    except (OSError, ValueError, PillowImage.DecompressionBombError):
        return False

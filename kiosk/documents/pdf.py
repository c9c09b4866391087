"""JPEG pages into one PDF, byte for byte: what was judged is what is kept.

A page that knows its true size has it on the sheet; cards go two on one sheet, as they are copied
by hand. Whether it is PDF/A is not claimed: no checker was at hand.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import img2pdf
import pikepdf
from PIL import Image as PillowImage

from drivers.device import Fault, FaultCode
from kiosk.documents.jpeg import true_size_mm

MAX_PAGES = 30  # a channel frame carries 32 blobs
A4_MM = (210.0, 297.0)
OVER_SHARE = 1.04  # a page measured this much larger than A4 is A4
CARD_MOST_MM = (95.0, 65.0)  # ISO 7810 ID-1 and its holder: two of them share a sheet
CARD_PLACES = (0.32, 0.68)  # of the sheet's height from its top: where their middles are


@dataclass(frozen=True, slots=True)
class _Page:
    """A JPEG, its picture's size and, where it is known, its true one."""

    jpeg: bytes
    px: tuple[int, int]
    mm: tuple[float, float] | None

    @property
    def is_card(self) -> bool:
        return self.mm is not None and all(
            side <= most
            for side, most in zip(sorted(self.mm, reverse=True), CARD_MOST_MM, strict=True)
        )

    def on_sheet(self) -> tuple[float, float, float, float]:
        """Sheet width and height, picture width and height, in mm."""
        lying = self.px[0] > self.px[1]
        sheet = A4_MM[::-1] if lying and not self.is_card else A4_MM
        shares = [room / side for room, side in zip(sheet, self.mm or self.px, strict=True)]
        if self.mm is None:
            return (*sheet, self.px[0] * min(shares), self.px[1] * min(shares))
        if min(shares) * OVER_SHARE < 1:  # larger than A4: a sheet of its own size
            return (*self.mm, *self.mm)
        fitted = min(1.0, *shares)
        return (*sheet, self.mm[0] * fitted, self.mm[1] * fitted)


def make_pdf(pages: tuple[bytes, ...], most_bytes: int | None = None) -> bytes | Fault:
    """Every page on a sheet, at its true size where it says it; else as large as fits on A4."""
    if not pages or len(pages) > MAX_PAGES:
        return Fault(FaultCode.BAD_INPUT, f"{len(pages)} pages")
    read: list[_Page] = []
    for number, page in enumerate(pages, start=1):
        size = _size(page)
        if size is None:
            return Fault(FaultCode.BAD_INPUT, f"page {number} is not a JPEG")
        read.append(_Page(page, size, true_size_mm(page, *size)))
    layouts = iter([page.on_sheet() for page in read])

    def layout(width_px: int, height_px: int, dpi: object) -> tuple[float, ...]:
        return tuple(img2pdf.mm_to_pt(side) for side in next(layouts))

    try:
        made: Any = img2pdf.convert(
            [page.jpeg for page in read],
            layout_fun=layout,
            nodate=True,
            engine=img2pdf.Engine.internal,
        )
    except (img2pdf.ImageOpenError, img2pdf.JpegColorspaceError, ValueError) as error:
        return Fault(FaultCode.BAD_INPUT, type(error).__name__)
    pdf = bytes(made)
    if sum(page.is_card for page in read) > 1:
        pdf = _cards_together(pdf, read)
    if most_bytes is not None and len(pdf) > most_bytes:
        return Fault(FaultCode.BAD_INPUT, f"{len(pdf)} bytes, more than {most_bytes}")
    return pdf


def sheets_of(pdf: bytes) -> int:
    """How many sheets a PDF of ours has."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return len(document.pages)


def _cards_together(pdf: bytes, read: list[_Page]) -> bytes:
    """Neighbouring cards, two on one sheet. The pictures' bytes are not touched."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        at = len(read) - 1
        while at > 0:
            if read[at].is_card and read[at - 1].is_card:
                first, second = document.pages[at - 1], document.pages[at]
                for page, place in ((first, CARD_PLACES[0]), (second, CARD_PLACES[1])):
                    down = img2pdf.mm_to_pt(A4_MM[1] * (place - 0.5))
                    shift = f"q 1 0 0 1 0 {-down:.3f} cm\n".encode()
                    page.contents_add(document.make_stream(shift), prepend=True)
                    page.contents_add(document.make_stream(b"\nQ"))
                first.add_overlay(second, pikepdf.Rectangle(*second.mediabox))
                del document.pages[at]
                at -= 1
            at -= 1
        out = io.BytesIO()
        document.save(
            out, deterministic_id=True, stream_decode_level=pikepdf.StreamDecodeLevel.none
        )
    return out.getvalue()


def _size(page: bytes) -> tuple[int, int] | None:
    try:
        with PillowImage.open(io.BytesIO(page), formats=("JPEG",)) as picture:
            return (picture.width, picture.height) if picture.width and picture.height else None
    except (OSError, ValueError, PillowImage.DecompressionBombError):
        return None

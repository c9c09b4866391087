"""A known paper read: all of it first, and its numbers once more by themselves where one is missing.

Numbers stand on cards in a print of their own, which a reader of Chinese takes for anything; and
what was read twice still counts only with its check digit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.device import Fault
from kiosk.catalogue.papers import KnownPaper
from kiosk.documents.quads import Image
from kiosk.documents.reading.extract import fields_of, is_paper, unread_numbers, with_numbers
from kiosk.documents.reading.reader import Layout, Reader


@dataclass(frozen=True, slots=True)
class PaperReading:
    """`confidence` 0..1 of the characters that were read."""

    is_paper: bool
    fields: dict[str, str] = field(repr=False)
    lines: tuple[str, ...] = field(repr=False)
    confidence: float


def read_paper(reader: Reader, page: Image, paper: KnownPaper) -> PaperReading | Fault:
    """`page` upright and straightened. Takes a second or two."""
    reading = reader.read(page, Layout.FORM)
    if isinstance(reading, Fault):
        return reading
    fields = fields_of(paper, reading.lines)
    known = is_paper(paper, reading.lines)
    if unread_numbers(paper, fields):
        numbers = reader.read(page, Layout.NUMBERS)
        if not isinstance(numbers, Fault):
            fields = with_numbers(paper, fields, numbers.lines)
            known = known or is_paper(paper, numbers.lines)
    return PaperReading(known, fields, reading.lines, reading.confidence)

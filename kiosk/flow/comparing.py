"""What a page is compared with: the ID card on the reader, and the other pages of the set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kiosk.catalogue.model import Item, Material
from kiosk.documents.reading.extract import Agreement, agreement, same_page
from kiosk.flow.case import Case, TakenPage
from kiosk.flow.pages import Doubt


def doubt_of(
    case: Case, material: Material, page: TakenPage, others: Iterable[TakenPage]
) -> Doubt | None:
    """What speaks against it, as far as it was read; None for a page that fits."""
    reading = case.reading(page)
    lines = reading.lines if reading is not None else ()
    for other in others:
        read = case.reading(other)
        there = read.lines if read is not None else ()
        if same_page((page.fingerprint, lines), (other.fingerprint, there)):
            return Doubt.TAKEN_TWICE
    if reading is None or not reading.whole:
        return None
    match _agreement(case, material, dict(reading.fields)):
        case Agreement.NUMBER_DIFFERS:
            return Doubt.NUMBER_DIFFERS
        case Agreement.NAME_DIFFERS:
            return Doubt.NAME_DIFFERS
        case Agreement.AGREES:
            return None
        case Agreement.UNSURE:
            return None if reading.is_paper else Doubt.OTHER_PAPER


def compare_late(case: Case, item: Item, image: str) -> None:
    """A page that nobody waited for was read at last: the review and the application then say it."""
    for material in item.materials:
        pages = case.pages.get(material.code, ())
        for place, page in enumerate(pages):
            if page.image != image or page.doubt is not None:
                continue
            others = [
                other
                for kept in case.pages.values()
                for other in kept
                if other.image and other is not page
            ]
            doubt = doubt_of(case, material, page, others)
            compared = replace(page, doubt=doubt)
            case.pages[material.code] = (*pages[:place], compared, *pages[place + 1 :])
            return


def _agreement(case: Case, material: Material, fields: dict[str, str]) -> Agreement:
    match material.whose:
        case "applicant":
            card = case.applicant
        case "agent":
            card = case.agent
        case "":
            card = None
    if card is None:
        return Agreement.UNSURE
    return agreement(fields, card.name, card.number)

"""Made-up pages of copies, scans for a phone and blank forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kiosk.catalogue.model import Item
from kiosk.flow import pages
from kiosk.flow.pages import Advice, CardSide, PapersFor, PickupState, PrintState

LINK = "https://hub.example.cn/p/AbCdEfGhIjKlMnOpQrStUv#AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"
LAID_OUT = frozenset(  # one of each way in which these pages are drawn
    {
        "choose_papers-phone",
        "lay_papers-card_back",
        "copy_choice",
        "sheets_printing-asks_paper_out",
        "sheets_printing-paper_out",
        "phone_pickup-waiting",
        "phone_pickup-gone",
        "blank_forms",
    }
)
_CORNERS = ((0.52, 0.12), (0.94, 0.12), (0.94, 0.86), (0.52, 0.86))
_TAKEN = ((0.06, 0.2), (0.42, 0.2), (0.42, 0.8), (0.06, 0.8))


def copy_samples(
    copies: Item, scan: Item, forms: Item, image: str
) -> Iterator[tuple[str, pages.Page]]:
    """Variant ("" for the plain one) and page; none of them has a step bar."""
    for item, use in ((copies, PapersFor.COPY), (scan, PapersFor.PHONE)):
        yield str(use), pages.ChoosePapers(item.name.words, use)
    first = pages.LayPapers(CardSide.NONE, Advice.NO_PAGE, (), (), (), 10)
    yield "", first
    yield (
        "second",
        replace(
            first, advice=Advice.HOLD_STILL, corners=_CORNERS, images=(image,), taken=(_TAKEN,)
        ),
    )
    back = replace(first, side=CardSide.BACK, advice=Advice.TAKEN, images=(image,), taken=(_TAKEN,))
    yield "card_back", back
    yield "card_front_taking", replace(first, side=CardSide.FRONT, advice=Advice.GOOD, taking=True)
    yield "", pages.CopyChoice((image, image), 2, 2, 5, grey=False, may_colour=True)
    yield "grey_only", pages.CopyChoice((image,), 1, 1, 3, grey=True, may_colour=False)
    name = copies.name.words
    for state in PrintState:
        if state is PrintState.DECLINED:
            continue  # nothing was asked for: there is no such page
        out = 0 if state in (PrintState.UNAVAILABLE, PrintState.COVER_OPEN) else 3
        yield str(state), pages.SheetsPrinting(name, state, out, 5)
    for asks in (PrintState.PAPER_OUT, PrintState.COVER_OPEN, PrintState.JAMMED):
        yield f"asks_{asks}", pages.SheetsPrinting(name, PrintState.PRINTING, 3, 5, asks=asks)
    yield "making", pages.SheetsPrinting(name, PrintState.PRINTING, 0, 0, making=True)
    yield "unmade", pages.SheetsPrinting(name, PrintState.UNAVAILABLE, 0, 0, making=True)
    for pickup in PickupState:
        link = LINK if pickup is PickupState.WAITING else ""
        yield str(pickup), pages.PhonePickup(pickup, 2, 142 if link else 0, 180, link)
    yield (
        "",
        pages.BlankForms(
            forms.name.words,
            tuple(
                pages.BlankForm(part.code, part.name.words, part.note.words, part.pages)
                for part in forms.blanks
            ),
        ),
    )
    taking = pages.TakeAway(False, True, receipt=False, sheets=True, reader_used=False)
    yield "sheets", taking
    yield "sheets_alone", replace(taking, paper_on_plate=False, plate_used=False)

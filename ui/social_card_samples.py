"""Sample pages of giving a social card a new password, for the gallery and the tests."""

from __future__ import annotations

from collections.abc import Iterator

from kiosk.catalogue.model import Item
from kiosk.flow import card_pages, pages
from kiosk.words import Words

STEPS = ("identity", "social_card", "new_pin", "result")
NO_STEP = -1
LAID_OUT = frozenset({"flaw_own", "unknown"})
"""The fullest of each kind; the others are drawn like these, or like pages about an ID card."""
REFERENCE = "7C40B19E"
PHONE = "12333"
REASON = Words(
    (
        ("zh", "这张社保卡已经锁住，请带卡和身份证到社保窗口解锁。"),
        ("en", "This card is locked. Please take it and your ID card to the counter to unlock it."),
    )
)


def card_samples(item: Item) -> Iterator[tuple[str, pages.Page, int]]:
    """Variant, page, and the step lit in the bar."""
    yield "", card_pages.InsertSocialCard(seconds_left=48), 1
    yield "reading", card_pages.InsertSocialCard(reading=True), 1
    yield "ready", card_pages.InsertSocialCard(card="**** 5678"), 1
    for kind in card_pages.SocialCardProblemKind:
        yield str(kind), card_pages.SocialCardProblem(kind), 1
    refused = card_pages.SocialCardProblemKind.REFUSED
    yield "refused_why", card_pages.SocialCardProblem(refused, REASON), 1
    yield "", card_pages.NewPin(again=False, typed=0), 2
    yield "typing", card_pages.NewPin(again=False, typed=4), 2
    yield "again", card_pages.NewPin(again=True, typed=6), 2
    for flaw in card_pages.PinFlaw:
        yield f"flaw_{flaw}", card_pages.NewPin(again=False, typed=0, flaw=flaw), 2
    yield "", card_pages.ChangingPassword(item.name.words), 3
    slips = {
        card_pages.PasswordOutcome.CHANGED: card_pages.Slip.PRINTED,
        card_pages.PasswordOutcome.REFUSED: card_pages.Slip.FAILED,
        card_pages.PasswordOutcome.UNKNOWN: card_pages.Slip.PRINTING,
    }
    for outcome in card_pages.PasswordOutcome:
        slip = slips.get(outcome, card_pages.Slip.NONE)
        yield str(outcome), card_pages.PasswordResult(outcome, REFERENCE, slip, PHONE), 3
    outcome = card_pages.PasswordOutcome.REFUSED
    yield (
        "refused_why",
        card_pages.PasswordResult(outcome, REFERENCE, card_pages.Slip.PRINTED, PHONE, REASON),
        3,
    )
    yield (
        "social_card",
        pages.TakeAway(False, False, receipt=True, social_card=True, plate_used=False),
        NO_STEP,
    )

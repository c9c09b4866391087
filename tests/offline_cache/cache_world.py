"""What the tests of the store share: a clock in the hand, made-up people, a store on the disk."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from offline_cache.faults import StoreFault
from offline_cache.keys import Keys, open_keys
from offline_cache.outbox import Attachment, Sealed
from offline_cache.store import Store, StorePlaces, open_store

T = TypeVar("T")

START = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
DRAFT_KEPT = timedelta(minutes=15)
# A made-up person: a district code that does not exist, a valid check digit.
GRANNY = "990101194001010029"
GRANDPA = "990101193902020037"
ITEM = "old-age-allowance"


class HandClock:
    """Time that stands still until the test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.now = START

    def monotonic(self) -> float:
        return self.seconds

    def utc(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)


def ok(result: T | StoreFault) -> T:
    """The value; a fault fails the test."""
    assert not isinstance(result, StoreFault), result
    return result


def keys_in(data: Path) -> Keys:
    return ok(open_keys(StorePlaces(data).keys))


def store_in(data: Path, clock: HandClock) -> Store:
    return ok(open_store(data, keys_in(data), clock, draft_kept=DRAFT_KEPT))


def make_number(serial: int, at: datetime) -> str:
    """A receipt number as the room above makes one; without its check characters."""
    local = at + timedelta(hours=8)
    return f"QS01{local:%y%m%d}{serial:04d}00"


def seal(
    store: Store,
    *,
    session: str = "session-1",
    person: str = GRANNY,
    item: str = ITEM,
    page: bytes = b"%PDF page of the household register",
    signature: bytes = b"\x89PNG strokes",
    form: dict[str, object] | None = None,
) -> Sealed | StoreFault:
    return store.outbox.seal(
        session=session,
        item=item,
        id_number=person,
        name_masked="甄**",
        application={
            "item": item,
            "item_version": "1",
            "terminal": "QS01",
            "session": session,
            "applicant": {"name": "甄桂兰", "number": person},
            "form": form or {"phone": "13900000000"},
            "materials": [{"code": "household", "name": "户口簿", "pages": 1}],
            "signature": None,
            "earlier_number": None,
        },
        attachments=[
            Attachment("household", "application/pdf", page),
            Attachment("signature", "image/png", signature),
        ],
        make_number=make_number,
    )


def middle(low: float, high: float) -> float:
    """Chance without chance."""
    return (low + high) / 2


def seeded(seed: int) -> random.Random:
    return random.Random(seed)

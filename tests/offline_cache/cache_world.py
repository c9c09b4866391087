"""What the tests of the store share: a clock in the hand, made-up people, a store on the disk."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from envelope_opener import HubKeyPair, make_key_pair, open_envelope, open_item

from offline_cache.database import OWN_EPOCH, SEQ_BITS
from offline_cache.envelope import attachment_context, item_context
from offline_cache.faults import StoreFault
from offline_cache.hub_keys import HubKeysFile
from offline_cache.keys import Keys, open_keys
from offline_cache.line.wire import Item
from offline_cache.outbox import Added, Attachment, Sealed, Serials
from offline_cache.queue import SendQueue
from offline_cache.store import Store, StorePlaces, open_store

T = TypeVar("T")

START = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
DRAFT_KEPT = timedelta(minutes=15)
# A made-up person: a district code that does not exist, a valid check digit.
GRANNY = "990101194001010029"
GRANDPA = "990101193902020037"
ITEM = "old-age-allowance"
TERMINAL = "QS01"
ZONE = ZoneInfo("Asia/Shanghai")
HUB: HubKeyPair = make_key_pair()  # of every hub in these tests, unless a test brings its own


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


def enrol_in(data: Path, *pairs: HubKeyPair) -> None:
    """The hub has told this terminal its keys."""
    file = HubKeysFile(StorePlaces(data).hub_keys, keys_in(data).database)
    assert file.write(TERMINAL, [pair.seal_key for pair in pairs or (HUB,)]) is None


def store_in(data: Path, clock: HandClock, *, enrolled: bool = True) -> Store:
    if enrolled and not StorePlaces(data).hub_keys.exists():
        enrol_in(data)
    return ok(open_store(data, keys_in(data), clock, draft_kept=DRAFT_KEPT, zone=ZONE))


def queue_of(store: Store, clock: HandClock) -> SendQueue:
    places = StorePlaces(store.in_use.parent.parent)
    return SendQueue(store.database, store.blobs, clock, Serials(places.serials))


def row(seq: int) -> int:
    """The row of an item of the database's own epoch."""
    return (OWN_EPOCH << SEQ_BITS) + seq


def due(store: Store, clock: HandClock) -> tuple[Item, ...]:
    """Everything that may be sent."""
    return ok(queue_of(store, clock).next_batch(max_items=1000, max_bytes=1 << 30))


@dataclass(frozen=True, slots=True)
class Opened:
    """An item as the hub reads it."""

    body: dict[str, Any]
    attachments: list[dict[str, Any]]


def opened(store: Store, item: Item, pair: HubKeyPair = HUB) -> Opened:
    context = item_context(TERMINAL, store.database.epoch, item.seq, item.kind, item.id)
    content = open_item(pair, context, item.sealed)
    return Opened(content["body"], content["attachments"])


def open_in_place(store: Store, clock: HandClock, item: Item, pair: HubKeyPair) -> Opened:
    """An item and all of its papers, as the hub reads them in the epoch that it names."""
    context = item_context(TERMINAL, item.epoch, item.seq, item.kind, item.id)
    content = open_item(pair, context, item.sealed)
    for each in content["attachments"]:
        paper = opened_attachment(store, clock, each["sealed"], pair)
        assert hashlib.sha256(paper).hexdigest() == each["sha256"]
    return Opened(content["body"], content["attachments"])


def opened_attachment(store: Store, clock: HandClock, sha256: str, pair: HubKeyPair = HUB) -> bytes:
    """An attachment as the hub reads it, put together from parts."""
    queue = queue_of(store, clock)
    size = ok(queue.sealed_bytes(sha256))
    sealed = b"".join(ok(queue.sealed_part(sha256, at, 1000)) for at in range(0, size, 1000))
    return open_envelope(pair, attachment_context(TERMINAL), sealed)


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
    lacks: tuple[str, ...] = (),
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
        receipt=[("事项", "高龄津贴申领"), ("申请人", "甄**"), ("手机", "139****0000")],
        lacks=lacks,
    )


def hand_in(
    store: Store,
    number: str,
    *codes: str,
    session: str = "session-2",
    page: bytes = b"%PDF the page that was missing",
) -> Added | StoreFault:
    """Who applied comes back with papers, each of its own content."""
    return store.outbox.hand_in(
        number,
        {
            "item": ITEM,
            "terminal": TERMINAL,
            "session": session,
            "language": "zh",
            "by": {"kind": "idcard", "name": "甄桂兰", "number": GRANNY},
            "materials": [{"code": code, "name": f"材料{code}", "pages": 1} for code in codes],
        },
        [Attachment(code, "application/pdf", page + code.encode()) for code in codes],
        codes=codes,
        session=session,
    )


def middle(low: float, high: float) -> float:
    """Chance without chance."""
    return (low + high) / 2


def seeded(seed: int) -> random.Random:
    return random.Random(seed)

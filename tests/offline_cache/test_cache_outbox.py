"""What is sealed is whole, numbered, frozen and found again; what fails leaves nothing."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path

import pytest
from cache_world import GRANDPA, GRANNY, ITEM, HandClock, ok, seal, store_in

from offline_cache.blobs import Blobs
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.outbox import Attachment, ItemKind, ItemState, Outbox, Serials
from offline_cache.ports import utc_text
from offline_cache.queue import Item, SendQueue
from offline_cache.store import Store, StorePlaces


def _due(store: Store, clock: HandClock) -> tuple[Item, ...]:
    return ok(SendQueue(store.database, clock).due(max_items=100, max_bytes=1 << 20))


def test_an_application_and_its_place_in_the_queue_are_one(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    sealed = ok(seal(store))
    assert sealed.number == "QS01261122000100"
    (item,) = _due(store, clock)
    assert item.kind == "application" and item.order_key == sealed.number
    assert uuid.UUID(item.id).version == 4
    assert item.sha256 == hashlib.sha256(item.body).hexdigest()
    body = json.loads(item.body)
    assert body["number"] == sealed.number
    assert body["accepted_at"] == utc_text(clock.utc()) == "2026-11-22T06:30:00.000Z"
    page = b"%PDF page of the household register"
    assert body["materials"] == [
        {
            "code": "household",
            "name": "户口簿",
            "pages": 1,
            "sha256": hashlib.sha256(page).hexdigest(),
            "media_type": "application/pdf",
            "bytes": len(page),
        }
    ]
    assert body["signature"]["sha256"] == hashlib.sha256(b"\x89PNG strokes").hexdigest()
    assert store.blobs.get(body["materials"][0]["sha256"]) == page
    application = ok(store.outbox.state_of(sealed.number))
    assert application is not None and application.state is ItemState.WAITING
    assert ok(store.outbox.state_of("QS01261122999900")) is None
    store.close()


def test_every_seal_has_its_own_number_and_the_sequence_has_no_gaps(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    numbers = [ok(seal(store, session=f"s{count}")).number for count in range(30)]
    numbers.append(ok(seal(store)).number)
    store.close()
    store = store_in(tmp_path, clock)
    numbers.append(ok(seal(store)).number)
    assert len(set(numbers)) == 32
    assert [item.seq for item in _due(store, clock)] == list(range(1, 33))
    store.close()


def test_the_serial_begins_again_on_the_citizens_next_day(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    assert ok(seal(store)).number == "QS01261122000100"
    clock.advance(9.4 * 3600)  # 15:54 UTC, six minutes to midnight in Shanghai
    assert ok(seal(store)).number == "QS01261122000200"
    clock.advance(0.2 * 3600)
    assert ok(seal(store)).number == "QS01261123000100"
    clock.advance(-0.2 * 3600)  # the clock was put right
    assert ok(seal(store)).number == "QS01261122000300"
    store.close()


def test_a_day_has_9999_numbers_and_no_more(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(
        store.database.write(
            lambda c: c.execute("INSERT INTO counters VALUES ('serial 2026-11-22', 9998)") and 0
        )
    )
    assert ok(seal(store)).number == "QS01261122999900"
    refused = seal(store)
    assert isinstance(refused, StoreFault) and refused.code is StoreFaultCode.NUMBERS_USED_UP
    assert len(_due(store, clock)) == 1
    store.close()


def test_a_torn_file_of_serials_does_not_stop_anybody(tmp_path: Path) -> None:
    store = store_in(tmp_path, HandClock())
    StorePlaces(tmp_path).serials.write_bytes(b'{"day": "2026-1')
    assert ok(seal(store)).number == "QS01261122000100"
    store.close()


def test_rating_and_print_result_follow_their_application(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store)).number
    other = ok(seal(store, person=GRANDPA)).number
    ok(store.outbox.add(ItemKind.PRINT_RESULT, number, {"number": number, "result": "printed"}))
    ok(store.outbox.add(ItemKind.RATING, number, {"number": number, "level": 5}))
    sender = SendQueue(store.database, clock)

    def due() -> list[tuple[str, str]]:
        return [(item.kind, item.order_key) for item in _due(store, clock)]

    assert due() == [("application", number), ("application", other)]
    sender.delivered([1])
    assert due() == [("application", other), ("print_result", number)]
    sender.refused(3, "code", "reason")  # in the tray, what follows it goes on
    assert due() == [("application", other), ("rating", number)]
    store.close()


def test_what_is_put_off_holds_back_only_its_own(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store)).number
    ok(store.outbox.add(ItemKind.RATING, number, {"number": number}))
    ok(seal(store, person=GRANDPA))
    sender = SendQueue(store.database, clock)
    first = _due(store, clock)[0]
    rest = ok(sender.due(max_items=100, max_bytes=1 << 20, not_now={first.id}))
    assert [item.seq for item in rest] == [3]
    store.close()


def test_a_batch_is_limited_and_never_empty_for_its_size(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    for count in range(5):
        ok(seal(store, session=f"s{count}", form={"text": "长" * 2000}))
    sender = SendQueue(store.database, clock)
    assert len(ok(sender.due(max_items=3, max_bytes=1 << 20))) == 3
    assert len(ok(sender.due(max_items=100, max_bytes=15_000))) == 2
    assert len(ok(sender.due(max_items=100, max_bytes=10))) == 1
    store.close()


def test_the_same_person_and_item_is_found_again_without_the_number_being_kept(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    started = clock.utc()
    ok(seal(store))
    clock.advance(60)
    newest = ok(seal(store))
    ok(seal(store, person=GRANDPA))
    ok(seal(store, item="other-item"))
    found = ok(store.outbox.earlier(ITEM, GRANNY.lower(), started))
    assert found is not None and found.number == newest.number
    assert ok(store.outbox.earlier("third-item", GRANNY, started)) is None
    clock.advance(1)
    assert ok(store.outbox.earlier(ITEM, GRANNY, clock.utc())) is None
    outside = ok(store.database.rows("SELECT * FROM applications"))
    assert not any(GRANNY in str(value) for row in outside for value in row)
    store.close()


def test_a_body_that_could_never_be_sent_is_refused_before_the_commit(tmp_path: Path) -> None:
    store = store_in(tmp_path, HandClock())
    refused = seal(store, form={"text": "x" * (600 << 10)})
    assert isinstance(refused, StoreFault) and refused.code is StoreFaultCode.TOO_LARGE
    waiting = ok(store.outbox.waiting())
    assert (waiting.count, waiting.oldest_at, waiting.last_seq) == (0, None, 0)
    store.close()


def test_what_waits_is_told_by_count_and_age(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    oldest = clock.utc()
    ok(seal(store))
    clock.advance(3600)
    ok(seal(store, person=GRANDPA))
    waiting = ok(store.outbox.waiting())
    assert (waiting.count, waiting.oldest_at, waiting.refused) == (2, oldest, 0)
    SendQueue(store.database, clock).refused(1, "form_invalid", "field phone")
    waiting = ok(store.outbox.waiting())
    assert (waiting.count, waiting.refused, waiting.last_seq) == (1, 1, 2)
    (refused,) = ok(store.outbox.tray())
    assert (refused.code, refused.reason, refused.name_masked) == (
        "form_invalid",
        "field phone",
        "甄**",
    )
    store.close()


def test_pages_of_the_same_material_each_keep_their_place(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(
        store.outbox.seal(
            session="s",
            item=ITEM,
            id_number=GRANNY,
            name_masked="甄**",
            application={"materials": [{"code": "a", "name": "A"}]},
            attachments=[
                Attachment("a", "application/pdf", b"one"),
                Attachment("a", "application/pdf", b"two"),
                Attachment("b", "application/pdf", b"one"),
            ],
            make_number=lambda serial, at: f"N{serial}",
        )
    )
    (item,) = _due(store, clock)
    materials = json.loads(item.body)["materials"]
    hashes = [hashlib.sha256(content).hexdigest() for content in (b"one", b"two", b"one")]
    assert [(each["code"], each["name"], each["sha256"]) for each in materials] == [
        ("a", "A", hashes[0]),
        ("a", "a", hashes[1]),
        ("b", "b", hashes[2]),
    ]
    assert ok(SendQueue(store.database, clock).attachments_of(1)) == tuple(sorted(hashes[:2]))
    store.close()


class _NoRoomForBlobs(Blobs):
    def put(self, content: bytes) -> str | StoreFault:
        return StoreFault(StoreFaultCode.DISK_FULL)


@pytest.mark.parametrize("where", ["database", "attachment"])
def test_a_full_disk_is_told_and_leaves_nothing_half(tmp_path: Path, where: str) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(seal(store))
    outbox = store.outbox
    if where == "attachment":
        keys_blobs = _NoRoomForBlobs(tmp_path / "x", bytes(32))
        outbox = Outbox(
            store.database,
            outbox._keys,
            clock,
            keys_blobs,
            Serials(StorePlaces(tmp_path).serials),
        )
        full = seal(Store(store.database, keys_blobs, store.journal, outbox, None), person=GRANDPA)
    else:
        pages = ok(store.database.rows("PRAGMA page_count"))[0][0]
        ok(store.database.rows(f"PRAGMA max_page_count = {pages}"))
        full = seal(store, person=GRANDPA, form={"text": "x" * 100_000})
    assert isinstance(full, StoreFault) and full.code is StoreFaultCode.DISK_FULL
    ok(store.database.rows("PRAGMA max_page_count = 1000000"))
    assert len(_due(store, clock)) == 1
    assert ok(store.database.rows("SELECT count(*) FROM applications")) == [(1,)]
    assert ok(seal(store)).seq == 2  # no gap, and room again
    assert store.database.check() is None
    store.close()

"""What is delivered goes after its days, for good; what is not delivered stays whatever its age."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from cache_world import (
    GRANDPA,
    HandClock,
    due,
    ok,
    opened_attachment,
    queue_of,
    row,
    seal,
    store_in,
)

from offline_cache.outbox import ItemKind
from offline_cache.retention import Erased, Retention
from offline_cache.store import Store

WEEK = timedelta(days=7)
DAY_S = 86400.0


def _retention(store: Store, clock: HandClock) -> Retention:
    return Retention(store.database, store.blobs, clock, WEEK)


def test_delivered_applications_are_erased_after_their_days_with_their_attachments(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    number = ok(seal(store)).number
    ok(store.outbox.add(ItemKind.RATING, number, {"number": number}))
    queue_of(store, clock).accepted([row(1), row(2)])
    clock.advance(6.9 * DAY_S)
    assert _retention(store, clock).run() == Erased(0, 0)
    assert ok(store.outbox.state_of(number)) is not None
    clock.advance(0.2 * DAY_S)
    assert _retention(store, clock).run() == Erased(2, 2)
    assert ok(store.outbox.state_of(number)) is None
    assert list(store.blobs.names()) == []
    assert ok(store.database.rows("SELECT count(*) FROM attachments")) == [(0,)]
    assert ok(seal(store)).seq == 3  # numbers and sequence go on
    store.close()


def test_what_waits_or_was_refused_stays_for_years(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(seal(store))
    refused = ok(seal(store, person=GRANDPA)).number
    ok(store.outbox.add(ItemKind.RATING, refused, {"number": refused}))
    sender = queue_of(store, clock)
    sender.refused(row(2), "form_invalid", "")
    sender.accepted([row(3)])
    clock.advance(3000 * DAY_S)
    assert _retention(store, clock).run() == Erased(0, 0)
    assert len(list(store.blobs.names())) == 2
    store.close()


def test_an_attachment_that_another_application_needs_stays(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(seal(store))
    ok(seal(store, person=GRANDPA, signature=b"other strokes"))
    queue_of(store, clock).accepted([row(1)])
    clock.advance(8 * DAY_S)
    assert _retention(store, clock).run() == Erased(1, 1)  # only the first one's signature
    assert len(list(store.blobs.names())) == 2
    store.close()


def test_attachments_of_a_seal_that_never_came_are_erased(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(store.blobs.put(b"written just before the power cut"))
    assert _retention(store, clock).run() == Erased(0, 1)
    store.close()


def test_sealing_the_same_page_while_orphans_are_erased_loses_nothing(tmp_path: Path) -> None:
    """The file goes between being put and the row that names it: the seal writes it again."""
    clock = HandClock()
    store = store_in(tmp_path, clock)
    retention = _retention(store, clock)
    put = store.blobs.put
    erased: list[object] = []

    def put_then_lose(envelope: bytes) -> object:
        kept = put(envelope)
        if len(erased) < 2:  # after each of the two attachments
            erased.append(retention.run())
        return kept

    store.blobs.put = put_then_lose  # type: ignore[method-assign,assignment]
    ok(seal(store))
    assert erased == [Erased(0, 1), Erased(0, 1)]
    (item,) = due(store, clock)
    assert opened_attachment(store, clock, item.attachments[0]).startswith(b"%PDF")
    assert len(list(store.blobs.names())) == 2
    store.close()

"""What is delivered goes after its days, for good; what is not delivered stays whatever its age."""

from __future__ import annotations

import itertools
import os
from datetime import timedelta
from pathlib import Path

import pytest
from cache_world import (
    GRANDPA,
    HandClock,
    due,
    keys_in,
    ok,
    opened_attachment,
    queue_of,
    row,
    seal,
    store_in,
)

from offline_cache.database import open_database
from offline_cache.outbox import ItemKind
from offline_cache.retention import Erased, Retention
from offline_cache.store import Store, StorePlaces

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


def test_what_was_delivered_while_the_hubs_clock_was_years_ahead_goes_after_its_days(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(seal(store))
    clock.advance(5 * 365 * DAY_S)
    queue_of(store, clock).accepted([row(1)])
    clock.advance(-5 * 365 * DAY_S)
    assert _retention(store, clock).run() == Erased(0, 0)
    clock.advance(6.9 * DAY_S)
    assert _retention(store, clock).run() == Erased(0, 0)
    clock.advance(0.2 * DAY_S)
    assert _retention(store, clock).run() == Erased(1, 2)
    store.close()


def test_nobodys_seal_stands_behind_a_slow_disk_that_erases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Papers of a day go: when the disk is waited for the lock is free, after ten at the latest."""
    clock = HandClock()
    store = store_in(tmp_path, clock)
    for count in range(50):
        ok(store.blobs.put(b"paper %d" % count))
    erasing = ok(
        open_database(
            StorePlaces(tmp_path).database, keys_in(tmp_path).database, clock, create=False
        )
    )
    locked: list[object] = []
    left = [50]
    sync_to_disk = os.fsync

    def look(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), store.blobs.folder.stat()):
            if not locked:  # one who waits for the lock in vain waits for seconds
                locked.append(store.database.write(lambda cursor: None))
            left.append(len(list(store.blobs.names())))
        sync_to_disk(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    assert Retention(erasing, store.blobs, clock, WEEK).run() == Erased(0, 50)
    assert locked == [None]
    assert left[-1] == 0  # the disk was told of the last one too
    assert max(before - after for before, after in itertools.pairwise(left)) <= 10
    erasing.close()
    store.close()


def test_erasing_is_broken_off_while_a_citizen_seals_and_goes_on_later(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    for count in range(25):
        ok(store.blobs.put(b"paper %d" % count))
    free = iter((True, True, False))
    assert _retention(store, clock).run(lambda: next(free)) == Erased(0, 10, more=True)
    assert _retention(store, clock).run(lambda: False) == Erased(0, 0, more=True)
    assert _retention(store, clock).run(lambda: True) == Erased(0, 15)
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

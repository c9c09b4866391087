"""A damaged database is found, put away, and what is whole in it goes to the hub all the same."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cache_world import (
    GRANDPA,
    HUB,
    HandClock,
    due,
    keys_in,
    ok,
    open_in_place,
    queue_of,
    row,
    seal,
    store_in,
)

from offline_cache.blobs import Blobs
from offline_cache.database import (
    CIPHER_PAGE_BYTES,
    OWN_EPOCH,
    Row,
    condemn,
    open_database,
    set_aside,
)
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.outbox import ItemKind, ItemState
from offline_cache.pages import Pages
from offline_cache.salvage import Salvaged, folders_to_salvage, salvage
from offline_cache.store import Store, StorePlaces, look_over, salvage_all

APPLICATIONS = 12


def _full_store(data: Path, clock: HandClock) -> tuple[Store, list[str]]:
    store = store_in(data, clock)
    numbers = []
    for count in range(APPLICATIONS):
        clock.advance(60)
        # of very different sizes: some in one page with others, some over many pages
        form = {"text": secrets.token_hex(40 * count**2)}
        page = f"page {count // 2}".encode() * 50
        numbers.append(ok(seal(store, session=f"s{count}", form=form, page=page)).number)
    ok(store.outbox.add(ItemKind.RATING, numbers[0], {"number": numbers[0], "level": 5}))
    return store, numbers


def _damage(path: Path, *pages: int) -> None:
    content = bytearray(path.read_bytes())
    for page in pages:
        content[(page - 1) * CIPHER_PAGE_BYTES + 1000] ^= 1
    path.write_bytes(content)


def _all_salvaged(data: Path, clock: HandClock) -> Salvaged:
    ((_, salvaged),) = list(salvage_all(data, keys_in(data), clock))
    return ok(salvaged)


def test_pages_read_one_by_one_tell_what_sql_tells(tmp_path: Path) -> None:
    """Open with its WAL, and closed without."""
    clock = HandClock()
    store, _ = _full_store(tmp_path, clock)
    rows = sorted(ok(store.database.rows("SELECT row, bytes FROM sealed")))
    wanted = sorted(ok(store.database.rows("SELECT row, id, state, receipt FROM outbox")))

    def read() -> tuple[list[object], list[object]]:
        with Pages(store.database.path, keys_in(tmp_path).database, CIPHER_PAGE_BYTES) as pages:
            records = [r for r in pages.records() if r.rowid is not None and r.rowid > 1 << 40]
            assert not pages.bad
        sealed = [(r.rowid, r.values[1]) for r in records if len(r.values) == 2]
        items = [
            (r.rowid, r.values[1], r.values[7], r.values[15])
            for r in records
            if len(r.values) == 16
        ]
        return sorted(sealed), sorted(items)  # type: ignore[type-var]

    assert read() == (rows, wanted)
    store.close()
    assert read() == (rows, wanted)


@pytest.mark.fault(9)
@pytest.mark.parametrize("first_page_too", [False, True])
def test_what_is_whole_goes_to_the_hub_with_its_own_epoch(
    tmp_path: Path, first_page_too: bool
) -> None:
    clock = HandClock()
    store, numbers = _full_store(tmp_path, clock)
    queue_of(store, clock).refused(row(2), "form_invalid", "field phone")
    queue_of(store, clock).accepted([row(3)])
    before = {item.seq: item for item in due(store, clock)}
    epoch = store.database.epoch
    places = StorePlaces(tmp_path)
    store.close()
    _damage(places.database, *([1] if first_page_too else []), 40)

    found = look_over(tmp_path, keys_in(tmp_path), clock)
    assert found is not None and found.code is StoreFaultCode.DAMAGED
    store = store_in(tmp_path, clock)
    assert store.set_aside is not None and store.database.epoch != epoch
    salvaged = _all_salvaged(tmp_path, clock)

    assert salvaged.lost <= 6 and salvaged.bad_pages == 1 + first_page_too
    assert salvaged.items + salvaged.lost == APPLICATIONS + 1
    after = {item.seq: item for item in due(store, clock)}
    assert after and all(
        (item.epoch, item.id, item.sealed, item.chain, item.attachments)
        == (epoch, before[seq].id, before[seq].sealed, before[seq].chain, before[seq].attachments)
        for seq, item in after.items()
        if seq in before
    )
    for item in after.values():  # its envelope and its papers open as they would have
        opened = open_in_place(store, clock, item, HUB)
        assert opened.body["number"] == item.order_key
    here = [ok(store.outbox.state_of(number)) for number in numbers]
    assert {one.state for one in here if one is not None} <= {
        ItemState.SEALED,
        ItemState.REFUSED,
        ItemState.ACCEPTED,
    }
    # the terminal goes on: what is sealed now is of the new epoch and goes after it
    ok(seal(store, person=GRANDPA))
    queue = queue_of(store, clock)
    assert {item.epoch for item in ok(queue.next_batch(max_items=99, max_bytes=1 << 20))} == {epoch}
    while (waiting := due(store, clock))[0].epoch == epoch:  # a rating after its application
        queue.accepted([item.row for item in waiting])
    (new,) = waiting
    assert (new.epoch, new.seq) == (store.database.epoch, 1)
    assert ok(queue.last_seq(epoch)) in (APPLICATIONS, APPLICATIONS + 1)
    assert ok(queue.resend(epoch, 3, 3)) == (3 in {*after, 3} and here[2] is not None)
    assert store.check() is None
    store.close()


def test_what_was_committed_just_before_the_end_is_salvaged_like_the_rest(tmp_path: Path) -> None:
    """It stands in another place until somebody has time to put it away."""
    clock = HandClock()
    store, _ = _full_store(tmp_path, clock)
    assert store.outbox.put_away() is None
    last = ok(seal(store, session="the last one"))
    rating = ok(store.outbox.add(ItemKind.RATING, last.number, {"number": last.number}))
    shutil.copytree(StorePlaces(tmp_path).store, tmp_path / "as it was")
    before = {item.seq: item for item in due(store, clock)}
    store.close()
    shutil.rmtree(StorePlaces(tmp_path).store)
    (tmp_path / "as it was").rename(StorePlaces(tmp_path).store)
    assert condemn(StorePlaces(tmp_path).store) is None

    store = store_in(tmp_path, clock)
    salvaged = _all_salvaged(tmp_path, clock)
    assert (salvaged.lost, salvaged.items) == (0, APPLICATIONS + 3)
    after = {item.seq: item for item in due(store, clock)}
    assert after[last.seq] == replace(before[last.seq], row=after[last.seq].row)
    application = ok(store.outbox.state_of(last.number))
    assert application is not None and application.state is ItemState.SEALED
    queue_of(store, clock).accepted([item.row for item in after.values()])
    assert [(item.seq, item.kind) for item in due(store, clock)] == [
        (APPLICATIONS + 1, "rating"),
        (rating.seq, "rating"),
    ]
    store.close()


def test_any_one_page_costs_what_stood_on_it_and_no_more(tmp_path: Path) -> None:
    """Every page in turn."""
    clock = HandClock()
    made = tmp_path / "made"
    store, _ = _full_store(made, clock)
    store.close()
    content = StorePlaces(made).database.read_bytes()
    worst = 0
    for page in range(1, len(content) // CIPHER_PAGE_BYTES + 1, 3):
        data = tmp_path / f"page-{page}"
        store_in(data, clock).close()
        aside = data / "store.aside-x"
        aside.mkdir()
        (aside / "store.db").write_bytes(content)
        (aside / "store.db.beside").write_bytes(
            StorePlaces(made).database.with_name("store.db.beside").read_bytes()
        )
        _damage(aside / "store.db", page)
        (data / "keys").rename(data / "own-keys")
        (data / "keys").symlink_to(made / "keys")
        StorePlaces(data).database.unlink()
        store_in(data, clock).close()
        salvaged = _all_salvaged(data, clock)
        assert salvaged.items + salvaged.lost in (APPLICATIONS, APPLICATIONS + 1)
        assert salvaged.bad_pages == 1
        worst = max(worst, salvaged.lost)
    assert 1 <= worst <= 6


def test_the_first_sector_of_the_file_is_gone_and_nothing_else_with_it(tmp_path: Path) -> None:
    clock = HandClock()
    store, _ = _full_store(tmp_path, clock)
    store.close()
    path = StorePlaces(tmp_path).database
    path.write_bytes(bytes(512) + path.read_bytes()[512:])
    store = store_in(tmp_path, clock)
    assert store.set_aside is not None
    salvaged = _all_salvaged(tmp_path, clock)
    assert (salvaged.items, salvaged.lost, salvaged.attachments_lost) == (APPLICATIONS + 1, 0, 0)
    store.close()


def test_salvaging_is_begun_again_after_a_cut_and_brings_nothing_twice(tmp_path: Path) -> None:
    clock = HandClock()
    store, _ = _full_store(tmp_path, clock)
    places = StorePlaces(tmp_path)
    store.close()
    _damage(places.database, 40)
    look_over(tmp_path, keys_in(tmp_path), clock)
    store = store_in(tmp_path, clock)
    assert store.set_aside is not None
    first = _all_salvaged(tmp_path, clock)
    assert list(salvage_all(tmp_path, keys_in(tmp_path), clock)) == []  # it is done
    (store.set_aside.folder / "salvaged.json").unlink()  # cut off just before the end
    assert _all_salvaged(tmp_path, clock) == first
    assert (store.set_aside.folder / "store.db").exists()  # put away, never deleted
    store.close()


def test_a_technician_who_salvages_while_the_terminal_does_takes_nothing_from_it(
    tmp_path: Path,
) -> None:
    """Two databases were set aside; the technician's command comes in the middle of the second."""
    clock = HandClock()
    places, keys = StorePlaces(tmp_path), keys_in(tmp_path)
    for which in ("first", "second"):
        store = store_in(tmp_path, clock)
        ok(seal(store, session=which, page=which.encode()))
        store.close()
        assert isinstance(set_aside(places.store, StoreFaultCode.DAMAGED, clock), Path)
        clock.advance(60)
    store = store_in(tmp_path, clock)
    first, second = folders_to_salvage(places.store)
    told: list[Salvaged | StoreFault] = []

    class Interrupted(Blobs):
        def adopt(self, path: Path) -> None:
            super().adopt(path)
            own = ok(open_database(places.database, keys.database, clock, create=False))
            told.append(salvage(first, keys.database, own, Blobs(places.attachments)))
            own.close()

    blobs = Interrupted(places.attachments)
    terminals = ok(salvage(second, keys.database, store.database, blobs))
    assert (terminals.items, terminals.attachments, terminals.attachments_lost) == (1, 2, 0)
    assert {each.code for each in told if isinstance(each, StoreFault)} == {StoreFaultCode.BUSY}
    assert folders_to_salvage(places.store) == (first,)  # nobody says that it was done
    assert _all_salvaged(tmp_path, clock).items == 1
    for epoch_items in (2, 1):  # one epoch after the other
        item = due(store, clock)[0]
        assert len(open_in_place(store, clock, item, HUB).attachments) == 2
        assert ok(queue_of(store, clock).waiting()).count == epoch_items
        queue_of(store, clock).accepted([item.row])
    # Who comes too late to a folder hears what the other one found.
    again = salvage(second, keys.database, store.database, blobs)
    assert again == terminals and ok(queue_of(store, clock).waiting()).count == 0
    store.close()


def test_a_disk_that_does_not_answer_while_salvaging_has_lost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    ok(seal(store))
    store.close()
    places, key = StorePlaces(tmp_path), keys_in(tmp_path).database
    aside = set_aside(places.store, StoreFaultCode.DAMAGED, clock)
    assert isinstance(aside, Path)
    store = store_in(tmp_path, clock)
    busy, read = [StoreFault(StoreFaultCode.BUSY)], store.database.rows

    def once_busy(sql: str, parameters: Sequence[object] = ()) -> list[Row] | StoreFault:
        return busy.pop() if busy else read(sql, parameters)

    monkeypatch.setattr(store.database, "rows", once_busy)
    told = salvage(aside, key, store.database, store.blobs)
    assert isinstance(told, StoreFault) and told.code is StoreFaultCode.BUSY
    monkeypatch.undo()
    assert folders_to_salvage(places.store) == (aside,)
    assert _all_salvaged(tmp_path, clock).items == 1
    (item,) = due(store, clock)
    assert len(open_in_place(store, clock, item, HUB).attachments) == 2
    store.close()


def test_a_salvaged_database_that_breaks_as_well_is_salvaged_too(tmp_path: Path) -> None:
    clock = HandClock()
    store, _ = _full_store(tmp_path, clock)
    epochs = [store.database.epoch]
    for _ in range(2):
        store.close()
        _damage(StorePlaces(tmp_path).database, 12)
        look_over(tmp_path, keys_in(tmp_path), clock)
        clock.advance(60)
        store = store_in(tmp_path, clock)
        _all_salvaged(tmp_path, clock)
        ok(seal(store))
        epochs.append(store.database.epoch)
    kept = ok(store.database.rows("SELECT epoch FROM epochs ORDER BY no"))
    assert [epoch for (epoch,) in kept] == epochs
    assert {item.epoch for item in due(store, clock)} == {epochs[0]}  # the oldest goes first
    store.close()


def test_who_has_a_condemned_database_open_lets_go_of_it(tmp_path: Path) -> None:
    clock = HandClock()
    store, _ = _full_store(tmp_path, clock)
    assert store.database.empty_wal()
    _damage(StorePlaces(tmp_path).database, 40)
    look_over(tmp_path, keys_in(tmp_path), clock)
    for told in (seal(store), store.outbox.waiting(), queue_of(store, clock).accepted([1])):
        assert isinstance(told, StoreFault) and told.code is StoreFaultCode.DAMAGED
    store.close()


def test_an_unclean_stop_is_known_at_the_next_start(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    assert not store.unclean
    store.close()
    store = store_in(tmp_path, clock)
    assert not store.unclean
    store.database.close()  # the process is gone, the power was cut
    store = store_in(tmp_path, clock)
    assert store.unclean
    assert look_over(tmp_path, keys_in(tmp_path), clock) is None
    store.close()
    assert OWN_EPOCH > 900  # room for salvaged ones before it

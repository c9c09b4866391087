"""The database opens safely or says why not, and a terminal with a broken one still opens."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from cache_world import DRAFT_KEPT, ZONE, HandClock, enrol_in, keys_in, ok, seal, store_in

from offline_cache.database import (
    CIPHER_PAGE_BYTES,
    LOOK_AGAIN_S,
    Database,
    library_fault,
    open_database,
    set_aside,
)
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.pages import newer_pages
from offline_cache.store import StorePlaces, look_over, open_store

KEY = bytes(range(32))
OTHER_KEY = bytes(32)


def _open(path: Path, key: bytes = KEY) -> Database | StoreFault:
    return open_database(path, key, HandClock())


def _made(path: Path) -> str:
    """Make a database with a few pages of content; its epoch."""
    database = ok(_open(path))

    def work(cursor: object) -> None:
        cursor.executemany(  # type: ignore[attr-defined]
            "INSERT INTO meta VALUES (?, ?)", [(f"n{i}", "planted secret " * 50) for i in range(50)]
        )

    ok(database.write(work))
    database.empty_wal()
    epoch = database.epoch
    database.close()
    return epoch


def _flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x01
    path.write_bytes(content)


def _code(result: Database | StoreFault) -> StoreFaultCode:
    assert isinstance(result, StoreFault)
    return result.code


def test_nothing_on_the_disk_can_be_read_without_the_key(tmp_path: Path) -> None:
    database = ok(_open(tmp_path / "s" / "store.db"))
    ok(database.write(lambda c: c.execute("INSERT INTO meta VALUES ('x', 'planted secret')") and 0))
    written = [path.read_bytes() for path in (tmp_path / "s").iterdir()]
    assert sum(len(content) for content in written) > 8192
    assert not any(b"planted secret" in content or b"SQLite" in content for content in written)
    database.close()


def test_commits_are_synced_and_what_is_deleted_is_overwritten(tmp_path: Path) -> None:
    database = ok(_open(tmp_path / "s" / "store.db"))
    asked = {
        name: ok(database.rows(f"PRAGMA {name}"))[0][0]
        for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
    }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    database.close()


def test_nobody_else_may_read_a_file_of_the_store(tmp_path: Path) -> None:
    store = store_in(tmp_path, HandClock())
    ok(seal(store))
    files = [path for path in StorePlaces(tmp_path).store.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"store.db", "store.db-wal"}
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    store.close()


def test_the_epoch_is_the_databases_own_and_stays(tmp_path: Path) -> None:
    first = _made(tmp_path / "a" / "store.db")
    again = ok(_open(tmp_path / "a" / "store.db"))
    assert again.epoch == first
    again.close()
    assert _made(tmp_path / "b" / "store.db") != first


def test_another_key_is_told_from_damage(tmp_path: Path) -> None:
    path = tmp_path / "s" / "store.db"
    _made(path)
    assert _code(_open(path, OTHER_KEY)) is StoreFaultCode.WRONG_KEY
    ok(_open(path)).close()  # and the right one still opens it


def _checked(path: Path) -> object:
    """Opening reads what it needs; the check reads everything."""
    database = _open(path)
    if isinstance(database, StoreFault):
        return database
    found = database.check()
    database.close()
    return found


@pytest.mark.fault(9)
@pytest.mark.parametrize("offset", [20, 100, 4096 + 700, 3 * 4096 + 5])
def test_one_flipped_bit_anywhere_is_found(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "s" / "store.db"
    _made(path)
    _flip(path, offset)
    assert _code(_checked(path)) is StoreFaultCode.DAMAGED


@pytest.mark.fault(5, 9)
def test_a_wal_that_is_only_partly_moved_into_the_main_file_is_no_damage(tmp_path: Path) -> None:
    """Somebody reads an older state while it is moved: what was changed since is not there yet, and
    after a kill it stays so. All of it is in the WAL."""
    path = tmp_path / "s" / "store.db"
    _made(path)
    writer, reader = ok(_open(path)), ok(_open(path))

    def write(count: int, value: str) -> None:
        rows = [(f"p{i:03d}", value) for i in range(count)]

        def work(cursor: Any) -> None:
            cursor.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

        ok(writer.write(work))

    write(200, "planted secret " * 50)
    ok(reader.rows("BEGIN"))
    ok(reader.rows("SELECT count(*) FROM meta"))
    write(20, "something else " * 50)
    ok(writer.rows("PRAGMA wal_checkpoint(PASSIVE)"))
    assert ok(writer.rows("PRAGMA cipher_integrity_check")) != []  # of the main file alone
    assert writer.check() is None
    newer = newer_pages(path.with_name("store.db-wal"), CIPHER_PAGE_BYTES)
    count = path.stat().st_size // CIPHER_PAGE_BYTES
    beside = next(number for number in range(count, 0, -1) if number not in newer)
    _flip(path, (beside - 1) * CIPHER_PAGE_BYTES + 700)
    assert _code(writer.check()) is StoreFaultCode.DAMAGED  # beside it, it is found as ever
    reader.close()
    writer.close()


@pytest.mark.fault(9)
def test_a_file_cut_short_is_found(tmp_path: Path) -> None:
    path = tmp_path / "s" / "store.db"
    _made(path)
    path.write_bytes(path.read_bytes()[:5000])
    assert _code(_checked(path)) is StoreFaultCode.DAMAGED


@pytest.mark.fault(9)
@pytest.mark.parametrize("left", [None, b"", b"S"])
@pytest.mark.parametrize("create", [True, False])
def test_a_database_that_was_emptied_or_removed_is_not_quietly_begun_anew(
    tmp_path: Path, left: bytes | None, create: bool
) -> None:
    path = tmp_path / "s" / "store.db"
    _made(path)
    path.unlink() if left is None else path.write_bytes(left)
    result = open_database(path, KEY, HandClock(), create=create)
    assert _code(result) is StoreFaultCode.DAMAGED
    assert (path.read_bytes() if path.exists() else None) == left


def test_a_database_whose_making_was_cut_off_is_made_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "s" / "store.db"
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    assert _code(open_database(path, KEY, HandClock(), create=False)) is StoreFaultCode.NOT_FOUND
    ok(_open(path)).close()


def test_a_plain_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s" / "store.db"
    path.parent.mkdir()
    plain = sqlite3.connect(path)
    plain.execute("CREATE TABLE outbox (a)")
    plain.close()
    assert _code(_open(path)) is StoreFaultCode.NOT_ENCRYPTED


def test_a_library_without_encryption_or_too_old_is_refused() -> None:
    assert library_fault("4.19.0 community", (3, 53, 4)) is None
    assert library_fault("4.19.0 community", (3, 51, 3)) is None
    no_cipher = library_fault("", (3, 53, 4))
    too_old = library_fault("4.6.1 community", (3, 51, 2))
    assert no_cipher is not None and no_cipher.code is StoreFaultCode.NO_CIPHER
    assert too_old is not None and too_old.code is StoreFaultCode.TOO_OLD


def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s" / "store.db"
    database = ok(_open(path))
    database.rows("PRAGMA user_version = 999")
    database.close()
    assert _code(_open(path)) is StoreFaultCode.NEWER


def test_what_is_not_a_file_and_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "s" / "store.db").mkdir(parents=True)
    assert _code(_open(tmp_path / "s" / "store.db")) is StoreFaultCode.UNREADABLE
    absent = open_database(tmp_path / "no" / "store.db", KEY, HandClock(), create=False)
    assert _code(absent) is StoreFaultCode.NOT_FOUND
    assert not (tmp_path / "no").exists()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = ok(_open(tmp_path / "s" / "store.db"))
    refused = StoreFault(StoreFaultCode.TOO_LARGE)

    def half(cursor: object) -> StoreFault:
        cursor.execute("INSERT INTO meta VALUES ('half', 'x')")  # type: ignore[attr-defined]
        return refused

    assert database.write(half) is refused

    def broken(cursor: object) -> None:
        cursor.execute("INSERT INTO meta VALUES ('half', 'x')")  # type: ignore[attr-defined]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(broken)
    assert ok(database.rows("SELECT count(*) FROM meta WHERE name = 'half'")) == [(0,)]
    database.close()


def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "s" / "store.db"
    ok(_open(path)).close()
    faults: list[object] = []

    def many(name: str) -> None:
        database = ok(_open(path))
        for number in range(40):

            def work(cursor: object, number: int = number) -> None:
                cursor.execute(  # type: ignore[attr-defined]
                    "INSERT INTO meta VALUES (?, 'x')", (f"{name}{number}",)
                )

            result = database.write(work)
            if isinstance(result, StoreFault):
                faults.append(result)
        database.close()

    threads = [Thread(target=many, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database = ok(_open(path))
    assert faults == []
    assert ok(database.rows("SELECT count(*) FROM meta WHERE value = 'x'")) == [(80,)]
    database.close()


@pytest.mark.parametrize("how", ["damaged", "foreign key", "plain", "empty", "one byte"])
def test_the_terminal_opens_although_its_database_is_no_use(tmp_path: Path, how: str) -> None:
    clock = HandClock()
    places = StorePlaces(tmp_path)
    store = store_in(tmp_path, clock)
    sealed = ok(seal(store))
    epoch = store.database.epoch
    store.close()
    match how:
        case "damaged":
            for page in range(places.database.stat().st_size // 2048):
                _flip(places.database, page * 2048 + 500)
        case "foreign key":
            (places.keys / "database.key").write_bytes(OTHER_KEY)
        case "empty" | "one byte":
            places.database.write_bytes(b"" if how == "empty" else b"S")
        case _:
            places.database.write_bytes(b"SQLite format 3\x00" + bytes(4080))
    before = places.database.read_bytes()

    store = ok(open_store(tmp_path, keys_in(tmp_path), clock, draft_kept=DRAFT_KEPT, zone=ZONE))

    assert store.database.epoch != epoch
    assert store.set_aside is not None
    aside = store.set_aside.folder
    assert (aside / "store.db").read_bytes() == before  # put away, not deleted
    assert len(list((aside / "attachments").iterdir())) == 2
    enrol_in(tmp_path)  # a new key believes no file of the old one; the next contact brings it
    assert ok(seal(store)).number != sealed.number  # a number that is out is never given again
    store.close()
    again = store_in(tmp_path, clock)
    assert again.set_aside is None
    again.close()


def test_a_database_in_use_is_not_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "s" / "store.db"
    database = ok(_open(path))
    refused = set_aside(path.parent, StoreFaultCode.DAMAGED, HandClock())
    assert isinstance(refused, StoreFault) and refused.code is StoreFaultCode.BUSY
    assert path.exists()
    database.close()
    assert isinstance(set_aside(path.parent, StoreFaultCode.DAMAGED, HandClock()), Path)


def test_faults_of_the_library_set_nothing_aside(tmp_path: Path) -> None:
    store_in(tmp_path, HandClock()).close()
    refused = open_store(
        tmp_path,
        keys_in(tmp_path),
        HandClock(),
        draft_kept=DRAFT_KEPT,
        zone=ZONE,
        open_file=lambda path, key, clock: StoreFault(StoreFaultCode.TOO_OLD),
    )
    assert refused == StoreFault(StoreFaultCode.TOO_OLD)
    assert StorePlaces(tmp_path).database.exists()


def test_a_seal_goes_on_the_moment_the_other_process_lets_go(tmp_path: Path) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    other = ok(open_database(StorePlaces(tmp_path).database, keys_in(tmp_path).database, clock))
    holds, let_go = Event(), Event()

    def hold() -> None:
        def work(cursor: object) -> None:
            holds.set()
            let_go.wait()

        ok(other.write(work))

    looked: list[float] = []

    def look_again(seconds: float) -> None:
        looked.append(seconds)
        if len(looked) == 3:
            let_go.set()
            holder.join()

    holder = Thread(target=hold)
    holder.start()
    holds.wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("offline_cache.database.time.sleep", look_again)
        assert ok(seal(store)).seq == 1
    assert looked == [LOOK_AGAIN_S] * 3
    other.close()
    store.close()


def test_who_never_lets_go_does_not_hold_a_citizen_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    store = store_in(tmp_path, clock)
    other = ok(open_database(StorePlaces(tmp_path).database, keys_in(tmp_path).database, clock))
    monkeypatch.setattr("offline_cache.database.time.sleep", lambda seconds: None)

    def while_it_writes(cursor: object) -> None:
        refused = seal(store)
        assert isinstance(refused, StoreFault) and refused.code is StoreFaultCode.BUSY

    ok(other.write(while_it_writes))
    assert ok(seal(store)).seq == 1
    other.close()
    store.close()


def test_what_sync_marks_is_on_the_disk_and_nobody_waited_for_that_behind_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path, HandClock())
    other = ok(
        open_database(StorePlaces(tmp_path).database, keys_in(tmp_path).database, HandClock())
    )
    synced: list[str] = []

    def sync(path: Path) -> None:
        ok(seal(store))  # the lock is free by then
        synced.append(path.name)

    def level(cursor: Any) -> int:
        return int(cursor.execute("PRAGMA synchronous").fetchone()[0])

    monkeypatch.setattr("offline_cache.database.sync_file", sync)
    normal, full = 1, 2
    assert ok(other.write(level)) == full and synced == []
    assert ok(other.mark(level)) == normal and synced == ["store.db-wal"]
    assert ok(other.write(level)) == full and synced == ["store.db-wal"]
    # While more batches follow the disk is not waited for: the next mark, or any commit, syncs it.
    assert ok(other.mark(level, more_follow=True)) == normal and synced == ["store.db-wal"]
    assert ok(other.mark(level)) == normal and synced == ["store.db-wal"] * 2

    def fails(path: Path) -> None:
        raise OSError(errno.EIO, "the disk")

    monkeypatch.setattr("offline_cache.database.sync_file", fails)
    fault = other.mark(level)
    assert isinstance(fault, StoreFault) and fault.code is StoreFaultCode.UNREADABLE
    other.close()
    store.close()


def test_opening_it_once_more_lets_go_of_no_lock(tmp_path: Path) -> None:
    """A process that closes any descriptor of a file loses its locks on it: then another one, at its
    own end, would take itself for the last and remove the WAL from under this one."""
    store = store_in(tmp_path, HandClock())
    assert look_over(tmp_path, keys_in(tmp_path), HandClock()) is None
    inode = StorePlaces(tmp_path).database.stat().st_ino
    held = [line.split() for line in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
    mine = [it for it in held if it[1] == "POSIX" and it[5].endswith(f":{inode}")]
    assert [(it[3], it[4]) for it in mine] == [("READ", str(os.getpid()))]
    store.close()

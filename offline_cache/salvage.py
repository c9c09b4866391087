"""Brings into the new database what a damaged one still holds, row by row.

A salvaged item keeps its epoch, its seq and its bytes: the envelope opens in its own place only, and
the hub sees from the gaps what is lost. The folder that was set aside is only read; when everything
that can be read is in the new database, a small file in it says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from offline_cache.blobs import Blobs
from offline_cache.database import (
    CIPHER_PAGE_BYTES,
    NO_CHAIN,
    OWN_EPOCH,
    SEQ_BITS,
    Database,
    read_beside,
)
from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import sync_folder, write_whole
from offline_cache.outbox import ItemState, seq_of
from offline_cache.pages import Pages, Record, Value
from offline_cache.queue import forget_exports, hear_all_verdicts_again

DONE: Final = "salvaged.json"  # in the folder that was set aside
ROWS_A_TURN: Final = 50  # the write lock is held for so many; a citizen may be sealing
OUTBOX_COLUMNS: Final = 16
HASH_BYTES: Final = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was found. `items` of all states but purged; `lost` are items that cannot be read."""

    items: int
    waiting: int
    lost: int
    attachments: int
    attachments_lost: int
    bad_pages: int


def folders_to_salvage(store: Path) -> tuple[Path, ...]:
    """The folders set aside beside `store` that were not salvaged yet, oldest first."""
    return tuple(
        folder
        for folder in sorted(store.parent.glob(store.name + ".aside-*"))
        if (folder / "store.db").exists() and not (folder / DONE).exists()
    )


def salvage(aside: Path, key: bytes, into: Database, blobs: Blobs) -> Salvaged | StoreFault:
    """Copy what is whole. May be cut off and begun again at any moment; nothing comes twice.

    One at a time: `BUSY` while another process (or thread) salvages into the same database. A folder
    that another one has finished meanwhile is answered as that one found it.
    """
    try:
        lock = os.open(into.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return fault_of_os_error(error, "salvage")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _done_already(aside) or _salvage(aside, key, into, blobs)
    except BlockingIOError:
        return StoreFault(
            StoreFaultCode.BUSY, "it is being salvaged already: wait until it is done"
        )
    except OSError as error:
        return fault_of_os_error(error, "salvage")
    finally:
        os.close(lock)


def _done_already(aside: Path) -> Salvaged | None:
    """What somebody else has found there; None when nobody has, or his note cannot be read."""
    try:
        return Salvaged(**json.loads((aside / DONE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _salvage(aside: Path, key: bytes, into: Database, blobs: Blobs) -> Salvaged | StoreFault:
    try:
        beside = read_beside(aside / "store.db")
        salt = beside.salt if beside is not None else None
        with Pages(aside / "store.db", key, CIPHER_PAGE_BYTES, salt) as pages:
            done = _Salvage(pages, aside, into, blobs).run()
    except OSError as error:
        return fault_of_os_error(error, "salvage")
    if isinstance(done, StoreFault):
        return done
    try:
        write_whole(aside / DONE, json.dumps(asdict(done)).encode())
    except OSError as error:
        return fault_of_os_error(error, "salvage")
    return done


class _Salvage:
    def __init__(self, pages: Pages, aside: Path, into: Database, blobs: Blobs) -> None:
        self._pages = pages
        self._aside = aside
        self._into = into
        self._blobs = blobs
        self._epochs: dict[int, int] = {}  # number of an epoch there -> its number here
        self._purged: dict[int, int] = {}  # number there -> seq up to which rows were erased
        self._highest: dict[int, int] = {}  # number there -> the highest seq that any record names
        self._files: set[bytes] = set()  # by their SHA-256

    def run(self) -> Salvaged | StoreFault:
        failed = self._take_epochs()
        if failed is not None:
            return failed
        # Files and sealed bytes first: an item is there from the moment its own row is.
        for step in (self._take_files, self._take_sealed, self._take_attachments):
            failed = step()
            if failed is not None:
                return failed
        return self._take_items()

    def _take_epochs(self) -> StoreFault | None:
        known = {
            int(record.rowid): record.values
            for record in self._pages.records()
            if record.rowid is not None and _is_epoch(record)
        }
        if OWN_EPOCH not in known:
            beside = read_beside(self._aside / "store.db")
            if beside is not None:
                known[OWN_EPOCH] = (None, beside.epoch, 0, NO_CHAIN, 0)

        def work(cursor: Any) -> None:
            for no in sorted(known, reverse=True):  # the newest stands nearest to our own
                epoch, self._purged[no] = str(known[no][1]), int(str(known[no][2]))
                self._highest[no] = int(str(known[no][4]))
                cursor.execute("SELECT no FROM epochs WHERE epoch = ?", (epoch,))
                row = cursor.fetchone()
                if row is None:
                    cursor.execute(
                        "INSERT INTO epochs (no, epoch, purged_seq, purged_chain)"
                        " SELECT min(no) - 1, ?, 0, ? FROM epochs RETURNING no",
                        (epoch, NO_CHAIN),
                    )
                    row = cursor.fetchone()
                self._epochs[no] = int(row[0])

        return self._into.write(work)

    def _take_files(self) -> StoreFault | None:
        """The rows first: retention erases files that no row names."""

        def rows() -> Iterator[tuple[object, ...]]:
            for record in self._pages.records():
                if _is_file(record):
                    self._files.add(bytes(record.values[0]))  # type: ignore[arg-type]
                    yield record.values

        failed = self._insert(
            "INSERT OR IGNORE INTO files (sha256, content, seal_key, bytes, key)"
            " VALUES (?, ?, ?, ?, ?)",
            rows(),
        )
        for sha256 in self._files:
            with contextlib.suppress(OSError):  # what is missing is counted at the end
                self._blobs.adopt(self._aside / "attachments" / sha256.hex())
        if self._blobs.folder.is_dir():
            sync_folder(self._blobs.folder)
        return failed

    def _take_sealed(self) -> StoreFault | None:
        return self._insert(
            "INSERT OR IGNORE INTO sealed (row, bytes) VALUES (?, ?)",
            (
                (here, record.values[-1])
                for record in self._pages.records()
                if (_is_sealed(record) or _is_fresh(record))
                and (here := self._here(record.rowid)) is not None
            ),
        )

    def _take_attachments(self) -> StoreFault | None:
        """From the table and from its index, whichever leaf is whole."""

        def rows() -> Iterator[tuple[object, ...]]:
            for record in self._pages.records():
                named = _attachment(record)
                if named is not None and (here := self._here(named[0])) is not None:
                    yield here, named[1], named[2]

        return self._insert(
            "INSERT OR IGNORE INTO attachments (row, place, sha256)"
            " SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM files WHERE sha256 = ?3)",
            rows(),
        )

    def _take_items(self) -> Salvaged | StoreFault:
        found: dict[int, int] = {}  # number there -> how many items
        bytes_lost = 0
        not_read: StoreFault | None = None

        def rows() -> Iterator[tuple[object, ...]]:
            nonlocal bytes_lost, not_read
            for record in self._pages.records():
                if record.rowid is None or not (_is_item(record) or _is_fresh(record)):
                    continue
                here = self._here(record.rowid)
                if here is None:
                    continue
                found[record.rowid >> SEQ_BITS] = found.get(record.rowid >> SEQ_BITS, 0) + 1
                if record.values[7] == ItemState.PURGED:
                    continue
                has_bytes = self._has_bytes(here)
                if isinstance(has_bytes, StoreFault):
                    not_read = has_bytes  # a disk that is busy now has lost nothing
                    return
                if has_bytes:
                    yield here, *(_put_away(record) if _is_fresh(record) else record.values[1:])
                else:
                    bytes_lost += 1

        failed = self._insert(
            "INSERT OR IGNORE INTO outbox (row, id, kind, order_key, created_at, sha256, chain,"
            " state, settled_at, code, reason, key, item, person_digest, name_masked, receipt)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows(),
        )
        failed = failed or not_read or self._into.write(self._finish)
        if failed is not None:
            return failed
        rows_lost = sum(
            max(0, highest - self._purged.get(no, 0) - found.get(no, 0))
            for no, highest in self._highest.items()
        )
        return self._count(bytes_lost + rows_lost)

    def _finish(self, cursor: Any) -> None:
        """What each epoch had given, and away with the bytes and names of items that are lost.

        Only of what came from here: another folder's salvage may have been cut off half way.
        """
        for no, highest in self._highest.items():
            cursor.execute(
                "UPDATE epochs SET last_seq = max(last_seq, ?) WHERE no = ?",
                (highest, self._epochs[no]),
            )
        for no in self._epochs.values():
            for statement in (
                "DELETE FROM sealed WHERE row > ? AND row < ? AND row NOT IN (SELECT row FROM outbox)",
                "DELETE FROM attachments WHERE row > ? AND row < ?"
                " AND row NOT IN (SELECT row FROM outbox)",
            ):
                cursor.execute(statement, (no << SEQ_BITS, (no + 1) << SEQ_BITS))
        cursor.executemany(
            "DELETE FROM files WHERE sha256 = ?1"
            " AND NOT EXISTS (SELECT 1 FROM attachments WHERE sha256 = ?1)",
            [(sha256,) for sha256 in self._files],
        )
        hear_all_verdicts_again(cursor)  # some came while these items were not here
        forget_exports(cursor)  # these are on no stick

    def _count(self, lost: int) -> Salvaged | StoreFault:
        numbers = sorted(self._epochs.values()) or [0]
        within = (numbers[0] << SEQ_BITS, (numbers[-1] + 1) << SEQ_BITS)
        rows = self._into.rows(
            "SELECT (SELECT count(*) FROM outbox WHERE row BETWEEN ?1 AND ?2),"
            " (SELECT count(*) FROM outbox WHERE row BETWEEN ?1 AND ?2"
            " AND state IN ('sealed', 'sending'))",
            within,
        )
        names = self._into.rows(
            "SELECT DISTINCT sha256 FROM attachments WHERE row BETWEEN ?1 AND ?2", within
        )
        if isinstance(rows, StoreFault):
            return rows
        if isinstance(names, StoreFault):
            return names
        there = sum(self._blobs.has(name) for (name,) in names)
        return Salvaged(
            items=rows[0][0],
            waiting=rows[0][1],
            lost=lost,
            attachments=there,
            attachments_lost=len(names) - there,
            bad_pages=len(self._pages.bad),
        )

    def _here(self, row: int | None) -> int | None:
        """The number in the new database of a row there; None for one of no known epoch."""
        if row is None:
            return None
        there, seq = row >> SEQ_BITS, seq_of(row)
        no = self._epochs.get(there)
        if no is None:
            return None
        self._highest[there] = max(self._highest.get(there, 0), seq)
        return (no << SEQ_BITS) + seq

    def _has_bytes(self, row: int) -> bool | StoreFault:
        rows = self._into.rows("SELECT 1 FROM sealed WHERE row = ?", (row,))
        return rows if isinstance(rows, StoreFault) else bool(rows)

    def _insert(self, statement: str, rows: Iterator[tuple[object, ...]]) -> StoreFault | None:
        for turn in _turns(rows):

            def work(cursor: Any, turn: list[tuple[object, ...]] = turn) -> None:
                cursor.executemany(statement, turn)

            failed = self._into.write(work)
            if failed is not None:
                return failed
        return None


def _turns(rows: Iterable[T]) -> Iterator[list[T]]:
    turn: list[T] = []
    for row in rows:
        turn.append(row)
        if len(turn) == ROWS_A_TURN:
            yield turn
            turn = []
    if turn:
        yield turn


# -- what a record is: told by its shape, which no other table or index of the schema has -----------


def _is_epoch(record: Record) -> bool:
    match record.values:
        case (None, str(epoch), int(), bytes(chain), int()):
            return len(chain) == HASH_BYTES and _is_uuid(epoch)
        case _:
            return False


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _is_file(record: Record) -> bool:
    match record.values:
        case (bytes(sha256), bytes(), bytes(), int(), bytes()):
            return record.rowid is not None and len(sha256) == HASH_BYTES
        case _:
            return False


def _is_sealed(record: Record) -> bool:
    match record.values:
        case (None, bytes()):
            return record.rowid is not None and record.rowid >> SEQ_BITS > 0
        case _:
            return False


def _is_item(record: Record) -> bool:
    match record.values:
        case (None, bytes(), str(), str(), str(), bytes(), bytes(), str(), *_):
            return len(record.values) == OUTBOX_COLUMNS
        case _:
            return False


def _is_fresh(record: Record) -> bool:
    """An item that was committed a moment before the end."""
    match record.values:
        case (None, bytes(), str(), str(), str(), bytes(), bytes(), bytes(), *_):
            return record.rowid is not None and len(record.values) == OUTBOX_COLUMNS
        case _:
            return False


def _put_away(record: Record) -> tuple[Value, ...]:
    """The values of a fresh item as they stand in the outbox, after the row."""
    common, key, outside = record.values[1:7], record.values[7], record.values[8:12]
    return (*common, ItemState.SEALED.value, None, "", "", key, *outside)


def _attachment(record: Record) -> tuple[int, int, bytes] | None:
    """Row, place and SHA-256: the table's order, or its index's."""
    if record.rowid is not None:
        return None
    match record.values:
        case (int(row), int(place), bytes(sha256)) | (bytes(sha256), int(row), int(place)):
            return row, place, sha256
        case _:
            return None

"""One encrypted SQLite file: opened carefully or not at all.

SQLCipher by raw key, WAL, synchronous=FULL, BEGIN IMMEDIATE. The folder that holds the file is
one unit (database, its WAL, key mark, attachments): a database that cannot be used is set aside by
renaming that folder, never deleted, and a new one begins with a new epoch.

Measured in the project's notes on durability: WAL with FULL lost nothing in power cuts, every
weaker setting did. SQLite 3.7.0 to 3.51.2 can corrupt a WAL when it is reset; 3.51.3 mended it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hmac
import os
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlcipher3

from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import (
    PRIVATE_FILE,
    make_private_folder,
    sync_file,
    sync_folder,
    write_whole,
)
from offline_cache.pages import newer_pages
from offline_cache.ports import Clock, utc_text

OLDEST_SQLITE: Final = (3, 51, 3)  # the first without the WAL-reset corruption
# The other process holds the lock for a millisecond or two. SQLite itself would look again after
# 1, 3, 8, 18 ms, which a citizen's seal would feel in every burst of sync; so we look ourselves.
LOOK_AGAIN_S: Final = 0.0002
OPENING_S: Final = 5.0  # SQLite's own way of looking, until the file is open
LOOKS: Final = 25_000  # five seconds of looking, and somewhat more of waiting
EMPTY_WAL_AGAIN_S: Final = 0.005  # each look moves what it may; who reads or writes is soon done
EMPTY_WAL_LOOKS: Final = 1000
WAL_KEPT_BYTES: Final = 4 << 20  # a WAL that grew in a burst shrinks back to this
FREE_BYTES_OF_A_FULL_DISK: Final = 64 << 10  # less than this left explains a failed write
# So many commits that nobody waits for, of some ten pages each, and the WAL is moved into the main
# file; SQLite itself would do that within the very commit that a citizen waits for.
COMMITS_A_CHECKPOINT: Final = 64
# While sync drains a long queue it holds back: the disk is the citizen's. Each of its marks is some
# forty pages of a batch, so that the WAL stays below some 20 MB.
MARKS_A_CHECKPOINT: Final = 256
# A sealed application fits on half of the usual page, and the hash is the one that this kind of
# processor computes itself: both cut what a commit costs beside its fsync.
CIPHER_PAGE_BYTES: Final = 2048
BAD_LOOKS: Final = 3  # that a page must be bad in, for it to be damaged and not just being written
BAD_AGAIN_S: Final = 0.05
CIPHER_HMAC: Final = "HMAC_SHA256"
CONDEMNED: Final = "condemned"  # a file in the folder; every transaction looks for it
PLAIN_HEADER: Final = b"SQLite format 3\x00"

T = TypeVar("T")
Row = tuple[Any, ...]

# A row's number is its epoch's number and its seq in one integer, so that the order of rows is the
# order of sealing also when rows of an older epoch, salvaged, stand before our own.
SEQ_BITS: Final = 40
OWN_EPOCH: Final = 1000  # salvaged epochs get 999, 998, ...
NO_CHAIN: Final = bytes(32)  # before the first item of an epoch

# Each entry takes the schema one version further, in one transaction; never edit a shipped one.
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
        # purged_*: up to there the rows themselves are gone; last_seq: of a salvaged epoch the
        # highest seq that anything told of, so that the hub sees what is lost at its end
        """CREATE TABLE epochs (
            no INTEGER PRIMARY KEY,
            epoch TEXT NOT NULL UNIQUE,
            purged_seq INTEGER NOT NULL,
            purged_chain BLOB NOT NULL,
            last_seq INTEGER NOT NULL DEFAULT 0) STRICT""",
        # for each local day the highest serial given: rows may go, these stay
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
        # one row at a time, or a few after a crash: no index, which every seal would have to write
        """CREATE TABLE drafts (
            session TEXT NOT NULL,
            run TEXT NOT NULL,
            card_digest BLOB NOT NULL,
            saved_at TEXT NOT NULL,
            payload TEXT NOT NULL) STRICT""",
        # The columns from `item` on are those of an application; a rating has none of them.
        # state: what waits is said in the same words in every query, or its indexes are not used.
        # key: the row's own, which encrypts `sealed` once more; empty when the item was purged.
        """CREATE TABLE outbox (
            row INTEGER PRIMARY KEY,
            id BLOB NOT NULL,
            kind TEXT NOT NULL,
            order_key TEXT NOT NULL,
            created_at TEXT NOT NULL,
            sha256 BLOB NOT NULL,
            chain BLOB NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('sealed', 'sending')
                OR state IN ('accepted', 'refused', 'handled', 'purged')),
            settled_at TEXT,
            code TEXT NOT NULL DEFAULT '',
            reason TEXT NOT NULL DEFAULT '',
            key BLOB NOT NULL,
            item TEXT,
            person_digest BLOB,
            name_masked TEXT,
            receipt TEXT) STRICT""",
        # What was committed a moment ago, in one place: a citizen waits for one page, not for the
        # seven small trees in which it is looked for later. `Database` moves it there before
        # anything else is read or written, with its serial, and the session's draft goes.
        """CREATE TABLE fresh (
            row INTEGER PRIMARY KEY,
            id BLOB NOT NULL,
            kind TEXT NOT NULL,
            order_key TEXT NOT NULL,
            created_at TEXT NOT NULL,
            sha256 BLOB NOT NULL,
            chain BLOB NOT NULL,
            key BLOB NOT NULL,
            item TEXT,
            person_digest BLOB,
            name_masked TEXT,
            receipt TEXT,
            session TEXT,
            counter TEXT,
            serial INTEGER,
            bytes BLOB NOT NULL) STRICT""",
        # the envelope to the hub, under the key in another table's row
        "CREATE TABLE sealed (row INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
        "CREATE INDEX outbox_waiting ON outbox (row) WHERE state IN ('sealed', 'sending')",
        "CREATE INDEX outbox_order ON outbox (order_key, row)",
        "CREATE INDEX outbox_person ON outbox (person_digest, created_at)"
        " WHERE person_digest IS NOT NULL",
        "CREATE INDEX outbox_settled ON outbox (settled_at) WHERE state IN ('accepted', 'handled')",
        "CREATE INDEX outbox_refused ON outbox (row) WHERE state = 'refused'",
        # sha256: of the envelope, and the file's name; content: finds the same content again
        """CREATE TABLE files (
            sha256 BLOB PRIMARY KEY,
            content BLOB NOT NULL,
            seal_key BLOB NOT NULL,
            bytes INTEGER NOT NULL,
            key BLOB NOT NULL) STRICT""",
        "CREATE INDEX files_content ON files (content)",
        """CREATE TABLE attachments (
            row INTEGER NOT NULL,
            place INTEGER NOT NULL,
            sha256 BLOB NOT NULL REFERENCES files (sha256),
            PRIMARY KEY (row, place)) STRICT, WITHOUT ROWID""",
        "CREATE INDEX attachments_file ON attachments (sha256)",
    ),
    # what of the outbox is on a stick, whole, since the hub last lost or wanted something again
    ("CREATE TABLE exported (row INTEGER PRIMARY KEY) STRICT",),
)


# What was fresh goes to where it is looked for.
_PUT_AWAY: Final = (
    "INSERT INTO outbox (row, id, kind, order_key, created_at, sha256, chain, state, key, item,"
    " person_digest, name_masked, receipt) SELECT row, id, kind, order_key, created_at, sha256,"
    " chain, 'sealed', key, item, person_digest, name_masked, receipt FROM fresh",
    "INSERT INTO sealed (row, bytes) SELECT row, bytes FROM fresh",
    "INSERT INTO counters (name, value) SELECT counter, max(serial) FROM fresh"
    " WHERE counter IS NOT NULL GROUP BY counter"
    " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
    "DELETE FROM drafts WHERE session IN (SELECT session FROM fresh)",
    "DELETE FROM fresh",
)


class Database:
    """An open database. Calls from several threads queue up; each transaction is short."""

    def __init__(self, connection: Any, path: Path, epoch: str, lock: int) -> None:
        """Use `open_database`. `lock` is the descriptor that says the folder is in use."""
        self._connection = connection
        self._path = path
        self._epoch = epoch
        self._in_use = lock
        self._condemned = str(path.with_name(CONDEMNED))
        self._turn = threading.RLock()
        self._commits = 0  # since the WAL was last moved

    @property
    def path(self) -> Path:
        return self._path

    @property
    def epoch(self) -> str:
        """The random id made with this database; sequence numbers belong to it."""
        return self._epoch

    def write(self, work: Callable[[Any], T | StoreFault]) -> T | StoreFault:
        """Run `work(cursor)` in one IMMEDIATE transaction and commit it.

        A fault that `work` returns, or meets, rolls everything back and is the result. When a
        value comes back it is on the disk. What was fresh is put away before `work`.
        """
        with self._turn:
            result = self._commit(work)
            if not isinstance(result, StoreFault):
                self._move_into_file(COMMITS_A_CHECKPOINT)
            return result

    def mark(
        self, work: Callable[[Any], T | StoreFault], *, more_follow: bool = False
    ) -> T | StoreFault:
        """As `write`, for what the hub would tell again if a power cut took it.

        The lock is given back before the disk is waited for: nobody's seal stands behind that. What
        others commit meanwhile comes after it in the WAL and is synced with it. With `more_follow`
        the disk is not waited for at all: the next mark without it, or anybody's commit, syncs it.
        """
        with self._turn:
            try:
                self._connection.execute("PRAGMA synchronous = NORMAL")
                try:
                    result = self._commit(work)
                finally:
                    self._connection.execute("PRAGMA synchronous = FULL")
                if isinstance(result, StoreFault):
                    return result
                if not more_follow:
                    sync_file(self._path.with_name(self._path.name + "-wal"))
            except sqlcipher3.Error as error:
                return fault_of_database_error(error, self._path)
            except OSError as error:
                return fault_of_os_error(error, "database")
            self._move_into_file(MARKS_A_CHECKPOINT)
            return result

    def append(self, work: Callable[[Any], T | StoreFault]) -> T | StoreFault:
        """As `write`, for the commit that a citizen waits for.

        What is fresh stays so, and `work` adds to it; the WAL is left to others.
        """
        with self._turn:
            return self._commit(work, put_away=False)

    def put_away(self) -> StoreFault | None:
        """Put what is fresh where it is looked for: soon after an `append`, when nobody waits."""
        with self._turn:
            try:
                found = self._patiently(
                    lambda: self._connection.execute("SELECT 1 FROM fresh LIMIT 1").fetchone()
                )
            except sqlcipher3.Error as error:
                return fault_of_database_error(error, self._path)
            return None if found is None else self.write(lambda cursor: None)

    def _commit(
        self, work: Callable[[Any], T | StoreFault], *, put_away: bool = True
    ) -> T | StoreFault:
        if self._is_condemned():
            return StoreFault(StoreFaultCode.DAMAGED, "found damaged; to be set aside")
        try:
            cursor = self._connection.cursor()
            self._patiently(lambda: cursor.execute("BEGIN IMMEDIATE"))
            if put_away:
                _put_away(cursor)
            result = work(cursor)
            cursor.execute("ROLLBACK" if isinstance(result, StoreFault) else "COMMIT")
        except sqlcipher3.Error as error:
            self._roll_back()
            return fault_of_database_error(error, self._path)
        except BaseException:
            self._roll_back()
            raise
        return result

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row] | StoreFault:
        """All rows of one query.

        What is fresh is put away before; where the disk refuses that, it is not among the rows.
        """
        with self._turn:
            if self._is_condemned():
                return StoreFault(StoreFaultCode.DAMAGED, "found damaged; to be set aside")
            if not self._connection.in_transaction:
                fault = self.put_away()
                if fault is not None and fault.code is StoreFaultCode.DAMAGED:
                    return fault
            try:
                return self._patiently(
                    lambda: list(self._connection.execute(sql, parameters).fetchall())
                )
            except sqlcipher3.Error as error:
                return fault_of_database_error(error, self._path)

    def empty_wal(self) -> bool:
        """Move everything into the main file and cut the WAL to nothing.

        False when another process is reading just now or the disk refuses: call again later.
        """
        with self._turn:
            for _ in range(EMPTY_WAL_LOOKS):
                try:
                    (busy, _, _) = self._connection.execute(
                        "PRAGMA wal_checkpoint(TRUNCATE)"
                    ).fetchone()
                except sqlcipher3.Error:
                    return False
                if not busy:
                    return True
                time.sleep(EMPTY_WAL_AGAIN_S)
            return False

    def check(self) -> StoreFault | None:
        """Every page's HMAC and the tree over them. Reads the whole file, and more than once if
        anything seems wrong: another process may be writing it."""
        with self._turn:
            try:
                bad = self._bad_pages()
                for _ in range(BAD_LOOKS - 1):
                    if bad:
                        time.sleep(BAD_AGAIN_S)
                        bad &= self._bad_pages()
                said = self._patiently(
                    lambda: [row[0] for row in self._connection.execute("PRAGMA quick_check(1)")]
                )
            except sqlcipher3.Error as error:
                return fault_of_database_error(error, self._path)
        if bad:
            return StoreFault(StoreFaultCode.DAMAGED, f"{len(bad)} pages fail their check")
        if said != ["ok"]:
            return StoreFault(StoreFaultCode.DAMAGED, "the tree of pages is not whole")
        return None

    def _bad_pages(self) -> set[int]:
        """Numbers of pages in the main file that are not what was written, and that count.

        The library reads the main file past all locks. A page of which the WAL has a newer version
        may be missing there, for as long as the WAL is only partly moved (also after a kill), or be
        half moved just now: neither is damage.
        """
        told = self._patiently(
            lambda: self._connection.execute("PRAGMA cipher_integrity_check").fetchall()
        )
        if not told:
            return set()
        named = [re.search(r"page (\d+)", str(text)) for (text,) in told]
        bad = {int(found[1]) if found else 0 for found in named}
        try:
            newer = newer_pages(self._path.with_name(self._path.name + "-wal"), CIPHER_PAGE_BYTES)
        except OSError:
            return bad
        return bad - newer.keys()

    def close(self) -> None:
        with self._turn:
            with contextlib.suppress(sqlcipher3.Error):  # a full disk must not keep us from leaving
                self._connection.close()
            if self._in_use >= 0:
                os.close(self._in_use)
                self._in_use = -1

    def _is_condemned(self) -> bool:
        """Every seal asks; `Path.exists` takes four times as long to find that nothing is there."""
        return os.access(self._condemned, os.F_OK)

    def _patiently(self, work: Callable[[], T]) -> T:
        """`work`, again and again while the other process holds what it needs."""
        for _ in range(LOOKS):
            try:
                return work()
            except sqlcipher3.OperationalError as error:
                if _result_code(error) & 0xFF != _Result.BUSY:
                    raise
            time.sleep(LOOK_AGAIN_S)
        return work()

    def _move_into_file(self, commits: int) -> None:
        """Move the WAL into the main file after so many; who reads or writes is not held up."""
        self._commits += 1
        if self._commits >= commits:
            self._commits = 0
            with contextlib.suppress(sqlcipher3.Error):  # the commit stands; the next one tells
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlcipher3.Error):
                self._connection.execute("ROLLBACK")


def _put_away(cursor: Any) -> None:
    if cursor.execute("SELECT 1 FROM fresh LIMIT 1").fetchone() is not None:
        for statement in _PUT_AWAY:
            cursor.execute(statement)


def library_fault(cipher_version: str, sqlite_version: tuple[int, ...]) -> StoreFault | None:
    """Whether this library may be used at all."""
    if not cipher_version:
        return StoreFault(StoreFaultCode.NO_CIPHER, "the database library cannot encrypt")
    if sqlite_version < OLDEST_SQLITE:
        have = ".".join(str(part) for part in sqlite_version)
        want = ".".join(str(part) for part in OLDEST_SQLITE)
        return StoreFault(StoreFaultCode.TOO_OLD, f"SQLite {have}, wants {want} or later")
    return None


def open_database(
    path: Path, key: bytes, clock: Clock, *, create: bool = True
) -> Database | StoreFault:
    """Open (or, with `create`, make) the database with the raw 32-byte `key`.

    Nothing is repaired or replaced here; see `set_aside`.
    """
    try:
        if create:
            make_private_folder(path.parent)
        if not _holds_a_page(path):
            if _beside_path(path).exists():
                return StoreFault(StoreFaultCode.DAMAGED, "what was made here is empty or gone")
            if not create:
                return StoreFault(StoreFaultCode.NOT_FOUND, "there is no database")
        lock = _share(path.parent)
        if isinstance(lock, StoreFault):
            return lock
        opened = _open_file(path, key, clock, lock)
        if isinstance(opened, StoreFault):
            os.close(lock)
    except OSError as error:
        return fault_of_os_error(error, "database")
    return opened


def set_aside(folder: Path, reason: StoreFaultCode, clock: Clock) -> Path | StoreFault:
    """Rename the folder of an unusable database, so that a new one can begin. Nothing is deleted.

    Refused (`BUSY`) while any process has the database open.
    """
    stamp = clock.utc().strftime("%Y%m%dT%H%M%SZ")
    target = folder.with_name(f"{folder.name}.aside-{stamp}-{reason}-{secrets.token_hex(2)}")
    try:
        lock = os.open(lock_path(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder.rename(target)
            sync_folder(folder.parent)
        finally:
            os.close(lock)
    except BlockingIOError:
        return StoreFault(StoreFaultCode.BUSY, "another process has the database open")
    except OSError as error:
        return fault_of_os_error(error, "setting aside")
    return target


def condemn(folder: Path) -> StoreFault | None:
    """Say to every process that has the database open: let go, it is to be set aside."""
    try:
        write_whole(folder / CONDEMNED, b"")
    except OSError as error:
        return fault_of_os_error(error, "condemning")
    return None


def is_condemned(folder: Path) -> bool:
    return (folder / CONDEMNED).exists()


@dataclass(frozen=True, slots=True)
class Beside:
    """What salvaging cannot do without, kept beside the database: its epoch and its cipher's salt."""

    epoch: str
    salt: bytes


def read_beside(path: Path) -> Beside | None:
    """None when the file is missing or torn; then the database itself must tell."""
    try:
        epoch, salt = _beside_path(path).read_text(encoding="ascii").split()
        return Beside(str(uuid.UUID(epoch)), bytes.fromhex(salt))
    except (OSError, ValueError):
        return None


# -- opening, step by step ------------------------------------------------------


def _holds_a_page(path: Path) -> bool:
    """SQLite takes a file of a few bytes for a new database, and begins one in it."""
    return path.exists() and path.stat().st_size >= len(PLAIN_HEADER)


def _open_file(path: Path, key: bytes, clock: Clock, lock: int) -> Database | StoreFault:
    if is_condemned(path.parent):
        return StoreFault(StoreFaultCode.DAMAGED, "found damaged; to be set aside")
    mark = _key_mark(key)
    mark_path = path.with_name(path.name + ".keymark")
    if not _holds_a_page(path):
        write_whole(mark_path, mark)
        # SQLite gives its other files the mode of the first.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
    known_key = mark_path.exists() and hmac.compare_digest(mark_path.read_bytes(), mark)
    try:
        connection = sqlcipher3.connect(
            str(path), timeout=OPENING_S, isolation_level=None, check_same_thread=False
        )
    except sqlcipher3.Error as error:
        return fault_of_database_error(error, path)
    try:
        result = _prepare(connection, path, key, known_key, clock)
    except sqlcipher3.Error as error:
        connection.close()
        return fault_of_database_error(error, path)
    if isinstance(result, StoreFault):
        connection.close()
        return result
    if not known_key:
        write_whole(mark_path, mark)  # the mark was lost; the key has just proved itself
    # Not from the file: whoever closes it lets go of every lock that this process has on it.
    salt = bytes.fromhex(connection.execute("PRAGMA cipher_salt").fetchone()[0])
    if read_beside(path) != Beside(result, salt):
        write_whole(_beside_path(path), f"{result} {salt.hex()}".encode())
    return Database(connection, path, result, lock)


def _prepare(
    connection: Any, path: Path, key: bytes, known_key: bool, clock: Clock
) -> str | StoreFault:
    """Unlock, set up and migrate; answers the epoch."""
    (cipher_version,) = connection.execute("PRAGMA cipher_version").fetchone() or ("",)
    refused = library_fault(str(cipher_version or ""), sqlcipher3.sqlite_version_info)
    if refused is not None:
        return refused
    # The cipher's own messages go to standard error and say nothing that the fault does not.
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute(f"PRAGMA cipher_hmac_algorithm = {CIPHER_HMAC}")
    connection.execute(f"PRAGMA cipher_page_size = {CIPHER_PAGE_BYTES}")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlcipher3.DatabaseError as error:
        fault = fault_of_database_error(error, path)
        if fault.code is not StoreFaultCode.DAMAGED:
            return fault
        if _is_plain(path):
            return StoreFault(StoreFaultCode.NOT_ENCRYPTED, "the file is plain SQLite")
        # The first page fails alike for another key and for a damaged page; the mark tells.
        if known_key:
            return StoreFault(StoreFaultCode.DAMAGED, "the first page fails its check")
        return StoreFault(StoreFaultCode.WRONG_KEY, "the database has another key")
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "wal_autocheckpoint = 0",
        f"journal_size_limit = {WAL_KEPT_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    epoch = _migrate(connection, clock)
    connection.execute("PRAGMA busy_timeout = 0")  # from here on `Database` looks again itself
    return epoch


def _is_plain(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PLAIN_HEADER)) == PLAIN_HEADER


def _migrate(connection: Any, clock: Clock) -> str | StoreFault:
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            connection.execute("ROLLBACK")
            return StoreFault(StoreFaultCode.NEWER, f"schema {version}, knows {len(MIGRATIONS)}")
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        if version == 0:
            connection.executemany(
                "INSERT INTO meta (name, value) VALUES (?, ?)",
                [("created_at", utc_text(clock.utc()))],
            )
            connection.execute(
                "INSERT INTO epochs (no, epoch, purged_seq, purged_chain) VALUES (?, ?, 0, ?)",
                (OWN_EPOCH, str(uuid.uuid4()), NO_CHAIN),
            )
        if version != len(MIGRATIONS):
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        (epoch,) = connection.execute(
            "SELECT epoch FROM epochs WHERE no = ?", (OWN_EPOCH,)
        ).fetchone()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return str(epoch)


def _key_mark(key: bytes) -> bytes:
    """Tells this key from another without telling anything of it."""
    return hmac.digest(key, b"which key opens this database", "sha256").hex().encode()


def _beside_path(path: Path) -> Path:
    return path.with_name(path.name + ".beside")


def lock_path(folder: Path) -> Path:
    """Locked shared by who uses the folder, alone by who takes it away."""
    return folder.with_name(folder.name + ".lock")


def _share(folder: Path) -> int | StoreFault:
    """Say that the folder is in use, for as long as the descriptor is open."""
    lock = os.open(lock_path(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return StoreFault(StoreFaultCode.BUSY, "the database is being set aside")
    return lock


class _Result(IntEnum):
    """SQLite's primary result codes: the low byte of `sqlite_errorcode` (sqlite.org/rescode.html)."""

    PERM = 3
    BUSY = 5
    LOCKED = 6
    READONLY = 8
    IOERR = 10
    CORRUPT = 11
    FULL = 13
    CANTOPEN = 14
    NOTADB = 26


def _result_code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0) or 0)


def fault_of_database_error(error: Exception, path: Path) -> StoreFault:
    """What SQLite met, as a fault. An error that only a mistake of ours can cause is raised again."""
    code = _result_code(error)
    detail = f"SQLite result {code}"
    match code & 0xFF:
        case _Result.CORRUPT | _Result.NOTADB:
            return StoreFault(StoreFaultCode.DAMAGED, detail)
        case _Result.FULL:
            return StoreFault(StoreFaultCode.DISK_FULL, detail)
        case _Result.BUSY | _Result.LOCKED:
            return StoreFault(StoreFaultCode.BUSY, detail)
        case _Result.IOERR if _disk_is_full(path):
            # the shared-memory file of the WAL says "I/O error" where others say "full"
            return StoreFault(StoreFaultCode.DISK_FULL, detail)
        case _Result.IOERR | _Result.READONLY | _Result.CANTOPEN | _Result.PERM:
            return StoreFault(StoreFaultCode.UNREADABLE, detail)
        case _:
            raise error


def _disk_is_full(path: Path) -> bool:
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < FREE_BYTES_OF_A_FULL_DISK

"""What is delivered is kept some days, in case the hub must be restored, then erased for good."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from offline_cache.blobs import Blobs
from offline_cache.database import SEQ_BITS, Database
from offline_cache.faults import StoreFault
from offline_cache.ports import Clock, utc_text

NAMES_A_LOOK: Final = 200
# The write lock is held while so many files go, some hundred microseconds each on a slow card; a
# citizen may be sealing. The disk is waited for when the lock is given back.
ORPHANS_A_TURN: Final = 10

# In this order; after it nothing but a link of the chain is left of an old item.
_PURGE: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS old_files (sha256 BLOB PRIMARY KEY)",
    "DELETE FROM old_files",
    "INSERT OR IGNORE INTO old_files SELECT sha256 FROM attachments"
    " WHERE row IN (SELECT row FROM old_items)",
    "DELETE FROM sealed WHERE row IN (SELECT row FROM old_items)",
    "DELETE FROM attachments WHERE row IN (SELECT row FROM old_items)",
    # only these: a file whose item is still being salvaged is named by nothing yet
    "DELETE FROM files WHERE sha256 IN (SELECT sha256 FROM old_files)"
    " AND sha256 NOT IN (SELECT sha256 FROM attachments)",
    "UPDATE outbox SET state = 'purged', key = x'', code = '', reason = '', item = NULL,"
    " person_digest = NULL, name_masked = NULL, receipt = NULL"
    " WHERE row IN (SELECT row FROM old_items)",
)


@dataclass(frozen=True, slots=True)
class Erased:
    """`more`: it was broken off before everything was looked at."""

    items: int
    attachments: int
    more: bool = False


def _always() -> bool:
    return True


def _parts(names: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]


class Retention:
    """Erases delivered items and attachments that no row names. Never what waits or is refused."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock, keep: timedelta) -> None:
        """`keep`: how long after its delivery an item stays (`rules.accepted_days`)."""
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._keep = keep

    def run(self, go_on: Callable[[], bool] = _always) -> Erased | StoreFault:
        """One turn; call every hour or so. Broken off as soon as `go_on` says no: a citizen seals."""
        if not go_on():
            return Erased(0, 0, more=True)
        now = self._clock.utc()
        before = utc_text(now - self._keep)

        def work(cursor: Any) -> int:
            # What was delivered while the hub's clock was years ahead would stay for years: its
            # days count from now.
            cursor.execute(
                "UPDATE outbox SET settled_at = ?1"
                " WHERE state IN ('accepted', 'handled') AND settled_at > ?1",
                (utc_text(now),),
            )
            # An application stays as long as anything of its order still waits or is refused, and what
            # followed it as long as it does itself: papers handed in later would be asked for again.
            cursor.execute("CREATE TEMP TABLE IF NOT EXISTS old_items (row INTEGER PRIMARY KEY)")
            cursor.execute("DELETE FROM old_items")
            cursor.execute(
                "INSERT INTO old_items SELECT o.row FROM outbox o"
                " WHERE o.state IN ('accepted', 'handled') AND o.settled_at <= ?1"
                " AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.order_key = o.order_key"
                " AND (p.state IN ('sealed', 'sending', 'refused') OR (p.item IS NOT NULL"
                " AND p.state IN ('accepted', 'handled') AND p.settled_at > ?1)))",
                (before,),
            )
            for statement in _PURGE:
                cursor.execute(statement)
            cursor.execute("SELECT count(*) FROM old_items")
            (count,) = cursor.fetchone()
            _forget_links(cursor)
            return int(count)

        items = self._database.write(work)
        if isinstance(items, StoreFault):
            return items
        erased = self._erase_orphans(items, go_on)
        if not isinstance(erased, StoreFault) and (erased.items or erased.attachments):
            self._database.empty_wal()
        return erased

    def _erase_orphans(self, items: int, go_on: Callable[[], bool]) -> Erased | StoreFault:
        erased = 0
        for names in _parts(list(self._blobs.names()), NAMES_A_LOOK):
            orphans = self._without_row(names)
            if isinstance(orphans, StoreFault):
                return orphans
            for turn in _parts(orphans, ORPHANS_A_TURN):
                if not go_on():
                    return Erased(items, erased, more=True)
                gone = self._erase(turn)
                if isinstance(gone, StoreFault):
                    return gone
                erased += gone
                failed = self._blobs.sync() if gone else None
                if failed is not None:
                    return failed
        return Erased(items, erased)

    def _without_row(self, names: Sequence[bytes]) -> list[bytes] | StoreFault:
        """Those of the files that no row names just now."""
        rows = self._database.rows(
            "SELECT sha256 FROM files WHERE sha256 IN (SELECT unhex(value) FROM json_each(?))",
            (json.dumps([name.hex() for name in names]),),
        )
        if isinstance(rows, StoreFault):
            return rows
        named = {name for (name,) in rows}
        return [name for name in names if name not in named]

    def _erase(self, orphans: Sequence[bytes]) -> int | StoreFault:
        def work(cursor: Any) -> int | StoreFault:
            # Looking and erasing under the write lock: sealing looks under the same lock.
            gone = 0
            for name in orphans:
                cursor.execute("SELECT 1 FROM files WHERE sha256 = ?", (name,))
                if cursor.fetchone() is None:
                    failed = self._blobs.erase(name)
                    if failed is not None:
                        return failed
                    gone += 1
            return gone

        return self._database.write(work)


def _forget_links(cursor: Any) -> None:
    """The links before the first item that is still kept are summed up in their epoch's row."""
    cursor.execute("SELECT no FROM epochs")
    for (no,) in cursor.fetchall():
        begin, end = no << SEQ_BITS, (no + 1) << SEQ_BITS
        cursor.execute(
            "SELECT coalesce((SELECT min(row) - 1 FROM outbox WHERE row > :begin AND row < :end"
            " AND state <> 'purged'),"
            " (SELECT max(row) FROM outbox WHERE row > :begin AND row < :end))",
            {"begin": begin, "end": end},
        )
        (last_gone,) = cursor.fetchone()
        cursor.execute("SELECT chain FROM outbox WHERE row = ? AND state = 'purged'", (last_gone,))
        link = cursor.fetchone()
        if link is None:
            continue  # nothing new at the front
        cursor.execute(
            "UPDATE epochs SET purged_seq = ?, purged_chain = ? WHERE no = ?",
            (last_gone - begin, link[0], no),
        )
        cursor.execute("DELETE FROM outbox WHERE row > ? AND row <= ?", (begin, last_gone))

"""What is delivered is kept some days, in case the hub must be restored, then erased for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from offline_cache.blobs import Blobs
from offline_cache.database import Database
from offline_cache.faults import StoreFault
from offline_cache.ports import Clock, utc_text

ORPHANS_A_TURN = 200  # the write lock is held while orphans are looked at; a citizen may be sealing


@dataclass(frozen=True, slots=True)
class Erased:
    items: int
    attachments: int


class Retention:
    """Erases delivered items and attachments that no row names. Never what waits or is refused."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock, keep: timedelta) -> None:
        """`keep`: how long after its delivery an item stays (`rules.accepted_days`)."""
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._keep = keep

    def run(self) -> Erased | StoreFault:
        """One turn; call every hour or so."""
        before = utc_text(self._clock.utc() - self._keep)

        def work(cursor: Any) -> int:
            # An application stays as long as anything of its order still waits or is refused.
            cursor.execute("CREATE TEMP TABLE IF NOT EXISTS old_items (seq INTEGER PRIMARY KEY)")
            cursor.execute("DELETE FROM old_items")
            cursor.execute(
                "INSERT INTO old_items SELECT o.seq FROM outbox o WHERE o.state = 'delivered'"
                " AND o.settled_at <= ? AND NOT EXISTS (SELECT 1 FROM outbox p"
                " WHERE p.order_key = o.order_key AND p.state <> 'delivered')",
                (before,),
            )
            cursor.execute("DELETE FROM applications WHERE seq IN (SELECT seq FROM old_items)")
            cursor.execute("DELETE FROM outbox WHERE seq IN (SELECT seq FROM old_items)")
            return int(cursor.rowcount)

        items = self._database.write(work)
        if isinstance(items, StoreFault):
            return items
        attachments = self._erase_orphans()
        if isinstance(attachments, StoreFault):
            return attachments
        if items or attachments:
            self._database.empty_wal()
        return Erased(items, attachments)

    def _erase_orphans(self) -> int | StoreFault:
        names = list(self._blobs.names())
        erased = 0
        for start in range(0, len(names), ORPHANS_A_TURN):
            part = names[start : start + ORPHANS_A_TURN]

            def work(cursor: Any, part: list[str] = part) -> int | StoreFault:
                # Looking and erasing under the write lock: sealing looks under the same lock.
                gone = 0
                for name in part:
                    cursor.execute("SELECT 1 FROM attachments WHERE sha256 = ?", (name,))
                    if cursor.fetchone() is None:
                        failed = self._blobs.erase(name)
                        if failed is not None:
                            return failed
                        gone += 1
                return gone

            count = self._database.write(work)
            if isinstance(count, StoreFault):
                return count
            erased += count
        return erased

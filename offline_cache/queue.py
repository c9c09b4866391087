"""The sender's side of the outbox: what may be sent next, and what became of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from offline_cache.database import Database
from offline_cache.faults import StoreFault
from offline_cache.outbox import Application, ItemKind, ItemState, Waiting, count_waiting
from offline_cache.ports import Clock, utc_text, utc_time

MAX_REASON_CHARACTERS: Final = 500  # the hub's words for staff; more is not ours to keep
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it goes over the wire. `body` is the frozen UTF-8 text."""

    seq: int
    id: str
    kind: str
    order_key: str
    created_at: str
    sha256: str
    body: bytes = field(repr=False)


class SendQueue:
    """Reads and settles items. For the sync process; needs no key but the database's."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @property
    def epoch(self) -> str:
        return self._database.epoch

    def due(
        self, *, max_items: int, max_bytes: int, not_now: Collection[str] = ()
    ) -> tuple[Item, ...] | StoreFault:
        """The oldest items that may be sent: of each order key only the first that waits.

        What follows an application is held back until the application is settled; other
        applications are not. Items whose id is in `not_now` are passed over, and with them what
        follows them. At least one item is given, however large, when any may be sent.
        """
        due: list[Item] = []
        size = 0
        after = 0
        while True:
            rows = self._database.rows(
                "SELECT seq, id, kind, order_key, created_at, sha256, body FROM outbox o"
                " WHERE state = 'waiting' AND seq > ? AND NOT EXISTS (SELECT 1 FROM outbox p"
                " WHERE p.state = 'waiting' AND p.order_key = o.order_key AND p.seq < o.seq)"
                " ORDER BY seq LIMIT ?",
                (after, min(_PAGE, max_items)),
            )
            if isinstance(rows, StoreFault):
                return rows
            if not rows:
                return tuple(due)
            for row in rows:
                item = Item(*row)
                after = item.seq
                if item.id in not_now:
                    continue
                size += len(item.body)
                if due and size > max_bytes:
                    return tuple(due)
                due.append(item)
                if len(due) == max_items:
                    return tuple(due)

    def attachments_of(self, seq: int) -> tuple[str, ...] | StoreFault:
        """The SHA-256 of each attachment of one item."""
        rows = self._database.rows(
            "SELECT DISTINCT sha256 FROM attachments WHERE seq = ? ORDER BY sha256", (seq,)
        )
        return rows if isinstance(rows, StoreFault) else tuple(str(row[0]) for row in rows)

    def delivered(self, seqs: Collection[int]) -> StoreFault | None:
        """The hub holds these; they are kept some days longer."""
        at = utc_text(self._clock.utc())

        def work(cursor: Any) -> None:
            cursor.executemany(
                "UPDATE outbox SET state = 'delivered', settled_at = ?"
                " WHERE seq = ? AND state = 'waiting'",
                [(at, seq) for seq in seqs],
            )

        return self._database.write(work)

    def refused(self, seq: int, code: str, reason: str) -> StoreFault | None:
        """Into the tray, with the hub's words. Kept until somebody deals with it."""
        at = utc_text(self._clock.utc())

        def work(cursor: Any) -> None:
            cursor.execute(
                "UPDATE outbox SET state = 'refused', settled_at = ?, code = ?, reason = ?"
                " WHERE seq = ? AND state = 'waiting'",
                (at, code[:64], reason[:MAX_REASON_CHARACTERS], seq),
            )

        return self._database.write(work)

    def state_of(self, number: str) -> Application | StoreFault | None:
        """Where the application with this receipt number is; None when it is not known here."""
        rows = self._database.rows(
            "SELECT a.number, a.item, a.accepted_at, o.state FROM applications a"
            " JOIN outbox o ON o.seq = a.seq WHERE a.number = ?",
            (number,),
        )
        if isinstance(rows, StoreFault):
            return rows
        for number_, item, accepted_at, state in rows:
            return Application(number_, item, utc_time(accepted_at), ItemState(state))
        return None

    def waiting(self) -> Waiting | StoreFault:
        return count_waiting(self._database)


def is_application(item: Item) -> bool:
    return item.kind == ItemKind.APPLICATION

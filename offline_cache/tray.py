"""What the hub refused, and what staff may do with it: send again, mark as handled, print a slip.

Never edit: what a citizen signed stays as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from offline_cache.database import Database
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.outbox import receipt_lines, seq_of
from offline_cache.ports import Clock, utc_text, utc_time


@dataclass(frozen=True, slots=True)
class Refused:
    """One item in the tray; nothing personal but what the masked lines tell. `row` names it."""

    row: int
    seq: int
    kind: str
    order_key: str
    name_masked: str
    refused_at: datetime
    code: str
    reason: str
    receipt: tuple[tuple[str, str], ...]  # label and text, of its application
    created_at: datetime
    codes: tuple[str, ...]  # of papers handed in later: which materials


def list_tray(database: Database) -> tuple[Refused, ...] | StoreFault:
    """What the hub would not take, oldest first."""
    rows = database.rows(
        "SELECT o.row, o.kind, o.order_key, coalesce(a.name_masked, ''), o.settled_at, o.code,"
        " o.reason, coalesce(a.receipt, '{}'), o.created_at, coalesce(o.receipt, '{}')"
        " FROM outbox o"
        " LEFT JOIN outbox a ON a.order_key = o.order_key AND a.item IS NOT NULL"
        " WHERE o.state = 'refused' ORDER BY o.row"
    )
    if isinstance(rows, StoreFault):
        return rows
    return tuple(
        Refused(
            row,
            seq_of(row),
            kind,
            order_key,
            name,
            utc_time(at),
            code,
            reason,
            receipt_lines(json.loads(receipt)),
            utc_time(created_at),
            tuple(json.loads(outside).get("codes", ())),
        )
        for row, kind, order_key, name, at, code, reason, receipt, created_at, outside in rows
    )


def send_again(database: Database, row: int) -> StoreFault | None:
    """The same bytes go to the hub once more: what was wrong there may be right now."""
    return _take_out(
        database,
        row,
        "UPDATE outbox SET state = 'sending', settled_at = NULL, code = '', reason = ''"
        " WHERE row = :row AND state = 'refused'",
        {"row": row},
    )


def mark_handled(database: Database, clock: Clock, row: int) -> StoreFault | None:
    """Somebody dealt with it by hand; it is erased some days later, like what was accepted."""
    return _take_out(
        database,
        row,
        "UPDATE outbox SET state = 'handled', settled_at = :at"
        " WHERE row = :row AND state = 'refused'",
        {"row": row, "at": utc_text(clock.utc())},
    )


def _take_out(
    database: Database, row: int, statement: str, parameters: dict[str, object]
) -> StoreFault | None:
    def work(cursor: Any) -> StoreFault | None:
        cursor.execute(statement, parameters)
        if cursor.rowcount != 1:
            return StoreFault(StoreFaultCode.NOT_FOUND, "no such item in the tray")
        cursor.execute("DELETE FROM exported WHERE row = ?", (row,))
        return None

    return database.write(work)

"""A batch that goes on where its queue stands, kept in one statement, on PostgreSQL.

The statement looks where the queue stands, moves that and adds the items, all or nothing: it is a
transaction of its own, on the disk when it is answered. Beginning, looking, copying, noting and
committing would be six questions, each of which wakes the database and then this process; together
they cost the door a sixth of what a batch does.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from hub.applications import tables, wire
from hub.applications.models import ReceivedItem
from hub.applications.places import Place
from hub.applications.wire import FIRST_LINK, Sheet

# The queue goes on at its top, and the first item is chained to the last. What is missing below is
# missing afterwards: a place that is never filled makes no later batch slow. No item lies above the
# top, and if one did, or had one of these ids, nothing would be written: both are unique.
_KEEP = """
    WITH place AS (
        UPDATE applications_queue SET
            whole_upto = CASE whole_upto WHEN top_seq THEN %s ELSE whole_upto END, top_seq = %s,
            claimed_seq = greatest(claimed_seq, %s), top_link = %s, last_at = %s
        WHERE terminal_id = %s AND epoch = %s AND top_seq = %s
            AND sha256(CASE top_seq WHEN 0 THEN %s ELSE top_link END || %s) = %s
        RETURNING id, whole_upto
    ), kept AS (
        INSERT INTO applications_receiveditem (queue_id, received_at, to_open_at, {columns})
        SELECT place.id, %s, %s, new.* FROM place, unnest({arrays}) AS new
    )
    SELECT id, whole_upto FROM place
"""


def available() -> bool:
    return connection.vendor == "postgresql"


@dataclass(frozen=True, slots=True)
class Going:
    """What is known of the queue: `claimed`, the highest seq that the terminal says it has used."""

    terminal: str
    epoch: str
    claimed: int


def keep(
    queue: Going,
    sheet: Sheet,
    columns: Sequence[str],
    values: Sequence[Sequence[Any]],
    now: datetime,
) -> Place | None:
    """Where the queue stands now. None when these are not its next places, or not chained to it;
    nothing was written then. Raises IntegrityError when one of their ids is taken. `values`: of each
    column all, in the items' order, which is that of their places."""
    if not wire.chained_to_each_other(sheet):
        return None
    first, top = sheet.seq[0], sheet.seq[-1]
    statement = _KEEP.format(columns=", ".join(columns), arrays=", ".join(["%s"] * len(columns)))
    claimed = max(queue.claimed, top)
    place = (top, top, claimed, sheet.chain[-1], now, queue.terminal, queue.epoch, first - 1)
    link = (FIRST_LINK, wire.linked(first, sheet.key[0], sheet.sha256[0]), sheet.chain[0])
    # Inside of a transaction what fails must not spoil the whole of it.
    apart = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with apart, connection.cursor() as cursor:
        cursor.execute(
            statement, (*place, *link, now, now, *tables.arrays(ReceivedItem, columns, values))
        )
        kept = cursor.fetchone()
    if kept is None:
        return None
    row, whole = kept
    return Place(queue.terminal, queue.epoch, row, whole, top, claimed, sheet.chain[-1])

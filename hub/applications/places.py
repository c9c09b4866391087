"""How far a terminal's queue has come, what is missing in it, and whether its chain holds.

Places (seq) of an epoch begin at 1 and have no gaps. A place is settled when its item is held or
set aside for staff. `whole_upto` is remembered, so that asking what is missing never reads a queue
from its beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import connection

from hub.applications import tables
from hub.applications.models import Queue, ReceivedItem, SetAside
from hub.applications.wire import FIRST_LINK, chained

PAGE = 256  # places read at a time; a batch has up to 100
RANGES_MAX = 100  # of missing places told at a time; more come with the next contact
PLACES_READ_MAX = 20_000  # beyond the first that is missing


class Link(Protocol):
    """An item as its queue's chain knows it; hashes are 32 bytes."""

    @property
    def id(self) -> UUID: ...
    @property
    def seq(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def sha256(self) -> bytes: ...
    @property
    def chain(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Held:
    """A link that came earlier."""

    id: UUID
    seq: int
    kind: str
    sha256: bytes
    chain: bytes


def queue_to_read(terminal: str, epoch: str) -> Queue:
    """Its row, or what it would begin with."""
    found = Queue.objects.filter(terminal_id=terminal, epoch=epoch).first()
    return found or Queue(terminal_id=terminal, epoch=epoch)


def queue_to_write(terminal: str, epoch: str, now: datetime) -> Queue:
    """Its row, locked; made when an item of a new epoch comes."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    where, values = f"terminal_id = %s AND epoch = %s{lock}", (terminal, epoch)
    row = tables.row_of(Queue, where, values)
    if row is None:
        made = Queue(terminal_id=terminal, epoch=epoch, first_at=now, last_at=now)
        Queue.objects.bulk_create([made], ignore_conflicts=True)
        row = tables.row_of(Queue, where, values)
    assert isinstance(row, Queue)  # noqa: S101 (nobody deletes one)
    return row


def note(
    row: Queue, claimed: int, settled: Sequence[int], arrived: Sequence[Link], now: datetime
) -> None:
    """These places were settled just now; of them, these hold an item."""
    top = max(settled, default=0)
    row.claimed_seq = max(row.claimed_seq, claimed, top)
    if row.whole_upto == row.top_seq and sorted(settled) == list(
        range(row.top_seq + 1, row.top_seq + 1 + len(settled))
    ):
        row.whole_upto = max(row.whole_upto, top)  # nothing was missing, and nothing is
    else:
        row.whole_upto = _whole_from(row)
    if top > row.top_seq:
        row.top_seq = top
        last = max(arrived, key=lambda item: item.seq, default=None)
        row.top_link = last.chain if last is not None and last.seq == top else b""
    if row.whole_upto >= row.top_seq:
        row.gap_since = None
    elif row.gap_since is None:
        row.gap_since = now
    row.last_at = now
    changed = ("claimed_seq", "top_seq", "top_link", "whole_upto", "gap_since", "last_at")
    tables.update(Queue, row.pk, {name: getattr(row, name) for name in changed})


def missing(row: Queue, upto: int) -> list[list[int]]:
    """Ranges of places up to `upto` (both ends included) that are neither held nor set aside. The
    first may wait for its papers while thousands behind it are taken: it is asked with every batch."""
    whole = row.whole_upto
    upto = min(upto, whole + PLACES_READ_MAX)
    if upto <= whole:
        return []
    queue = (row.terminal_id, row.epoch, whole, upto)
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, [whole, *queue, *queue, upto + 1, RANGES_MAX])
        return [list(ends) for ends in cursor.fetchall()]


# Between every two settled places that are not neighbours; the place after the last closes the row.
_MISSING = """
    SELECT before + 1, seq - 1 FROM (
        SELECT seq, lag(seq, 1, CAST(%s AS bigint)) OVER (ORDER BY seq) AS before FROM (
            SELECT seq FROM applications_receiveditem
            WHERE terminal_id = %s AND epoch = %s AND seq > %s AND seq <= %s
            UNION SELECT seq FROM applications_setaside
            WHERE terminal_id = %s AND epoch = %s AND seq > %s AND seq <= %s
            UNION SELECT CAST(%s AS bigint)
        ) AS settled
    ) AS steps WHERE seq > before + 1 ORDER BY seq LIMIT %s
"""


def _whole_from(row: Queue) -> int:
    whole = row.whole_upto
    while True:
        page = _settled_after(row, whole)
        for seq in page:
            if seq != whole + 1:
                return whole
            whole = seq
        if len(page) < PAGE:
            return whole


def _settled_after(row: Queue, seq: int) -> list[int]:
    """The next settled places, in order, at most `PAGE`."""
    places = {"terminal_id": row.terminal_id, "epoch": row.epoch, "seq__gt": seq}
    held = ReceivedItem.objects.filter(**places).order_by("seq").values_list("seq", flat=True)
    aside = SetAside.objects.filter(**places).order_by("seq").values_list("seq", flat=True)
    return sorted({*held[:PAGE], *aside[:PAGE]})[:PAGE]


def broken_links(row: Queue, arrived: Sequence[Link]) -> list[tuple[Link, Link | None]]:
    """Those whose chain does not follow from the place before, with that place's item.

    Items may arrive in any order: a link is judged when both its ends are held. `arrived` are
    written already, and not noted in `row` yet.
    """
    if not arrived:
        return []
    new = {item.seq: item for item in arrived}
    link = bytes(row.top_link) or (FIRST_LINK if row.top_seq == 0 else b"")
    if link and _follow(link, row.top_seq, arrived):
        return []
    beside = {seq + step for seq in new for step in (-1, 1)} - new.keys() - {0}
    found = ReceivedItem.objects.filter(
        terminal_id=row.terminal_id, epoch=row.epoch, seq__in=sorted(beside)
    ).values_list("id", "seq", "kind", "sha256", "chain")
    around = {
        seq: _Held(item_id, seq, kind, bytes.fromhex(sha256), bytes(chain))
        for item_id, seq, kind, sha256, chain in found
    }
    held: dict[int, Link] = {**around, **new}
    broken = []
    for seq in sorted({*new, *(seq + 1 for seq in new if seq + 1 in around)}):
        item, before = held[seq], held.get(seq - 1)
        if before is None and seq > 1:
            continue
        link = before.chain if before else FIRST_LINK
        if chained(link, seq, item.id, item.sha256) != item.chain:
            broken.append((item, before))
    return broken


def _follow(link: bytes, top: int, arrived: Sequence[Link]) -> bool:
    """Whether they are the next places, in order, each chained to the one before: as always."""
    for item in arrived:
        top += 1
        link = chained(link, top, item.id, item.sha256)
        if item.seq != top or item.chain != link:
            return False
    return True

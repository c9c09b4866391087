"""How far a terminal's queue has come, what is missing in it, and whether its chain holds.

Places (seq) of an epoch begin at 1 and have no gaps. A place is settled when its item is held or
set aside for staff. `whole_upto` is remembered, so that asking what is missing never reads a queue
from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from hub.applications.models import Queue, ReceivedItem, SetAside
from hub.applications.wire import FIRST_LINK, chained

PAGE = 256  # places read at a time; a batch has up to 100
RANGES_MAX = 100  # of missing places told at a time; more come with the next contact
PLACES_READ_MAX = 20_000


def queue_to_read(terminal: str, epoch: str) -> Queue:
    """Its row, or what it would begin with."""
    found = Queue.objects.filter(terminal_id=terminal, epoch=epoch).first()
    return found or Queue(terminal_id=terminal, epoch=epoch)


def queue_to_write(terminal: str, epoch: str, now: datetime) -> Queue:
    """Its row, locked; made when an item of a new epoch comes."""
    rows = Queue.objects.select_for_update(of=("self",)).filter(terminal_id=terminal, epoch=epoch)
    row = rows.first()
    if row is None:
        made = Queue(terminal_id=terminal, epoch=epoch, first_at=now, last_at=now)
        Queue.objects.bulk_create([made], ignore_conflicts=True)
        row = rows.get()
    return row


def note(row: Queue, claimed: int, arrived: Sequence[int], now: datetime) -> None:
    """These places were settled just now."""
    row.claimed_seq = max(row.claimed_seq, claimed, *arrived, 0)
    row.top_seq = max(row.top_seq, *arrived, 0)
    row.whole_upto = _whole_from(row)
    if row.whole_upto >= row.top_seq:
        row.gap_since = None
    elif row.gap_since is None:
        row.gap_since = now
    row.last_at = now
    row.save(
        update_fields=["claimed_seq", "top_seq", "whole_upto", "gap_since", "last_at"],
    )


def missing(row: Queue, upto: int) -> list[list[int]]:
    """Ranges of places up to `upto` (both ends included) that are neither held nor set aside."""
    ranges: list[list[int]] = []
    expected = row.whole_upto + 1
    read = 0
    while expected <= upto and len(ranges) < RANGES_MAX and read < PLACES_READ_MAX:
        page = _settled_after(row, expected - 1)
        read += len(page)
        for seq in page:
            if seq > upto:
                break
            if seq > expected:
                ranges.append([expected, seq - 1])
            expected = seq + 1
        else:
            if len(page) == PAGE:
                continue
        if expected <= upto:
            ranges.append([expected, upto])
        break
    return ranges[:RANGES_MAX]


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


def broken_links(
    terminal: str, epoch: str, arrived: Iterable[ReceivedItem]
) -> list[tuple[ReceivedItem, ReceivedItem | None]]:
    """Those whose chain does not follow from the place before, with that place's item.

    Items may arrive in any order: a link is judged when both its ends are held. `arrived` are
    written already.
    """
    new = {row.seq: row for row in arrived}
    beside = {seq + step for seq in new for step in (-1, 1)} - new.keys() - {0}
    if not new:
        return []
    found = ReceivedItem.objects.filter(
        terminal_id=terminal, epoch=epoch, seq__in=sorted(beside)
    ).only("id", "seq", "sha256", "chain")
    around = {row.seq: row for row in found}
    held = {**around, **new}
    broken = []
    for seq in sorted({*new, *(seq + 1 for seq in new if seq + 1 in around)}):
        row, before = held[seq], held.get(seq - 1)
        if before is None and seq > 1:
            continue
        link = bytes(before.chain) if before else FIRST_LINK
        if chained(link, seq, row.id, bytes.fromhex(row.sha256)) != bytes(row.chain):
            broken.append((row, before))
    return broken

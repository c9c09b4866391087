"""How far a terminal's queue has come, what is missing in it, and whether its chain holds.

Places (seq) of an epoch begin at 1 and have no gaps. A place is settled when its item is held or
set aside for staff. `whole_upto` is remembered, so that asking what is missing never reads a queue
from its beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol

from django.db import connection
from django.db.models import Max

from hub.applications import tables
from hub.applications.models import Queue, ReceivedItem, SetAside
from hub.applications.wire import FIRST_LINK, Sheet, all_chained, chained

PAGE = 256  # places read at a time; a batch has up to 100
RANGES_MAX = 100  # of missing places told at a time; more come with the next contact
PLACES_READ_MAX = 10_000  # from the first that is missing on, and again at the end


class Link(Protocol):
    """An item as its queue's chain knows it: its id in 16 bytes, hashes in 32."""

    @property
    def key(self) -> bytes: ...
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

    key: bytes
    seq: int
    kind: str
    sha256: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """How far a queue has come: its `Queue` row. A batch has no time for a model."""

    terminal: str
    epoch: str
    row: int = 0  # none yet
    whole_upto: int = 0
    top_seq: int = 0
    claimed_seq: int = 0
    top_link: bytes = b""
    gap_since: Any = None  # as the database has it


_PLACE = (
    "SELECT id, whole_upto, top_seq, claimed_seq, top_link, gap_since FROM applications_queue"
    " WHERE terminal_id = %s AND epoch = %s"
)
_NOTE = (
    "UPDATE applications_queue SET whole_upto = %s, top_seq = %s, claimed_seq = %s,"
    " top_link = %s, gap_since = %s, last_at = %s WHERE id = %s"
)


def place_to_read(terminal: str, epoch: str) -> Place:
    """What it would begin with, if there is no row."""
    return _place(terminal, epoch, _PLACE) or Place(terminal, epoch)


def place_to_write(terminal: str, epoch: str, now: datetime) -> Place:
    """Its row is locked; made when an item of a new epoch comes."""
    statement = _PLACE + (" FOR UPDATE" if connection.features.has_select_for_update else "")
    found = _place(terminal, epoch, statement)
    if found is None:
        made = Queue(terminal_id=terminal, epoch=epoch, first_at=now, last_at=now)
        Queue.objects.bulk_create([made], ignore_conflicts=True)
        found = _place(terminal, epoch, statement)
    assert found is not None  # noqa: S101 (nobody deletes one)
    return found


def _place(terminal: str, epoch: str, statement: str) -> Place | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, (terminal, epoch))
        row = cursor.fetchone()
    if row is None:
        return None
    number, whole, top, claimed, link, gap_since = row
    return Place(terminal, epoch, number, whole, top, claimed, bytes(link), gap_since)


def note(
    at: Place, claimed: int, settled: Sequence[int], arrived: Sequence[Link], now: datetime
) -> Place:
    """These places were settled just now; of them, these hold an item. How far it has come now."""
    top = max(settled, default=0)
    if at.whole_upto == at.top_seq and go_on(at.top_seq, sorted(settled)):
        whole = max(at.whole_upto, top)  # nothing was missing, and nothing is
    else:
        whole = _whole_from(at)
    link = at.top_link
    if top > at.top_seq:
        last = max(arrived, key=_seq, default=None)
        link = last.chain if last is not None and last.seq == top else b""
    top = max(top, at.top_seq)
    gap_since = None if whole >= top else (at.gap_since or now)
    claimed = max(at.claimed_seq, claimed, top)
    with connection.cursor() as cursor:
        tables.execute(cursor, _NOTE, (whole, top, claimed, link, gap_since, now, at.row))
    return Place(at.terminal, at.epoch, at.row, whole, top, claimed, link, gap_since)


_seq = attrgetter("seq")


def go_on(top: int, seqs: Sequence[int]) -> bool:
    """Whether these are the next places, in order, each once."""
    return list(seqs) == list(range(top + 1, top + 1 + len(seqs)))


def missing(at: Place, upto: int) -> list[list[int]]:
    """Ranges of places up to `upto` (both ends included) that are neither held nor set aside.

    The first may wait for its papers while thousands above it are taken, or never come: so many of
    those are looked at, and so many below the highest. All above that is missing.
    """
    whole, top = at.whole_upto, min(upto, at.top_seq)
    middle = min(top, whole + PLACES_READ_MAX)
    found = _missing_between(at, whole, middle)
    if top > middle:
        # From a place that is settled on: a gap is told from where it begins, however wide it is.
        begin = _settled_upto(at, max(middle, top - PLACES_READ_MAX))
        found += _missing_between(at, max(middle, begin), top)
    if upto > top:
        found.append([max(whole, top) + 1, upto])
    joined: list[list[int]] = []
    for first, last in found:
        if joined and joined[-1][1] + 1 == first:
            joined[-1][1] = last
        elif first <= last:
            joined.append([first, last])
    # The last is told in any case: what a hub restored from a copy lacks lies there.
    return joined if len(joined) <= RANGES_MAX else [*joined[: RANGES_MAX - 1], joined[-1]]


def _settled_upto(at: Place, seq: int) -> int:
    """The highest place up to this that is settled."""
    held = ReceivedItem.objects.filter(queue_id=at.row, seq__lte=seq)
    aside = SetAside.objects.filter(terminal_id=at.terminal, epoch=at.epoch, seq__lte=seq)
    return max(rows.aggregate(top=Max("seq"))["top"] or 0 for rows in (held, aside))


def _missing_between(at: Place, after: int, upto: int) -> list[list[int]]:
    if upto <= after:
        return []
    told = [after, at.row, after, upto, at.terminal, at.epoch, after, upto, upto + 1, RANGES_MAX]
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, told)
        return [list(ends) for ends in cursor.fetchall()]


# Between every two settled places that are not neighbours; the place after the last closes the row.
_MISSING = """
    SELECT before + 1, seq - 1 FROM (
        SELECT seq, lag(seq, 1, CAST(%s AS bigint)) OVER (ORDER BY seq) AS before FROM (
            SELECT seq FROM applications_receiveditem
            WHERE queue_id = %s AND seq > %s AND seq <= %s
            UNION SELECT seq FROM applications_setaside
            WHERE terminal_id = %s AND epoch = %s AND seq > %s AND seq <= %s
            UNION SELECT CAST(%s AS bigint)
        ) AS settled
    ) AS steps WHERE seq > before + 1 ORDER BY seq LIMIT %s
"""


def _whole_from(at: Place) -> int:
    whole = at.whole_upto
    while True:
        page = _settled_after(at, whole)
        for seq in page:
            if seq != whole + 1:
                return whole
            whole = seq
        if len(page) < PAGE:
            return whole


def _settled_after(at: Place, seq: int) -> list[int]:
    """The next settled places, in order, at most `PAGE`."""
    held = ReceivedItem.objects.filter(queue_id=at.row, seq__gt=seq)
    aside = SetAside.objects.filter(terminal_id=at.terminal, epoch=at.epoch, seq__gt=seq)
    found: set[int] = set()
    for rows in (held, aside):
        found.update(rows.order_by("seq").values_list("seq", flat=True)[:PAGE])
    return sorted(found)[:PAGE]


def broken_links(at: Place, arrived: Sequence[Link]) -> list[tuple[Link, Link | None]]:
    """Those whose chain does not follow from the place before, with that place's item.

    Items may arrive in any order: a link is judged when both its ends are held. `arrived` are
    written already, and not noted in `at` yet.
    """
    new = {item.seq: item for item in arrived}
    beside = {seq + step for seq in new for step in (-1, 1)} - new.keys() - {0}
    found = ReceivedItem.objects.filter(queue_id=at.row, seq__in=sorted(beside)).values_list(
        "id", "seq", "kind", "sha256", "chain"
    )
    around = {
        seq: _Held(item_id.bytes, seq, kind, bytes(sha256), bytes(link))
        for item_id, seq, kind, sha256, link in found
    }
    held: dict[int, Link] = {**around, **new}
    broken = []
    for seq in sorted({*new, *(seq + 1 for seq in new if seq + 1 in around)}):
        item, before = held[seq], held.get(seq - 1)
        if before is None and seq > 1:
            continue
        link = before.chain if before else FIRST_LINK
        if chained(link, seq, item.key, item.sha256) != item.chain:
            broken.append((item, before))
    return broken


def follows(at: Place, sheet: Sheet) -> bool:
    """Whether these, which are the next places in their order, are chained to what came before and
    to each other: as always. False also when what came before has to be read."""
    link = at.top_link or (FIRST_LINK if at.top_seq == 0 else b"")
    return bool(link) and all_chained(link, sheet)

"""The sender's side of the outbox: what may be sent next, and what became of it.

What it gives out is sealed to the hub; nothing here could open it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from offline_cache import once
from offline_cache.blobs import Blobs
from offline_cache.database import SEQ_BITS, Database, condemn
from offline_cache.faults import StoreFault, StoreFaultCode
from offline_cache.ids import uuid_bytes, uuid_text
from offline_cache.line.wire import Item, LateVerdict
from offline_cache.outbox import (
    Application,
    Serials,
    Waiting,
    count_waiting,
    find_application,
    last_seq,
    seq_of,
)
from offline_cache.ports import Clock, utc_text, utc_time

MAX_REASON_CHARACTERS: Final = 500  # the hub's words for staff; more is not ours to keep
MAX_CODE_CHARACTERS: Final = 64
LOST_HERE: Final = "unreadable_here"  # the code of an item that this terminal itself cannot read
VERDICTS_SEEN: Final = "verdicts_seen"  # in `meta`
LINE_STOPPED: Final = "line_stopped"  # in `meta`: since when, and why, with a blank between
_PAGE: Final = 200
# What `_read` makes an item of. Papers by their names in one text: a query for each item would cost
# as much as everything else.
ITEM_COLUMNS: Final = (
    "o.row, o.id, o.kind, o.order_key, o.created_at, o.sha256, o.chain, o.key, s.bytes,"
    " (SELECT group_concat(lower(hex(a.sha256)), ' ' ORDER BY a.place) FROM attachments a"
    " WHERE a.row = o.row)"
)


class SendQueue:
    """Reads and settles items. For the sync process; needs no key but the database's."""

    def __init__(
        self, database: Database, blobs: Blobs, clock: Clock, serials: Serials | None = None
    ) -> None:
        """`serials`: for who speaks with the hub, which may know of more than is here."""
        self._serials = serials
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._open_file: tuple[str, bytes] | None = None

    @property
    def epoch(self) -> str:
        return self._database.epoch

    def next_batch(
        self,
        *,
        max_items: int,
        max_bytes: int,
        not_now: Collection[str] = (),
        after_row: int = 0,
    ) -> tuple[Item, ...] | StoreFault:
        """The oldest items that may be sent, of one epoch: of each order key only the first.

        What follows an application is held back until the application is settled; other
        applications are not. Items whose id is in `not_now` are passed over, and with them what
        follows them. All of one epoch, after `after_row`. At least one item is given, however
        large, when any may be sent.
        """
        epochs = self._epochs()
        if isinstance(epochs, StoreFault):
            return epochs
        due: list[Item] = []
        size = 0
        after = after_row
        while True:
            rows = self._database.rows(
                f"SELECT {ITEM_COLUMNS} FROM outbox o"  # noqa: S608 - our own words
                " LEFT JOIN sealed s ON s.row = o.row"
                " WHERE o.state IN ('sealed', 'sending') AND o.row > ? AND NOT EXISTS (SELECT 1 FROM outbox p"
                " WHERE p.state IN ('sealed', 'sending') AND p.order_key = o.order_key AND p.row < o.row)"
                " ORDER BY o.row LIMIT ?",
                (after, min(_PAGE, max_items)),
            )
            if isinstance(rows, StoreFault):
                return rows
            if not rows:
                return tuple(due)
            for row in rows:
                after = row[0]
                if due and epochs[after >> SEQ_BITS] != due[0].epoch:
                    return tuple(due)
                item = self._item(epochs[after >> SEQ_BITS], row)
                if isinstance(item, StoreFault):
                    return item
                if item is None or item.id in not_now:
                    continue
                if due and item.epoch != due[0].epoch:
                    return tuple(due)
                size += item.wire_bytes
                if due and size > max_bytes:
                    return tuple(due)
                due.append(item)
                if len(due) == max_items:
                    return tuple(due)

    def everything_kept(self) -> EverythingKept | StoreFault:
        """All that waits or lies in the tray. What can never be read is put into the tray."""
        epochs = self._epochs()
        if isinstance(epochs, StoreFault):
            return epochs
        rows = self._database.rows(
            f"SELECT {ITEM_COLUMNS} FROM outbox o"  # noqa: S608 - our own words
            " LEFT JOIN sealed s ON s.row = o.row"
            " WHERE o.state IN ('sealed', 'sending', 'refused') ORDER BY o.row"
        )
        if isinstance(rows, StoreFault):
            return rows
        kept: list[Item] = []
        unreadable: list[str] = []
        for row in rows:
            item = self._item(epochs[row[0] >> SEQ_BITS], row)
            if isinstance(item, StoreFault):
                return item
            if item is not None:
                kept.append(item)
            else:
                unreadable.append(str(row[3]))
        return EverythingKept(tuple(kept), tuple(unreadable))

    def last_row(self) -> int | StoreFault:
        """The newest item's row; 0 when there is none."""
        rows = self._database.rows("SELECT coalesce(max(row), 0) FROM outbox")
        return rows if isinstance(rows, StoreFault) else int(rows[0][0])

    def last_seq(self, epoch: str) -> int | StoreFault:
        """The highest seq that was given in an epoch of this terminal."""
        epochs = self._epochs()
        if isinstance(epochs, StoreFault):
            return epochs
        for no, known in epochs.items():
            if known == epoch:
                return last_seq(self._database, no)
        return 0

    def sending(self, rows: Collection[int]) -> StoreFault | None:
        """These went over the line, and nothing came back. They still wait."""
        return self.accepted((), rows)

    def accepted(
        self,
        rows: Collection[int],
        unanswered: Collection[int] = (),
        *,
        more_follow: bool = False,
    ) -> StoreFault | None:
        """The hub holds these; they are kept some days longer. Of others it was told in vain.

        One commit for a batch, whatever it had to say of each item. What a power cut takes of it is
        sent once more, and the hub says that it has it: with `more_follow` those of a few batches,
        as the disk is waited for with the last of them only.
        """
        at = utc_text(self._clock.utc())

        def work(cursor: Any) -> None:
            if rows:
                cursor.execute(
                    "UPDATE outbox SET state = 'accepted', settled_at = ? WHERE"
                    " row IN (SELECT value FROM json_each(?)) AND state IN ('sealed', 'sending')",
                    (at, json.dumps(list(rows))),
                )
            if unanswered:
                cursor.execute(
                    "UPDATE outbox SET state = 'sending'"
                    " WHERE row IN (SELECT value FROM json_each(?)) AND state = 'sealed'",
                    (json.dumps(list(unanswered)),),
                )

        return self._database.mark(work, more_follow=more_follow)

    def refused(self, row: int, code: str, reason: str) -> StoreFault | None:
        """Into the tray, with the hub's words. Kept until somebody deals with it."""
        at = utc_text(self._clock.utc())

        def work(cursor: Any) -> None:
            cursor.execute(
                "UPDATE outbox SET state = 'refused', settled_at = ?, code = ?, reason = ?"
                " WHERE row = ? AND state IN ('sealed', 'sending')",
                (at, code[:MAX_CODE_CHARACTERS], reason[:MAX_REASON_CHARACTERS], row),
            )

        return self._database.write(work)

    def note_stopped(self, reason: str) -> StoreFault | None:
        """Why nothing is sent until somebody comes; empty: it is sent again.

        Kept with the time at which it began, for whoever comes and asks.
        """
        stopped = line_stopped(self._database)
        if isinstance(stopped, StoreFault):
            return stopped
        if (stopped.reason if stopped is not None else "") == reason:
            return None
        at = utc_text(self._clock.utc())

        def work(cursor: Any) -> None:
            cursor.execute("DELETE FROM meta WHERE name = ?", (LINE_STOPPED,))
            if reason:
                cursor.execute(
                    "INSERT INTO meta (name, value) VALUES (?, ?)", (LINE_STOPPED, f"{at} {reason}")
                )

        return self._database.write(work)

    def verdicts_seen(self) -> int | StoreFault:
        """The highest number of the hub's late verdicts that is kept here; 0 at first."""
        rows = self._database.rows("SELECT value FROM meta WHERE name = ?", (VERDICTS_SEEN,))
        if isinstance(rows, StoreFault):
            return rows
        return int(rows[0][0]) if rows else 0

    def keep_verdicts(
        self, verdicts: Sequence[LateVerdict]
    ) -> tuple[tuple[str, LateVerdict], ...] | StoreFault:
        """Into the tray with what the hub could not take after all, and out of it with what it then
        could; what was moved, by its kind.

        An item that waits goes into the tray too: the hub has it, and only its answer was lost. One
        that is erased already, or that somebody dealt with, stays as it is.
        """
        epochs = self._epochs()
        if isinstance(epochs, StoreFault):
            return epochs
        numbers = {epoch: no for no, epoch in epochs.items()}
        at = utc_text(self._clock.utc())

        def work(cursor: Any) -> tuple[tuple[str, LateVerdict], ...]:
            moved: list[tuple[str, LateVerdict]] = []
            for each in verdicts:
                no = numbers.get(each.epoch)
                if no is None or each.seq >> SEQ_BITS:
                    continue
                place = ((no << SEQ_BITS) + each.seq, uuid_bytes(each.id))
                if each.taken:
                    cursor.execute(
                        "UPDATE outbox SET state = 'accepted', settled_at = ?, code = '',"
                        " reason = '' WHERE row = ? AND id = ? AND state = 'refused'"
                        " RETURNING kind",
                        (at, *place),
                    )
                else:
                    code = each.code[:MAX_CODE_CHARACTERS]
                    cursor.execute(
                        "UPDATE outbox SET state = 'refused', settled_at = ?, code = ?, reason = ?"
                        " WHERE row = ? AND id = ? AND state IN ('sealed', 'sending', 'accepted')"
                        " RETURNING kind",
                        (at, code, each.text[:MAX_REASON_CHARACTERS], *place),
                    )
                moved += [(str(kind), each) for (kind,) in cursor.fetchall()]
            if verdicts:
                cursor.execute(
                    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
                    " SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
                    (VERDICTS_SEEN, str(max(each.no for each in verdicts))),
                )
            return tuple(moved)

        return self._database.write(work)

    def resend(self, epoch: str, first: int, last: int) -> int | StoreFault:
        """What the hub lost and we still keep waits again; answers how many items."""
        epochs = self._epochs()
        if isinstance(epochs, StoreFault):
            return epochs
        last_there = (1 << SEQ_BITS) - 1
        ranges = [
            ((no << SEQ_BITS) + max(0, first), (no << SEQ_BITS) + min(last, last_there))
            for no, known in epochs.items()
            if known == epoch
        ]

        def work(cursor: Any) -> int:
            count = 0
            for begin, end in ranges:
                cursor.execute(
                    "UPDATE outbox SET state = 'sending', settled_at = NULL"
                    " WHERE row BETWEEN ? AND ? AND state = 'accepted'",
                    (begin, end),
                )
                count += int(cursor.rowcount)
            if count:
                # A hub that was restored numbers its verdicts anew: all of them once more.
                hear_all_verdicts_again(cursor)
                forget_exports(cursor)  # it may have lost what came from a stick as well
            return count

        return self._database.write(work)

    def begin_anew(self, ahead: int) -> StoreFault:
        """An old copy of the store was put back, and the hub has so many items more: it is set aside
        like a damaged one, a new epoch begins with numbers that were not given, and what is whole
        here, which is all of it, goes on with its own."""
        failed = self._serials.skip(ahead) if self._serials is not None else None
        failed = failed or condemn(self._database.path.parent)
        if failed is not None:
            return failed
        return StoreFault(StoreFaultCode.DAMAGED, "an old copy of the store was put back")

    def sealed_bytes(self, sha256: str) -> int | StoreFault:
        """The size of an attachment as it goes over the line."""
        envelope = self._envelope(sha256)
        return envelope if isinstance(envelope, StoreFault) else len(envelope)

    def sealed_part(self, sha256: str, offset: int, count: int) -> bytes | StoreFault:
        """A part of an attachment as it goes over the line."""
        envelope = self._envelope(sha256)
        return envelope if isinstance(envelope, StoreFault) else envelope[offset : offset + count]

    def state_of(self, number: str) -> Application | StoreFault | None:
        """Where the application with this receipt number is; None when it is not known here."""
        return find_application(self._database, number)

    def waiting(self) -> Waiting | StoreFault:
        return count_waiting(self._database)

    # -- parts ------------------------------------------------------------------

    def _epochs(self) -> dict[int, str] | StoreFault:
        """The epochs of this database, by number: its own, and those that were salvaged."""
        rows = self._database.rows("SELECT no, epoch FROM epochs")
        return rows if isinstance(rows, StoreFault) else dict(rows)

    def _item(self, epoch: str, row: tuple[Any, ...]) -> Item | StoreFault | None:
        """The item; None when it can never be sent and was put into the tray."""
        item = self._read(epoch, row)
        if item is None:
            return self.refused(row[0], LOST_HERE, "its bytes on this terminal are damaged")
        return item

    def _read(self, epoch: str, row: tuple[Any, ...]) -> Item | None:
        """The item; None when its bytes are not what was sealed."""
        number, item_id, kind, order_key, created_at, sha256, chain, key, kept, papers = row
        sealed = once.decrypt(key, kept, item_id) if key and kept else None
        if sealed is None:
            return None
        return Item(
            row=number,
            epoch=epoch,
            seq=seq_of(number),
            id=uuid_text(item_id),
            kind=kind,
            order_key=order_key,
            created_at=created_at,
            attachments=tuple(dict.fromkeys(papers.split())) if papers else (),
            sha256=sha256.hex(),
            chain=chain,
            sealed=sealed,
        )

    def _envelope(self, sha256: str) -> bytes | StoreFault:
        """The sealed attachment, kept open while its parts are asked for one after the other."""
        if self._open_file is not None and self._open_file[0] == sha256:
            return self._open_file[1]
        name = bytes.fromhex(sha256)
        rows = self._database.rows("SELECT key FROM files WHERE sha256 = ?", (name,))
        if isinstance(rows, StoreFault):
            return rows
        if not rows:
            return StoreFault(StoreFaultCode.NOT_FOUND, "no item names this attachment")
        envelope = self._blobs.get(name, rows[0][0])
        if isinstance(envelope, StoreFault):
            return envelope
        self._open_file = (sha256, envelope)
        return envelope


@dataclass(frozen=True, slots=True)
class EverythingKept:
    """`items` oldest first; `unreadable`: the order keys of those whose own bytes are damaged."""

    items: tuple[Item, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The hub will not know this terminal, or who answers is not our hub: somebody must come."""

    since: datetime
    reason: str


def line_stopped(database: Database) -> Stopped | StoreFault | None:
    """Since when nothing is sent, and why; None while it is, or is only tried in vain."""
    rows = database.rows("SELECT value FROM meta WHERE name = ?", (LINE_STOPPED,))
    if isinstance(rows, StoreFault):
        return rows
    for (value,) in rows:
        since, _, reason = str(value).partition(" ")
        return Stopped(utc_time(since), reason)
    return None


def hear_all_verdicts_again(cursor: Any) -> None:
    """The hub tells every verdict that it keeps again; those on what is settled move nothing."""
    cursor.execute("DELETE FROM meta WHERE name = ?", (VERDICTS_SEEN,))


def forget_exports(cursor: Any) -> None:
    """What is on a stick is to be written once more before anything may be wiped."""
    cursor.execute("DELETE FROM exported")

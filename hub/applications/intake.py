"""The door: a batch is looked at from outside, kept durably and answered. What is in its seals is
read afterwards (hub/applications/opener.py).

The rules, for ever: an id and a place (terminal, epoch, seq) are taken once. The same item with
the same hash is a duplicate and fine. The same with another hash is a conflict: both are kept and
staff see it. An item is taken only when the attachments it names are held whole.

A batch is written in one transaction: what is new goes in, what did not go in is then judged by
what is held. A fault of ours with one item is no verdict on it: the batch is halved until that item
stands alone, it is told to come again, the others are taken.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

from django.db import DataError, IntegrityError
from django.db import Error as DatabaseTrouble
from django.utils import timezone
from pydantic import ValidationError

from hub import limits
from hub.applications import at_once, bodies, lost, places, tables, verdicts, wire
from hub.applications.aside import Held, Kept, Why, set_aside
from hub.applications.blobs import AttachmentStore
from hub.applications.models import Attachment, Outcome, ReceivedItem, SetAside, Verdict
from hub.applications.verdicts import Told
from hub.applications.wire import Item, Sheet, item_of, outline, sealed_in
from hub.applications.writer import Writer
from hub.terminals.models import Terminal

log = logging.getLogger("hub.intake")

_COLUMNS = (
    "id", "seq", "kind", "order_key", "created_at", "sha256", "chain", "sealed", "attachments",
)  # fmt: skip


Sizes = dict[str, int | None]  # of the attachments that a batch names, as they are held; None: lost


class Result(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    INCOMPLETE = "incomplete"
    CONFLICT = "conflict"
    REFUSED = "refused"
    LATER = "later"  # the hub's own fault: neither taken nor refused, come again


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer to an item; `held` is what it collides with."""

    result: Result
    code: str = ""
    text: str = ""
    missing: tuple[str, ...] = ()
    held: Held | None = None


@dataclass(slots=True)
class Read:
    """An item as it came, and as far as it could be read. `wrong`: what is wrong with it alone."""

    raw: Any = field(repr=False)
    item: Item | None = field(repr=False)
    wrong: Judged | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """Answers in the items' order, places of the queue that the hub does not hold, and what
    opening showed of items taken earlier. `whole`: all were taken at a glance, packed as terminals
    send them."""

    answers: Sequence[Judged]
    resend: list[list[int]]
    verdicts: Sequence[Told]
    whole: bool = False


Answered = tuple[Sequence[Judged], list[list[int]]]  # in the items' order; what is missing


class Intake:
    """One terminal's batch."""

    def __init__(self, terminal: Terminal, store: AttachmentStore, writer: Writer) -> None:
        self._terminal = terminal
        self._store = store
        self._writer = writer
        self._sizes: Sizes = {}

    def take(
        self, epoch: str, last_seq: int, items: Sequence[Any], *, verdicts_seen: int = 0
    ) -> Settled:
        """A database that fails as a whole raises its own error; nothing was acknowledged then and
        the terminal comes again."""
        settled = self._next_places(epoch, last_seq, items)
        whole = settled is not None
        if settled is None:
            ready = [_read(raw) for raw in items]
            self._sizes = self._sizes_of(
                name.hex() for one in ready if one.item is not None for name in one.item.attachments
            )
            settled = self._settled(epoch, last_seq, ready)
        answers, resend = settled
        log.info("batch terminal=%s %s", self._terminal.code, _counted(answers, whole))
        told = verdicts.to_tell(self._terminal, verdicts_seen)
        return Settled(answers, resend, told, whole)

    def _next_places(self, epoch: str, last_seq: int, items: Sequence[Any]) -> Answered | None:
        """As always: whole items in the next places of their queue, with all their papers. They are
        copied straight to their place, without a look for what may be held already. None when it is
        otherwise, or fails in any way: nothing of it is written then, and each is looked at."""
        try:
            sheet = wire.sheet_of(items) if items else None
            if sheet is None or len(set(sheet.key)) < len(items):
                return None
            self._sizes = self._sizes_of(
                name.hex() for named in sheet.attachments for name in named
            )
            settling = _Settling(self._terminal, epoch, last_seq, (), self._sizes)
            if at_once.available():
                return settling.go_on_at_once(sheet)
            return self._writer.run(lambda: settling.go_on(sheet))
        except (IntegrityError, DataError):
            return None
        except (DatabaseTrouble, OSError):  # the database or the attachments' store is away or full
            raise
        except Exception:
            log.exception("a batch could not be taken as a whole")
            return None

    def _sizes_of(self, names: Iterable[str]) -> Sizes:
        """Asked before anything is written: a store that says nothing must not hold the others'
        turn to write."""
        named = set(names)
        if not named:
            return {}
        known = Attachment.objects.filter(pk__in=named).values_list("pk", flat=True)
        held = self._store.sizes(list(known))
        return {name: held.get(name) for name in named}

    def _settled(self, epoch: str, last_seq: int, ready: Sequence[Read]) -> Answered:
        try:
            return self._written(epoch, last_seq, ready)
        except DataError:
            alone = Judged(Result.REFUSED, "not_storable", "a value cannot be stored")
        except IntegrityError:  # and this one is ours
            log.exception("items could not be taken")
            alone = _LATER
        except (DatabaseTrouble, OSError):  # the database or the attachments' store is away or full
            raise
        except Exception:
            log.exception("items could not be taken")
            alone = _LATER
        if len(ready) > 1:
            half = len(ready) // 2
            first, _ = self._settled(epoch, last_seq, ready[:half])
            second, resend = self._settled(epoch, last_seq, ready[half:])
            return [*first, *second], resend
        if alone is _LATER or not ready:
            return [_LATER] * len(ready), []
        return self._written(epoch, last_seq, [Read(one.raw, one.item, alone) for one in ready])

    def _written(self, epoch: str, last_seq: int, ready: Sequence[Read]) -> Answered:
        settling = _Settling(self._terminal, epoch, last_seq, ready, self._sizes)
        return self._writer.run(settling.settle)


def _counted(answers: Sequence[Judged], whole: bool) -> str:
    """How many of each, for the log."""
    if whole:
        return f"{Result.ACCEPTED}={len(answers)}"
    counts = Counter(answer.result for answer in answers)
    return " ".join(f"{result}={counts[result]}" for result in Result if counts[result])


_NOT_SETTLED = frozenset({Result.INCOMPLETE, Result.LATER})
_ACCEPTED = Judged(Result.ACCEPTED)
_DUPLICATE = Judged(Result.DUPLICATE)
_LATER = Judged(Result.LATER, "hub_fault", "the hub could not take this item; send it again")
_OTHER_HASH = Judged(Result.REFUSED, "hash_mismatch", "sha256 is not the hash of sealed")


def _read(raw: Any) -> Read:
    try:
        item = item_of(raw)
    except ValidationError as wrong:
        return Read(raw, None, Judged(Result.REFUSED, "item_invalid", bodies.where_wrong(wrong)))
    except Exception:
        log.exception("an item could not be read")
        return Read(raw, None, _LATER)
    if hashlib.sha256(item.sealed).digest() != item.sha256:
        return Read(raw, item, _OTHER_HASH)
    return Read(raw, item)


def _told_missing(place: places.Place, sheet: Sheet) -> list[list[int]]:
    """What to ask again of a terminal that goes on at its top. With a full batch nothing: it has more
    at hand, and to look each time through what lies above a gap would cost more than the batch. The
    last of them is not full, and a terminal that is done asks for contact within the minute."""
    if len(sheet.key) >= limits.BATCH_ITEMS:
        return []
    return places.missing(place, place.top_seq)


class _Settling:
    """Items as they were read, against what is held; written."""

    def __init__(
        self,
        terminal: Terminal,
        epoch: str,
        last_seq: int,
        ready: Sequence[Read],
        sizes: Sizes,
    ) -> None:
        self._terminal = terminal
        self._code = terminal.code
        self._epoch = epoch
        self._last_seq = last_seq
        self._ready = ready
        self._sizes = sizes

    def go_on(self, sheet: Sheet) -> Answered | None:
        """In the caller's transaction. None when these are not the next places of the queue, or
        something of them is missing."""
        now = timezone.now()
        place = places.place_to_write(self._code, self._epoch, now)
        if not places.go_on(place.top_seq, sheet.seq) or any(self._short(sheet.attachments)):
            return None
        values = self._values(sheet)
        tables.insert_columns(ReceivedItem, _COLUMNS, values, same=self._same(place, now))
        if not places.follows(place, sheet):
            items = [sheet.item(at) for at in range(len(sheet.key))]
            for item, before in places.broken_links(place, items):
                self._note_broken_link(item, before, now)
        place = places.note(place, self._last_seq, sheet.seq, [sheet.item(-1)], now)
        return [_ACCEPTED] * len(sheet.key), _told_missing(place, sheet)

    def go_on_at_once(self, sheet: Sheet) -> Answered | None:
        """As `go_on`, in a transaction of its own. None also when a link of the chain is broken."""
        in_order = places.go_on(sheet.seq[0] - 1, sheet.seq)
        if not in_order or any(self._short(sheet.attachments)):
            return None
        queue = at_once.Going(self._code, self._epoch, self._last_seq)
        place = at_once.keep(queue, sheet, _COLUMNS, self._values(sheet), timezone.now())
        if place is None:
            return None
        return [_ACCEPTED] * len(sheet.key), _told_missing(place, sheet)

    @staticmethod
    def _values(sheet: Sheet) -> Sequence[Sequence[Any]]:
        """As `_COLUMNS` has them."""
        return (
            sheet.key, sheet.seq, sheet.kind, sheet.order_key, sheet.created_at, sheet.sha256,
            sheet.chain, sheet.sealed, [b"".join(named) for named in sheet.attachments],
        )  # fmt: skip

    @staticmethod
    def _same(place: places.Place, now: datetime) -> dict[str, Any]:
        """What all rows of a batch have in common."""
        return {"queue_id": place.row, "received_at": now, "to_open_at": now}

    def settle(self) -> Answered:
        """In the caller's transaction."""
        now = timezone.now()
        place = places.place_to_write(self._code, self._epoch, now)
        wrong = self._wrong_from_outside()
        new = self._new(wrong)
        taken = tables.insert_new(
            ReceivedItem,
            _COLUMNS,
            [self._row(item) for item in new.values()],
            same=self._same(place, now),
        )
        arrived = {at: item for at, item in new.items() if item.key in taken}
        if len(arrived) == len(self._ready):
            answers: Sequence[Judged] = [_ACCEPTED] * len(arrived)
        else:
            answers = self._judged(place, arrived, wrong, now)
            self._write_aside(answers, now)
        items = list(arrived.values())
        for item, before in places.broken_links(place, items):
            self._note_broken_link(item, before, now)
        settled = [
            one.item.seq
            for one, answer in zip(self._ready, answers, strict=True)
            if one.item and answer.result not in _NOT_SETTLED
        ]
        place = places.note(place, self._last_seq, settled, items, now)
        return answers, places.missing(place, place.top_seq)

    # -- what is new --------------------------------------------------------------

    def _wrong_from_outside(self) -> dict[int, Judged]:
        """By place in the batch: items that cannot be read, or whose attachments are not here."""
        wrong = {at: one.wrong for at, one in enumerate(self._ready) if one.wrong is not None}
        naming = {
            at: one.item
            for at, one in enumerate(self._ready)
            if one.wrong is None and one.item is not None and one.item.attachments
        }
        short = self._short([item.attachments for item in naming.values()])
        return wrong | {at: why for at, why in zip(naming, short, strict=True) if why is not None}

    def _short(self, attachments: Sequence[Sequence[bytes]]) -> list[Judged | None]:
        """Of items that name these: what each lacks."""
        names = {name.hex() for named in attachments for name in named}
        if not names:
            return [None] * len(attachments)
        rows = Attachment.objects.in_bulk(names)
        return [self._short_of(named, rows) for named in attachments]

    def _short_of(self, named: Sequence[bytes], rows: dict[str, Attachment]) -> Judged | None:
        missing = []
        for name in dict.fromkeys(name.hex() for name in named):
            row = rows.get(name)
            if row is None or self._sizes.get(name) != row.sealed_bytes:
                missing.append(name)
            elif row.terminal_id != self._code:
                return Judged(Result.REFUSED, "attachment_elsewhere", "another terminal's bytes")
        return Judged(Result.INCOMPLETE, missing=tuple(missing)) if missing else None

    def _new(self, wrong: dict[int, Judged]) -> dict[int, Item]:
        """By place in the batch; of two with one id or place, the first."""
        good = {
            at: one.item
            for at, one in enumerate(self._ready)
            if one.item is not None and at not in wrong
        }
        ids = {item.key for item in good.values()}
        seqs = {item.seq for item in good.values()}
        if len(ids) == len(seqs) == len(good):
            return good
        new = {}
        for at, item in good.items():
            if item.key in ids and item.seq in seqs:
                ids.remove(item.key)
                seqs.remove(item.seq)
                new[at] = item
        return new

    @staticmethod
    def _row(item: Item) -> tuple[Any, ...]:
        """As `_COLUMNS` has it."""
        return (
            item.key, item.seq, item.kind, item.order_key, item.created_at, item.sha256,
            item.chain, item.sealed, b"".join(item.attachments),
        )  # fmt: skip

    # -- what is not --------------------------------------------------------------

    def _judged(
        self,
        place: places.Place,
        arrived: dict[int, Item],
        wrong: dict[int, Judged],
        now: datetime,
    ) -> list[Judged]:
        others = [
            one.item
            for at, one in enumerate(self._ready)
            if one.item is not None and at not in arrived
        ]
        facts = ReceivedItem.objects.select_related("queue").defer("sealed", "chain")
        by_id = facts.in_bulk([item.id for item in others])
        seqs = [item.seq for item in others]
        by_seq = {row.seq: row for row in facts.filter(queue_id=place.row, seq__in=seqs)}
        again = []
        answers = []
        for at, one in enumerate(self._ready):
            if at in arrived:
                answers.append(_ACCEPTED)
                continue
            known = self._known(one.item, by_id, by_seq) if one.item else None
            # Written by somebody else just now and gone again: it is sent once more.
            answer = known or wrong.get(at, _LATER)
            if answer is _DUPLICATE and one.item:
                again.append(one.item)
            answers.append(answer)
        if again:
            lost.found_again(self._code, self._epoch, [item.seq for item in again])
            if self._terminal.verdict_no:
                self._open_again([item.id for item in again], now)
        return answers

    def _known(self, item: Item, by_id: Any, by_seq: Any) -> Judged | None:
        """Whether the id or the place in the queue is taken, and by what."""
        held = by_id.get(item.id)
        if held is not None:
            if held.queue.terminal_id != self._code:
                return _conflict("id_elsewhere", "another terminal used this id", held)
            if bytes(held.sha256) != item.sha256:
                return _conflict("other_content", "this id was received with another hash", held)
            if (held.queue.epoch, held.seq) != (self._epoch, item.seq):
                return _conflict("other_place", "this id was received at another place", held)
            return self._still_whole(held)
        held = by_seq.get(item.seq)
        if held is not None:
            return _conflict("place_taken", "this seq was received with another id", held)
        return None

    def _still_whole(self, held: ReceivedItem) -> Judged:
        """A duplicate, unless the hub has lost an attachment since (restored from a copy)."""
        sizes = self._sizes  # of what it names now; had it named others, those count as held
        gone = tuple(name for name in held.attachment_names if sizes.get(name, 0) is None)
        return Judged(Result.INCOMPLETE, missing=gone) if gone else _DUPLICATE

    @staticmethod
    def _open_again(ids: Sequence[Any], now: datetime) -> None:
        """The operator pressed 'send again' on what a verdict had refused: it is read once more."""
        judged = list(verdicts.against(ids).values_list("pk", flat=True))
        if judged:
            Verdict.objects.filter(pk__in=judged).delete()
            ReceivedItem.objects.filter(pk__in=judged).update(to_open_at=now)

    # -- for staff ----------------------------------------------------------------

    def _note_broken_link(
        self, item: places.Link, before: places.Link | None, now: datetime
    ) -> None:
        item_id = UUID(bytes=item.key)
        earlier = UUID(bytes=before.key) if before else "-"
        link = f"{self._epoch}\n{item.seq}\n{item_id}\n{earlier}"
        SetAside.objects.get_or_create(
            terminal_id=self._code,
            fingerprint=hashlib.sha256(link.encode()).hexdigest(),
            outcome=Outcome.CHAIN,
            code="chain_broken",
            defaults={
                "text": "the chain does not follow from the place before",
                "item_id": str(item_id),
                "epoch": self._epoch,
                "seq": item.seq,
                "kind": item.kind,
                "sha256": item.sha256.hex(),
                "held_id": item_id,
                "held_sha256": before.sha256.hex() if before else "",
                "raw": "{}",
                "first_at": now,
                "last_at": now,
            },
        )

    def _write_aside(self, answers: Sequence[Judged], now: datetime) -> None:
        for one, judged in zip(self._ready, answers, strict=True):
            match judged.result:
                case Result.CONFLICT:
                    outcome = Outcome.CONFLICT
                case Result.REFUSED:
                    outcome = Outcome.REFUSED
                case Result.ACCEPTED | Result.DUPLICATE | Result.INCOMPLETE | Result.LATER:
                    continue
                case _:
                    assert_never(judged.result)
            item = one.item
            kept = Kept(
                self._code,
                self._epoch,
                outline(one.raw),
                item.sealed if item else sealed_in(one.raw),
                item.id if item else None,
                item.seq if item else None,
                item.sha256.hex() if item else "",
            )
            set_aside(kept, Why(outcome, judged.code, judged.text, judged.held), now)


def _conflict(code: str, text: str, held: ReceivedItem) -> Judged:
    return Judged(Result.CONFLICT, code, text, held=Held(held.id, held.hash))

"""Taking a batch: every item judged by itself, answered by itself, and only then committed.

The rules, for ever: an id and a place (terminal, epoch, seq) are taken once. The same item with
the same hash is a duplicate and fine. The same with another hash is a conflict: both are kept and
staff see it. An application is taken only when its attachments are held whole.

A batch is read and opened first (`prepared`), without the database; then judged against what is
held and written in one transaction (`settle`). A fault of ours with one item is no verdict on it:
the batch is halved until that item stands alone, it is told to come again, the others are taken.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError, OperationalError
from django.utils import timezone
from pydantic import ValidationError

from hub.applications import bodies, places, tables
from hub.applications.blobs import AttachmentStore
from hub.applications.models import (
    SIGNATURE,
    Application,
    Attachment,
    Enclosure,
    Outcome,
    PrintResult,
    Rating,
    ReceivedItem,
    SetAside,
)
from hub.applications.opening import Opened, Refusal, opened
from hub.applications.wire import WireItem, clean, outline, sealed_in
from hub.applications.writer import Writer
from hub.seal.envelope import KeyRing

log = logging.getLogger("hub.intake")

# Another connection may take the same id between our look and our row; the next look sees it.
TRIES = 4


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
    held: ReceivedItem | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An item as it came, and what became of reading and opening it."""

    raw: Any = field(repr=False)
    item: WireItem | None = field(repr=False)
    opened: Opened | Judged = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """Answers in the items' order, and places of the queue that the hub does not hold."""

    answers: tuple[Judged, ...]
    resend: list[list[int]]


class Raced(Exception):  # noqa: N818 (it is no error: look again)
    """Another connection took one of these ids or places meanwhile."""


class Intake:
    """One terminal's batch."""

    def __init__(
        self, terminal: str, store: AttachmentStore, keys: KeyRing, writer: Writer
    ) -> None:
        self._terminal = terminal
        self._store = store
        self._keys = keys
        self._writer = writer

    def take(self, epoch: str, last_seq: int, items: Sequence[Any]) -> Settled:
        """A database that fails as a whole raises DatabaseError; nothing was acknowledged then and
        the terminal comes again."""
        read = [self._read(raw) for raw in items]
        known = self._held_already([item for item in read if isinstance(item, WireItem)])
        ready = [
            self._prepared(epoch, raw, item, known) for raw, item in zip(items, read, strict=True)
        ]
        answers, resend = self._settled(epoch, last_seq, ready)
        counts = dict.fromkeys(Result, 0)
        for answer in answers:
            counts[answer.result] += 1
        log.info(
            "batch terminal=%s %s",
            self._terminal,
            " ".join(f"{result}={count}" for result, count in counts.items() if count),
        )
        return Settled(tuple(answers), resend)

    # -- reading, without the database --------------------------------------------

    @staticmethod
    def _read(raw: Any) -> WireItem | Judged:
        try:
            return WireItem.model_validate(raw)
        except ValidationError as wrong:
            return Judged(Result.REFUSED, "item_invalid", bodies.where_wrong(wrong))

    @staticmethod
    def _held_already(items: Sequence[WireItem]) -> set[tuple[UUID, str]]:
        """Ids with hashes that need not be opened: they will be duplicates or conflicts."""
        held = ReceivedItem.objects.filter(pk__in=[item.id for item in items])
        return set(held.values_list("id", "sha256"))

    def _prepared(
        self, epoch: str, raw: Any, item: WireItem | Judged, known: set[tuple[UUID, str]]
    ) -> Prepared:
        if isinstance(item, Judged):
            return Prepared(raw, None, item)
        if (item.id, item.sha256.hex()) in known:
            return Prepared(raw, item, _LATER)  # what is held is judged before this is looked at
        try:
            found = opened(self._terminal, epoch, item, self._keys)
        except Exception:
            log.exception("an item could not be read")
            return Prepared(raw, item, _LATER)
        if isinstance(found, Refusal):
            return Prepared(raw, item, Judged(Result.REFUSED, found.code, found.text))
        return Prepared(raw, item, found)

    # -- writing ------------------------------------------------------------------

    def _settled(
        self, epoch: str, last_seq: int, ready: Sequence[Prepared]
    ) -> tuple[list[Judged], list[list[int]]]:
        try:
            return self._written(epoch, last_seq, ready)
        except OperationalError:  # the database is away, busy or full
            raise
        except DataError:
            alone = Judged(Result.REFUSED, "not_storable", "a value cannot be stored")
        except DatabaseError:
            raise
        except OSError:  # the attachments' store is away
            raise
        except Exception:
            log.exception("items could not be taken")
            alone = _LATER
        if len(ready) > 1:
            half = len(ready) // 2
            first, _ = self._settled(epoch, last_seq, ready[:half])
            second, resend = self._settled(epoch, last_seq, ready[half:])
            return first + second, resend
        if alone is _LATER or not ready:
            return [_LATER] * len(ready), []
        return self._written(epoch, last_seq, [Prepared(one.raw, one.item, alone) for one in ready])

    def _written(
        self, epoch: str, last_seq: int, ready: Sequence[Prepared]
    ) -> tuple[list[Judged], list[list[int]]]:
        batch = _Settling(self._terminal, epoch, last_seq, ready, self._store)
        for _ in range(TRIES - 1):
            try:
                return self._writer.run(batch.settle)
            except (Raced, IntegrityError):
                continue
        try:
            return self._writer.run(batch.settle)
        except Raced:
            raise OperationalError("others were always first") from None


_LATER = Judged(Result.LATER, "hub_fault", "the hub could not take this item; send it again")


class _Settling:
    """One try at judging prepared items against what is held, and writing them."""

    def __init__(
        self,
        terminal: str,
        epoch: str,
        last_seq: int,
        ready: Sequence[Prepared],
        store: AttachmentStore,
    ) -> None:
        self._terminal = terminal
        self._epoch = epoch
        self._last_seq = last_seq
        self._ready = ready
        self._store = store

    def settle(self) -> tuple[list[Judged], list[list[int]]]:
        """In the caller's transaction. Raises Raced when somebody was faster."""
        self._now = timezone.now()
        self._look()
        self._new_items: list[ReceivedItem] = []
        self._new_applications: list[Application] = []
        self._new_enclosures: list[Enclosure] = []
        self._new_ratings: list[Rating] = []
        self._new_prints: list[PrintResult] = []
        answers = [self._judge(one) for one in self._ready]
        self._write()
        self._write_aside(answers)
        row = places.queue_to_write(self._terminal, self._epoch, self._now)
        settled = [
            one.item.seq
            for one, answer in zip(self._ready, answers, strict=True)
            if one.item and answer.result not in (Result.INCOMPLETE, Result.LATER)
        ]
        places.note(row, self._last_seq, settled, self._now)
        return answers, places.missing(row, row.top_seq)

    # -- what is held -------------------------------------------------------------

    def _look(self) -> None:
        """A few questions for all items together."""
        items = [one.item for one in self._ready if one.item is not None]
        ids = [item.id for item in items]
        seqs = [item.seq for item in items]
        facts = ReceivedItem.objects.defer("sealed", "chain")
        self._by_id = facts.in_bulk(ids) if ids else {}
        self._enclosed: dict[Any, list[str]] = {}
        known = [row.id for row in self._by_id.values() if row.kind == "application"]
        if known:
            named = Enclosure.objects.filter(application__received__in=known)
            for item_id, sha256 in named.values_list("application__received_id", "attachment_id"):
                self._enclosed.setdefault(item_id, []).append(sha256)
        self._by_seq = {
            row.seq: row
            for row in facts.filter(terminal_id=self._terminal, epoch=self._epoch, seq__in=seqs)
        }
        wanted = [
            one
            for one in self._ready
            if one.item and isinstance(one.opened, Opened) and one.item.id not in self._by_id
        ]
        numbers = {one.opened.body.number for one in wanted if isinstance(one.opened, Opened)}
        self._applications = {
            row.number: row
            for row in Application.objects.filter(pk__in=numbers).select_related("received")
        }
        names = {name.hex() for one in wanted if one.item for name in one.item.attachments}
        self._attachments = Attachment.objects.in_bulk(names) if names else {}

    # -- judging ------------------------------------------------------------------

    def _judge(self, one: Prepared) -> Judged:
        item = one.item
        if item is not None:
            known = self._known(item)
            if known is not None:
                return known
        if isinstance(one.opened, Judged) or item is None:
            assert isinstance(one.opened, Judged)  # noqa: S101 (unread items are judged)
            return one.opened
        return self._take(item, one.opened)

    def _known(self, item: WireItem) -> Judged | None:
        """Whether the id or the place in the queue is taken, and by what."""
        by_id = self._by_id.get(item.id)
        sha256 = item.sha256.hex()
        if by_id is not None:
            if by_id.terminal_id != self._terminal:
                return _conflict("id_elsewhere", "another terminal used this id", by_id)
            if by_id.sha256 != sha256:
                return _conflict("other_content", "this id was received with another hash", by_id)
            if (by_id.epoch, by_id.seq) != (self._epoch, item.seq):
                return _conflict("other_place", "this id was received at another place", by_id)
            return self._still_whole(by_id)
        by_seq = self._by_seq.get(item.seq)
        if by_seq is not None:
            return _conflict("place_taken", "this seq was received with another id", by_seq)
        return None

    def _still_whole(self, held: ReceivedItem) -> Judged:
        """A duplicate, unless the hub has lost an attachment since (restored from a copy)."""
        named = self._enclosed.get(held.id, ())
        lost = tuple(sha256 for sha256 in named if self._store.size(sha256) is None)
        return Judged(Result.INCOMPLETE, missing=lost) if lost else Judged(Result.DUPLICATE)

    def _take(self, item: WireItem, content: Opened) -> Judged:
        body = content.body
        if isinstance(body, bodies.ApplicationBody):
            taken = self._applications.get(body.number)
            if taken is not None:
                return _conflict(
                    "number_taken", "another application has this number", taken.received
                )
        short = self._short_of(content)
        if short is not None:
            return short
        received = ReceivedItem(
            id=item.id,
            terminal_id=self._terminal,
            epoch=self._epoch,
            seq=item.seq,
            kind=item.kind,
            order_key=item.order_key,
            created_at=item.created_at,
            received_at=self._now,
            sha256=item.sha256.hex(),
            chain=item.chain,
            sealed=item.sealed,
        )
        self._new_items.append(received)
        self._by_id[item.id] = self._by_seq[item.seq] = received
        match body:
            case bodies.ApplicationBody():
                self._add_application(received, body, content)
            case bodies.RatingBody():
                self._new_ratings.append(
                    Rating(
                        received=received,
                        number=body.number,
                        level=body.level,
                        reasons=",".join(body.reasons),
                        channel=body.channel,
                        rated_at=body.rated_at,
                    )
                )
            case bodies.PrintResultBody():
                self._new_prints.append(
                    PrintResult(
                        received=received, number=body.number, result=body.result, at=body.at
                    )
                )
            case _:
                assert_never(body)
        return Judged(Result.ACCEPTED)

    def _short_of(self, content: Opened) -> Judged | None:
        """What keeps an item from being taken: attachments not held, or not what they should be."""
        missing = []
        for named in content.attachments.values():
            row = self._attachments.get(named.sealed)
            if row is None or self._store.size(named.sealed) != row.sealed_bytes:
                missing.append(named.sealed)
            elif row.terminal_id != self._terminal:
                return Judged(Result.REFUSED, "attachment_elsewhere", "another terminal's bytes")
            elif row.fault:
                return Judged(Result.REFUSED, "attachment_sealed", f"an attachment: {row.fault}")
            elif (row.content_sha256, row.bytes) != (named.sha256, named.bytes):
                return Judged(
                    Result.REFUSED, "attachments_differ", "an attachment is not what was said"
                )
        if missing:
            return Judged(Result.INCOMPLETE, missing=tuple(dict.fromkeys(missing)))
        return None

    def _add_application(
        self, received: ReceivedItem, body: bodies.ApplicationBody, content: Opened
    ) -> None:
        application = Application(
            number=body.number,
            received=received,
            terminal_id=self._terminal,
            item=body.item,
            item_version=str(body.item_version),
            language=body.language,
            accepted_at=body.accepted_at,
            received_at=self._now,
            applicant_name=body.applicant.name,
            applicant_number=body.applicant.number,
            agent_name=body.agent.name if body.agent else "",
            earlier_number=body.earlier_number or "",
            changed_at=self._now,
        )
        self._applications[body.number] = application
        self._new_applications.append(application)
        for position, one in enumerate(bodies.enclosed(body)):
            material = one if isinstance(one, bodies.Material) else None
            self._new_enclosures.append(
                Enclosure(
                    application=application,
                    attachment_id=content.attachments[one.sha256].sealed,
                    position=position,
                    code=material.code if material else SIGNATURE,
                    name=material.name if material else "",
                    pages=material.pages if material else None,
                    kept_despite=material.kept_despite if material else "",
                )
            )

    # -- writing ------------------------------------------------------------------

    def _write(self) -> None:
        if not self._new_items:
            return
        if tables.insert_new(ReceivedItem, self._new_items) != len(self._new_items):
            raise Raced
        tables.insert(Application, self._new_applications)
        tables.insert(Enclosure, self._new_enclosures)
        for rows in (self._new_ratings, self._new_prints):
            for row in rows:
                row.application_id = (
                    row.number if row.number in self._applications else None  # type: ignore[assignment]
                )
        tables.insert(Rating, self._new_ratings)
        tables.insert(PrintResult, self._new_prints)
        self._join_what_waited()
        # They may have been refused before, by a hub with a narrower rule: that is settled now.
        SetAside.objects.filter(
            terminal_id=self._terminal,
            outcome=Outcome.REFUSED,
            item_id__in=[str(row.id) for row in self._new_items],
            handled_at__isnull=True,
        ).update(handled_at=self._now)
        for row, before in places.broken_links(self._terminal, self._epoch, self._new_items):
            self._note_broken_link(row, before)

    def _join_what_waited(self) -> None:
        """Ratings and print results that came before their application."""
        numbers = [row.number for row in self._new_applications]
        if not numbers:
            return
        for waiting in (Rating, PrintResult):
            found = waiting._default_manager.filter(
                number__in=numbers, application=None, received__terminal_id=self._terminal
            )
            for pk, number in list(found.values_list("pk", "number")):
                waiting._default_manager.filter(pk=pk).update(application_id=number)

    def _note_broken_link(self, row: ReceivedItem, before: ReceivedItem | None) -> None:
        link = f"{self._epoch}\n{row.seq}\n{row.id}\n{before.id if before else '-'}"
        SetAside.objects.get_or_create(
            terminal_id=self._terminal,
            fingerprint=hashlib.sha256(link.encode()).hexdigest(),
            outcome=Outcome.CHAIN,
            code="chain_broken",
            defaults={
                "text": "the chain does not follow from the place before",
                "item_id": str(row.id),
                "epoch": self._epoch,
                "seq": row.seq,
                "kind": row.kind,
                "sha256": row.sha256,
                "held_id": row.id,
                "held_sha256": before.sha256 if before else "",
                "raw": "{}",
                "first_at": self._now,
                "last_at": self._now,
            },
        )

    def _write_aside(self, answers: Iterable[Judged]) -> None:
        for one, judged in zip(self._ready, answers, strict=True):
            match judged.result:
                case Result.CONFLICT:
                    self._set_aside(one, judged, Outcome.CONFLICT)
                case Result.REFUSED:
                    self._set_aside(one, judged, Outcome.REFUSED)
                case Result.ACCEPTED | Result.DUPLICATE | Result.INCOMPLETE | Result.LATER:
                    pass
                case _:
                    assert_never(judged.result)

    def _set_aside(self, one: Prepared, judged: Judged, outcome: Outcome) -> None:
        kept = outline(one.raw)
        text = tables.json_text(kept)
        sealed = one.item.sealed if one.item else sealed_in(one.raw)
        fingerprint = hashlib.sha256(f"{self._epoch}\n{text}\n".encode() + sealed).hexdigest()
        row, new = SetAside.objects.get_or_create(
            terminal_id=self._terminal,
            fingerprint=fingerprint,
            outcome=outcome,
            code=judged.code,
            defaults={
                "text": clean(judged.text, 300),
                "item_id": clean(str(one.item.id if one.item else kept.get("id", "")), 64),
                "epoch": self._epoch,
                "seq": one.item.seq if one.item else None,
                "kind": clean(str(kept.get("kind", "")), 24),
                "sha256": one.item.sha256.hex() if one.item else "",
                "held": judged.held,
                "held_sha256": judged.held.sha256 if judged.held else "",
                "raw": text,
                "sealed": sealed,
                "first_at": self._now,
                "last_at": self._now,
            },
        )
        if not new:
            SetAside.objects.filter(pk=row.pk).update(last_at=self._now, times=row.times + 1)


def _conflict(code: str, text: str, held: ReceivedItem) -> Judged:
    return Judged(Result.CONFLICT, code, text, held=held)

"""Taking a batch: every item judged by itself, answered by itself, and only then committed.

The rules, for ever: an id and a place (terminal, epoch, seq) are taken once. The same item with
the same hash is a duplicate and fine. The same with another hash is a conflict: both are kept and
staff see it. An application is taken only when its attachments are held whole.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from django.db import DatabaseError, DataError, IntegrityError, transaction
from django.utils import timezone
from pydantic import ValidationError

from hub.applications import bodies
from hub.applications.blobs import BlobStore
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
from hub.numbers import terminal_of
from hub.terminals.models import Terminal

log = logging.getLogger("hub.intake")

# Another connection may take the same id between our look and our row; the second look sees it.
TRIES = 3
ECHO_CHARACTERS = 64
RAW_CHARACTERS_MAX = 300_000


class Result(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    INCOMPLETE = "incomplete"
    CONFLICT = "conflict"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one item is told. `id` and `sha256` echo what was sent."""

    id: str
    sha256: str
    result: Result
    missing: tuple[str, ...] = ()
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer to an item before it is written; `held` is the row it collides with."""

    result: Result
    code: str = ""
    text: str = ""
    missing: tuple[str, ...] = ()
    held: ReceivedItem | None = None


AnyBody = bodies.ApplicationBody | bodies.RatingBody | bodies.PrintResultBody


class Intake:
    """One terminal's batch."""

    def __init__(self, terminal: Terminal, blobs: BlobStore) -> None:
        self._terminal = terminal
        self._blobs = blobs

    def take(self, epoch: str, items: Sequence[Any]) -> list[Answer]:
        """One transaction, a savepoint an item: one sync of the disk acknowledges them all, and
        none can spoil another. A database that fails as a whole raises DatabaseError; nothing was
        acknowledged then and the terminal comes again."""
        with transaction.atomic():
            answers = [self._one(epoch, raw) for raw in items]
            self._note_place(epoch, items, answers)
        counts = dict.fromkeys(Result, 0)
        for answer in answers:
            counts[answer.result] += 1
        log.info(
            "batch terminal=%s %s",
            self._terminal.code,
            " ".join(f"{result}={count}" for result, count in counts.items() if count),
        )
        return answers

    def _one(self, epoch: str, raw: Any) -> Answer:
        judged = self._judged(epoch, raw)
        if judged.result in (Result.CONFLICT, Result.REFUSED):
            self._set_aside(epoch, raw, judged)
        return Answer(
            _echo(raw, "id"),
            _echo(raw, "sha256"),
            judged.result,
            judged.missing,
            judged.code,
            judged.text,
        )

    def _judged(self, epoch: str, raw: Any) -> Judged:
        for _ in range(TRIES):
            try:
                with transaction.atomic():
                    return self._judge_and_store(epoch, raw)
            except IntegrityError:
                continue
            except DataError:
                break
            except DatabaseError:
                raise
            except Exception:
                log.exception("an item could not be taken")
                return Judged(Result.REFUSED, "not_taken", "the hub could not take this item")
        return Judged(Result.REFUSED, "not_storable", "a value cannot be stored")

    def _judge_and_store(self, epoch: str, raw: Any) -> Judged:
        try:
            envelope = bodies.ItemEnvelope.model_validate(raw)
        except ValidationError as wrong:
            return Judged(Result.REFUSED, "item_invalid", bodies.where_wrong(wrong))
        try:
            sent = envelope.body.encode("utf-8")
        except UnicodeEncodeError:
            return Judged(Result.REFUSED, "item_invalid", "body: is not Unicode text")
        if hashlib.sha256(sent).hexdigest() != envelope.sha256:
            return Judged(Result.REFUSED, "hash_mismatch", "sha256 is not the hash of body")
        known = self._known(epoch, envelope)
        if known is not None:
            return known
        body = self._read(envelope)
        if isinstance(body, Judged):
            return body
        return self._store(epoch, envelope, body)

    def _known(self, epoch: str, envelope: bodies.ItemEnvelope) -> Judged | None:
        """Whether the id or the place in the queue is taken, and by what."""
        by_id = ReceivedItem.objects.filter(pk=uuid.UUID(envelope.id)).first()
        if by_id is not None:
            if by_id.terminal_id != self._terminal.code:
                return _conflict("id_elsewhere", "another terminal used this id", by_id)
            if by_id.sha256 != envelope.sha256:
                return _conflict("other_content", "this id was received with another hash", by_id)
            return self._still_whole(by_id)
        by_place = ReceivedItem.objects.filter(
            terminal=self._terminal, epoch=epoch, seq=envelope.seq
        ).first()
        if by_place is not None:
            return _conflict("place_taken", "this seq was received with another id", by_place)
        return None

    def _still_whole(self, held: ReceivedItem) -> Judged:
        """A duplicate, unless the hub has lost an attachment since (restored from a copy)."""
        enclosures = Enclosure.objects.filter(application__received=held)
        lost = tuple(
            sha256
            for sha256 in enclosures.values_list("attachment_id", flat=True)
            if self._blobs.size(sha256) is None
        )
        return Judged(Result.INCOMPLETE, missing=lost) if lost else Judged(Result.DUPLICATE)

    def _read(self, envelope: bodies.ItemEnvelope) -> AnyBody | Judged:
        try:
            body = bodies.KINDS[envelope.kind](bodies.read_json(envelope.body))
        except bodies.UnreadableError:
            return Judged(Result.REFUSED, "body_not_json", "body is not a JSON object")
        except ValidationError as wrong:
            return Judged(Result.REFUSED, "body_invalid", bodies.where_wrong(wrong))
        if terminal_of(body.number) != self._terminal.code:
            return Judged(Result.REFUSED, "other_terminal", "number: is another terminal's")
        if isinstance(body, bodies.ApplicationBody):
            if body.terminal != self._terminal.code:
                return Judged(Result.REFUSED, "other_terminal", "terminal: is another one")
            if bodies.repeated_code(body):
                return Judged(Result.REFUSED, "body_invalid", "materials: a code comes twice")
        return body

    def _store(self, epoch: str, envelope: bodies.ItemEnvelope, body: AnyBody) -> Judged:
        if isinstance(body, bodies.ApplicationBody):
            short = self._short_of(body)
            if short is not None:
                return short
        now = timezone.now()
        received = ReceivedItem(
            id=uuid.UUID(envelope.id),
            terminal=self._terminal,
            epoch=epoch,
            seq=envelope.seq,
            kind=envelope.kind,
            order_key=envelope.order_key,
            created_at=envelope.created_at,
            received_at=now,
            sha256=envelope.sha256,
            body=envelope.body,
        )
        received.save(force_insert=True)
        match body:
            case bodies.ApplicationBody():
                self._store_application(received, body, now)
            case bodies.RatingBody():
                Rating.objects.create(
                    received=received,
                    number=body.number,
                    application=self._application(body.number),
                    level=body.level,
                    reasons=",".join(body.reasons),
                    channel=body.channel,
                    rated_at=body.rated_at,
                )
            case bodies.PrintResultBody():
                PrintResult.objects.create(
                    received=received,
                    number=body.number,
                    application=self._application(body.number),
                    result=body.result,
                    at=body.at,
                )
            case _:
                assert_never(body)
        # It may have been refused before, by a hub with a narrower rule: that is settled now.
        SetAside.objects.filter(
            terminal=self._terminal,
            item_id=envelope.id,
            sha256=envelope.sha256,
            handled_at__isnull=True,
        ).update(handled_at=now)
        return Judged(Result.ACCEPTED)

    def _short_of(self, body: bodies.ApplicationBody) -> Judged | None:
        """What keeps the application from being taken: its number, or attachments not held."""
        taken = Application.objects.filter(pk=body.number).select_related("received").first()
        if taken is not None:
            return _conflict("number_taken", "another application has this number", taken.received)
        named = bodies.enclosed(body)
        held = Attachment.objects.in_bulk([one.sha256 for one in named])
        missing = []
        for one in named:
            row = held.get(one.sha256)
            if row is None or self._blobs.size(one.sha256) != row.bytes:
                missing.append(one.sha256)
            elif row.bytes != one.bytes:
                return Judged(Result.REFUSED, "body_invalid", "bytes: is not the attachment's size")
        if missing:
            return Judged(Result.INCOMPLETE, missing=tuple(dict.fromkeys(missing)))
        return None

    def _store_application(
        self, received: ReceivedItem, body: bodies.ApplicationBody, now: datetime
    ) -> None:
        application = Application(
            number=body.number,
            received=received,
            terminal=self._terminal,
            item=body.item,
            item_version=str(body.item_version),
            language=body.language,
            accepted_at=body.accepted_at,
            received_at=now,
            applicant_name=body.applicant.name,
            applicant_number=body.applicant.number,
            agent_name=body.agent.name if body.agent else "",
            earlier_number=body.earlier_number or "",
            changed_at=now,
        )
        application.save(force_insert=True)
        enclosures = [
            Enclosure(
                application=application,
                attachment_id=material.sha256,
                position=position,
                code=material.code,
                name=material.name,
                pages=material.pages,
                kept_despite=material.kept_despite,
            )
            for position, material in enumerate(body.materials)
        ]
        if body.signature is not None:
            enclosures.append(
                Enclosure(
                    application=application,
                    attachment_id=body.signature.sha256,
                    position=len(enclosures),
                    code=SIGNATURE,
                )
            )
        Enclosure.objects.bulk_create(enclosures)
        for waiting in (Rating, PrintResult):
            waiting._default_manager.filter(
                number=body.number, application=None, received__terminal=self._terminal
            ).update(application=application)

    @staticmethod
    def _application(number: str) -> Application | None:
        return Application.objects.filter(pk=number).first()

    def _set_aside(self, epoch: str, raw: Any, judged: Judged) -> None:
        now = timezone.now()
        text = _as_text(raw)
        row, new = SetAside.objects.get_or_create(
            terminal=self._terminal,
            fingerprint=hashlib.sha256(f"{epoch}\n{text}".encode()).hexdigest(),
            outcome=Outcome.CONFLICT if judged.result is Result.CONFLICT else Outcome.REFUSED,
            code=judged.code,
            defaults={
                "text": clean(judged.text, 300),
                "item_id": _echo(raw, "id"),
                "epoch": epoch,
                "seq": _echo(raw, "seq")[:24],
                "kind": _echo(raw, "kind")[:24],
                "sha256": _echo(raw, "sha256"),
                "held": judged.held,
                "held_sha256": judged.held.sha256 if judged.held else "",
                "raw": text[:RAW_CHARACTERS_MAX],
                "first_at": now,
                "last_at": now,
            },
        )
        if not new:
            SetAside.objects.filter(pk=row.pk).update(last_at=now, times=row.times + 1)

    def _note_place(self, epoch: str, items: Sequence[Any], answers: Sequence[Answer]) -> None:
        """The highest place taken, for staff to see that a queue moves."""
        taken = [
            raw["seq"]
            for raw, answer in zip(items, answers, strict=True)
            if answer.result in (Result.ACCEPTED, Result.DUPLICATE)
        ]
        if taken:
            Terminal.objects.filter(pk=self._terminal.pk).update(
                last_epoch=epoch, last_seq=max(taken)
            )


def _conflict(code: str, text: str, held: ReceivedItem) -> Judged:
    return Judged(Result.CONFLICT, code, text, held=held)


def _echo(raw: Any, name: str) -> str:
    """What was sent under this name, if it is short text or a number."""
    value = raw.get(name) if isinstance(raw, dict) else None
    if isinstance(value, int | float):
        value = f"{value:.20g}"
    return clean(value, ECHO_CHARACTERS) if isinstance(value, str) else ""


def _as_text(raw: Any) -> str:
    try:
        return json.dumps(raw, ensure_ascii=True, sort_keys=True)
    except (RecursionError, ValueError):
        return json.dumps({"id": _echo(raw, "id"), "note": "nested too deeply to be kept"})


def clean(text: str, most: int) -> str:
    """Text that any database and any encoder takes."""
    return text[:most].encode("utf-8", "replace").decode("utf-8").replace("\x00", "?")

"""After the door: what was taken is opened, checked and spread into the tables that people read.

An item says itself that it waits (`to_open_at`), so a crash in between loses nothing and several
may work at once. Pages of items are opened without a transaction; writing is short, and one at a
time. What cannot be taken after all stays where it is, gets a verdict that its terminal is told,
and is shown to staff. A fault of ours with one item is no verdict: it is looked at again later, and
the others go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, assert_never
from uuid import UUID

from django.db import DataError, InterfaceError, OperationalError
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from hub.applications import bodies, tables, verdicts
from hub.applications.aside import Held, Kept, Why, set_aside
from hub.applications.blobs import AttachmentStore, attachment_store, looked_into
from hub.applications.decisions import papers_came
from hub.applications.models import (
    SIGNATURE,
    Application,
    Attachment,
    Enclosure,
    LaterPapers,
    Outcome,
    PrintResult,
    Rating,
    ReceivedItem,
    SetAside,
    State,
    named,
)
from hub.applications.opening import Opened, Refusal, Sealed, opened
from hub.applications.verdicts import Found
from hub.applications.writer import Writer, writer
from hub.background import Background
from hub.seal.envelope import KeyRing
from hub.seal.keys import key_ring

log = logging.getLogger("hub.opener")

PAGE = 200  # items opened before they are written: a tenth of a second's work
AGAIN_AFTER = timedelta(minutes=10)  # what we could not read: after an update of the hub, we may
LOOK_EVERY_S = 0.5  # when nothing waits; a citizen who asks at once has it opened by asking
# While items arrive the door goes first, for terminals wait there and nobody waits here; but what
# has lain for so long is opened beside it. A minute: no desk notices it, and most crowds are through.
QUIET = timedelta(seconds=0.4)
PATIENCE = timedelta(seconds=60)
# Beside it a page is followed by a rest of so many times what it took: a quarter of one core at the
# most, the database's part of it included. That is still several hundred items a second, and ten
# thousand terminals hand over 250 in their busiest hour: only in a storm what waits grows. Who asks
# for an application has it opened by asking.
REST = 3.0
TROUBLE_S = 5.0
NUMBER_TAKEN = "number_taken"
ATTACHMENT_SEALED = "attachment_sealed"
ANOTHER_PERSON = "another_person"
_ANOTHER_PERSON = "by: is neither who applied nor who applied for them"

_SEALED = (
    "id", "queue__terminal_id", "queue__epoch", "seq", "kind", "order_key", "created_at",
    "received_at", "sha256", "chain", "sealed", "attachments",
)  # fmt: skip
_APPLICATION = (
    "number", "received_id", "terminal_id", "item", "item_version", "language", "accepted_at",
    "received_at", "applicant_name", "applicant_number", "agent_name", "agent_number",
    "earlier_number", "state", "changed_at",
)  # fmt: skip
_LATER_PAPERS = (
    "received_id", "number", "application_id", "handed_in_at", "received_at", "by_name",
    "by_number", "agent_name",
)  # fmt: skip
_ENCLOSURE = (
    "application_id", "papers_id", "attachment_id", "position", "code", "name", "pages",
    "kept_despite",
)  # fmt: skip
_RATING = ("received_id", "number", "application_id", "level", "reasons", "channel", "rated_at")
_PRINT_RESULT = ("received_id", "number", "application_id", "result", "at")

Read = tuple[Sealed, Opened | Refusal]


class AttachmentGoneError(Exception):
    """It was here when the item was taken, and is not now."""


class Opener:
    def __init__(
        self,
        keys: Callable[[], KeyRing],
        writer: Writer,
        store: Callable[[], AttachmentStore],
        *,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._writer = writer
        self._store = store
        self._clock_s = clock_s
        self._beside = False  # the door, as was said in the log

    def turn(self) -> float:
        """One page, if it is not the door's turn; how long to wait for the next, in seconds."""
        arriving, waited = self._at_the_door()
        if arriving and waited < PATIENCE:
            return QUIET.total_seconds()
        self._say(beside=arriving, waited=waited)
        began_s = self._clock_s()
        looked_at = self.next_page()
        if arriving:
            return max(self._clock_s() - began_s, 0.0) * REST
        return LOOK_EVERY_S if looked_at < PAGE else 0.0

    @staticmethod
    def _at_the_door() -> tuple[bool, timedelta]:
        """Whether items are arriving, and how long the first has waited to be opened."""
        now = timezone.now()
        found = ReceivedItem.objects.filter(to_open_at__lte=now).aggregate(
            first=Min("to_open_at"), last=Max("to_open_at")
        )
        first, last = found["first"], found["last"]
        if first is None:
            return False, timedelta(0)
        return now - last < QUIET, now - first

    def _say(self, *, beside: bool, waited: timedelta) -> None:
        """Once for each time."""
        if beside and not self._beside:
            log.info(
                "opening beside the door, a quarter of the time; waited_s=%.0f",
                waited.total_seconds(),
            )
        self._beside = beside

    def next_page(self) -> int:
        """Open those that have waited longest; how many were looked at."""
        waiting = ReceivedItem.objects.filter(to_open_at__lte=timezone.now())
        return self._open(waiting.order_by("to_open_at", "seq"))

    def of_number(self, terminal: str, number: str) -> None:
        """Open what belongs to this application first: somebody asks for it."""
        waiting = ReceivedItem.objects.filter(to_open_at__isnull=False)
        self._open(waiting.filter(queue__terminal_id=terminal, order_key=number).order_by("seq"))

    def of_terminal(self, terminal: str) -> None:
        """Open this terminal's, as many as a page: it asks what is held."""
        waiting = ReceivedItem.objects.filter(to_open_at__isnull=False)
        self._open(waiting.filter(queue__terminal_id=terminal).order_by("to_open_at", "seq"))

    def of_items(self, ids: Sequence[UUID]) -> None:
        """Open these, of which there may be as many as a page."""
        waiting = ReceivedItem.objects.filter(to_open_at__isnull=False)
        self._open(waiting.filter(pk__in=ids).order_by("to_open_at", "seq"))

    def _open(self, waiting: Any) -> int:
        page = [_sealed(row) for row in waiting.values_list(*_SEALED)[:PAGE]]
        if page:
            keys = self._keys()
            away = self._papers_again({name for item in page for name in named(item.attachments)})
            found = [
                (
                    item,
                    None if away.intersection(named(item.attachments)) else self._read(item, keys),
                )
                for item in page
            ]
            self._settle([(item, read) for item, read in found if read is not None])
            self._postpone([item for item, read in found if read is None])
        return len(page)

    def _papers_again(self, names: Iterable[str]) -> set[str]:
        """Attachments that could not be opened when they came are looked into once more: a key may
        have been restored. Those whose bytes cannot be had now."""
        away = set()
        for row in Attachment.objects.filter(pk__in=names).exclude(fault=""):
            try:
                inside = looked_into(self._store().read(row.sha256), row.terminal_id)
            except OSError:
                away.add(row.sha256)
                continue
            if inside.fault != row.fault:
                changed = Attachment.objects.filter(pk=row.sha256)
                self._writer.run(partial(changed.update, **asdict(inside)))
        return away

    @staticmethod
    def _read(item: Sealed, keys: KeyRing) -> Opened | Refusal | None:
        """None: a fault of ours."""
        try:
            return opened(item, keys)
        except Exception:
            log.exception("an item could not be read")
            return None

    def _settle(self, found: Sequence[Read]) -> None:
        """Written together; if that fails by a fault of ours, by halves, down to the one."""
        if not found:
            return
        try:
            self._writer.run(_Spreading(found).write)
            return
        except (OperationalError, InterfaceError):  # the database is away, busy or full
            raise
        except DataError:
            alone = Refusal("not_storable", "a value cannot be stored")
        except Exception:
            log.exception("items could not be written")
            alone = None
        if len(found) > 1:
            half = len(found) // 2
            self._settle(found[:half])
            self._settle(found[half:])
        elif alone is not None and not isinstance(found[0][1], Refusal):
            self._settle([(found[0][0], alone)])
        else:
            self._postpone([found[0][0]])

    def _postpone(self, items: Sequence[Sealed]) -> None:
        if not items:
            return
        later = timezone.now() + AGAIN_AFTER
        waiting = ReceivedItem.objects.filter(
            pk__in=[item.id for item in items], to_open_at__isnull=False
        )
        self._writer.run(lambda: waiting.update(to_open_at=later))


@dataclass(slots=True)
class _Rows:
    """What is to be written, in the order of the columns above."""

    applications: list[tuple[Any, ...]] = field(default_factory=list)
    later_papers: list[tuple[Any, ...]] = field(default_factory=list)
    enclosures: list[tuple[Any, ...]] = field(default_factory=list)
    ratings: list[tuple[Any, ...]] = field(default_factory=list)
    print_results: list[tuple[Any, ...]] = field(default_factory=list)


class _Spreading:
    """Opened items into their tables, in one transaction."""

    def __init__(self, found: Sequence[Read]) -> None:
        self._found = found

    def write(self) -> None:
        """In the caller's transaction."""
        tables.alone()
        now = timezone.now()
        # Papers may stand before the application that they belong to.
        found = sorted(self._still_waiting(), key=_applications_first)
        self._look(found)
        rows = _Rows()
        good: list[Sealed] = []
        bad: list[tuple[Sealed, Found, Held | None]] = []
        for item, read in found:
            wrong = self._wrong(item, read)
            if wrong is not None:
                bad.append((item, *wrong))
            elif isinstance(read, Opened):
                self._add(rows, item, read, now)
                good.append(item)
        self._insert(rows)
        bad += self._strangers(rows)
        self._tell_the_desk(found, rows, now)
        self._settle_what_was_refused(good, now)
        self._take_back_verdicts(good, now)
        self._give_verdicts(bad, now)
        ids = [item.id for item, _ in found]
        ReceivedItem.objects.filter(pk__in=ids).update(to_open_at=None)

    def _still_waiting(self) -> list[Read]:
        """Without those that somebody else has opened meanwhile."""
        ids = [item.id for item, _ in self._found]
        waiting = ReceivedItem.objects.filter(pk__in=ids, to_open_at__isnull=False)
        still = set(waiting.values_list("pk", flat=True))
        return [one for one in self._found if one[0].id in still]

    def _look(self, found: Sequence[Read]) -> None:
        """A few questions for all items together."""
        numbers = {read.body.number for _, read in found if isinstance(read, Opened)}
        held = Application.objects.filter(pk__in=numbers)
        self._by_number: dict[str, Held] = {}
        self._people: dict[str, set[str]] = {}  # of each application: whose papers it takes
        for number, item_id, sha256, *people in held.values_list(
            "number", "received_id", "received__sha256", "applicant_number", "agent_number"
        ):
            self._by_number[number] = Held(item_id, bytes(sha256).hex())
            self._people[number] = set(filter(None, people))
        names = {name for item, _ in found for name in named(item.attachments)}
        self._attachments = Attachment.objects.in_bulk(names) if names else {}
        before = verdicts.against(item.id for item, _ in found)
        self._before = {
            Found(*row) for row in before.values_list("received_id", "result", "code", "text")
        }

    # -- judging ------------------------------------------------------------------

    def _wrong(self, item: Sealed, read: Opened | Refusal) -> tuple[Found, Held | None] | None:
        if isinstance(read, Refusal):
            return Found(item.id, Outcome.REFUSED, read.code, read.text), None
        if isinstance(read.body, bodies.ApplicationBody):
            taken = self._by_number.get(read.body.number)
            if taken is not None:
                text = "another application has this number"
                return Found(item.id, Outcome.CONFLICT, NUMBER_TAKEN, text), taken
        if isinstance(read.body, bodies.LaterPapersBody):
            people = self._people.get(read.body.number)
            if people is not None and read.body.by.number not in people:
                return Found(item.id, Outcome.REFUSED, ANOTHER_PERSON, _ANOTHER_PERSON), None
        for inside in read.attachments.values():
            row = self._attachments.get(inside.sealed)
            if row is None:
                raise AttachmentGoneError
            if row.fault:
                text = f"an attachment: {row.fault}"
                return Found(item.id, Outcome.REFUSED, ATTACHMENT_SEALED, text), None
            if (row.content_sha256, row.bytes) != (inside.sha256, inside.bytes):
                text = "an attachment is not what was said"
                return Found(item.id, Outcome.REFUSED, "attachments_differ", text), None
        return None

    # -- spreading ----------------------------------------------------------------

    def _add(self, rows: _Rows, item: Sealed, read: Opened, now: datetime) -> None:
        body = read.body
        match body:
            case bodies.ApplicationBody():
                agent = body.agent
                self._by_number[body.number] = Held(item.id, item.sha256)
                self._people[body.number] = {body.applicant.number}
                if agent is not None:
                    self._people[body.number].add(agent.number)
                rows.applications.append(
                    (
                        body.number, item.id, item.terminal, body.item, str(body.item_version),
                        body.language, body.accepted_at, item.received_at, body.applicant.name,
                        body.applicant.number, agent.name if agent else "",
                        agent.number if agent else "", body.earlier_number or "",
                        State.RECEIVED.value, now,
                    )
                )  # fmt: skip
                rows.enclosures += _enclosures(body, read, (body.number, None))
            case bodies.LaterPapersBody():
                rows.later_papers.append(
                    (
                        item.id, body.number, None, body.handed_in_at, item.received_at,
                        body.by.name, body.by.number, body.agent.name if body.agent else "",
                    )
                )  # fmt: skip
                rows.enclosures += _enclosures(body, read, (None, item.id))
            case bodies.RatingBody():
                reasons = ",".join(body.reasons)
                rows.ratings.append(
                    (item.id, body.number, None, body.level, reasons, body.channel, body.rated_at)
                )
            case bodies.PrintResultBody():
                rows.print_results.append((item.id, body.number, None, body.result, body.at))
            case _:
                assert_never(body)

    def _insert(self, rows: _Rows) -> None:
        tables.insert(Application, _APPLICATION, rows.applications)
        # Some came in the same page before their application.
        papers = [self._joined(row) for row in rows.later_papers]
        tables.insert(LaterPapers, _LATER_PAPERS, papers)
        tables.insert(Enclosure, _ENCLOSURE, rows.enclosures)
        tables.insert(Rating, _RATING, [self._joined(row) for row in rows.ratings])
        tables.insert(PrintResult, _PRINT_RESULT, [self._joined(row) for row in rows.print_results])
        self._join_what_waited({row[0]: row[2] for row in rows.applications})

    def _joined(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        received, number, _, *rest = row
        return (received, number, number if number in self._by_number else None, *rest)

    @staticmethod
    def _join_what_waited(terminals: dict[str, str]) -> None:
        """Ratings and print results that came before their application, by its number."""
        if not terminals:
            return
        for waiting in (Rating, PrintResult):
            found = waiting._default_manager.filter(
                number__in=terminals, application=None
            ).values_list("pk", "number")
            for pk, number in list(found):
                waiting._default_manager.filter(pk=pk).update(application_id=number)

    def _strangers(self, rows: _Rows) -> list[tuple[Sealed, Found, Held | None]]:
        """Papers that came before their application find it; those of another person than it names
        are given up, as if they had come after it."""
        arrived = {row[0] for row in rows.applications}
        waiting = LaterPapers.objects.filter(number__in=arrived, application=None)
        strange = []
        for pk, number, by in list(waiting.values_list("pk", "number", "by_number")):
            if by in self._people[number]:
                LaterPapers.objects.filter(pk=pk).update(application_id=number)
            else:
                strange.append(pk)
        if not strange:
            return []
        Enclosure.objects.filter(papers__in=strange).delete()
        LaterPapers.objects.filter(pk__in=strange).delete()
        items = ReceivedItem.objects.filter(pk__in=strange).values_list(*_SEALED)
        return [
            (item, Found(item.id, Outcome.REFUSED, ANOTHER_PERSON, _ANOTHER_PERSON), None)
            for item in map(_sealed, items)
        ]

    def _tell_the_desk(self, found: Sequence[Read], rows: _Rows, now: datetime) -> None:
        """What staff waited for has come."""
        taken = {row[0] for row in rows.later_papers if row[1] in self._by_number}
        for item, read in found:
            if (
                item.id in taken
                and isinstance(read, Opened)
                and isinstance(read.body, bodies.LaterPapersBody)
            ):
                names = [material.name for material in read.body.materials]
                papers_came(read.body.number, names, read.body.handed_in_at, now)

    # -- what was not right, and what is after all ----------------------------------

    @staticmethod
    def _settle_what_was_refused(good: Sequence[Sealed], now: datetime) -> None:
        """They may have been refused before, by a hub with a narrower rule."""
        SetAside.objects.filter(
            Q(outcome=Outcome.REFUSED) | Q(code=NUMBER_TAKEN),
            terminal_id__in={item.terminal for item in good},
            item_id__in=[str(item.id) for item in good],
            handled_at__isnull=True,
        ).update(handled_at=now)

    def _take_back_verdicts(self, good: Sequence[Sealed], now: datetime) -> None:
        """On what was opened once more and can be taken: its terminal has it in the tray."""
        judged = {verdict.received for verdict in self._before}
        after_all = [
            (item.terminal, Found(item.id, verdicts.TAKEN, "", ""))
            for item in good
            if item.id in judged
        ]
        self._give(after_all, now)

    def _give_verdicts(
        self, bad: Sequence[tuple[Sealed, Found, Held | None]], now: datetime
    ) -> None:
        """Not those that are as before: they were told and set aside then."""
        new = [one for one in bad if one[1] not in self._before]
        for item, found, held in new:
            why = Why(Outcome(found.result), found.code, found.text, held)
            set_aside(_kept(item), why, now)
        self._give([(item.terminal, found) for item, found, _ in new], now)

    @staticmethod
    def _give(found: Sequence[tuple[str, Found]], now: datetime) -> None:
        for terminal in sorted({terminal for terminal, _ in found}):
            verdicts.give(terminal, [one for where, one in found if where == terminal], now)


def _sealed(row: Sequence[Any]) -> Sealed:
    return Sealed(*row[:8], bytes(row[8]).hex(), *(bytes(one) for one in row[9:]))


def _applications_first(read: Read) -> bool:
    return not (isinstance(read[1], Opened) and isinstance(read[1].body, bodies.ApplicationBody))


def _enclosures(
    body: bodies.ApplicationBody | bodies.LaterPapersBody,
    read: Opened,
    of: tuple[str | None, UUID | None],
) -> Iterable[tuple[Any, ...]]:
    """`of`: the application, or the later papers."""
    for position, one in enumerate(bodies.enclosed(body)):
        material = one if isinstance(one, bodies.Material) else None
        yield (
            *of,
            read.attachments[one.sha256].sealed,
            position,
            material.code if material else SIGNATURE,
            material.name if material else "",
            material.pages if material else None,
            material.kept_despite if material else "",
        )


def _kept(item: Sealed) -> Kept:
    outline = {
        "id": str(item.id),
        "seq": item.seq,
        "kind": item.kind,
        "order_key": item.order_key,
        "created_at": item.created_at.isoformat(),
        "attachments": named(item.attachments),
        "sha256": item.sha256,
        "chain": item.chain.hex(),
    }
    return Kept(item.terminal, item.epoch, outline, item.sealed, item.id, item.seq, item.sha256)


def opener() -> Opener:
    """With this site's keys, as the database needs it."""
    return Opener(key_ring, writer(), attachment_store)


def waiting() -> tuple[int, datetime | None]:
    """How many wait to be opened, and since when the first."""
    found = ReceivedItem.objects.filter(to_open_at__isnull=False).aggregate(
        count=Count("pk"), since=Min("received_at")
    )
    return found["count"], found["since"]


def opening() -> Background:
    """Opens while the hub serves."""
    return Background("opening", opener().turn, trouble_s=TROUBLE_S)

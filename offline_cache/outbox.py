"""Sealed applications and what follows them, in one commit with the outbox.

What `seal` answers `Sealed` for is on the disk: application row, outbox row and attachments. The
body is frozen at that moment and kept only as an envelope to the hub; outside of it stand number,
item, time, masked name, state, reason, the masked lines of the receipt and which materials are to
follow. What follows (rating, print result, later papers) is an item of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

from offline_cache import once
from offline_cache.blobs import Blobs, Kept
from offline_cache.database import OWN_EPOCH, SEQ_BITS, Database, Row
from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import write_whole
from offline_cache.ids import new_id, uuid_text
from offline_cache.keys import Keys
from offline_cache.ports import Clock, utc_text, utc_time
from offline_cache.sealer import Recipient, Sealer

LAST_SERIAL: Final = 9999  # four digits of the receipt number
MAX_BODY_BYTES: Final = 256 << 10  # what the hub takes as one body, a hundred times the usual
SERIALS_RESERVED: Final = 200  # so many applications share one extra small file and its fsync

T = TypeVar("T")
CHAIN_PAGE: Final = 1000  # links looked at in one query
# What stands beside the seal: item, person's digest, masked name, what is told (see `_outside`),
# session, counter and serial. All of them only with an application.
_Outside = tuple[
    str | None, bytes | None, str | None, str | None, str | None, str | None, int | None
]
PRINTED: Final = "printed"  # the result of a receipt that came out whole


class ItemKind(StrEnum):
    """Kinds of items on the wire."""

    APPLICATION = "application"
    RATING = "rating"
    PRINT_RESULT = "print_result"
    LATER_PAPERS = "later_papers"  # materials handed in after their application


class ItemState(StrEnum):
    SEALED = "sealed"  # here, not yet on its way
    SENDING = "sending"  # sent, and not acknowledged by the hub
    ACCEPTED = "accepted"  # the hub holds it; kept here some days, should the hub be restored
    REFUSED = "refused"  # in the tray, with the hub's reason; kept until somebody deals with it
    HANDLED = "handled"  # dealt with by hand; erased like an accepted one
    PURGED = "purged"  # its bytes are gone; only its link in the chain may remain

    @property
    def waits(self) -> bool:
        """Whether the hub is not known to hold it, and it will be sent."""
        return self in (ItemState.SEALED, ItemState.SENDING)


@dataclass(frozen=True, slots=True)
class Attachment:
    """`code` is the material's code, or `signature`."""

    code: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """Committed: a receipt may be printed."""

    number: str
    accepted_at: datetime
    seq: int
    body_bytes: int


@dataclass(frozen=True, slots=True)
class Added:
    seq: int


@dataclass(frozen=True, slots=True)
class _Placed:
    """An attachment on the disk. `new` is None when the same content was there already."""

    attachment: Attachment
    content_sha256: bytes
    sha256: bytes
    new: Kept | None


@dataclass(frozen=True, slots=True)
class Application:
    """What is known here of one application; nothing personal.

    `receipt`: the masked lines of the paper, label and text, to print it again. `lacks`: codes of the
    materials that were to follow and that nothing here hands in; `following`: of materials handed in
    here later that the hub is not known to hold. `printed`: a receipt came out whole.
    """

    number: str
    item: str
    accepted_at: datetime
    state: ItemState
    receipt: tuple[tuple[str, str], ...] = ()
    lacks: tuple[str, ...] = ()
    following: tuple[str, ...] = ()
    printed: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits on this terminal. `oldest_at` None when nothing does."""

    count: int
    oldest_at: datetime | None
    refused: int
    last_seq: int


# More than any terminal gives in a day, and less than a third of a day's numbers: what was made in
# months must not use up today's.
SKIP_MOST: Final = 3000


class Serials:
    """A small file beside the database that remembers which receipt numbers may be out.

    A new database (the old one set aside) must not give the same numbers again on the same day.
    It holds the highest serial that may have been given, a few ahead.
    """

    def __init__(self, path: Path) -> None:
        """For the one process that gives numbers: what it has read or written, it knows."""
        self._path = path
        self._known: tuple[str, int] | None = None

    def reserved(self, day: str) -> int:
        """The highest serial that may have been given on `day`; 0 when none is known."""
        if self._known is None or self._known[0] != day:
            self._known = (day, self._read(day))
        return self._known[1]

    def _read(self, day: str) -> int:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            reserved = int(kept["reserved"]) if kept["day"] == day else 0
            return reserved + int(kept.get("skip", 0))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return 0  # no file yet, or a torn one: the hub still refuses a number given twice

    def skip(self, count: int) -> StoreFault | None:
        """This file is of an old copy of the store, and so many items more were made since: as many
        numbers may be out, of whatever day it is when the next is given. Again changes nothing."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            known = {"day": str(kept["day"]), "reserved": int(kept["reserved"])}
        except (OSError, ValueError, TypeError, KeyError):
            known = {"day": "", "reserved": 0}
        content = json.dumps({**known, "skip": max(0, min(count, SKIP_MOST))}).encode()
        try:
            write_whole(self._path, content)
        except OSError as error:
            return fault_of_os_error(error, "serials")
        self._known = None
        return None

    def reserve(self, day: str, serial: int) -> StoreFault | None:
        content = json.dumps({"day": day, "reserved": serial}).encode()
        try:
            write_whole(self._path, content)
        except OSError as error:
            return fault_of_os_error(error, "serials")
        self._known = (day, serial)
        return None


class Outbox:
    """The citizen's side of the store: seals applications, adds what follows, looks up."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        clock: Clock,
        *,
        blobs: Blobs,
        serials: Serials,
        sealer: Sealer,
        zone: tzinfo,
    ) -> None:
        """`zone` is the citizen's: the day of a receipt number is theirs.

        For the one process that seals (a second `kiosk run` over the same data does not start): what
        it has committed, it knows, and looks up nothing of it.
        """
        self._database = database
        self._keys = keys
        self._clock = clock
        self._blobs = blobs
        self._serials = serials
        self._sealer = sealer
        self._zone = zone
        self._begun: bytes | None = None
        self._key: once.NewKey | None = None  # the next row's
        self._tail: tuple[int, bytes] | None = None  # seq and link of the newest item
        self._given: tuple[str, int] | None = None  # the day's counter and its last serial

    @property
    def begun(self) -> bytes | None:
        """Id of the item that the last `seal` or `hand_in` was about to write; None if it did not come
        so far. After a disk that failed in the middle of it, a new look at the disk tells whether
        `application_of` or `handed_in_of` this id is there."""
        return self._begun

    def application_of(self, item_id: bytes) -> Sealed | StoreFault | None:
        """The application with this id, if it was committed; `body_bytes` is not known any more."""
        found = self._committed(item_id, ItemKind.APPLICATION)
        if found is None or isinstance(found, StoreFault):
            return found
        number, at, row = found
        return Sealed(number, utc_time(at), seq_of(row), 0)

    def handed_in_of(self, item_id: bytes) -> Added | StoreFault | None:
        """As `application_of`, of later papers."""
        found = self._committed(item_id, ItemKind.LATER_PAPERS)
        if found is None or isinstance(found, StoreFault):
            return found
        return Added(seq_of(found[2]))

    def _committed(self, item_id: bytes, kind: ItemKind) -> Row | StoreFault | None:
        """Order key, time and row of our own item with this id."""
        rows = self._database.rows(
            "SELECT order_key, created_at, row FROM"
            # The disk may just have refused to put away what is fresh.
            " (SELECT id, order_key, created_at, row, kind FROM fresh UNION ALL"
            " SELECT id, order_key, created_at, row, kind FROM outbox) WHERE row > ?"
            " AND id = ? AND kind = ?",
            (OWN_EPOCH << SEQ_BITS, item_id, kind.value),
        )
        if isinstance(rows, StoreFault):
            return rows
        return rows[0] if rows else None

    def ready(self) -> StoreFault | None:
        """Why nothing can be sealed (never enrolled, a suite missing), before anybody begins."""
        recipient = self._sealer.recipient()
        return recipient if isinstance(recipient, StoreFault) else None

    def prepare(self) -> None:
        """Get ready for the next seal, while the citizen is still at work."""
        self._sealer.prepare()
        self._key = self._key or once.NewKey()

    def seal(
        self,
        *,
        session: str,
        item: str,
        id_number: str,
        name_masked: str,
        application: Mapping[str, object],
        attachments: Iterable[Attachment],
        make_number: Callable[[int, datetime], str],
        receipt: Iterable[tuple[str, str]] = (),
        lacks: Collection[str] = (),
    ) -> Sealed | StoreFault:
        """Commit an application with its attachments, and erase the session's draft with it.

        `make_number(serial, accepted_at)` gives the receipt number for the day's serial (from 1).
        The body is `application` with `number` and `accepted_at` added, and with `sha256`,
        `media_type` and `bytes` filled in for every attachment: in `signature` for the code
        `signature`, else in the entry of `materials` with that code (appended when there is none).
        `receipt` is kept readable: the lines of the paper, nothing in them that is not masked; and so
        is `lacks`, the codes of materials that are to follow.
        On a fault nothing of it is kept.
        """
        self._begun = None
        to = self._sealer.recipient()
        if isinstance(to, StoreFault):
            return to
        placed = self._place(to, attachments)
        if isinstance(placed, StoreFault):
            return placed
        accepted_at = self._clock.utc()
        accepted_at = accepted_at.replace(microsecond=accepted_at.microsecond // 1000 * 1000)
        at = utc_text(accepted_at)
        told = _outside(lines=list(receipt), lacks=list(lacks))

        counter = f"serial {accepted_at.astimezone(self._zone).date().isoformat()}"

        def work(cursor: Any) -> Sealed | StoreFault:
            serial = self._next_serial(cursor, counter)
            if isinstance(serial, StoreFault):
                return serial
            number = make_number(serial, accepted_at)
            named = self._name_files(cursor, to, placed)
            if isinstance(named, StoreFault):
                return named
            body = {
                **application,
                **_attached(application, named),
                "number": number,
                "accepted_at": at,
            }
            inserted = self._insert(
                cursor,
                to,
                kind=ItemKind.APPLICATION.value,
                order_key=number,
                body=body,
                named=named,
                item_id=new_id(accepted_at),
                at=at,
                outside=(
                    item,
                    self._person_digest(item, id_number),
                    name_masked,
                    told,
                    session,
                    counter,
                    serial,
                ),
            )
            if isinstance(inserted, StoreFault):
                return inserted
            row, size = inserted
            return Sealed(number, accepted_at, seq_of(row), size)

        return self._append(work)

    def hand_in(
        self,
        order_key: str,
        body: Mapping[str, object],
        attachments: Iterable[Attachment],
        *,
        codes: Collection[str],
        session: str | None = None,
    ) -> Added | StoreFault:
        """Commit papers for the application with this number, and erase the session's draft with it.

        The body is `body` with `number` and `handed_in_at` added and its attachments filled in as
        `seal` does. `codes`: which materials they are, kept readable, so that `Application.lacks` has
        them no longer. The application itself may be unknown here. On a fault nothing of it is kept.
        """
        self._begun = None
        to = self._sealer.recipient()
        if isinstance(to, StoreFault):
            return to
        placed = self._place(to, attachments)
        if isinstance(placed, StoreFault):
            return placed
        now = self._clock.utc()

        def work(cursor: Any) -> Added | StoreFault:
            named = self._name_files(cursor, to, placed)
            if isinstance(named, StoreFault):
                return named
            inserted = self._insert(
                cursor,
                to,
                kind=ItemKind.LATER_PAPERS.value,
                order_key=order_key,
                body={
                    **body,
                    **_attached(body, named),
                    "number": order_key,
                    "handed_in_at": utc_text(now),
                },
                named=named,
                item_id=new_id(now),
                at=utc_text(now),
                outside=(None, None, None, _outside(codes=list(codes)), session, None, None),
            )
            return inserted if isinstance(inserted, StoreFault) else Added(seq_of(inserted[0]))

        return self._append(work)

    def put_away(self) -> StoreFault | None:
        """What is left of a seal that nobody waits for; whoever reads first does it else."""
        return self._database.put_away()

    def add(self, kind: ItemKind, order_key: str, body: Mapping[str, object]) -> Added | StoreFault:
        """Put what follows an application without papers (rating, print result) after it, in its order."""
        to = self._sealer.recipient()
        if isinstance(to, StoreFault):
            return to
        now = self._clock.utc()
        # A receipt for papers handed in later is not the application's own.
        own = kind is ItemKind.PRINT_RESULT and body.get("of") != ItemKind.LATER_PAPERS
        printed = own and body.get("result") == PRINTED
        told = _outside(printed=True) if printed else None

        def work(cursor: Any) -> Added | StoreFault:
            inserted = self._insert(
                cursor,
                to,
                kind=kind.value,
                order_key=order_key,
                body=body,
                named=(),
                item_id=new_id(now),
                at=utc_text(now),
                outside=(None, None, None, told, None, None, None),
            )
            return inserted if isinstance(inserted, StoreFault) else Added(seq_of(inserted[0]))

        return self._append(work)

    def state_of(self, number: str) -> Application | StoreFault | None:
        """Where the application with this receipt number is; None when it is not known here."""
        return find_application(self._database, number)

    def earlier(
        self, item: str, id_number: str, since: datetime
    ) -> Application | StoreFault | None:
        """The newest application for the same item by the same person since then, kept here."""
        rows = self._database.rows(
            "SELECT order_key FROM outbox WHERE person_digest = ? AND created_at >= ?"
            " ORDER BY created_at DESC, row DESC LIMIT 1",
            (self._person_digest(item, id_number), utc_text(since)),
        )
        if isinstance(rows, StoreFault):
            return rows
        return find_application(self._database, rows[0][0]) if rows else None

    def following(self) -> dict[str, tuple[str, ...]] | StoreFault:
        """Receipt number -> codes of the later papers that wait here for it, in their order, each
        once; also of numbers that another terminal gave."""
        rows = self._database.rows(
            "SELECT order_key, receipt FROM outbox WHERE state IN ('sealed', 'sending')"
            " AND kind = ? ORDER BY row",
            (ItemKind.LATER_PAPERS.value,),
        )
        if isinstance(rows, StoreFault):
            return rows
        found: dict[str, dict[str, None]] = {}
        for number, told in rows:
            codes = json.loads(told).get("codes", ()) if told else ()
            found.setdefault(number, {}).update(dict.fromkeys(codes))
        return {number: tuple(codes) for number, codes in found.items()}

    def waiting(self) -> Waiting | StoreFault:
        return count_waiting(self._database)

    # -- parts ------------------------------------------------------------------

    def _append(self, work: Callable[[Any], T | StoreFault]) -> T | StoreFault:
        """In one commit. When it is not known to stand, the next one looks up what is there."""
        done: T | StoreFault | None = None
        try:
            done = self._database.append(work)
        finally:
            if done is None or isinstance(done, StoreFault):
                self._tail = self._given = None
        return done

    def _next_serial(self, cursor: Any, counter: str) -> int | StoreFault:
        """`counter`: the word and the day. It is kept with the row that the number is given to."""
        day = counter.partition(" ")[2]
        if self._given is not None and self._given[0] == counter:
            given = self._given[1]
        else:
            cursor.execute(
                "SELECT max((SELECT coalesce(max(serial), 0) FROM fresh WHERE counter = ?1),"
                " coalesce((SELECT value FROM counters WHERE name = ?1), 0))",
                (counter,),
            )
            (given,) = cursor.fetchone()
        reserved = self._serials.reserved(day)
        serial = int(given or reserved) + 1
        if serial > LAST_SERIAL:
            return StoreFault(StoreFaultCode.NUMBERS_USED_UP, f"all numbers of {day} are given")
        if serial > reserved:
            failed = self._serials.reserve(day, serial - 1 + SERIALS_RESERVED)
            if failed is not None:
                return failed
        self._given = (counter, serial)
        return serial

    def _place(
        self, to: Recipient, attachments: Iterable[Attachment]
    ) -> list[_Placed] | StoreFault:
        """Every attachment on the disk and synced, the same content once."""
        placed: dict[bytes, _Placed] = {}
        listed: list[_Placed] = []
        for attachment in attachments:
            content = hashlib.sha256(attachment.content).digest()
            known = placed.get(content)
            if known is not None:
                listed.append(_Placed(attachment, content, known.sha256, known.new))
                continue
            one = self._here_already(to, attachment, content) or self._put(to, attachment, content)
            if isinstance(one, StoreFault):
                return one
            placed[content] = one
            listed.append(one)
        return listed

    def _here_already(
        self, to: Recipient, attachment: Attachment, content: bytes
    ) -> _Placed | StoreFault | None:
        """The whole file of the same content, when it is sealed by the key in use."""
        rows = self._database.rows(
            "SELECT sha256, key FROM files WHERE content = ? AND seal_key = ?",
            (self._content_digest(content), to.key.id),
        )
        if isinstance(rows, StoreFault):
            return rows
        for sha256, key in rows:
            if isinstance(self._blobs.get(sha256, key), bytes):
                return _Placed(attachment, content, sha256, None)
        return None

    def _put(self, to: Recipient, attachment: Attachment, content: bytes) -> _Placed | StoreFault:
        envelope = self._sealer.attachment(to, attachment.content)
        if isinstance(envelope, StoreFault):
            return envelope
        kept = self._blobs.put(envelope)
        if isinstance(kept, StoreFault):
            return kept
        return _Placed(attachment, content, kept.sha256, kept)

    def _name_files(
        self, cursor: Any, to: Recipient, placed: Iterable[_Placed]
    ) -> list[_Placed] | StoreFault:
        """A row for every file. Retention erases under the same lock: what is here now stays."""
        named: list[_Placed] = []
        for each in placed:
            one = each
            if one.new is None:
                cursor.execute("SELECT 1 FROM files WHERE sha256 = ?", (one.sha256,))
                if cursor.fetchone() is None:  # erased since we looked
                    again = self._put(to, one.attachment, one.content_sha256)
                    if isinstance(again, StoreFault):
                        return again
                    one = again
            if one.new is not None:
                if not self._blobs.has(one.sha256):
                    failed = self._blobs.write(one.new)
                    if failed is not None:
                        return failed
                cursor.execute(
                    "INSERT OR IGNORE INTO files (sha256, content, seal_key, bytes, key)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (
                        one.sha256,
                        self._content_digest(one.content_sha256),
                        to.key.id,
                        len(one.attachment.content),
                        one.new.key,
                    ),
                )
            named.append(one)
        return named

    def _insert(
        self,
        cursor: Any,
        to: Recipient,
        *,
        kind: str,
        order_key: str,
        body: Mapping[str, object],
        named: Collection[_Placed],
        item_id: bytes,
        at: str,
        outside: _Outside,
    ) -> tuple[int, int] | StoreFault:
        """One sealed item at the end of the epoch, with the papers it names: its row and the size of
        its plain text."""
        content = _frozen(
            {
                "body": body,
                "attachments": [
                    {
                        "sha256": each.content_sha256.hex(),
                        "sealed": each.sha256.hex(),
                        "bytes": len(each.attachment.content),
                    }
                    for each in named
                ],
            }
        )
        if len(content) > MAX_BODY_BYTES:
            return StoreFault(StoreFaultCode.TOO_LARGE, f"a body of {len(content)} bytes")
        last, chain = self._tail or _newest(cursor)
        seq = last + 1
        self._begun = item_id
        envelope = self._sealer.item(
            to,
            content,
            epoch=self._database.epoch,
            seq=seq,
            kind=kind,
            item_id=uuid_text(item_id),
        )
        if isinstance(envelope, StoreFault):
            return envelope
        sha256 = hashlib.sha256(envelope).digest()
        chain = next_link(chain, seq, item_id, sha256)
        own, self._key = self._key or once.NewKey(), None
        row = (OWN_EPOCH << SEQ_BITS) + seq
        cursor.execute(
            "INSERT INTO fresh (row, id, kind, order_key, created_at, sha256, chain, key, bytes,"
            " item, person_digest, name_masked, receipt, session, counter, serial)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row,
                item_id,
                kind,
                order_key,
                at,
                sha256,
                chain,
                own.key,
                own.encrypt(envelope, item_id),
                *outside,
            ),
        )
        if named:
            cursor.executemany(
                "INSERT INTO attachments (row, place, sha256) VALUES (?, ?, ?)",
                [(row, place, each.sha256) for place, each in enumerate(named)],
            )
        self._tail = (seq, chain)
        return row, len(content)

    def _content_digest(self, content_sha256: bytes) -> bytes:
        """Finds the same content again; tells nothing of it to who has no key."""
        return self._keys.digest("file", content_sha256.hex())

    def _person_digest(self, item: str, id_number: str) -> bytes:
        return self._keys.digest("earlier", item, id_number.upper())


def seq_of(row: int) -> int:
    """The place in its epoch of the item in this row."""
    return row & ((1 << SEQ_BITS) - 1)


def next_link(chain: bytes, seq: int, item_id: bytes, sha256: bytes) -> bytes:
    """The chain up to this item: whoever takes one out, or changes one, breaks all that follow."""
    return hashlib.sha256(chain + seq.to_bytes(8) + item_id + sha256).digest()


def check_chain(database: Database) -> StoreFault | None:
    """Whether every item of this database's epoch is there, in its place and unchanged."""
    rows = database.rows("SELECT purged_seq, purged_chain FROM epochs WHERE no = ?", (OWN_EPOCH,))
    if isinstance(rows, StoreFault):
        return rows
    seq, link = rows[0]
    broken = StoreFault(StoreFaultCode.DAMAGED, "the chain of items is broken")
    while True:
        rows = database.rows(
            "SELECT row, id, sha256, chain FROM outbox WHERE row > ? ORDER BY row LIMIT ?",
            ((OWN_EPOCH << SEQ_BITS) + seq, CHAIN_PAGE),
        )
        if isinstance(rows, StoreFault):
            return rows
        if not rows:
            return None
        for row, item_id, sha256, chain in rows:
            seq += 1
            link = next_link(link, seq, item_id, sha256)
            if seq_of(row) != seq or link != chain:
                return broken


def find_application(database: Database, number: str) -> Application | StoreFault | None:
    """Where the application with this receipt number is; None when it is not known here."""
    rows = database.rows(
        "SELECT kind, state, item, created_at, receipt FROM outbox WHERE order_key = ? ORDER BY row",
        (number,),
    )
    if isinstance(rows, StoreFault):
        return rows
    found: tuple[str, str, str, dict[str, Any]] | None = None
    followed: set[str] = set()
    following: dict[str, None] = {}  # in their order, each once
    printed = False
    for kind, state, item, created_at, told in rows:
        outside = json.loads(told) if told else {}
        if item is not None:
            found = found or (state, item, created_at, outside)
        elif kind == ItemKind.LATER_PAPERS and ItemState(state) in _STANDS:
            codes = outside.get("codes", ())
            followed.update(codes)
            if ItemState(state).waits:
                following.update(dict.fromkeys(codes))
        printed = printed or "printed" in outside
    if found is None:
        return None
    state, item, accepted_at, outside = found
    return Application(
        number,
        item,
        utc_time(accepted_at),
        ItemState(state),
        receipt=receipt_lines(outside),
        lacks=tuple(code for code in outside.get("lacks", ()) if code not in followed),
        following=tuple(following),
        printed=printed,
    )


# Papers in the tray are not with the hub, and who dealt with them may have thrown them away.
_STANDS: Final = frozenset({ItemState.SEALED, ItemState.SENDING, ItemState.ACCEPTED})


def _outside(**told: object) -> str:
    """What an item tells beside its seal, as JSON; nothing personal. An application: `lines` of its
    receipt and what it `lacks`; later papers: their `codes`; a print result: `printed`, if it was."""
    return orjson.dumps({name: value for name, value in told.items() if value}).decode()


def receipt_lines(outside: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Label and text of each masked line, of what an application tells beside its seal."""
    return tuple((str(label), str(text)) for label, text in outside.get("lines", ()))


def count_waiting(database: Database) -> Waiting | StoreFault:
    """How much waits, since when, and how much lies in the tray."""
    rows = database.rows(
        "SELECT (SELECT count(*) FROM outbox WHERE state IN ('sealed', 'sending')),"
        " (SELECT created_at FROM outbox WHERE state IN ('sealed', 'sending') ORDER BY row LIMIT 1),"
        " (SELECT count(*) FROM outbox WHERE state = 'refused')"
    )
    if isinstance(rows, StoreFault):
        return rows
    newest = last_seq(database)
    if isinstance(newest, StoreFault):
        return newest
    count, oldest, refused = rows[0]
    return Waiting(count, utc_time(oldest) if oldest else None, refused, newest)


def last_seq(database: Database, epoch_no: int = OWN_EPOCH) -> int | StoreFault:
    """The highest seq that was given in an epoch; 0 when none was."""
    rows = database.rows(
        "SELECT coalesce((SELECT max(row) FROM outbox WHERE row BETWEEN ? AND ?), 0),"
        " coalesce((SELECT max(purged_seq, last_seq) FROM epochs WHERE no = ?), 0)",
        (epoch_no << SEQ_BITS, ((epoch_no + 1) << SEQ_BITS) - 1, epoch_no),
    )
    if isinstance(rows, StoreFault):
        return rows
    newest_row, told = rows[0]
    return max(seq_of(int(newest_row)), int(told))


def _newest(cursor: Any) -> tuple[int, bytes]:
    """Seq and link of the newest item of our own epoch, under the write lock."""
    cursor.execute(
        "SELECT row, chain FROM fresh UNION ALL SELECT * FROM"
        " (SELECT row, chain FROM outbox WHERE row > ? ORDER BY row DESC LIMIT 1)"
        " ORDER BY row DESC LIMIT 1",
        (OWN_EPOCH << SEQ_BITS,),
    )
    newest = cursor.fetchone()
    if newest is not None:
        return seq_of(newest[0]), bytes(newest[1])
    cursor.execute("SELECT purged_seq, purged_chain FROM epochs WHERE no = ?", (OWN_EPOCH,))
    seq, chain = cursor.fetchone()
    return int(seq), bytes(chain)


def _frozen(body: Mapping[str, object]) -> bytes:
    """The bytes that are kept, hashed and sent."""
    return orjson.dumps(body)


def _attached(body: Mapping[str, object], placed: Iterable[_Placed]) -> dict[str, object]:
    """`materials` and `signature` of the body, with what is true of the kept attachments."""
    listed = body.get("materials")
    materials: list[object] = list(listed) if isinstance(listed, list | tuple) else []
    signature = body.get("signature")
    filled: set[int] = set()
    for each in placed:
        attachment = each.attachment
        facts: dict[str, object] = {
            "sha256": each.content_sha256.hex(),
            "media_type": attachment.media_type,
            "bytes": len(attachment.content),
        }
        if attachment.code == "signature":
            signature = {**(signature if isinstance(signature, Mapping) else {}), **facts}
            continue
        for at, entry in enumerate(materials):
            if at in filled or not isinstance(entry, Mapping):
                continue
            if entry.get("code") == attachment.code:
                materials[at] = {**entry, **facts}
                filled.add(at)
                break
        else:
            filled.add(len(materials))
            materials.append(
                {"code": attachment.code, "name": attachment.code, "pages": 1, **facts}
            )
    return {"materials": materials, "signature": signature}

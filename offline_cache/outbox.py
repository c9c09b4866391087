"""Sealed applications and what follows them, in one commit with the outbox.

What `seal` answers `Sealed` for is on the disk: application row, outbox row and attachments. The
body is frozen at that moment; its bytes and their SHA-256 never change again.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from offline_cache.blobs import Blobs
from offline_cache.database import Database, Row
from offline_cache.faults import StoreFault, StoreFaultCode, fault_of_os_error
from offline_cache.files import write_whole
from offline_cache.keys import Keys
from offline_cache.ports import Clock, utc_text, utc_time

LOCAL_ZONE: Final = ZoneInfo("Asia/Shanghai")  # the day of a receipt number is the citizen's day
LAST_SERIAL: Final = 9999  # four digits of the receipt number
MAX_BODY_BYTES: Final = 256 << 10  # what the hub takes as one body, a hundred times the usual
SERIALS_RESERVED: Final = 20  # one small extra fsync for each so many applications


class ItemKind(StrEnum):
    """Kinds of items on the wire."""

    APPLICATION = "application"
    RATING = "rating"
    PRINT_RESULT = "print_result"


class ItemState(StrEnum):
    WAITING = "waiting"  # here, not yet acknowledged by the hub
    DELIVERED = "delivered"
    REFUSED = "refused"  # in the tray, with the hub's reason; kept until somebody deals with it


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
class Application:
    """What is known here of one application; nothing personal."""

    number: str
    item: str
    accepted_at: datetime
    state: ItemState


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits on this terminal. `oldest_at` None when nothing does."""

    count: int
    oldest_at: datetime | None
    refused: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class Refused:
    """One item in the tray; nothing personal but what the masked name tells."""

    seq: int
    kind: str
    order_key: str
    name_masked: str
    refused_at: datetime
    code: str
    reason: str


class Serials:
    """A small file beside the database that remembers which receipt numbers may be out.

    A new database (the old one set aside) must not give the same numbers again on the same day.
    It holds the highest serial that may have been given, a few ahead.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def reserved(self, day: str) -> int:
        """The highest serial that may have been given on `day`; 0 when none is known."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return int(kept["reserved"]) if kept["day"] == day else 0
        except (OSError, ValueError, TypeError, KeyError):
            return 0  # no file yet, or a torn one: the hub still refuses a number given twice

    def reserve(self, day: str, serial: int) -> StoreFault | None:
        content = json.dumps({"day": day, "reserved": serial}).encode()
        try:
            write_whole(self._path, content)
        except OSError as error:
            return fault_of_os_error(error, "serials")
        return None


class Outbox:
    """The citizen's side of the store: seals applications, adds what follows, looks up."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        clock: Clock,
        blobs: Blobs,
        serials: Serials,
        *,
        zone: tzinfo = LOCAL_ZONE,
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._blobs = blobs
        self._serials = serials
        self._zone = zone

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
    ) -> Sealed | StoreFault:
        """Commit an application with its attachments, and erase the session's draft with it.

        `make_number(serial, accepted_at)` gives the receipt number for the day's serial (from 1).
        The body is `application` with `number` and `accepted_at` added, and with `sha256`,
        `media_type` and `bytes` filled in for every attachment: in `signature` for the code
        `signature`, else in the entry of `materials` with that code (appended when there is none).
        On a fault nothing of it is kept.
        """
        kept: list[tuple[Attachment, str]] = []
        for attachment in attachments:
            sha256 = self._blobs.put(attachment.content)
            if isinstance(sha256, StoreFault):
                return sha256
            kept.append((attachment, sha256))
        accepted_at = self._clock.utc()
        accepted_at = accepted_at.replace(microsecond=accepted_at.microsecond // 1000 * 1000)

        def work(cursor: Any) -> Sealed | StoreFault:
            serial = self._next_serial(cursor, accepted_at)
            if isinstance(serial, StoreFault):
                return serial
            number = make_number(serial, accepted_at)
            body = _frozen(
                {
                    **application,
                    **_attached(application, kept),
                    "number": number,
                    "accepted_at": utc_text(accepted_at),
                }
            )
            seq = self._insert(cursor, ItemKind.APPLICATION, number, body, accepted_at)
            if isinstance(seq, StoreFault):
                return seq
            cursor.execute(
                "INSERT INTO applications"
                " (number, seq, item, person_digest, name_masked, accepted_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    number,
                    seq,
                    item,
                    self._person_digest(item, id_number),
                    name_masked,
                    utc_text(accepted_at),
                ),
            )
            for attachment, sha256 in kept:
                # Retention erases orphans under the same lock: what is here now stays.
                if not self._blobs.has(sha256):
                    again = self._blobs.put(attachment.content)
                    if isinstance(again, StoreFault):
                        return again
                cursor.execute(
                    "INSERT OR IGNORE INTO attachments (seq, code, sha256, media_type, bytes)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (seq, attachment.code, sha256, attachment.media_type, len(attachment.content)),
                )
            cursor.execute("DELETE FROM drafts WHERE session = ?", (session,))
            return Sealed(number, accepted_at, seq, len(body))

        return self._database.write(work)

    def add(self, kind: ItemKind, order_key: str, body: Mapping[str, object]) -> Added | StoreFault:
        """Put what follows an application (rating, print result) after it, in its order."""
        now = self._clock.utc()

        def work(cursor: Any) -> Added | StoreFault:
            seq = self._insert(cursor, kind, order_key, _frozen(body), now)
            return seq if isinstance(seq, StoreFault) else Added(seq)

        return self._database.write(work)

    def state_of(self, number: str) -> Application | StoreFault | None:
        """Where the application with this receipt number is; None when it is not known here."""
        return self._one(
            "SELECT a.number, a.item, a.accepted_at, o.state FROM applications a"
            " JOIN outbox o ON o.seq = a.seq WHERE a.number = ?",
            (number,),
        )

    def earlier(
        self, item: str, id_number: str, since: datetime
    ) -> Application | StoreFault | None:
        """The newest application for the same item by the same person since then, kept here."""
        return self._one(
            "SELECT a.number, a.item, a.accepted_at, o.state FROM applications a"
            " JOIN outbox o ON o.seq = a.seq WHERE a.person_digest = ? AND a.accepted_at >= ?"
            " ORDER BY a.accepted_at DESC, a.seq DESC LIMIT 1",
            (self._person_digest(item, id_number), utc_text(since)),
        )

    def waiting(self) -> Waiting | StoreFault:
        return count_waiting(self._database)

    def tray(self) -> tuple[Refused, ...] | StoreFault:
        """What the hub would not take, oldest first."""
        return list_tray(self._database)

    # -- parts ------------------------------------------------------------------

    def _next_serial(self, cursor: Any, at: datetime) -> int | StoreFault:
        day = at.astimezone(self._zone).date().isoformat()
        cursor.execute("SELECT value FROM counters WHERE name = ?", (f"serial {day}",))
        row = cursor.fetchone()
        reserved = self._serials.reserved(day)
        serial = int(row[0] if row else reserved) + 1
        if serial > LAST_SERIAL:
            return StoreFault(StoreFaultCode.NUMBERS_USED_UP, f"all numbers of {day} are given")
        if serial > reserved:
            failed = self._serials.reserve(day, serial - 1 + SERIALS_RESERVED)
            if failed is not None:
                return failed
        _set_counter(cursor, f"serial {day}", serial)
        return serial

    def _insert(
        self, cursor: Any, kind: ItemKind, order_key: str, body: bytes, at: datetime
    ) -> int | StoreFault:
        if len(body) > MAX_BODY_BYTES:
            return StoreFault(StoreFaultCode.TOO_LARGE, f"a body of {len(body)} bytes")
        cursor.execute("SELECT value FROM counters WHERE name = 'seq'")
        row = cursor.fetchone()
        seq = int(row[0] if row else 0) + 1
        _set_counter(cursor, "seq", seq)
        cursor.execute(
            "INSERT INTO outbox (seq, id, kind, order_key, created_at, sha256, body, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting')",
            (
                seq,
                str(uuid.uuid4()),
                kind.value,
                order_key,
                utc_text(at),
                hashlib.sha256(body).hexdigest(),
                body,
            ),
        )
        return seq

    def _one(self, sql: str, parameters: tuple[object, ...]) -> Application | StoreFault | None:
        rows = self._database.rows(sql, parameters)
        if isinstance(rows, StoreFault):
            return rows
        return _application(rows[0]) if rows else None

    def _person_digest(self, item: str, id_number: str) -> bytes:
        return self._keys.digest("earlier", item, id_number.upper())


def count_waiting(database: Database) -> Waiting | StoreFault:
    """How much waits, since when, and how much lies in the tray."""
    rows = database.rows(
        "SELECT (SELECT count(*) FROM outbox WHERE state = 'waiting'),"
        " (SELECT created_at FROM outbox WHERE state = 'waiting' ORDER BY seq LIMIT 1),"
        " (SELECT count(*) FROM outbox WHERE state = 'refused'),"
        " (SELECT coalesce(max(value), 0) FROM counters WHERE name = 'seq')"
    )
    if isinstance(rows, StoreFault):
        return rows
    count, oldest, refused, last_seq = rows[0]
    return Waiting(count, utc_time(oldest) if oldest else None, refused, last_seq)


def list_tray(database: Database) -> tuple[Refused, ...] | StoreFault:
    """What the hub would not take, oldest first."""
    rows = database.rows(
        "SELECT o.seq, o.kind, o.order_key, coalesce(a.name_masked, ''), o.settled_at, o.code,"
        " o.reason FROM outbox o LEFT JOIN applications a ON a.number = o.order_key"
        " WHERE o.state = 'refused' ORDER BY o.seq"
    )
    if isinstance(rows, StoreFault):
        return rows
    return tuple(
        Refused(seq, kind, order_key, name_masked, utc_time(at), code, reason)
        for seq, kind, order_key, name_masked, at, code, reason in rows
    )


def _set_counter(cursor: Any, name: str, value: int) -> None:
    cursor.execute(
        "INSERT INTO counters (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def _application(row: Row) -> Application:
    number, item, accepted_at, state = row
    return Application(number, item, utc_time(accepted_at), ItemState(state))


def _frozen(body: Mapping[str, object]) -> bytes:
    """The bytes that are kept, hashed and sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _attached(
    application: Mapping[str, object], kept: Iterable[tuple[Attachment, str]]
) -> dict[str, object]:
    """`materials` and `signature` of the body, with what is true of the kept attachments."""
    listed = application.get("materials")
    materials: list[object] = list(listed) if isinstance(listed, list | tuple) else []
    signature = application.get("signature")
    filled: set[int] = set()
    for attachment, sha256 in kept:
        facts: dict[str, object] = {
            "sha256": sha256,
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

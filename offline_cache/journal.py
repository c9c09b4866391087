"""The running session's draft. It survives a crash or a power cut, and nothing else.

One draft a session, bound to the citizen's card by a digest. It is offered again only to the same
card, only for a few minutes, and only when the run of the program that wrote it is gone: who leaves
in the ordinary way has erased it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from offline_cache.database import Database
from offline_cache.faults import StoreFault
from offline_cache.keys import Keys
from offline_cache.ports import Clock, utc_text, utc_time


@dataclass(frozen=True, slots=True)
class Draft:
    """What a crashed session had got to. `payload` is the caller's own text."""

    saved_at: datetime
    expires_at: datetime
    payload: str = field(repr=False)


class Journal:
    """Drafts of this terminal. Make one for each run of the program."""

    def __init__(self, database: Database, keys: Keys, clock: Clock, keep: timedelta) -> None:
        """`keep` is how long a draft is offered after a crash (`rules.draft_minutes`)."""
        self._database = database
        self._keys = keys
        self._clock = clock
        self._keep = keep
        self._run = str(uuid.uuid4())
        self._wal_to_empty = False

    def save(self, session: str, card_number: str, payload: str) -> StoreFault | None:
        """Keep the session's draft, over its last one."""
        digest = self._card_digest(card_number)

        def work(cursor: Any) -> None:
            cursor.execute("DELETE FROM drafts WHERE session = ?", (session,))
            cursor.execute(
                "INSERT INTO drafts (session, run, card_digest, saved_at, payload)"
                " VALUES (?, ?, ?, ?, ?)",
                (session, self._run, digest, utc_text(self._clock.utc()), payload),
            )

        return self._database.write(work)

    def find(self, card_number: str) -> Draft | StoreFault | None:
        """The newest draft that a crashed run left for this card, if it is still offered."""
        now = self._clock.utc()
        rows = self._database.rows(
            "SELECT saved_at, payload FROM drafts WHERE card_digest = ? AND run <> ?"
            " AND saved_at > ? AND saved_at <= ? ORDER BY saved_at DESC LIMIT 1",
            (
                self._card_digest(card_number),
                self._run,
                utc_text(now - self._keep),
                utc_text(now),  # a draft of the future: the clock is wrong, do not guess
            ),
        )
        if isinstance(rows, StoreFault):
            return rows
        for saved_at, payload in rows:
            at = utc_time(saved_at)
            return Draft(at, at + self._keep, payload)
        return None

    def erase(self, card_number: str = "") -> int | StoreFault:
        """Erase for good this run's draft, and with `card_number` an older draft of that card.

        Answers how many went. Their text is overwritten in the file and the WAL is cut.
        """
        digest = self._card_digest(card_number) if card_number else b""

        def work(cursor: Any) -> int:
            cursor.execute(
                "DELETE FROM drafts WHERE run = ? OR card_digest = ?", (self._run, digest)
            )
            return int(cursor.rowcount)

        count = self._database.write(work)
        self.wipe_traces()  # also when the draft went with a seal: its text is in the WAL
        return count

    def erase_expired(self) -> int | StoreFault:
        """Erase what is no longer offered. Call at start and every minute."""
        now = self._clock.utc()

        def work(cursor: Any) -> int:
            cursor.execute(
                "DELETE FROM drafts WHERE run <> ? AND (saved_at <= ? OR saved_at > ?)",
                (self._run, utc_text(now - self._keep), utc_text(now)),
            )
            return int(cursor.rowcount)

        count = self._database.write(work)
        if self._wal_to_empty or (isinstance(count, int) and count):
            self.wipe_traces()
        return count

    def wipe_traces(self) -> None:
        """Cut the WAL, in which the text of an erased or sealed draft may still stand."""
        self._wal_to_empty = not self._database.empty_wal()

    def _card_digest(self, card_number: str) -> bytes:
        return self._keys.digest("draft", card_number)

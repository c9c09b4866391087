"""Bodies while they come: how much of one is read, how much is held, for whom, and how long one waits.

Who shows no certificate is asked small questions only, and what all of them hold is counted apart:
nobody without one can take the room that the terminals' items need.
"""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hub import limits

Receive = Callable[[], Awaitable[dict[str, Any]]]

TERMINALS_BYTES_MAX = 64 * 1_048_576  # of one process, whatever is announced or held for them
STRANGERS_BYTES_MAX = 8 * 1_048_576  # five hundred of the largest questions
CERTIFICATE_BYTES_MAX = 16 * 1_048_576  # of one terminal: a scan for a phone, a batch, some parts
ADDRESS_BYTES_MAX = 1_048_576  # of strangers at one address: sixty people at once behind one router
PATIENCE_S = 60.0  # a body that has stopped coming: its line is dead
LEAST_BYTES_S = 2_000  # a quarter of a line of 64 kbit/s; a second's wait costs the sender as much


@dataclass(frozen=True, slots=True)
class Holder:
    """Who sends a body: `certificate` as it was shown, empty for a stranger. `address` is empty
    behind a gateway, where all have the same."""

    certificate: bytes = field(repr=False)
    address: str

    def most(self, path: str) -> int:
        """Bytes that are read of a request to this path."""
        agreed = limits.body_bytes(path)
        return agreed if self.certificate else min(agreed, limits.QUESTION_BYTES)


@dataclass(slots=True)
class Room:
    """What is held, or promised to who announced it."""

    all_of: Counter[bool] = field(default_factory=Counter)  # by whether a certificate was shown
    of: Counter[Holder] = field(default_factory=Counter)

    def take(self, holder: Holder, count: int) -> bool:
        known = bool(holder.certificate)
        if known:
            most, share = TERMINALS_BYTES_MAX, CERTIFICATE_BYTES_MAX
        else:
            most = STRANGERS_BYTES_MAX
            share = ADDRESS_BYTES_MAX if holder.address else STRANGERS_BYTES_MAX
        if count and (self.all_of[known] + count > most or self.of[holder] + count > share):
            return False
        self.all_of[known] += count
        self.of[holder] += count
        return True

    def give_back(self, holder: Holder, count: int) -> None:
        self.all_of[bool(holder.certificate)] -= count
        self.of[holder] -= count
        if not self.of[holder]:
            del self.of[holder]


class Refused(Enum):
    """Why a body was not gathered."""

    TOO_LARGE = "too_large"
    NOT_ENROLLED = "not_enrolled"  # with a certificate so much would have been read
    NO_ROOM = "no_room"
    TOO_SLOW = "too_slow"
    GONE = "gone"  # who asked is no longer there


@dataclass(slots=True)
class Gathering:
    """One body. Its room is its own until `give_back`."""

    room: Room
    holder: Holder
    taken: int = 0

    async def body(self, scope: dict[str, Any], receive: Receive) -> io.BytesIO | Refused:
        most = self.holder.most(scope["path"])
        too_much = (
            Refused.TOO_LARGE if most == limits.body_bytes(scope["path"]) else Refused.NOT_ENROLLED
        )
        said = announced(scope)
        if said > most:
            return too_much
        if not self._take(said):
            return Refused.NO_ROOM
        body = io.BytesIO()
        total = 0
        now = asyncio.get_running_loop().time
        until = now() + PATIENCE_S
        while True:
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                return Refused.TOO_SLOW
            if message["type"] == "http.disconnect":
                return Refused.GONE
            part = message.get("body", b"")
            total += len(part)
            if total > most:
                return too_much
            if total > self.taken and not self._take(total - self.taken):
                return Refused.NO_ROOM
            body.write(part)
            if not message.get("more_body", False):
                body.seek(0)
                return body
            # What comes buys time for what is to come, so a byte now and then keeps nothing open.
            until = min(until + len(part) / LEAST_BYTES_S, now() + PATIENCE_S)

    def give_back(self) -> None:
        self.room.give_back(self.holder, self.taken)

    def _take(self, count: int) -> bool:
        if not self.room.take(self.holder, count):
            return False
        self.taken += count
        return True


def announced(scope: dict[str, Any]) -> int:
    """The body's length; 0 where none is told."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0

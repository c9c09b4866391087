"""Who commits. PostgreSQL gathers the commits of many connections by itself; with SQLite one
request at a time writes, and takes with it all that are waiting: one sync of the disk for them all.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, TypeVar

from django.db import connection, transaction

T = TypeVar("T")
TOGETHER_MAX = 32  # batches in one commit; a hundred items each are a second's work


class Writer(Protocol):
    def run(self, work: Callable[[], T]) -> T:
        """Do it in a transaction; what it raises is raised here, and nothing of it was written."""
        ...


class OwnCommit:
    """Every request commits for itself."""

    def run(self, work: Callable[[], T]) -> T:
        with transaction.atomic():
            return work()


class GroupCommit:
    """The first of those waiting writes for all of them; there is no thread of its own."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._waiting: deque[_Ticket] = deque()

    def run(self, work: Callable[[], T]) -> T:
        ticket = _Ticket(work)
        self._waiting.append(ticket)
        with self._turn:
            while not ticket.done:
                self._write_for_all()
        if ticket.wrong is not None:
            raise ticket.wrong
        result: T = ticket.result
        return result

    def _write_for_all(self) -> None:
        tickets = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER_MAX))]
        try:
            with transaction.atomic():
                for ticket in tickets:
                    ticket.work_in_savepoint()
        except BaseException as wrong:  # the commit itself: none of them was written
            for ticket in tickets:
                ticket.wrong = ticket.wrong or wrong
            if not isinstance(wrong, Exception):
                raise
        finally:
            for ticket in tickets:
                ticket.done = True


class _Ticket:
    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self.done = False
        self.result: Any = None
        self.wrong: BaseException | None = None

    def work_in_savepoint(self) -> None:
        try:
            with transaction.atomic():
                self.result = self._work()
        except Exception as wrong:  # noqa: BLE001 - raised again in the request it belongs to
            self.wrong = wrong


@cache
def writer() -> Writer:
    """What suits the database; one in a process, so that all that wait there wait together."""
    return GroupCommit() if connection.vendor == "sqlite" else OwnCommit()

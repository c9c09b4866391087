"""Telling a terminal what opening showed of items that it holds for delivered.

An item has one verdict, its last: that it cannot be taken, or, when it was opened again later, that it
was. Every verdict has a number that rises with each on an item of that terminal; the terminal says the
highest that it has durably kept, and is told those above. Numbers follow the clock, so that a hub
restored from a copy does not begin below what its terminals have seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.applications.models import Verdict
from hub.terminals.models import Terminal

TOLD_MAX = 100  # more come with the next answer
TAKEN = "accepted"  # after all


@dataclass(frozen=True, slots=True)
class Told:
    """A verdict as the terminal hears it: where the item stands in its queue, and what is wrong."""

    no: int
    epoch: str
    seq: int
    id: UUID
    result: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict on an item, before it has its number."""

    received: UUID
    result: str
    code: str
    text: str


def against(items: Iterable[UUID]) -> Any:
    """Verdicts by which these, or some of them, could not be taken."""
    return Verdict.objects.filter(pk__in=items).exclude(result=TAKEN)


def to_tell(terminal: Terminal, seen: int) -> Sequence[Told]:
    """Those above what the terminal says it has kept, the oldest first."""
    if terminal.verdict_no <= seen:
        return ()
    rows = (
        Verdict.objects.filter(terminal_id=terminal.code, no__gt=seen)
        .select_related("received__queue")
        .defer("received__sealed", "received__chain")
        .order_by("no")[:TOLD_MAX]
    )
    return [
        Told(
            row.no,
            row.received.queue.epoch,
            row.received.seq,
            row.received_id,
            row.result,
            row.code,
            row.text,
        )
        for row in rows
    ]


def give(terminal: str, found: Sequence[Found], now: datetime) -> None:
    """In a transaction in which nobody else gives any: a number that appears late is never told."""
    last = Terminal.objects.values_list("verdict_no", flat=True).get(pk=terminal)
    no = max(last + 1, round(now.timestamp() * 1000))
    for row in found:
        Verdict.objects.update_or_create(
            received_id=row.received,
            defaults={
                "terminal_id": terminal,
                "no": no,
                "result": row.result,
                "code": row.code,
                "text": row.text,
                "at": now,
            },
        )
        no += 1
    Terminal.objects.filter(pk=terminal).update(verdict_no=no - 1)

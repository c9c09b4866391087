"""What staff decide about an application, and the record of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from hub.applications.models import Application, State, StateChange
from hub.staff.models import User


@dataclass(frozen=True, slots=True)
class Step:
    """One button: where it leads, its words, and whether a reason must be written."""

    to: State
    label: str
    note_needed: bool
    tone: str  # main, plain or trouble: how the button looks


_BACK = Step(State.IN_REVIEW, "更正：退回审核", note_needed=True, tone="plain")

STEPS: dict[State, tuple[Step, ...]] = {
    State.RECEIVED: (Step(State.IN_REVIEW, "开始审核", note_needed=False, tone="main"),),
    State.IN_REVIEW: (
        Step(State.GRANTED, "审核通过", note_needed=False, tone="main"),
        Step(State.NEEDS_MORE, "要求补正", note_needed=True, tone="plain"),
        Step(State.REFUSED, "不予通过", note_needed=True, tone="trouble"),
    ),
    State.NEEDS_MORE: (
        Step(State.IN_REVIEW, "材料已补，继续审核", note_needed=False, tone="main"),
        Step(State.REFUSED, "不予通过", note_needed=True, tone="trouble"),
    ),
    # A wrong press is put right with a reason, and both stay on record.
    State.GRANTED: (_BACK,),
    State.REFUSED: (_BACK,),
}


NOTE_CHARACTERS = 500


def papers_came(number: str, names: Sequence[str], handed_in_at: datetime, now: datetime) -> None:
    """What staff asked for was handed in: it stands again among what waits for review. In whatever
    other state an application is, staff are at it or have decided, and see the papers there. And what
    was handed in before they asked, at a terminal without a line, is no answer to them."""
    asked = Application.objects.filter(pk=number, state=State.NEEDS_MORE)
    moved = asked.filter(changed_at__lte=handed_in_at).update(state=State.RECEIVED, changed_at=now)
    if moved:
        StateChange.objects.create(
            application_id=number,
            from_state=State.NEEDS_MORE,
            to_state=State.RECEIVED,
            note=f"群众补交：{'、'.join(names)}"[:NOTE_CHARACTERS],
            by=None,
            at=now,
        )


def asked_for(application: Application) -> str:
    """What staff want of who applied, in their words; empty when they want nothing."""
    if application.state != State.NEEDS_MORE:
        return ""
    wanted = application.history.filter(to_state=State.NEEDS_MORE).last()
    return wanted.note if wanted is not None else ""


class DecisionFault(StrEnum):
    MOVED_ON = "moved_on"  # somebody else decided meanwhile
    NOT_POSSIBLE = "not_possible"
    NOTE_MISSING = "note_missing"


def decide(
    application: Application, seen: str, to: str, note: str, by: User
) -> StateChange | DecisionFault:
    """Move on from the state the clerk was looking at; of two clerks, the second is told."""
    if application.state != seen:
        return DecisionFault.MOVED_ON
    step = next((step for step in STEPS[State(seen)] if step.to == to), None)
    if step is None:
        return DecisionFault.NOT_POSSIBLE
    if step.note_needed and not note:
        return DecisionFault.NOTE_MISSING
    now = timezone.now()
    with transaction.atomic():
        moved = Application.objects.filter(pk=application.pk, state=seen).update(
            state=step.to, changed_at=now
        )
        if not moved:
            return DecisionFault.MOVED_ON
        return StateChange.objects.create(
            application=application,
            from_state=seen,
            to_state=step.to,
            note=note,
            by=by,
            at=now,
        )

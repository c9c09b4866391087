"""What this person did here before: a draft left by a crash, and an application that still runs.

A draft is offered first; who takes it up goes on where they were.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, assert_never

from kiosk.catalogue.model import EarlierStep, StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import Effect, EraseDraft, LookForDraft, LookForEarlier
from kiosk.flow.events import DraftKnown, EarlierKnown, Event
from kiosk.flow.pages import ConfirmIdentity, DraftFound, EarlierApplication, Page
from kiosk.flow.step import (
    BACKWARD,
    FORWARD,
    NOTHING,
    Context,
    Finish,
    Outcome,
    Resume,
    Step,
)
from kiosk.identity.person import person_card

LOOK_LIMIT_S = 5.0  # the centre may be slow or away; nobody waits longer to be told of the past


class _Where(StrEnum):
    LOOKING = "looking"
    DRAFT = "draft"
    EARLIER = "earlier"


class Earlier(Step):
    kind: ClassVar[StepKind] = StepKind.EARLIER
    bar: ClassVar[str] = "identity"
    stops_backward: ClassVar[bool] = False

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._days = part.within_days if isinstance(part, EarlierStep) else 0
        self._where = _Where.LOOKING
        self._draft: DraftKnown | None = None
        self._earlier: EarlierKnown | None = None
        self._draft_answered = context.case.draft_asked
        self._earlier_answered = context.case.earlier_asked
        self._until_s = context.monotonic_s + LOOK_LIMIT_S

    def page(self) -> Page:
        context = self.context
        name = context.words(context.item.name)
        match self._where:
            case _Where.LOOKING:
                assert context.case.applicant is not None  # noqa: S101 - the order of steps says so
                person = person_card(context.case.applicant, in_full=context.in_full)
                photo = context.reader.photo_key if context.in_full else ""
                return ConfirmIdentity(context.role, person, photo=photo, looking=True)
            case _Where.DRAFT:
                draft = self._draft
                assert draft is not None and draft.saved_at and draft.expires_at  # noqa: S101
                left = draft.expires_at - context.now
                return DraftFound(name, draft.saved_at, max(1, -(-left // timedelta(minutes=1))))
            case _Where.EARLIER:
                earlier = self._earlier
                assert earlier is not None and earlier.number and earlier.accepted_at  # noqa: S101
                return EarlierApplication(
                    item_name=name,
                    number=earlier.number,
                    accepted_at=earlier.accepted_at,
                    within_days=self._days,
                    delivered=earlier.delivered,
                )
            case _:
                assert_never(self._where)

    def situation(self) -> str:
        if self._where is _Where.LOOKING:
            return f"confirm:{self.context.role}"  # the page that was confirmed stays
        return super().situation()

    @property
    def busy(self) -> bool:
        return self._where is _Where.LOOKING

    def enter(self) -> Outcome:
        number = self.context.case.card_number
        looks: list[Effect] = []
        if not self._draft_answered:
            looks.append(LookForDraft(self.scope, number))
        if not self._earlier_answered:
            looks.append(LookForEarlier(self.scope, self.context.item.code, self._days, number))
        return Outcome(tuple(looks)) if looks else FORWARD

    def handle(self, event: Event) -> Outcome:
        if self._where is not _Where.LOOKING:
            return NOTHING
        match event:
            case DraftKnown():
                self._draft, self._draft_answered = event, True
            case EarlierKnown():
                self._earlier, self._earlier_answered = event, True
            case _:
                return NOTHING
        if self._draft_answered and self._earlier_answered:
            return self._answered()
        return NOTHING

    def tick(self) -> Outcome:
        context = self.context
        if self._where is _Where.LOOKING and context.monotonic_s >= self._until_s:
            return self._answered()
        if self._where is _Where.DRAFT and not self._draft_offered():
            return self._after_draft((EraseDraft(context.case.card_number),))
        return NOTHING

    def act(self, action: Action) -> Outcome:
        case = self.context.case
        match (self._where, action.act):
            case (_Where.DRAFT, Act.RESUME_DRAFT):
                payload = self._draft.payload if self._draft else None
                if payload is not None and case.take_from_draft(payload):
                    case.earlier_asked = True
                    return Outcome(move=Resume())
                return self._after_draft((EraseDraft(case.card_number),))
            case (_Where.DRAFT, Act.DISCARD_DRAFT):
                return self._after_draft((EraseDraft(case.card_number),))
            case (_Where.EARLIER, Act.APPLY_AGAIN):
                case.earlier_number = self._earlier.number if self._earlier else None
                return FORWARD
            case (_Where.EARLIER, Act.FINISH):
                return Outcome(move=Finish("earlier_application"))
            case (_Where.DRAFT | _Where.EARLIER, Act.BACK):
                return BACKWARD
            case _:
                return NOTHING

    def _answered(self) -> Outcome:
        """All answers are here, or it took too long."""
        self.context.case.draft_asked = True
        if self._draft_offered():
            self._where = _Where.DRAFT
            return NOTHING
        # One of another service, or of another who acted for this person, is left until its time
        # is up: whoever began it may still be on the way back to it.
        expires_at = self._draft.expires_at if self._draft is not None else None
        old = expires_at is not None and self.context.now >= expires_at
        return self._after_draft((EraseDraft(self.context.case.card_number),) if old else ())

    def _after_draft(self, effects: tuple[Effect, ...]) -> Outcome:
        self.context.case.earlier_asked = True
        earlier = self._earlier
        if earlier is not None and earlier.number and earlier.accepted_at and self._recent(earlier):
            self._where = _Where.EARLIER
            return Outcome(effects)
        return Outcome(effects, FORWARD.move)

    def _recent(self, earlier: EarlierKnown) -> bool:
        return (
            earlier.accepted_at is not None
            and self.context.now - earlier.accepted_at <= timedelta(days=self._days)
        )

    def _draft_offered(self) -> bool:
        draft = self._draft
        return (
            draft is not None
            and draft.payload is not None
            and draft.saved_at is not None
            and draft.expires_at is not None
            and self.context.now < draft.expires_at
            and self.context.case.draft_fits(draft.payload)
        )

"""What this person did here before: a draft left by a crash, and an application that still runs.

A draft is offered first; who takes it up goes on where they were. Of an application that runs,
papers may be handed in and the receipt printed again, but only while the card lies on the reader.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, assert_never

from kiosk.catalogue.model import EarlierStep, Item, StepKind, StepPart
from kiosk.clock import local
from kiosk.flow.actions import Act, Action
from kiosk.flow.case import SealedCase, Supplement
from kiosk.flow.effects import Effect, EraseDraft, LookForDraft, LookForEarlier
from kiosk.flow.events import DraftKnown, EarlierKnown, Event, Found
from kiosk.flow.pages import (
    ConfirmIdentity,
    DraftFound,
    EarlierApplication,
    Page,
    ProgressKind,
    Visit,
)
from kiosk.flow.step import (
    BACKWARD,
    EVERY_VISIT,
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
    visits: ClassVar[frozenset[Visit]] = EVERY_VISIT
    stops_backward = False  # unless there is something to come back to

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._days = part.within_days if isinstance(part, EarlierStep) else 0
        self._where = _Where.LOOKING
        self._draft: DraftKnown | None = None
        self._here: Found | None = None  # as this terminal knows it
        self._earlier: Found | None = context.case.earlier
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
                assert earlier is not None  # noqa: S101
                item = context.item
                return EarlierApplication(
                    item_name=name,
                    number=earlier.number,
                    accepted_at=earlier.accepted_at,
                    within_days=self._days,
                    state=earlier.state,
                    note="" if earlier.following else earlier.note,
                    papers_wait=bool(earlier.following) and not over(earlier),
                    to_follow=tuple(
                        context.words(item.material(code).name) for code in lacking(item, earlier)
                    ),
                    may_hand_in=bool(asked_for(item, earlier)),
                    may_print=printable(earlier),
                    printed=earlier.printed,
                    card_there=context.in_full,
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

    @property
    def tells_wrong_card(self) -> bool:
        return self._where is not _Where.LOOKING

    def enter(self) -> Outcome:
        if self._earlier is not None:  # back from what was begun for it
            self.context.case.apply()
            self._earlier = self.context.case.earlier
            return self._show_earlier()
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
            case EarlierKnown(found=found, centre_asked=True):
                self._here = found
                # Nobody waits for a line that is known to be dead.
                self._earlier_answered = self.context.world.online is False
            case EarlierKnown(found=found):
                self._earlier, self._earlier_answered = _both(self._here, found), True
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
                    # Who goes back from papers comes to the application they are for.
                    case.earlier_asked = case.supplement is None
                    return Outcome(move=Resume())
                return self._after_draft((EraseDraft(case.card_number),))
            case (_Where.DRAFT, Act.DISCARD_DRAFT):
                return self._after_draft((EraseDraft(case.card_number),))
            case (_Where.EARLIER, Act.APPLY_AGAIN):
                case.earlier_number = self._earlier.number if self._earlier else None
                return FORWARD
            case (_Where.EARLIER, Act.HAND_IN) if self._earlier is not None:
                return self._hand_in(self._earlier)
            case (_Where.EARLIER, Act.PRINT_AGAIN) if self._earlier is not None:
                return self._print(self._earlier)
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
        self._earlier = self._earlier or self._here
        if self._earlier is not None and self._recent(self._earlier):
            shown = self._show_earlier()
            return Outcome((*effects, *shown.effects), shown.move)
        return Outcome(effects, FORWARD.move)

    def _recent(self, earlier: Found) -> bool:
        """Through its last day; what is asked for is told whatever its age."""
        if earlier.state is ProgressKind.NEEDS_MORE:
            return True
        return self.context.today <= last_day(self.context.item, earlier.accepted_at)

    # -- the application that runs ------------------------------------------------

    def _show_earlier(self) -> Outcome:
        self.context.case.apply()  # also after papers of a draft
        self.context.case.earlier = self._earlier
        self._where = _Where.EARLIER
        self.stops_backward = True
        return NOTHING

    def _hand_in(self, earlier: Found) -> Outcome:
        item = self.context.item
        codes = asked_for(item, earlier)
        if not codes or not self.context.in_full:
            return NOTHING
        self.context.case.supplement = Supplement(
            number=earlier.number,
            codes=codes,
            lacks=lacking(item, earlier),
            until=last_day(item, earlier.accepted_at),
            follows=bool(earlier.following),
        )
        return FORWARD

    def _print(self, earlier: Found) -> Outcome:
        if not printable(earlier) or not self.context.in_full:
            return NOTHING
        case = self.context.case
        case.reprint = True
        case.sealed = SealedCase(earlier.number, earlier.qr_text, earlier.accepted_at)
        return FORWARD

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


def last_day(item: Item, accepted_at: datetime) -> date:
    """The local day until which an application accepted then is shown to who comes again."""
    step = item.earlier
    return local(accepted_at).date() + timedelta(days=step.within_days if step else 0)


def over(earlier: Found) -> bool:
    """Nothing more is wanted for it: it was decided, or staff have it in hand."""
    return earlier.state in (ProgressKind.GRANTED, ProgressKind.REFUSED, ProgressKind.AT_STAFF)


def printable(earlier: Found) -> bool:
    """Its receipt is kept here, and what stands on it is still true."""
    untrue = earlier.state in (ProgressKind.REFUSED, ProgressKind.AT_STAFF)
    return bool(earlier.qr_text) and not untrue


def lacking(item: Item, earlier: Found) -> tuple[str, ...]:
    """The materials that were left for later and that neither this terminal nor the centre has."""
    if over(earlier):
        return ()
    held = set(earlier.held or ()) | set(earlier.following)
    if earlier.lacks is None and earlier.held is None:
        return ()
    return tuple(
        material.code
        for material in item.materials
        if material.code not in held
        and (not material.required if earlier.lacks is None else material.code in earlier.lacks)
    )


def asked_for(item: Item, earlier: Found) -> tuple[str, ...]:
    """The materials that may be handed in now. Where the office asks for more, its note says what:
    any of them, but for those that were handed in here and that it has not seen yet."""
    if earlier.state is ProgressKind.NEEDS_MORE and not earlier.following:
        return tuple(material.code for material in item.materials)
    return lacking(item, earlier)


def _both(here: Found | None, centre: Found | None) -> Found | None:
    """What this terminal knows and what the centre knows, of the newer application."""
    if here is None or centre is None:
        return here or centre
    if here.number != centre.number:
        return max(here, centre, key=lambda found: found.accepted_at)
    return replace(here, state=centre.state, note=centre.note, held=centre.held)

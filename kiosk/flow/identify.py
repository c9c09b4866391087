"""Whose card is on the reader, and may this person have this service today.

A relative acts with two cards: their own first, then the elder's, which stays on the reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, assert_never

from drivers.device import DeviceClass, FaultCode, StatusChanged
from drivers.id_reader.values import CardFailed, CardFound, CardRead, CardRecord, CardRemoved
from kiosk.availability import may_work
from kiosk.catalogue.model import IdentifyStep, StepKind, StepPart, minimum_age
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import EraseDraft, WatchForCard
from kiosk.flow.events import Event
from kiosk.flow.pages import (
    CardProblem,
    CardProblemKind,
    ConfirmIdentity,
    Page,
    PlaceIdCard,
    Role,
    Visit,
)
from kiosk.flow.step import BACKWARD, EVERY_VISIT, FORWARD, NOTHING, Context, Outcome, Step, ToHome
from kiosk.identity.age import age_on, birthday
from kiosk.identity.person import is_expired, is_not_yet_valid, number_agrees, person_card

ADULT_YEARS = 18  # Civil Code article 17: from then one may act for another


class _Where(StrEnum):
    PLACE = "place"
    PROBLEM = "problem"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class _Problem:
    kind: CardProblemKind
    minimum_age: int = 0
    eligible_from: date | None = None
    valid_to: date | None = None


class Identify(Step):
    kind: ClassVar[StepKind] = StepKind.IDENTIFY
    visits: ClassVar[frozenset[Visit]] = EVERY_VISIT
    bar: ClassVar[str] = "identity"

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._rules = (
            part if isinstance(part, IdentifyStep) else IdentifyStep(kind=StepKind.IDENTIFY)
        )
        self._where = _Where.PLACE
        self._problem = _Problem(CardProblemKind.UNREADABLE)
        self._role = Role.APPLICANT

    # -- what is shown --------------------------------------------------------

    def page(self) -> Page:
        record = self.context.reader.record
        match self._where:
            case _Where.CONFIRM if record is not None:
                return ConfirmIdentity(
                    self._role, person_card(record), photo=self.context.reader.photo_key
                )
            case _Where.PROBLEM:
                return CardProblem(
                    kind=self._problem.kind,
                    role=self._role,
                    minimum_age=self._problem.minimum_age,
                    eligible_from=self._problem.eligible_from,
                    valid_to=self._problem.valid_to,
                    may_act_for_relative=self._may_switch,
                )
            case _Where.PLACE | _Where.CONFIRM:
                return PlaceIdCard(
                    role=self._role,
                    reading=self.context.reader.reading,
                    seconds_left=self.context.idle_left_s,
                    may_act_for_relative=self._may_switch,
                )
            case _:
                assert_never(self._where)

    def situation(self) -> str:
        if self._where is _Where.CONFIRM:
            return f"confirm:{self._role}"  # the look for drafts goes on under the same page
        return f"{super().situation()}:{self._role}:{self._problem.kind}"

    @property
    def busy(self) -> bool:
        return self.context.reader.reading

    @property
    def done(self) -> bool:
        return self.context.case.applicant is not None

    @property
    def _may_switch(self) -> bool:
        """A relative may take over where the applicant's card is asked for."""
        if not self._rules.relative_may_act or self._role is not Role.APPLICANT:
            return False
        return self._where is not _Where.PROBLEM or self._problem.kind is CardProblemKind.TOO_YOUNG

    # -- what happens ---------------------------------------------------------

    def enter(self) -> Outcome:
        """Also on the way back: the card that still lies there is confirmed once more."""
        context = self.context
        watch = NOTHING if context.reader.watched else Outcome((WatchForCard(),))
        context.reader.watched = True
        if context.case.for_relative and context.case.agent is not None:
            self._role = Role.ELDER
        if not self._reader_may_work:
            self._show(_Problem(CardProblemKind.READER_LOST))
            return watch
        record = context.reader.record
        if record is not None and not (self._role is Role.ELDER and self._is_agents(record)):
            self._judge(record)
        return watch

    def idle_ended(self) -> Outcome | None:
        """Nobody put a card down: back to the services, unless something would be erased."""
        if self._where is _Where.PLACE and not self.context.case.entered:
            return Outcome(move=ToHome())
        return None

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.CONFIRM_IDENTITY if self._where is _Where.CONFIRM:
                return self._confirmed()
            case Act.NOT_ME if self._where is _Where.CONFIRM:
                self._show(_Problem(CardProblemKind.SOMEONE_ELSES))
            case Act.OTHER_CARD if self._where is _Where.PROBLEM and self._reader_may_work:
                self._place()
            case Act.FOR_RELATIVE if self._may_switch:
                self._become_agent()
            case Act.BACK if self._role is not Role.APPLICANT:
                return self._give_up_acting()
            case Act.BACK:
                return BACKWARD
            case _:
                pass  # KEEP_WAITING: any press starts the idle time anew
        return NOTHING

    def handle(self, event: Event) -> Outcome:
        match event:
            case CardFound():
                self._place()
            case CardRead(card=card):
                self._judge(card)
            case CardFailed(fault=fault):
                self._show(_Problem(_kind_of(fault.code)))
            case CardRemoved() if self._where is _Where.CONFIRM:
                self._place()
            case CardRemoved() if self._problem.kind in (
                CardProblemKind.UNREADABLE,
                CardProblemKind.SEVERAL_CARDS,
            ):
                self._place()
            case StatusChanged(device=DeviceClass.ID_READER, status=status):
                if not may_work(status):
                    self._show(_Problem(CardProblemKind.READER_LOST))
                elif self._lost:
                    self._place()
            case _:
                pass
        return NOTHING

    @property
    def _reader_may_work(self) -> bool:
        return self.context.world.may_work(DeviceClass.ID_READER)

    @property
    def _lost(self) -> bool:
        return self._where is _Where.PROBLEM and self._problem.kind is CardProblemKind.READER_LOST

    # -- judging --------------------------------------------------------------

    def _judge(self, card: CardRecord) -> None:
        problem = self._problem_with(card)
        if problem is None:
            self._where = _Where.CONFIRM
        else:
            self._show(problem)

    def _problem_with(self, card: CardRecord) -> _Problem | None:
        today = self.context.today
        if not number_agrees(card):
            return _Problem(CardProblemKind.UNREADABLE)
        if self._role is Role.ELDER and self._is_agents(card):
            return _Problem(CardProblemKind.SAME_CARD)
        if self._role is not Role.AGENT and card.kind not in self._rules.cards:
            return _Problem(CardProblemKind.UNKNOWN_CARD)
        if is_expired(card, today):
            return _Problem(CardProblemKind.EXPIRED, valid_to=card.valid_to)
        if is_not_yet_valid(card, today):
            return _Problem(CardProblemKind.NOT_YET_VALID)
        years = (
            ADULT_YEARS
            if self._role is Role.AGENT
            else minimum_age(self._rules, self.context.settings)
        )
        if age_on(card.born, today) < years:
            return _Problem(
                CardProblemKind.TOO_YOUNG,
                minimum_age=years,
                eligible_from=birthday(card.born, years),
            )
        return None

    def _confirmed(self) -> Outcome:
        context, card = self.context, self.context.reader.record
        if card is None:
            return NOTHING
        case = context.case
        if self._role is Role.AGENT:
            case.agent, case.for_relative = card, True
            self._role = Role.ELDER
            self._place()
            return NOTHING
        erase: tuple[EraseDraft, ...] = ()
        if case.applicant is not None and case.applicant.number != card.number:
            erase = (EraseDraft(case.card_number),)
            case.forget_entries()
        case.applicant = card
        for form in context.item.forms:
            for part in form.fields:
                if part.from_relative == "name" and case.agent and not case.form.get(part.code):
                    case.form[part.code] = case.agent.name
        return Outcome(erase, FORWARD.move)

    def _become_agent(self) -> None:
        """The card that was too young to apply may well be that of the relative."""
        card = self.context.reader.record
        self._role = Role.AGENT
        self._place()
        if card is not None:
            self._judge(card)

    def _give_up_acting(self) -> Outcome:
        """Nothing that was entered for the elder may go on under the relative's own name."""
        case = self.context.case
        erase = (EraseDraft(case.card_number),) if case.card_number else ()
        case.forget_entries()
        case.agent = case.applicant = None
        case.for_relative = False
        self._role = Role.APPLICANT
        self._place()
        return Outcome(erase)

    def _is_agents(self, card: CardRecord) -> bool:
        agent = self.context.case.agent
        return agent is not None and agent.number == card.number

    def _place(self) -> None:
        self._where = _Where.PLACE

    def _show(self, problem: _Problem) -> None:
        self._where = _Where.PROBLEM
        self._problem = problem


def _kind_of(code: FaultCode) -> CardProblemKind:
    match code:
        case FaultCode.UNKNOWN_CARD:
            return CardProblemKind.UNKNOWN_CARD
        case FaultCode.SEVERAL_CARDS:
            return CardProblemKind.SEVERAL_CARDS
        case FaultCode.CARD_LIFTED | FaultCode.NO_CARD:
            return CardProblemKind.LIFTED
        case (
            FaultCode.DEVICE_LOST
            | FaultCode.DISCONNECTED
            | FaultCode.NOT_INSTALLED
            | FaultCode.BROKEN
            | FaultCode.NOT_AUTHORISED
        ):
            return CardProblemKind.READER_LOST
        case _:
            return CardProblemKind.UNREADABLE

"""Six digits, twice, on the screen's keys. They live in this step and in the case, nowhere else.

No page and no `repr` holds them. Whatever is wrong with them is said plainly, and typing begins anew.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.card_reader.values import SocialCard
from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.card_pages import NewPin as NewPinPage
from kiosk.flow.card_pages import PinFlaw, SocialCardProblem, SocialCardProblemKind
from kiosk.flow.events import Event
from kiosk.flow.pages import Page
from kiosk.flow.social_card import own_card
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, Context, Outcome, Step
from kiosk.identity.pin import PIN_DIGITS, flaw_of


class NewPin(Step):
    kind: ClassVar[StepKind] = StepKind.NEW_PIN
    bar: ClassVar[str] = "new_pin"

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._typed = ""
        self._first = ""
        self._flaw: PinFlaw | None = None

    @property
    def done(self) -> bool:
        return False

    def page(self) -> Page:
        found = own_card(self.context)
        if isinstance(found, SocialCardProblemKind):
            return SocialCardProblem(found)
        return NewPinPage(again=bool(self._first), typed=len(self._typed), flaw=self._flaw)

    def situation(self) -> str:
        return f"{super().situation()}:{bool(self._first)}"

    def enter(self) -> Outcome:
        self.context.case.new_pin = ""
        return self._look_at_card()

    def leave(self) -> tuple[()]:
        self._typed = self._first = ""
        return ()

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.TYPE_DIGIT if len(self._typed) < PIN_DIGITS:
                if len(action.value) == 1 and action.value in "0123456789":
                    self._typed += action.value
                    self._flaw = None
            case Act.ERASE_DIGIT:
                self._typed = self._typed[:-1]
            case Act.CLEAR_DIGITS:
                self._typed = ""
            case Act.NEXT if len(self._typed) == PIN_DIGITS:
                return self._next()
            case Act.BACK if self._first:
                self._begin_anew(None)
            case Act.BACK:
                return BACKWARD
            case _:
                pass
        return NOTHING

    def handle(self, event: Event) -> Outcome:
        return self._look_at_card()

    def _look_at_card(self) -> Outcome:
        """A card that was taken out is asked for again; what was typed for it is gone."""
        found = own_card(self.context)
        if isinstance(found, SocialCardProblemKind):
            self._begin_anew(None)
        return BACKWARD if found is None else NOTHING

    def _next(self) -> Outcome:
        case = self.context.case
        if not isinstance(own_card(self.context), SocialCard) or case.applicant is None:
            return NOTHING
        if not self._first:
            flaw = flaw_of(self._typed, case.applicant.birth, case.applicant.number)
            if flaw is None:
                self._first, self._typed = self._typed, ""
            else:
                self._begin_anew(flaw)
            return NOTHING
        if self._typed != self._first:
            self._begin_anew(PinFlaw.DIFFERENT)
            return NOTHING
        case.new_pin = self._typed
        return FORWARD

    def _begin_anew(self, flaw: PinFlaw | None) -> None:
        self._typed = self._first = ""
        self._flaw = flaw

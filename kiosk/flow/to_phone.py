"""The scan goes to the citizen's own phone: put together, left sealed at the centre, shown as a code.

Who stands behind sees the code as well, so it is not shown for long, and it opens the scan only once.
"""

from __future__ import annotations

from typing import ClassVar

from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.effects import AskPickup, Count, HandOver, MakeDocuments
from kiosk.flow.events import DocumentsFailed, DocumentsMade, Event, HandedOver, PickupKnown
from kiosk.flow.pages import Page, PhonePickup, PickupState
from kiosk.flow.step import BACKWARD, NOTHING, Context, Finish, Outcome, Step
from kiosk.flow.submit import DOCUMENTS_LIMIT_S

MOST_BYTES = 11 << 20  # the centre keeps 12 MB at most
SEND_LIMIT_S = 90.0  # ten pages over a line of half a megabit
SHOWN_S = 180  # to unlock a phone, find the scanner and hold it up
ELDER_SHOWN_S = 300
ASK_EVERY_S = 3.0
FETCHED_S = 20.0  # to read that it is done


class ToPhone(Step):
    kind: ClassVar[StepKind] = StepKind.TO_PHONE
    stops_backward = False

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._state = PickupState.MAKING
        self._pdf = b""
        self._name = self._link = ""
        self._until_s = 0.0
        self._ask_at_s = 0.0

    @property
    def busy(self) -> bool:
        return self._state in (PickupState.MAKING, PickupState.SENDING)

    @property
    def counts_down(self) -> bool:
        """A code of somebody who has left is not left on the screen."""
        return self._state in (PickupState.WAITING, PickupState.FETCHED)

    @property
    def _shown_s(self) -> int:
        return ELDER_SHOWN_S if self.context.preferences.slow else SHOWN_S

    def page(self) -> Page:
        waiting = self._state is PickupState.WAITING
        left_s = max(0, round(self._until_s - self.context.monotonic_s)) if waiting else 0
        return PhonePickup(
            state=self._state,
            pages=len(self.context.case.loose),
            seconds_left=left_s,
            of_seconds=self._shown_s,
            link=self._link if waiting else "",
        )

    def situation(self) -> str:
        return f"{super().situation()}:{'' if self.busy else self._state}"

    def enter(self) -> Outcome:
        self._state = PickupState.MAKING
        self._until_s = self.context.monotonic_s + DOCUMENTS_LIMIT_S
        pages = tuple(page.jpeg for page in self.context.case.loose)
        return Outcome((MakeDocuments(self.scope, pages, (), MOST_BYTES),))

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.HAND_OVER_AGAIN if not self.busy:
                self.scope = self.context.next_scope()  # answers to the code before are past
                return self._send() if self._pdf else self.enter()
            case Act.BACK if self._state in (PickupState.FAILED, PickupState.UNMADE):
                return BACKWARD
            case Act.FINISH | Act.NEXT if not self.busy:
                return Outcome(move=Finish("done"))
            case _:
                return NOTHING

    def handle(self, event: Event) -> Outcome:
        now_s = self.context.monotonic_s
        match event:
            case DocumentsMade(pdf=pdf) if self._state is PickupState.MAKING and pdf:
                self._pdf = pdf
                return self._send()
            case DocumentsFailed() if self._state is PickupState.MAKING:
                self._state = PickupState.UNMADE
            case HandedOver(name=name, link=link) if self._state is PickupState.SENDING:
                self._name, self._link = name, link
                self._state = PickupState.WAITING if link else PickupState.FAILED
                self._until_s = now_s + self._shown_s
                self._ask_at_s = now_s + ASK_EVERY_S
            case PickupKnown(name=name, state=state) if (
                name == self._name and self._state is PickupState.WAITING
            ):
                return self._known(state)
            case _:
                pass
        return NOTHING

    def tick(self) -> Outcome:
        now_s = self.context.monotonic_s
        match self._state:
            case PickupState.MAKING if now_s >= self._until_s:
                self._state = PickupState.UNMADE
            case PickupState.SENDING if now_s >= self._until_s:
                self._state = PickupState.FAILED
            case PickupState.FETCHED if now_s >= self._until_s:
                return Outcome(move=Finish("done"))
            case PickupState.WAITING if now_s >= self._until_s:
                self._state, self._link = PickupState.GONE, ""
            case PickupState.WAITING if now_s >= self._ask_at_s:
                self._ask_at_s = now_s + ASK_EVERY_S
                return Outcome((AskPickup(self.scope, self._name),))
            case _:
                pass
        return NOTHING

    def _send(self) -> Outcome:
        self._state, self._link = PickupState.SENDING, ""
        self._until_s = self.context.monotonic_s + SEND_LIMIT_S
        return Outcome((HandOver(self.scope, self._pdf, self._name),))

    def _known(self, state: str) -> Outcome:
        match state:
            case "fetched":
                self._state, self._link = PickupState.FETCHED, ""
                self._until_s = self.context.monotonic_s + FETCHED_S
                count = len(self.context.case.loose)
                return Outcome((Count(self.context.item.code, count, 0),))
            case "gone":
                self._state, self._link = PickupState.GONE, ""
            case _:
                pass  # nobody could be asked just now
        return NOTHING

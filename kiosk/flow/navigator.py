"""One citizen's way through one item: which step now, what BACK means, where a change returns to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from drivers.id_reader.values import CardRead, CardRemoved
from kiosk.availability import closure
from kiosk.catalogue.model import CaptureStep, FormStep, PlainStep, StepKind, StepPart
from kiosk.flow.accept import Accept
from kiosk.flow.actions import Act, Action
from kiosk.flow.blanks import Blanks
from kiosk.flow.capture import Capture
from kiosk.flow.card_password import CardPassword
from kiosk.flow.case import TakenPage
from kiosk.flow.comparing import compare_late
from kiosk.flow.consent import Consent
from kiosk.flow.copying import Copy
from kiosk.flow.earlier import Earlier
from kiosk.flow.effects import Effect, SaveDraft
from kiosk.flow.events import Event, PageRead, Scope
from kiosk.flow.form import Form
from kiosk.flow.guide import Guide
from kiosk.flow.identify import Identify
from kiosk.flow.new_pin import NewPin
from kiosk.flow.pages import CardProblem, CardProblemKind, Page, PrintState, Visit
from kiosk.flow.papers import Papers
from kiosk.flow.progress import Progress
from kiosk.flow.rate import Rate
from kiosk.flow.review import Review
from kiosk.flow.scan_receipt import ScanReceipt
from kiosk.flow.sign import Sign
from kiosk.flow.social_card import InsertCard
from kiosk.flow.step import (
    Backward,
    ChangeAt,
    Context,
    Finish,
    Forward,
    Outcome,
    Resume,
    Step,
    ToHome,
)
from kiosk.flow.submit import Submit
from kiosk.flow.to_phone import ToPhone

STEP_KINDS: dict[StepKind, type[Step]] = {
    StepKind.GUIDE: Guide,
    StepKind.CONSENT: Consent,
    StepKind.IDENTIFY: Identify,
    StepKind.EARLIER: Earlier,
    StepKind.FORM: Form,
    StepKind.CAPTURE: Capture,
    StepKind.REVIEW: Review,
    StepKind.SIGN: Sign,
    StepKind.SUBMIT: Submit,
    StepKind.ACCEPT: Accept,
    StepKind.RATE: Rate,
    StepKind.SCAN_RECEIPT: ScanReceipt,
    StepKind.PROGRESS: Progress,
    StepKind.PAPERS: Papers,
    StepKind.COPY: Copy,
    StepKind.TO_PHONE: ToPhone,
    StepKind.BLANKS: Blanks,
    StepKind.SOCIAL_CARD: InsertCard,
    StepKind.NEW_PIN: NewPin,
    StepKind.CARD_PASSWORD: CardPassword,
}


@dataclass(frozen=True, slots=True)
class _Change:
    """A change from the review: what was there before, should it be given up."""

    review: int
    form: dict[str, str] = field(repr=False)
    pages: dict[str, tuple[TakenPage, ...]] = field(repr=False)


class Navigator:
    """`ended` says where to go once the service is left; the session then ends or shows home."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.ended: ToHome | Finish | None = None
        self.forward = True
        self.entered: list[StepKind] = []  # for the log, emptied by whoever writes it
        parts = context.item.steps
        if closure(context.item, context.world) and parts[0].kind is not StepKind.GUIDE:
            guide = PlainStep(kind=StepKind.GUIDE)  # a closed service is still read about
            parts = (guide, *parts)
        self._parts: tuple[StepPart, ...] = parts
        self._at = 0
        self._stack: list[int] = []
        self._change: _Change | None = None
        self._was_in_full = False
        self._wrong_card: str | None = None  # number of another person's card on the reader
        self.step: Step = self._make(0)

    def start(self) -> tuple[Effect, ...]:
        return self._entered()

    def leave(self) -> tuple[Effect, ...]:
        """Leave whatever step is shown; the devices it used stop."""
        return self.step.leave()

    # -- what is shown --------------------------------------------------------

    @property
    def page(self) -> Page:
        if self._covered:
            return CardProblem(CardProblemKind.SOMEONE_ELSES, self.context.role)
        return self.step.page()

    @property
    def situation(self) -> str:
        return "wrong_card" if self._covered else self.step.situation()

    @property
    def bars(self) -> tuple[tuple[str, ...], int] | None:
        """Names of the step bar in order, and the current one; None where no bar is shown."""
        if not self.step.bar or self.context.case.visit is Visit.REPRINT:  # one step is no way
            return None
        names = tuple(
            dict.fromkeys(
                bar
                for part in self._parts
                if (bar := STEP_KINDS[part.kind].bar) and self._has_part(part)
            )
        )
        return names, names.index(self.step.bar)

    @property
    def _covered(self) -> bool:
        wrong = self._wrong_card is not None and not self.context.case.is_party(self._wrong_card)
        return wrong and self.step.tells_wrong_card

    # -- what happens ---------------------------------------------------------

    def act(self, action: Action) -> tuple[Effect, ...]:
        if self._covered:
            if action.act in (Act.OTHER_CARD, Act.BACK, Act.NEXT):
                self._wrong_card = None
            return ()
        return self._carry_out(self.step.act(action))

    def handle(self, event: Event) -> tuple[Effect, ...]:
        """The reader's state was already brought up to date by the session."""
        scope = getattr(event, "scope", None)
        if isinstance(scope, Scope) and scope != self.step.scope:
            return ()
        self._follow_card(event)
        if isinstance(event, PageRead) and event.session == self.context.session:
            self.context.case.readings[event.image] = event  # whatever step is shown by now
            compare_late(self.context.case, self.context.item, event.image)
        context, printing = self.context, self.context.case.printing
        paper: tuple[Effect, ...] = ()
        if printing is not None:
            paper = printing.handle(event, context.world, context.now, context.monotonic_s)
        return (*paper, *self._carry_out(self.step.handle(event)))

    def tick(self) -> tuple[Effect, ...]:
        context, printing = self.context, self.context.case.printing
        paper: tuple[Effect, ...] = ()
        if printing is not None:
            paper = printing.tick(context.world, context.now, context.monotonic_s)
        return (*paper, *self._carry_out(self.step.tick()))

    def idle_ended(self) -> tuple[Effect, ...] | None:
        """None: the session warns, as everywhere."""
        outcome = self.step.idle_ended()
        return None if outcome is None else self._carry_out(outcome)

    # -- the card -------------------------------------------------------------

    def _follow_card(self, event: Event) -> None:
        context = self.context
        case = context.case
        in_full = context.in_full
        if self._was_in_full and not in_full:
            case.conceal()
        elif in_full:
            case.concealed.clear()
        self._was_in_full = in_full
        match event:
            case CardRead(card=card) if case.applicant is not None:
                self._wrong_card = card.number
            case CardRemoved():
                self._wrong_card = None
            case _:
                pass

    # -- moving ---------------------------------------------------------------

    def _make(self, at: int) -> Step:
        part = self._parts[at]
        return STEP_KINDS[part.kind](self.context, part)

    def _has_part(self, part: StepPart) -> bool:
        return STEP_KINDS[part.kind].has_part(self.context.case, part)

    def _next(self) -> int | None:
        """The place of the next step that has a part in what the person came for."""
        later = range(self._at + 1, len(self._parts))
        return next((at for at in later if self._has_part(self._parts[at])), None)

    def _entered(self) -> tuple[Effect, ...]:
        self.entered.append(self.step.kind)
        return self._carry_out(self.step.enter())

    def _carry_out(self, outcome: Outcome) -> tuple[Effect, ...]:
        move = outcome.move
        self._was_in_full = self.context.in_full  # an identity may just have been confirmed
        if move is None or self.ended is not None:
            return outcome.effects
        if isinstance(move, ToHome | Finish):
            self.ended = move
            return (*outcome.effects, *self.step.leave())
        if isinstance(move, Backward) and self._change is not None:  # given up: as it was before
            self.context.case.form, self.context.case.pages = self._change.form, self._change.pages
        left = (*outcome.effects, *self._draft(), *self.step.leave())
        match move:
            case Forward():
                return (*left, *self._go_forward())
            case Backward():
                return (*left, *self._go_backward())
            case ChangeAt(group=group):
                return (*left, *self._go_change(group))
            case Resume():
                return (*left, *self._resume())
            case _:
                assert_never(move)

    def _draft(self) -> tuple[Effect, ...]:
        """After every step that entered something, for as long as it is not submitted."""
        case = self.context.case
        if not self.step.is_entry or not case.card_number or case.sealed is not None:
            return ()
        return (SaveDraft(self.context.session, case.card_number, case.to_draft()),)

    def _go_to(self, at: int, *, forward: bool) -> tuple[Effect, ...]:
        self.forward = forward
        self._at = at
        self.step = self._make(at)
        return self._entered()

    def _go_forward(self) -> tuple[Effect, ...]:
        if self._change is not None:
            review, self._change = self._change.review, None
            return self._go_to(review, forward=True)
        at = self._next()
        if at is None:
            return self._go_to_end()
        if self.step.stops_backward:
            self._stack.append(self._at)
        return self._go_to(at, forward=True)

    def _go_to_end(self) -> tuple[Effect, ...]:
        """Not before the citizen knows what became of the paper."""
        printing = self.context.case.printing
        if printing is not None and self.step.kind is not StepKind.ACCEPT:
            known = printing.told or printing.state is PrintState.PRINTED
            if printing.running or not known:
                kinds = [part.kind for part in self._parts]
                return self._go_to(kinds.index(StepKind.ACCEPT), forward=False)
        self.ended = Finish("done")
        return ()

    def _go_backward(self) -> tuple[Effect, ...]:
        if self._change is not None:
            change, self._change = self._change, None
            return self._go_to(change.review, forward=False)
        if not self._stack:
            self.ended = ToHome()
            return ()
        return self._go_to(self._stack.pop(), forward=False)

    def _go_change(self, group: str) -> tuple[Effect, ...]:
        """An unknown group is no group of this item: the review stays."""
        for at, part in enumerate(self._parts):
            group_here = (isinstance(part, FormStep) and part.form == group) or (
                isinstance(part, CaptureStep) and part.material == group
            )
            if group_here and self._has_part(part):
                case = self.context.case
                self._change = _Change(self._at, dict(case.form), dict(case.pages))
                return self._go_to(at, forward=False)
        return self._go_to(self._at, forward=True)

    def _resume(self) -> tuple[Effect, ...]:
        """Go on with a draft: past every step that wants nothing more, as if each was done."""
        for at in range(self._at + 1, len(self._parts)):
            if not self._has_part(self._parts[at]):
                continue
            step = STEP_KINDS[self._parts[at].kind](self.context, self._parts[at])
            if not step.done:
                return self._go_to(at, forward=True)
            if step.stops_backward:
                self._stack.append(at)
        return self._go_forward()

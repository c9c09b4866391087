"""The centre gives the card its new password; then it is told what became of it.

Whatever breaks off, what is said is what is known of the card: changed, not changed, or not known.
The password is forgotten as soon as the answer is here; to try again it is typed again.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, assert_never

from drivers.card_reader.values import SocialCard
from drivers.receipt_printer.values import Line
from drivers.voice.values import Tone
from kiosk.card_dialogue import CardChange
from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.card_pages import ChangingPassword, PasswordOutcome, PasswordResult, Slip
from kiosk.flow.effects import Beep, ChangeCardPassword
from kiosk.flow.events import CardPasswordEnded, DialogueEnd, Event
from kiosk.flow.pages import Page, PrintState
from kiosk.flow.printing import ReceiptPrinting
from kiosk.flow.social_card import own_card
from kiosk.flow.step import BACKWARD, NOTHING, Context, Finish, Outcome, Step
from kiosk.identity import masking
from kiosk.receipts.card_slip import CardSlip, lines
from kiosk.words import Words

LIMIT_S = 180.0  # ten steps of a slow hub and a slow card; then nobody answers any more
LEAST_SHOWN_S = 2.0  # a card is written in one; a page that flashes by says nothing to anybody
ON_PAPER = frozenset({PasswordOutcome.CHANGED, PasswordOutcome.REFUSED, PasswordOutcome.UNKNOWN})


class CardPassword(Step):
    kind: ClassVar[StepKind] = StepKind.CARD_PASSWORD
    bar: ClassVar[str] = "result"
    stops_backward = False

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._until_s = context.monotonic_s + LIMIT_S
        self._shown_s = context.monotonic_s
        self._answer: CardPasswordEnded | None = None  # here, and not yet shown
        self._ended: CardPasswordEnded | None = None
        self._ended_at: datetime = context.now
        self._printing: ReceiptPrinting | None = None

    @property
    def busy(self) -> bool:
        return self._ended is None or (self._printing is not None and self._printing.running)

    @property
    def done(self) -> bool:
        return False

    # -- what is shown --------------------------------------------------------

    def page(self) -> Page:
        ended = self._ended
        if ended is None:
            return ChangingPassword(self.context.words(self.context.item.name))
        reason = Words((("zh", ended.text_zh), ("en", ended.text_en or ended.text_zh)))
        return PasswordResult(
            outcome=outcome_of(ended),
            reference=ended.reference,
            slip=self._slip,
            phone=self.context.settings.terminal.help_phone,
            reason=reason if ended.text_zh else None,
        )

    @property
    def _slip(self) -> Slip:
        if self._printing is None:
            return Slip.NONE
        match self._printing.state:
            case PrintState.PRINTING:
                return Slip.PRINTING
            case PrintState.PRINTED:
                return Slip.PRINTED
            case _:
                return Slip.FAILED

    # -- what happens ---------------------------------------------------------

    def enter(self) -> Outcome:
        context = self.context
        card, holder = own_card(context), context.case.applicant
        pin, context.case.new_pin = context.case.new_pin, ""
        if not isinstance(card, SocialCard) or holder is None or not pin:
            return BACKWARD  # the card was taken out between two pages
        return Outcome((ChangeCardPassword(self.scope, context.slot.card, holder, card, pin),))

    def act(self, action: Action) -> Outcome:
        if self._ended is None:
            return NOTHING
        match action.act:
            case Act.FINISH | Act.NEXT if not self.busy:
                return Outcome(move=Finish("done"))
            case Act.OTHER_CARD if outcome_of(self._ended) in AGAIN and not self.busy:
                return BACKWARD
            case _:
                return NOTHING

    def handle(self, event: Event) -> Outcome:
        if isinstance(event, CardPasswordEnded) and self._ended is None:
            self._answer = event
        return self.tick()

    def tick(self) -> Outcome:
        now_s = self.context.monotonic_s
        if self._ended is not None:
            return NOTHING
        if self._answer is not None:
            return self._end(self._answer) if now_s >= self._shown_s + LEAST_SHOWN_S else NOTHING
        if now_s >= self._until_s:
            unknown = CardPasswordEnded(self.scope, DialogueEnd.FAILED, CardChange.UNKNOWN, "")
            return self._end(unknown)
        return NOTHING

    def _end(self, ended: CardPasswordEnded) -> Outcome:
        context = self.context
        self._ended, self._ended_at = ended, context.now
        context.case.told = True
        beep = (Beep(Tone.DONE),) if outcome_of(ended) is PasswordOutcome.CHANGED else ()
        if outcome_of(ended) not in ON_PAPER:
            return Outcome(beep)
        self._printing = ReceiptPrinting(
            ended.reference, self._lines, job=ended.reference, reported=False
        )
        context.case.printing = self._printing
        paper = self._printing.print(context.world, context.now, context.monotonic_s)
        return Outcome((*beep, *paper))

    def _lines(self, _delivered: bool, _reprint: bool) -> tuple[Line, ...]:
        context, terminal = self.context, self.context.settings.terminal
        assert self._ended is not None  # noqa: S101 - printed only when it has ended
        holder = context.case.applicant
        name = (holder.name or holder.english_name) if holder else ""
        slip = CardSlip(
            centre=Words((("zh", terminal.centre_zh), ("en", terminal.centre_en))),
            terminal=terminal.code,
            item=context.words(context.item.name),
            name_masked=masking.name(name),
            at=self._ended_at,
            reference=self._ended.reference,
            change=self._ended.change,
            help_phone=terminal.help_phone,
        )
        return lines(slip, context.preferences.language)


AGAIN = frozenset(
    {
        PasswordOutcome.CARD_GONE,
        PasswordOutcome.HUB_AWAY,
        PasswordOutcome.FAILED,
        PasswordOutcome.UNKNOWN,
    }
)


def outcome_of(ended: CardPasswordEnded) -> PasswordOutcome:
    """What is known of the card comes before how the dialogue ended."""
    match ended.change:
        case CardChange.CHANGED:
            return PasswordOutcome.CHANGED
        case CardChange.UNKNOWN:
            return PasswordOutcome.UNKNOWN
        case CardChange.NOT_CHANGED:
            pass
        case _:
            assert_never(ended.change)
    match ended.end:
        case DialogueEnd.REFUSED:
            return PasswordOutcome.REFUSED
        case DialogueEnd.CARD_GONE:
            return PasswordOutcome.CARD_GONE
        case DialogueEnd.HUB_AWAY:
            return PasswordOutcome.HUB_AWAY
        case DialogueEnd.DONE | DialogueEnd.FAILED:
            return PasswordOutcome.FAILED
        case _:
            assert_never(ended.end)

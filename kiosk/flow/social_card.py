"""The social card goes into its reader and must be that of the person whose ID card was read.

The centre is asked then whether this card may have a new password here at all: who is to be sent to
the counter hears it before anything is typed.
"""

from __future__ import annotations

from typing import ClassVar, Final

from drivers.card_reader.values import SmartCardRead, SocialCard
from drivers.device import DeviceClass
from drivers.voice.values import Tone
from kiosk.catalogue.model import StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.card_pages import InsertSocialCard, SocialCardProblem, SocialCardProblemKind
from kiosk.flow.effects import AskCardPassword, Beep, WatchForSocialCard
from kiosk.flow.events import CardPasswordLeave, CardPasswordLeaveKnown, Event
from kiosk.flow.pages import Page
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, Context, Outcome, Step
from kiosk.identity import masking
from kiosk.identity.social_card import same_person
from kiosk.words import Words

ASK_AGAIN_S: Final = 5.0  # a line that failed for a moment; nobody has to press anything
LEAVE_LIMIT_S: Final = 40.0  # three tries of a slow hub; then nobody answers any more


def own_card(context: Context) -> SocialCard | SocialCardProblemKind | None:
    """This person's valid social card in the reader, what is wrong with it, or None: no card yet."""
    slot, holder = context.slot, context.case.applicant
    if context.world.online is False:
        return SocialCardProblemKind.LINE
    if slot.lost or not context.world.may_work(DeviceClass.CARD_READER):
        return SocialCardProblemKind.READER_LOST
    if slot.failed:
        return SocialCardProblemKind.UNREADABLE
    card = slot.content
    if card is None:
        return None
    if not isinstance(card, SocialCard):
        return SocialCardProblemKind.NOT_SOCIAL
    if holder is None or not same_person(holder, card):
        return SocialCardProblemKind.SOMEONE_ELSES
    if card.valid_to is not None and card.valid_to < context.today:
        return SocialCardProblemKind.EXPIRED
    return card


class InsertCard(Step):
    kind: ClassVar[StepKind] = StepKind.SOCIAL_CARD
    bar: ClassVar[str] = "social_card"

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._asked: tuple[int, float] | None = None  # of which insertion, and when
        self._known_at_s = 0.0

    @property
    def busy(self) -> bool:
        # Only for the first answer: a line that stays away must not keep an empty room awake.
        return self.context.slot.reading or (
            self._asked_s is not None and self.context.slot.leave is None
        )

    @property
    def done(self) -> bool:
        return False

    def page(self) -> Page:
        context = self.context
        match own_card(context):
            case SocialCard() as card:
                return self._page_of(card)
            case SocialCardProblemKind() as kind:
                return SocialCardProblem(kind)
            case None:
                return InsertSocialCard(context.slot.reading, context.idle_left_s)

    def _page_of(self, card: SocialCard) -> Page:
        known, left_s = self.context.slot.leave, self.context.idle_left_s
        match known.leave if known is not None else None:
            case None:
                return InsertSocialCard(reading=True, seconds_left=left_s)
            case CardPasswordLeave.GIVEN:
                number = masking.account(card.card_number or card.card_id)
                return InsertSocialCard(card=number, seconds_left=left_s)
            case CardPasswordLeave.HUB_AWAY:
                return SocialCardProblem(SocialCardProblemKind.LINE)
            case CardPasswordLeave.REFUSED:
                return SocialCardProblem(SocialCardProblemKind.REFUSED, _words_of(known))

    def situation(self) -> str:
        page = self.page()
        kind = page.kind if isinstance(page, SocialCardProblem) else ""
        return f"{super().situation()}:{kind}"

    def enter(self) -> Outcome:
        slot = self.context.slot
        if slot.watched:
            return NOTHING if self._given else self._ask()
        slot.watched = True
        return Outcome((WatchForSocialCard(),))

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.NEXT if isinstance(own_card(self.context), SocialCard) and self._given:
                return FORWARD
            case Act.BACK:
                return BACKWARD
            case _:
                return NOTHING  # KEEP_WAITING: any press starts the idle time anew

    def handle(self, event: Event) -> Outcome:
        match event:
            case SmartCardRead():
                return self._ask()
            case CardPasswordLeaveKnown() if event is self.context.slot.leave:
                self._asked, self._known_at_s = None, self.context.monotonic_s
                ready = isinstance(own_card(self.context), SocialCard) and self._given
                return Outcome((Beep(Tone.DONE),)) if ready else NOTHING
            case _:
                return NOTHING

    def tick(self) -> Outcome:
        now_s, slot, asked_s = self.context.monotonic_s, self.context.slot, self._asked_s
        if asked_s is not None:
            if now_s >= asked_s + LEAVE_LIMIT_S:
                away = CardPasswordLeave.HUB_AWAY
                slot.leave = CardPasswordLeaveKnown(self.scope, slot.card, away)
                self._asked, self._known_at_s = None, now_s
            return NOTHING
        away_long = (
            slot.leave is not None
            and slot.leave.leave is CardPasswordLeave.HUB_AWAY
            and now_s >= self._known_at_s + ASK_AGAIN_S
        )
        return self._ask() if slot.leave is None or away_long else NOTHING

    @property
    def _asked_s(self) -> float | None:
        """Since when the centre is asked about the card that is in now."""
        if self._asked is None or self._asked[0] != self.context.slot.card:
            return None
        return self._asked[1] if isinstance(own_card(self.context), SocialCard) else None

    @property
    def _given(self) -> bool:
        leave = self.context.slot.leave
        return leave is not None and leave.leave is CardPasswordLeave.GIVEN

    def _ask(self) -> Outcome:
        """Harmless, however often: nothing is begun by it."""
        context, card = self.context, own_card(self.context)
        holder = context.case.applicant
        if not isinstance(card, SocialCard) or holder is None:
            return NOTHING
        self._asked = (context.slot.card, context.monotonic_s)
        return Outcome((AskCardPassword(self.scope, context.slot.card, holder, card),))


def _words_of(known: CardPasswordLeaveKnown | None) -> Words | None:
    if known is None or not known.text_zh:
        return None
    return Words((("zh", known.text_zh), ("en", known.text_en or known.text_zh)))

"""The social card goes into its reader and must be that of the person whose ID card was read."""

from __future__ import annotations

from typing import ClassVar

from drivers.card_reader.values import SmartCardRead, SocialCard
from drivers.device import DeviceClass
from drivers.voice.values import Tone
from kiosk.catalogue.model import StepKind
from kiosk.flow.actions import Act, Action
from kiosk.flow.card_pages import InsertSocialCard, SocialCardProblem, SocialCardProblemKind
from kiosk.flow.effects import Beep, WatchForSocialCard
from kiosk.flow.events import Event
from kiosk.flow.pages import Page
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, Context, Outcome, Step
from kiosk.identity import masking
from kiosk.identity.social_card import same_person


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

    @property
    def busy(self) -> bool:
        return self.context.slot.reading

    @property
    def done(self) -> bool:
        return False

    def page(self) -> Page:
        context = self.context
        match own_card(context):
            case SocialCard() as card:
                number = masking.account(card.card_number or card.card_id)
                return InsertSocialCard(card=number, seconds_left=context.idle_left_s)
            case SocialCardProblemKind() as kind:
                return SocialCardProblem(kind)
            case None:
                return InsertSocialCard(context.slot.reading, context.idle_left_s)

    def situation(self) -> str:
        page = self.page()
        kind = page.kind if isinstance(page, SocialCardProblem) else ""
        return f"{super().situation()}:{kind}"

    def enter(self) -> Outcome:
        slot = self.context.slot
        if slot.watched:
            return NOTHING
        slot.watched = True
        return Outcome((WatchForSocialCard(),))

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.NEXT if isinstance(own_card(self.context), SocialCard):
                return FORWARD
            case Act.BACK:
                return BACKWARD
            case _:
                return NOTHING  # KEEP_WAITING: any press starts the idle time anew

    def handle(self, event: Event) -> Outcome:
        if isinstance(event, SmartCardRead) and isinstance(own_card(self.context), SocialCard):
            return Outcome((Beep(Tone.DONE),))
        return NOTHING

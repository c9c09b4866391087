"""A citizen gives their social card a new password; the centre and the card answer by hand."""

from __future__ import annotations

from datetime import date

import pytest
from core_citizen import ELDER, RELATIVE_CARD, Terminal, shown_text

from drivers.card_reader.values import (
    BankCard,
    SmartCard,
    SmartCardFailed,
    SmartCardInserted,
    SmartCardRead,
    SmartCardRemoved,
    SocialCard,
)
from drivers.device import DeviceClass, Fault, FaultCode, Status
from kiosk.card_dialogue import CardChange
from kiosk.flow.actions import Act
from kiosk.flow.card_pages import (
    ChangingPassword,
    InsertSocialCard,
    NewPin,
    PasswordOutcome,
    PasswordResult,
    PinFlaw,
    Slip,
    SocialCardProblem,
    SocialCardProblemKind,
)
from kiosk.flow.effects import (
    AskCardPassword,
    ChangeCardPassword,
    EraseDraft,
    Print,
    SaveDraft,
    Seal,
    StopWatchingSocialCard,
    WatchForSocialCard,
    Wipe,
)
from kiosk.flow.events import (
    CardPasswordEnded,
    CardPasswordLeave,
    CardPasswordLeaveKnown,
    DialogueEnd,
    LineChanged,
)
from kiosk.flow.pages import (
    CardProblem,
    Closure,
    ConfirmIdentity,
    Consent,
    Home,
    PlaceIdCard,
    ServiceGuide,
    Standby,
    TakeAway,
)
from kiosk.settings import Settings

ITEM = "social_card_password"
PIN = "739164"
SOCIAL = SocialCard(
    card_id="44990120260101000000000000000001",
    card_number="S12345678",
    id_number=ELDER.number,
    name=ELDER.name,
    valid_to=date(2036, 1, 1),
)


def with_slot() -> Settings:
    return Settings.model_validate(
        {
            "id_reader": {"url": "serial:///dev/idr"},
            "card_reader": {"url": "pcsc://Reader"},
            "receipt_printer": {"url": "tcp://127.0.0.1:9100"},
        }
    )


class Holder(Terminal):
    """A terminal with a card slot, and the hands of who has a social card."""

    def __init__(self) -> None:
        super().__init__(with_slot())
        self.device(DeviceClass.CARD_READER, Status.READY)
        self.line(online=True)
        self.cards = 0

    def put_in(self, card: SmartCard = SOCIAL) -> None:
        self.cards += 1
        self.hear(SmartCardInserted(self.cards))
        assert self.sees(InsertSocialCard).reading
        self.hear(SmartCardRead(self.cards, card))

    def centre_says(self, leave: CardPasswordLeave, why: str = "") -> None:
        asked = self.last(AskCardPassword)
        self.hear(CardPasswordLeaveKnown(asked.scope, asked.card, leave, why))

    def insert(self, card: SmartCard = SOCIAL) -> None:
        """A card, of which the centre says that it may have a new password, if it is asked."""
        questions = len(self.all(AskCardPassword))
        self.put_in(card)
        if len(self.all(AskCardPassword)) > questions:
            self.centre_says(CardPasswordLeave.GIVEN)

    def pull_out(self) -> None:
        self.hear(SmartCardRemoved(self.cards))

    def type_pin(self, pin: str) -> None:
        for digit in pin:
            self.press(Act.TYPE_DIGIT, value=digit)

    def go_to_slot(self) -> None:
        self.press(Act.START)
        self.press(Act.CHOOSE_ITEM, ITEM)
        self.sees(ServiceGuide)
        self.press(Act.BEGIN)
        self.sees(Consent)
        self.press(Act.AGREE)
        self.lay_card(ELDER)
        self.sees(ConfirmIdentity)
        self.press(Act.CONFIRM_IDENTITY)
        self.sees(InsertSocialCard)

    def go_to_pin(self) -> None:
        self.go_to_slot()
        self.insert()
        self.press(Act.NEXT)
        self.sees(NewPin)

    def go_to_change(self, pin: str = PIN) -> None:
        self.go_to_pin()
        self.type_pin(pin)
        self.press(Act.NEXT)
        assert self.sees(NewPin).again
        self.type_pin(pin)
        self.press(Act.NEXT)
        self.sees(ChangingPassword)

    def end(
        self, end: DialogueEnd = DialogueEnd.DONE, change: CardChange = CardChange.CHANGED
    ) -> PasswordResult:
        scope = self.last(ChangeCardPassword).scope
        self.hear(CardPasswordEnded(scope, end, change, "7C40B19E"))
        self.sees(ChangingPassword)  # long enough to be read
        self.wait(2)
        return self.sees(PasswordResult)

    def leave_with_everything(self) -> None:
        self.press(Act.FINISH)
        self.sees(TakeAway)
        self.pull_out()
        self.lift_card()
        self.wait(30)
        self.sees(Standby)


@pytest.fixture
def terminal() -> Holder:
    return Holder()


def test_from_the_first_touch_to_the_new_password_and_the_slip(terminal: Holder) -> None:
    terminal.go_to_change()
    asked = terminal.last(ChangeCardPassword)
    assert (asked.pin, asked.social, asked.holder, asked.card) == (PIN, SOCIAL, ELDER, 1)
    result = terminal.end()
    assert (result.outcome, result.slip) == (PasswordOutcome.CHANGED, Slip.PRINTING)
    paper = shown_text(terminal.last(Print).lines)
    assert "密码已改好" in paper and "7C40 B19E" in paper and "张*兰" in paper
    assert PIN not in paper and ELDER.number not in paper and ELDER.name not in paper
    terminal.printed()
    assert terminal.sees(PasswordResult).slip is Slip.PRINTED
    terminal.leave_with_everything()
    assert terminal.all(StopWatchingSocialCard)


def test_no_digit_is_anywhere_but_on_its_way(terminal: Holder) -> None:
    terminal.go_to_change()
    terminal.end()
    terminal.printed()
    terminal.leave_with_everything()
    seen = repr(terminal.views) + repr(terminal.effects) + repr(terminal.logged)
    for secret in (PIN, ELDER.number, SOCIAL.card_number, SOCIAL.card_id):
        assert secret not in seen
    assert not terminal.all(Seal) and not terminal.all(SaveDraft)
    assert terminal.all(Wipe)


def test_a_social_card_that_still_is_in_is_not_left_behind(terminal: Holder) -> None:
    terminal.go_to_change()
    terminal.end()
    terminal.printed()
    terminal.press(Act.FINISH)
    terminal.lift_card()
    assert terminal.sees(TakeAway).social_card is True
    terminal.press(Act.FINISH)
    terminal.sees(TakeAway)
    terminal.pull_out()
    terminal.wait(10)
    terminal.sees(Standby)


def test_without_the_line_it_is_said_before_anything_is_asked(terminal: Holder) -> None:
    terminal.line(online=False)
    terminal.press(Act.START)
    tile = next(tile for tile in terminal.sees(Home).tiles if tile.item == ITEM)
    assert tile.closed is Closure.LINE
    terminal.press(Act.CHOOSE_ITEM, ITEM)
    assert terminal.sees(ServiceGuide).closed is Closure.LINE
    terminal.press(Act.BEGIN)
    terminal.sees(ServiceGuide)


def test_a_terminal_without_a_slot_does_not_offer_it() -> None:
    terminal = Terminal()
    terminal.press(Act.START)
    assert ITEM not in [tile.item for tile in terminal.sees(Home).tiles]


def test_a_slot_that_is_unplugged_closes_it(terminal: Holder) -> None:
    terminal.device(DeviceClass.CARD_READER, Status.DISCONNECTED)
    terminal.press(Act.START)
    tile = next(tile for tile in terminal.sees(Home).tiles if tile.item == ITEM)
    assert tile.closed is Closure.SMART_CARD


def test_the_line_breaks_before_the_password_is_typed_and_comes_back(terminal: Holder) -> None:
    terminal.go_to_pin()
    terminal.type_pin("73")
    terminal.line(online=False)
    assert terminal.sees(SocialCardProblem).kind is SocialCardProblemKind.LINE
    terminal.line(online=True)
    assert terminal.sees(NewPin).typed == 0, "what was typed is not kept over it"


@pytest.mark.parametrize(
    ("card", "kind"),
    [
        (BankCard("***************0017", "UnionPay"), SocialCardProblemKind.NOT_SOCIAL),
        (
            SocialCard(id_number=RELATIVE_CARD.number, name=RELATIVE_CARD.name),
            SocialCardProblemKind.SOMEONE_ELSES,
        ),
        (SocialCard(id_number=ELDER.number, name="别人"), SocialCardProblemKind.SOMEONE_ELSES),
        (
            SocialCard(id_number=ELDER.number, name=ELDER.name, valid_to=date(2026, 11, 21)),
            SocialCardProblemKind.EXPIRED,
        ),
    ],
)
def test_another_card_is_not_taken(
    terminal: Holder, card: SmartCard, kind: SocialCardProblemKind
) -> None:
    terminal.go_to_slot()
    terminal.insert(card)
    assert terminal.sees(SocialCardProblem).kind is kind
    terminal.press(Act.NEXT)
    terminal.sees(SocialCardProblem)
    terminal.pull_out()
    terminal.sees(InsertSocialCard)
    terminal.insert()
    assert terminal.sees(InsertSocialCard).card == "**** 5678"


def test_where_it_is_not_offered_that_is_said_before_a_password_is_typed(terminal: Holder) -> None:
    why = "本地还没有开通自助改密码，请带卡和身份证到社保窗口办。"
    terminal.go_to_slot()
    terminal.put_in()
    terminal.centre_says(CardPasswordLeave.REFUSED, why)
    page = terminal.sees(SocialCardProblem)
    assert page.kind is SocialCardProblemKind.REFUSED
    assert page.reason is not None and why in repr(page.reason)
    terminal.press(Act.NEXT)
    terminal.sees(SocialCardProblem)
    terminal.pull_out()
    terminal.sees(InsertSocialCard)
    assert not terminal.all(ChangeCardPassword)


def test_nothing_is_typed_before_the_centre_has_answered(terminal: Holder) -> None:
    terminal.go_to_slot()
    terminal.put_in()
    asked = terminal.last(AskCardPassword)
    assert (asked.card, asked.holder, asked.social) == (1, ELDER, SOCIAL)
    terminal.wait(3)
    terminal.press(Act.NEXT)
    assert terminal.sees(InsertSocialCard) == InsertSocialCard(reading=True)
    assert len(terminal.all(AskCardPassword)) == 1
    terminal.centre_says(CardPasswordLeave.GIVEN)
    assert terminal.sees(InsertSocialCard).card == "**** 5678"


def test_a_centre_that_cannot_be_asked_is_asked_again_by_itself(terminal: Holder) -> None:
    terminal.go_to_slot()
    terminal.put_in()
    terminal.centre_says(CardPasswordLeave.HUB_AWAY)
    assert terminal.sees(SocialCardProblem).kind is SocialCardProblemKind.LINE
    terminal.wait(6)
    assert len(terminal.all(AskCardPassword)) == 2
    terminal.centre_says(CardPasswordLeave.GIVEN)
    assert terminal.sees(InsertSocialCard).card
    terminal.press(Act.NEXT)
    terminal.sees(NewPin)


def test_a_centre_that_never_answers_keeps_nobody_waiting_for_ever(terminal: Holder) -> None:
    terminal.go_to_slot()
    terminal.put_in()
    terminal.wait(41)
    assert terminal.sees(SocialCardProblem).kind is SocialCardProblemKind.LINE
    terminal.pull_out()
    terminal.lift_card()
    terminal.wait(600, step=2)
    terminal.sees(Standby)


def test_an_answer_is_for_the_card_that_was_asked_about(terminal: Holder) -> None:
    terminal.go_to_slot()
    terminal.put_in()
    first = terminal.last(AskCardPassword)
    terminal.pull_out()
    terminal.put_in()
    terminal.hear(CardPasswordLeaveKnown(first.scope, first.card, CardPasswordLeave.GIVEN))
    assert terminal.sees(InsertSocialCard) == InsertSocialCard(reading=True)
    terminal.centre_says(CardPasswordLeave.GIVEN)
    assert terminal.sees(InsertSocialCard).card


def test_a_card_upside_down_and_then_the_right_way_round(terminal: Holder) -> None:
    terminal.go_to_slot()
    terminal.hear(SmartCardInserted(1))
    terminal.hear(SmartCardFailed(1, Fault(FaultCode.CARD_UNREADABLE)))
    assert terminal.sees(SocialCardProblem).kind is SocialCardProblemKind.UNREADABLE
    terminal.hear(SmartCardRemoved(1))
    terminal.insert()
    assert terminal.sees(InsertSocialCard).card


def test_the_name_of_a_minority_is_the_same_with_another_point() -> None:
    from kiosk.identity.social_card import same_person

    holder = RELATIVE_CARD.__class__(
        **{name: getattr(RELATIVE_CARD, name) for name in RELATIVE_CARD.__slots__}
        | {"name": "买买提·吐尔逊"}
    )
    for written in ("买买提·吐尔逊", "买买提•吐尔逊", "买买提．吐尔逊", "买买提 吐尔逊"):
        assert same_person(holder, SocialCard(id_number=holder.number, name=written))
    assert not same_person(holder, SocialCard(id_number=holder.number, name="买买提"))
    assert not same_person(holder, SocialCard(id_number="", name=holder.name))


@pytest.mark.parametrize(
    ("pin", "flaw"),
    [("123456", PinFlaw.SIMPLE), ("440305", PinFlaw.OWN), ("111111", PinFlaw.SIMPLE)],
)
def test_a_password_that_is_easy_to_guess_is_not_taken(
    terminal: Holder, pin: str, flaw: PinFlaw
) -> None:
    terminal.go_to_pin()
    terminal.type_pin(pin)
    terminal.press(Act.NEXT)
    assert terminal.sees(NewPin) == NewPin(again=False, typed=0, flaw=flaw)
    terminal.type_pin("7")
    assert terminal.sees(NewPin).flaw is None


def test_two_that_differ_begin_again(terminal: Holder) -> None:
    terminal.go_to_pin()
    terminal.type_pin(PIN)
    terminal.press(Act.NEXT)
    terminal.type_pin("739165")
    terminal.press(Act.NEXT)
    assert terminal.sees(NewPin) == NewPin(again=False, typed=0, flaw=PinFlaw.DIFFERENT)


def test_keys_do_what_stands_on_them(terminal: Holder) -> None:
    terminal.go_to_pin()
    terminal.press(Act.NEXT)  # not complete
    terminal.type_pin("12")
    terminal.press(Act.ERASE_DIGIT)
    assert terminal.sees(NewPin).typed == 1
    terminal.type_pin("2345678")
    assert terminal.sees(NewPin).typed == 6
    terminal.press(Act.CLEAR_DIGITS)
    assert terminal.sees(NewPin).typed == 0
    terminal.press(Act.TYPE_DIGIT, value="x")
    terminal.press(Act.TYPE_DIGIT, value="１")
    assert terminal.sees(NewPin).typed == 0
    for _ in range(3):  # the same key quickly is meant each time
        terminal.tap(Act.TYPE_DIGIT, value="1")
    assert terminal.sees(NewPin).typed == 3
    terminal.press(Act.BACK)
    assert terminal.sees(InsertSocialCard).card, "the card is still in and need not be read again"


def test_a_card_pulled_out_while_typing_is_asked_for_again(terminal: Holder) -> None:
    terminal.go_to_pin()
    terminal.type_pin("739")
    terminal.pull_out()
    terminal.sees(InsertSocialCard)
    terminal.insert()
    terminal.press(Act.NEXT)
    assert terminal.sees(NewPin).typed == 0


def test_the_id_card_of_somebody_else_covers_it(terminal: Holder) -> None:
    terminal.go_to_pin()
    terminal.lift_card()
    terminal.lay_card(RELATIVE_CARD)
    terminal.sees(CardProblem)


@pytest.mark.parametrize(
    ("end", "change", "outcome", "again", "paper"),
    [
        (DialogueEnd.DONE, CardChange.CHANGED, PasswordOutcome.CHANGED, False, True),
        # the centre was told nothing any more, but the card said that it was done
        (DialogueEnd.HUB_AWAY, CardChange.CHANGED, PasswordOutcome.CHANGED, False, True),
        (DialogueEnd.REFUSED, CardChange.NOT_CHANGED, PasswordOutcome.REFUSED, False, True),
        (DialogueEnd.HUB_AWAY, CardChange.NOT_CHANGED, PasswordOutcome.HUB_AWAY, True, False),
        (DialogueEnd.CARD_GONE, CardChange.NOT_CHANGED, PasswordOutcome.CARD_GONE, True, False),
        (DialogueEnd.CARD_GONE, CardChange.UNKNOWN, PasswordOutcome.UNKNOWN, True, True),
        (DialogueEnd.FAILED, CardChange.NOT_CHANGED, PasswordOutcome.FAILED, True, False),
    ],
)
def test_what_is_known_of_the_card_is_what_is_said(
    terminal: Holder,
    end: DialogueEnd,
    change: CardChange,
    outcome: PasswordOutcome,
    *,
    again: bool,
    paper: bool,
) -> None:
    terminal.go_to_change()
    result = terminal.end(end, change)
    assert result.outcome is outcome
    assert bool(terminal.all(Print)) is paper
    if paper:
        terminal.printed()
    terminal.press(Act.OTHER_CARD)
    if again:
        terminal.sees(NewPin)  # typed anew: nothing was kept
        terminal.pull_out()
        terminal.sees(InsertSocialCard)
    else:
        terminal.sees(PasswordResult)


def test_while_the_card_is_written_nobody_leaves_and_nothing_times_out(terminal: Holder) -> None:
    terminal.go_to_change()
    for act in (Act.GO_HOME, Act.BACK, Act.FINISH, Act.NEXT, Act.SUBMIT):
        terminal.press(act)
        terminal.sees(ChangingPassword)
    terminal.wait(100, step=1)
    terminal.sees(ChangingPassword)
    assert terminal.view.overlay is None
    terminal.wait(100, step=1)
    assert terminal.sees(PasswordResult).outcome is PasswordOutcome.UNKNOWN


def test_a_late_answer_to_somebody_who_has_left_is_dropped(terminal: Holder) -> None:
    terminal.go_to_change()
    scope = terminal.last(ChangeCardPassword).scope
    terminal.end(DialogueEnd.CARD_GONE, CardChange.NOT_CHANGED)
    terminal.press(Act.GO_HOME)
    terminal.pull_out()
    terminal.lift_card()
    terminal.wait(30)
    terminal.hear(CardPasswordEnded(scope, DialogueEnd.DONE, CardChange.CHANGED, "7C40B19E"))
    terminal.sees(Standby)


def test_without_paper_the_reference_stays_on_the_screen(terminal: Holder) -> None:
    terminal.go_to_change()
    result = terminal.end()
    terminal.print_fails(FaultCode.PAPER_OUT)
    assert terminal.sees(PasswordResult).slip is Slip.FAILED
    assert result.reference == "7C40B19E"
    terminal.press(Act.FINISH)
    terminal.sees(TakeAway)


def test_the_slot_is_unplugged_while_typing(terminal: Holder) -> None:
    terminal.go_to_pin()
    terminal.device(DeviceClass.CARD_READER, Status.DISCONNECTED)
    assert terminal.sees(SocialCardProblem).kind is SocialCardProblemKind.READER_LOST
    terminal.press(Act.BACK)
    terminal.device(DeviceClass.CARD_READER, Status.READY)
    terminal.sees(InsertSocialCard)


def test_who_walks_away_leaves_nothing(terminal: Holder) -> None:
    terminal.go_to_pin()
    terminal.type_pin(PIN)
    terminal.wait(200, step=1)
    assert terminal.all(EraseDraft) and terminal.all(Wipe)
    terminal.pull_out()
    terminal.lift_card()
    terminal.wait(100, step=1)
    terminal.sees(Standby)
    assert terminal.session._slot.content is None
    terminal.hear(SmartCardInserted(9))
    terminal.hear(SmartCardRead(9, SOCIAL))
    assert terminal.session._slot.content is None, "nobody asked"


def test_the_reader_is_watched_only_when_a_card_is_asked_for(terminal: Holder) -> None:
    terminal.press(Act.START)
    terminal.press(Act.CHOOSE_ITEM, ITEM)
    terminal.press(Act.BEGIN)
    terminal.press(Act.AGREE)
    terminal.sees(PlaceIdCard)
    assert not terminal.all(WatchForSocialCard)
    terminal.lay_card(ELDER)
    terminal.press(Act.CONFIRM_IDENTITY)
    assert len(terminal.all(WatchForSocialCard)) == 1


def test_a_line_event_of_no_interest_changes_nothing(terminal: Holder) -> None:
    terminal.go_to_pin()
    terminal.type_pin("73")
    terminal.hear(LineChanged(True, terminal.clock.utc(), 3))
    assert terminal.sees(NewPin).typed == 2

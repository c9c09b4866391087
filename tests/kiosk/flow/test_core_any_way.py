"""Whatever anybody presses, lays down, takes away or unplugs, in whatever order."""

from __future__ import annotations

from collections.abc import Callable

from core_citizen import (
    ACCOUNT,
    CHILD_CARD,
    EARLIER_QR,
    ELDER,
    ITEM,
    PHONE,
    RELATIVE,
    RELATIVE_CARD,
    STROKES,
    Terminal,
    installed,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from drivers.card_reader.values import (
    SmartCardInserted,
    SmartCardRead,
    SmartCardRemoved,
    SocialCard,
)
from drivers.device import DeviceClass, FaultCode, Status
from kiosk.card_dialogue import CardChange
from kiosk.flow.actions import Act
from kiosk.flow.card_pages import (
    ChangingPassword,
    InsertSocialCard,
    NewPin,
    SocialCardProblem,
)
from kiosk.flow.effects import (
    AddRating,
    AskCardPassword,
    ChangeCardPassword,
    CheckReceipt,
    HandIn,
    LookForDraft,
    LookForEarlier,
    MakeDocuments,
    Print,
    SaveDraft,
    Seal,
    StartCamera,
    TakePage,
    Wipe,
)
from kiosk.flow.events import (
    CardPasswordEnded,
    CardPasswordLeave,
    CardPasswordLeaveKnown,
    DialogueEnd,
    DocumentsFailed,
    PageNotTaken,
    ProgressKnown,
    ReceiptRefused,
    Sealed,
    SealFailed,
)
from kiosk.flow.pages import (
    Advice,
    CapturePage,
    CardProblem,
    CheckPage,
    ConfirmIdentity,
    Consent,
    EarlierApplication,
    Form,
    Home,
    PlaceIdCard,
    ProgressKind,
    Rating,
    ServiceGuide,
    Sign,
    Standby,
    Submitting,
    TakeAway,
)
from kiosk.flow.view import Preferences
from kiosk.receipts.number import make, qr_text
from kiosk.settings import Settings

PIN = "739164"
SECRETS = (PIN, ELDER.number, ELDER.name, ELDER.address, PHONE, ACCOUNT, RELATIVE_CARD.number)
SOCIAL = SocialCard(
    card_id="44990120260101000000000000000001",
    card_number="S12345678",
    id_number=ELDER.number,
    name=ELDER.name,
)
ARGUMENTS = (
    "",
    ITEM,
    "progress_query",
    "social_card_password",
    "contact",
    "account",
    "household_page",
    "5",
    "2",
    "207",
)

Deed = Callable[[Terminal], None]


def with_slot() -> Settings:
    table = installed().model_dump()
    table["card_reader"]["url"] = "pcsc://Reader"
    return Settings.model_validate(table)


def press(act: Act, argument: str, quick: bool) -> Deed:
    values = {"phone": PHONE, "account": ACCOUNT, "relative_name": RELATIVE}

    def do(terminal: Terminal) -> None:
        page = terminal.page
        code = getattr(page, "active", "") if act in (Act.SET_FIELD, Act.EDIT_FIELD) else argument
        strokes = STROKES if act is Act.SIGN_STROKES else ()
        hand = terminal.tap if quick else terminal.press
        hand(act, code, value=values.get(code, "1"), strokes=strokes)

    return do


ANSWERED = LookForDraft | MakeDocuments | Seal | HandIn | Print | TakePage | CheckReceipt


def answer(terminal: Terminal) -> None:
    """Whatever was asked last is answered well, if anything was."""
    asked = [effect for effect in terminal.effects if isinstance(effect, ANSWERED)]
    match asked[-1] if asked else None:
        case LookForDraft():
            if terminal.all(LookForEarlier):
                terminal.no_past()
        case HandIn(scope=scope, number=number):
            terminal.hear(Sealed(scope, number, EARLIER_QR, terminal.clock.utc()))
        case MakeDocuments():
            terminal.documents()
        case Seal():
            terminal.seal()
        case Print():
            terminal.printed()
        case TakePage():
            terminal.page_taken()
        case CheckReceipt(scope=scope, number=number):
            terminal.hear(ProgressKnown(scope, number, ProgressKind.RECEIVED, ITEM, None, None))
        case _:
            pass


def came_before(terminal: Terminal) -> None:
    """They applied here some days ago, without the page of the register."""
    if terminal.all(LookForEarlier) and isinstance(terminal.page, ConfirmIdentity):
        terminal.known_before(lacks=("household_page",), qr_text=EARLIER_QR)


def insert_social_card(terminal: Terminal) -> None:
    terminal.hear(SmartCardInserted(1))
    terminal.hear(SmartCardRead(1, SOCIAL))


def centre_says(leave: CardPasswordLeave) -> Deed:
    def do(terminal: Terminal) -> None:
        for asked in terminal.all(AskCardPassword)[-1:]:
            terminal.hear(CardPasswordLeaveKnown(asked.scope, asked.card, leave, "到窗口办"))

    return do


def card_answers(end: DialogueEnd, change: CardChange) -> Deed:
    def do(terminal: Terminal) -> None:
        for asked in terminal.all(ChangeCardPassword)[-1:]:
            terminal.hear(CardPasswordEnded(asked.scope, end, change, "7C40B19E"))

    return do


def refuse(terminal: Terminal) -> None:
    """Whatever was asked last comes to nothing."""
    for effect in reversed(terminal.effects):
        match effect:
            case MakeDocuments(scope=scope):
                return terminal.hear(DocumentsFailed(scope, ""))
            case Seal(scope=scope) | HandIn(scope=scope):
                return terminal.hear(SealFailed(scope, False, ""))
            case Print():
                return terminal.print_fails(FaultCode.PAPER_OUT)
            case TakePage(scope=scope):
                return terminal.hear(PageNotTaken(scope, Advice.BLURRED))
            case CheckReceipt(scope=scope, number=number):
                return terminal.hear(ReceiptRefused(scope, number))
            case _:
                pass
    return None


def plate(advice: Advice, paper: bool) -> Deed:
    def do(terminal: Terminal) -> None:
        if terminal.all(StartCamera):
            terminal.plate(advice, paper=paper)

    return do


def scan(terminal: Terminal) -> None:
    number = make("QS01", 1, terminal.clock.utc())
    terminal.scan(qr_text(number, bytes(64)).encode())


def onward(terminal: Terminal) -> None:
    """What somebody who wants to get on does at this page, so that the walks get far."""
    page = terminal.page
    match page:
        case Standby():
            terminal.press(Act.START)
        case Home():
            terminal.press(Act.CHOOSE_ITEM, ITEM)
        case ServiceGuide():
            terminal.press(Act.BEGIN)
        case Consent():
            terminal.press(Act.AGREE)
        case PlaceIdCard() | CardProblem():
            terminal.lift_card()
            terminal.lay_card(RELATIVE_CARD if getattr(page, "role", "") == "agent" else ELDER)
        case ConfirmIdentity(looking=looking):
            if not looking:
                terminal.press(Act.CONFIRM_IDENTITY)
            answer(terminal)
        case EarlierApplication():
            terminal.press(Act.HAND_IN)
        case Form(fields=fields):
            values = {"phone": PHONE, "account": ACCOUNT, "relative_phone": "13900139000"}
            for field in fields:
                terminal.press(Act.SET_FIELD, field.code, value=values.get(field.code, RELATIVE))
            terminal.press(Act.NEXT)
        case CapturePage():
            terminal.press(Act.TAKE_PICTURE)
            answer(terminal)
        case CheckPage():
            terminal.press(Act.KEEP_PAGE)
        case Sign():
            terminal.press(Act.SIGN_STROKES, strokes=STROKES)
            terminal.press(Act.SUBMIT)
        case Submitting():
            answer(terminal)
        case Rating():
            terminal.press(Act.RATE, "2")
        case InsertSocialCard() | SocialCardProblem():
            terminal.hear(SmartCardRemoved(1))
            insert_social_card(terminal)
            centre_says(CardPasswordLeave.GIVEN)(terminal)
            terminal.press(Act.NEXT)
        case NewPin():
            for digit in PIN:
                terminal.press(Act.TYPE_DIGIT, value=digit)
            terminal.press(Act.NEXT)
        case ChangingPassword():
            card_answers(DialogueEnd.DONE, CardChange.CHANGED)(terminal)
            terminal.wait(2)
        case _:
            terminal.press(Act.NEXT)
            terminal.press(Act.STAY)


others: st.SearchStrategy[Deed] = st.one_of(
    st.just(answer),
    st.just(refuse),
    st.just(came_before),
    st.builds(press, st.sampled_from(Act), st.sampled_from(ARGUMENTS), st.booleans()),
    st.sampled_from([ELDER, RELATIVE_CARD, CHILD_CARD]).map(
        lambda record: lambda terminal: terminal.lay_card(record)
    ),
    st.just(lambda terminal: terminal.lift_card()),
    st.sampled_from(FaultCode).map(lambda code: lambda terminal: terminal.card_fails(code)),
    st.builds(plate, st.sampled_from(Advice), st.booleans()),
    st.just(scan),
    st.just(insert_social_card),
    st.just(lambda terminal: terminal.hear(SmartCardRemoved(1))),
    st.builds(centre_says, st.sampled_from(CardPasswordLeave)),
    st.builds(card_answers, st.sampled_from(DialogueEnd), st.sampled_from(CardChange)),
    st.sampled_from(["5", "2", "1", "skip", "?"]).map(
        lambda key: lambda terminal: terminal.key(key)
    ),
    st.tuples(st.sampled_from(DeviceClass), st.sampled_from(Status)).map(
        lambda pair: lambda terminal: terminal.device(*pair)
    ),
    st.booleans().map(lambda online: lambda terminal: terminal.line(online=online)),
    st.sampled_from([0.25, 2, 31, 61, 95]).map(
        lambda seconds: lambda terminal: terminal.wait(seconds, step=1 if seconds > 2 else 0.25)
    ),
)
deeds = st.tuples(st.integers(0, 9), others).map(lambda pair: onward if pair[0] < 7 else pair[1])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(deeds, min_size=10, max_size=60))
@example([onward] * 25)
@example(
    [onward] * 5
    + [press(Act.CONFIRM_IDENTITY, "", False), came_before]
    + [press(Act.PRINT_AGAIN, "", False), answer, press(Act.BACK, "", False)]
    + [onward] * 12
)
@example(
    [press(Act.START, "", False), press(Act.CHOOSE_ITEM, "social_card_password", False)]
    + [onward] * 14
)
def test_nothing_anybody_does_breaks_it_or_leaves_anything_behind(way: list[Deed]) -> None:
    terminal = Terminal(with_slot())
    terminal.device(DeviceClass.CARD_READER, Status.READY)
    for deed in way:
        deed(terminal)
        terminal.session.tick()
        shown = repr(terminal.view)
        assert not any(secret in shown for secret in SECRETS)
        if isinstance(terminal.page, Standby | TakeAway):
            assert terminal.session._reader.record is None
    # At last everybody has gone. Whatever it was, the start comes by itself, wiped.
    terminal.lift_card()
    terminal.hear(SmartCardRemoved(1))
    begun = sum(event == "session_started" for event, _ in terminal.logged)
    terminal.wait(600, step=2)
    assert terminal.session.session_id is None
    assert terminal.view.overlay is None
    assert terminal.view.preferences == Preferences()
    wiped = {effect.session for effect in terminal.all(Wipe)}
    assert len(wiped) == begun
    assert sum(event == "session_ended" for event, _ in terminal.logged) == begun
    kept = [*terminal.all(Seal), *terminal.all(HandIn)]
    assert len(terminal.all(AddRating)) <= len({one.scope.session for one in kept})
    assert not any(secret in str(terminal.logged) for secret in SECRETS)
    assert not any(secret in repr(terminal.effects) for secret in SECRETS)
    numbers = [effect.card_number for effect in terminal.all(SaveDraft)]
    assert all(numbers)

"""Which of the machine's parts are lit while a page points there: the same as on the page's drawing."""

from __future__ import annotations

from typing import assert_never

from drivers.io_board.values import Lamp
from kiosk.flow.card_pages import (
    ChangingPassword,
    InsertSocialCard,
    NewPin,
    PasswordResult,
    Slip,
    SocialCardProblem,
)
from kiosk.flow.pages import (
    Accepted,
    BlankForms,
    CapturePage,
    CardProblem,
    CheckPage,
    ChoosePapers,
    ConfirmIdentity,
    Consent,
    ConsentDeclined,
    CopyChoice,
    DraftFound,
    EarlierApplication,
    Form,
    Home,
    LayPapers,
    OutOfService,
    Page,
    PhonePickup,
    PlaceIdCard,
    PrintState,
    ProgressResult,
    Rating,
    RatingReasons,
    Review,
    ScanReceipt,
    ServiceGuide,
    SheetsPrinting,
    Sign,
    Standby,
    SubmitProblem,
    Submitting,
    TakeAway,
)

DARK: frozenset[Lamp] = frozenset()


def lights(page: Page) -> frozenset[Lamp]:
    match page:
        case PlaceIdCard() | CardProblem():
            return frozenset({Lamp.READER})
        case CapturePage() | LayPapers():
            return frozenset({Lamp.PLATE, Lamp.FILL_LIGHT})
        case CheckPage(comparing=comparing):
            return frozenset({Lamp.READER}) if comparing else frozenset({Lamp.FILL_LIGHT})
        case ScanReceipt():
            return frozenset({Lamp.SCANNER})
        case Accepted(print_state=state):
            comes = state in (PrintState.PRINTING, PrintState.PRINTED)
            return frozenset({Lamp.PRINTER}) if comes else DARK
        case SheetsPrinting():
            return DARK  # the A4 printer has no lamp of its own
        case PasswordResult(slip=slip):
            return frozenset({Lamp.PRINTER}) if slip in (Slip.PRINTING, Slip.PRINTED) else DARK
        case Rating():
            return frozenset({Lamp.KEYPAD})
        case TakeAway():
            return _things_left(page)
        case (
            Standby()
            | Home()
            | ServiceGuide()
            | Consent()
            | ConsentDeclined()
            | ConfirmIdentity()
            | DraftFound()
            | EarlierApplication()
            | Form()
            | Review()
            | Sign()
            | Submitting()
            | SubmitProblem()
            | RatingReasons()
            | ProgressResult()
            | OutOfService()
            | InsertSocialCard()
            | SocialCardProblem()
            | NewPin()
            | ChangingPassword()
            | ChoosePapers()
            | CopyChoice()
            | PhonePickup()
            | BlankForms()
        ):
            return DARK
        case _:
            assert_never(page)


def _things_left(page: TakeAway) -> frozenset[Lamp]:
    """Everything that still lies somewhere. The camera needs its light to see the plate empty."""
    lit: set[Lamp] = set()
    if page.card_on_reader:
        lit.add(Lamp.READER)
    if page.paper_on_plate:
        lit.add(Lamp.PLATE)
    if page.paper_on_plate is not False:
        lit.add(Lamp.FILL_LIGHT)
    if page.receipt:
        lit.add(Lamp.PRINTER)
    return frozenset(lit)

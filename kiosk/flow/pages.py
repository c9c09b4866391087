"""What a person can be shown: a closed union of values.

A page holds what its screen needs and nothing to decide with. Texts that never vary live in
`ui/i18n` under the page's situation; texts that come from a service item come as `Words`.
Values that are personal are marked `repr=False` and come twice where they may be revealed:
masked (always shown) and full (shown while the reveal button is held).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

# What a page shows of these belongs to the rooms below; it is passed on for the screens.
from kiosk.catalogue.model import Bring as Bring  # noqa: PLC0414
from kiosk.catalogue.model import FieldKind as FieldKind  # noqa: PLC0414
from kiosk.flow.card_pages import (
    ChangingPassword,
    InsertSocialCard,
    NewPin,
    PasswordResult,
    SocialCardProblem,
)
from kiosk.identity.contact import FieldError as FieldError  # noqa: PLC0414
from kiosk.identity.person import PersonCard as PersonCard  # noqa: PLC0414
from kiosk.words import Words as Words  # noqa: PLC0414

# -- start ----------------------------------------------------------------------


class Closure(StrEnum):
    """Why a service is closed now. Each has a public sentence with what else to do."""

    READER = "reader"  # no ID card can be read
    CAMERA = "camera"
    SCANNER = "scanner"  # neither scanner nor camera can read a code
    SMART_CARD = "smart_card"  # no social card can be read
    LINE = "line"  # needs the centre, which cannot be reached
    STORAGE = "storage"  # nothing can be kept safely now
    CATALOGUE = "catalogue"  # the item's description is faulty
    PRINTER = "printer"  # no sheet of A4 can be printed
    PHONES = "phones"  # phones do not reach the centre
    SETTINGS = "settings"  # the terminal's settings file is missing or faulty: all of it is closed


@dataclass(frozen=True, slots=True)
class Tile:
    """One service on the home page."""

    item: str
    name: Words
    icon: str
    minutes: int
    bring: Words
    closed: Closure | None = None


@dataclass(frozen=True, slots=True)
class Standby:
    tiles: tuple[Tile, ...]  # to say before anyone starts what is closed
    paper_receipt: bool = True


@dataclass(frozen=True, slots=True)
class Home:
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class GuidePaper:
    name: Words
    note: Words
    bring: Bring
    picture: str  # icon name


@dataclass(frozen=True, slots=True)
class ServiceGuide:
    item: str
    name: Words
    who: Words
    result: Words
    papers: tuple[GuidePaper, ...]
    minutes: int
    days: int  # working days until the department answers
    department: Words
    closed: Closure | None = None


@dataclass(frozen=True, slots=True)
class ConsentLine:
    what: Words
    why: Words
    kept: Words


@dataclass(frozen=True, slots=True)
class Consent:
    item_name: Words
    lines: tuple[ConsentLine, ...]


@dataclass(frozen=True, slots=True)
class ConsentDeclined:
    """Saying no leads to what else one can do."""

    item_name: Words
    counter: Words  # where the window is and when it is open
    phone: str


# -- identity -------------------------------------------------------------------


class Visit(StrEnum):
    """What somebody who chose an item came for; each kind of step says in which of them it has a part."""

    APPLY = "apply"
    HAND_IN = "hand_in"  # papers for an application that is there already
    REPRINT = "reprint"  # the receipt of an application that is there already


class Role(StrEnum):
    """Whose card is wanted."""

    APPLICANT = "applicant"  # the person at the machine, for themselves
    AGENT = "agent"  # the relative who acts
    ELDER = "elder"  # the person for whom the relative acts


@dataclass(frozen=True, slots=True)
class PlaceIdCard:
    role: Role
    reading: bool = False  # a card was found and is being read
    seconds_left: int = 60
    may_act_for_relative: bool = False


class CardProblemKind(StrEnum):
    UNREADABLE = "unreadable"  # lift and place again
    LIFTED = "lifted"  # taken away too early
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    TOO_YOUNG = "too_young"
    SAME_CARD = "same_card"  # the relative's own card was placed again
    SOMEONE_ELSES = "someone_elses"  # not the card this session began with, or 不是我
    UNKNOWN_CARD = "unknown_card"
    SEVERAL_CARDS = "several_cards"  # one on another, or in a wallet: none can be read
    READER_LOST = "reader_lost"


@dataclass(frozen=True, slots=True)
class CardProblem:
    kind: CardProblemKind
    role: Role
    minimum_age: int = 0
    eligible_from: date | None = None  # too young: the day from which one may apply
    valid_to: date | None = None
    may_act_for_relative: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmIdentity:
    role: Role
    person: PersonCard
    photo: str = ""  # key of the card's photo; "": a placeholder stands there
    looking: bool = False  # confirmed; one moment, it is looked for drafts and earlier applications


@dataclass(frozen=True, slots=True)
class DraftFound:
    item_name: Words
    saved_at: datetime  # UTC
    minutes_left: int


class ProgressKind(StrEnum):
    WAITING_HERE = "waiting_here"  # on this machine, not yet sent
    RECEIVED = "received"  # the centre has it
    IN_REVIEW = "in_review"
    NEEDS_MORE = "needs_more"
    GRANTED = "granted"
    REFUSED = "refused"
    AT_STAFF = "at_staff"  # the centre could not take it: staff here have it in hand
    UNKNOWN_NUMBER = "unknown_number"
    HUB_UNREACHABLE = "hub_unreachable"


@dataclass(frozen=True, slots=True)
class EarlierApplication:
    item_name: Words
    number: str
    accepted_at: datetime  # UTC
    within_days: int
    state: ProgressKind
    note: str = field(default="", repr=False)  # the office's, when it asks for more
    to_follow: tuple[Words, ...] = ()  # papers that are still to be handed in
    papers_wait: bool = False  # some were handed in here, and the centre has not got them yet
    may_hand_in: bool = False
    may_print: bool = False  # this terminal keeps it: its receipt can be printed again
    printed: bool = True  # False: as far as is known here no receipt ever came out
    card_there: bool = (
        True  # papers and receipt are for who is identified, not for who stands there
    )


# -- form -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FormOption:
    code: str
    name: Words


@dataclass(frozen=True, slots=True)
class FormField:
    code: str
    kind: FieldKind
    label: Words
    required: bool
    value: str = field(repr=False)
    missing: int = 0  # how many characters are still to come (while typing)
    maximum: int = 0
    error: FieldError | None = None
    options: tuple[FormOption, ...] = ()
    hidden: bool = False  # the card was lifted: `value` is masked, and typing begins anew
    read: bool = False  # read off a paper, to be checked


@dataclass(frozen=True, slots=True)
class Form:
    """One question to a screen: `fields` are those of this question."""

    question: Words
    lead: Words
    fields: tuple[FormField, ...]
    active: str  # code of the field being typed, "" for none
    complete: bool
    number: int = 1  # of `of` form pages
    of: int = 1


# -- materials --------------------------------------------------------------------


class Advice(StrEnum):
    """One plain sentence to the citizen about the paper on the plate, worst first."""

    CAMERA_STARTING = "camera_starting"
    CAMERA_LOST = "camera_lost"
    NO_PAGE = "no_page"
    CUT_OFF = "cut_off"
    TOO_DARK = "too_dark"
    GLARE = "glare"
    SHADOW = "shadow"
    FINGER = "finger"
    BLURRED = "blurred"
    WRONG_SIZE = "wrong_size"
    EMPTY_PAGE = "empty_page"
    TAKEN = "taken"  # what lies there was taken already: lay the next one
    HOLD_STILL = "hold_still"
    GOOD = "good"


Point = tuple[float, float]


class Doubt(StrEnum):
    """What was read on a page does not fit; the citizen decides."""

    NAME_DIFFERS = "name_differs"  # not the name on the ID card
    NUMBER_DIFFERS = "number_differs"
    TAKEN_TWICE = "taken_twice"
    OTHER_PAPER = "other_paper"  # not the paper that was asked for


class GoOn(StrEnum):
    """Whether one may go on without taking this page now."""

    NO = "no"
    KEPT = "kept"  # it was taken before
    LATER = "later"  # it may be handed in later
    WITHOUT = "without"  # others are handed in later, not this one


@dataclass(frozen=True, slots=True)
class MaterialLine:
    """One paper of the set, in the list under the live picture."""

    code: str
    name: Words
    taken: bool
    current: bool


@dataclass(frozen=True, slots=True)
class CapturePage:
    """The live plate. The preview itself reaches the screen through the preview ring."""

    material: Words
    advice: Advice
    corners: tuple[Point, ...]  # 0..1 of the preview's width and height: TL, TR, BR, BL; or ()
    trouble_area: tuple[Point, ...]  # where it shows, same units; or ()
    lines: tuple[MaterialLine, ...]
    taking: bool = False
    go_on: GoOn = GoOn.NO
    taken: tuple[tuple[Point, ...], ...] = ()  # corners of papers there that were taken already


@dataclass(frozen=True, slots=True)
class CheckPage:
    """The straightened page: keep it or take it again."""

    material: Words
    image: str  # key of the page image
    advice: Advice
    kept_despite: bool  # keeping it means: kept although not good
    doubt: Doubt | None = None
    trouble_area: tuple[Point, ...] = ()  # where it shows: 0..1 of the page; or ()
    comparing: bool = False  # it was kept; one moment, it is compared with the ID card


# -- review, sign, submit -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReviewLine:
    label: Words
    masked: str
    full: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReviewGroup:
    code: str  # argument of Act.CHANGE; "" where it cannot be changed here
    name: Words
    lines: tuple[ReviewLine, ...]
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    groups: tuple[ReviewGroup, ...]
    visit: Visit = Visit.APPLY


@dataclass(frozen=True, slots=True)
class Sign:
    statement: tuple[Words, ...]  # at most three lines: what is being signed
    signer_masked: str
    empty: bool
    strokes: tuple[tuple[Point, ...], ...] = field(default=(), repr=False)
    changed: bool = False  # it was signed, then something was changed: sign again


@dataclass(frozen=True, slots=True)
class Submitting:
    item_name: Words
    visit: Visit = Visit.APPLY


class SubmitProblemKind(StrEnum):
    DISK_FULL = "disk_full"
    STORE = "store"  # could not be written; nothing was accepted
    DOCUMENTS = "documents"  # the papers could not be put together
    UNSURE = "unsure"  # the disk has not answered: it may be accepted, and it may not


@dataclass(frozen=True, slots=True)
class SubmitProblem:
    """Not accepted, or nobody knows yet; what was entered is still here and SUBMIT may be pressed
    again: where nobody knows, it only waits on."""

    kind: SubmitProblemKind
    visit: Visit = Visit.APPLY


class PrintState(StrEnum):
    PRINTING = "printing"
    PRINTED = "printed"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    JAMMED = "jammed"
    UNKNOWN = "unknown"  # took the bytes, never confirmed
    UNAVAILABLE = "unavailable"  # no printer to be had
    DECLINED = "declined"  # the citizen goes on without paper


class Delivery(StrEnum):
    """Never claimed before it is true."""

    WAITING = "waiting"  # 已受理，待上传: on this machine, no line
    SENDING = "sending"  # the same, and it is on its way this minute
    DELIVERED = "delivered"  # the centre holds it


@dataclass(frozen=True, slots=True)
class Accepted:
    item_name: Words
    number: str
    qr_text: str  # "" where this terminal cannot sign for the number: another one's
    accepted_at: datetime  # UTC; of papers: when they were handed in
    delivery: Delivery
    print_state: PrintState
    department: Words
    days: int
    phone_masked: str
    may_rate: bool = True  # False: NEXT and FINISH both end the service
    finishing: bool = False  # FINISH was pressed while paper comes: over when it is out
    printer_back: bool = False  # it can be used now, whatever `print_state` said when it was tried
    visit: Visit = Visit.APPLY
    may_print_again: bool = True  # False: the card of whom it is for is gone
    to_follow: tuple[Words, ...] = ()  # papers that are still to be handed in
    follow_by: date | None = None  # the last day on which they may be


@dataclass(frozen=True, slots=True)
class Rating:
    item_name: Words
    seconds_left: int


@dataclass(frozen=True, slots=True)
class RatingReason:
    code: str
    text: Words
    chosen: bool


@dataclass(frozen=True, slots=True)
class RatingReasons:
    level: int
    reasons: tuple[RatingReason, ...]
    seconds_left: int


@dataclass(frozen=True, slots=True)
class TakeAway:
    """Until reader and plate are empty. None: it cannot be told."""

    card_on_reader: bool | None
    paper_on_plate: bool | None
    receipt: bool
    thanks: bool = False  # a rating was given
    sheets: bool = False  # of A4, that nobody can see either
    social_card: bool | None = False  # in its reader
    reader_used: bool = True  # False: no card was ever asked for
    plate_used: bool = True


# -- copies, scans for a phone, blank forms --------------------------------------------


class PapersFor(StrEnum):
    """What the papers are laid down for."""

    COPY = "copy"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class ChoosePapers:
    """An ID card, both sides on one sheet, or anything else."""

    item_name: Words
    use: PapersFor


class CardSide(StrEnum):
    NONE = ""  # no card: any paper
    FRONT = "front"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class LayPapers:
    """The live plate; one paper after the other, as many as one likes."""

    side: CardSide
    advice: Advice
    corners: tuple[Point, ...]
    trouble_area: tuple[Point, ...]
    images: tuple[str, ...]  # keys of the pages taken so far
    most: int
    taking: bool = False
    taken: tuple[tuple[Point, ...], ...] = ()  # corners of papers there that were taken already


@dataclass(frozen=True, slots=True)
class CopyChoice:
    images: tuple[str, ...]
    sheets: int  # of one copy
    copies: int
    most: int
    grey: bool
    may_colour: bool


@dataclass(frozen=True, slots=True)
class SheetsPrinting:
    """Sheets of A4. Nothing is called printed before the printer said so."""

    item_name: Words
    state: PrintState
    out: int  # sheets that are out, as far as the printer counts
    of: int
    making: bool = False  # not yet printing: the pages are put together
    asks: PrintState | None = None  # while printing: what the printer wants just now
    may_try_again: bool = True


class PickupState(StrEnum):
    MAKING = "making"
    SENDING = "sending"
    WAITING = "waiting"  # the code is shown
    FETCHED = "fetched"
    GONE = "gone"  # nobody fetched it in time
    FAILED = "failed"  # it could not be left at the centre
    UNMADE = "unmade"  # the pages could not be put together


@dataclass(frozen=True, slots=True)
class PhonePickup:
    """The code that a phone scans. Its text opens the scan: it is never logged."""

    state: PickupState
    pages: int
    seconds_left: int
    of_seconds: int
    link: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class BlankForm:
    code: str
    name: Words
    note: Words
    pages: int


@dataclass(frozen=True, slots=True)
class BlankForms:
    item_name: Words
    forms: tuple[BlankForm, ...]


# -- progress query -----------------------------------------------------------------


class ScanProblem(StrEnum):
    NONE = "none"
    NOT_A_RECEIPT = "not_a_receipt"
    NUMBER_WRONG = "number_wrong"
    SIGNATURE_WRONG = "signature_wrong"


@dataclass(frozen=True, slots=True)
class ScanReceipt:
    problem: ScanProblem = ScanProblem.NONE
    asking: bool = False


@dataclass(frozen=True, slots=True)
class ProgressResult:
    """Nothing personal: number, item, dates, state."""

    number: str
    kind: ProgressKind
    item_name: Words | None = None
    accepted_at: datetime | None = None  # UTC
    changed_at: datetime | None = None  # UTC


@dataclass(frozen=True, slots=True)
class OutOfService:
    """Nothing can be done here now; `reasons` says why, each once."""

    reasons: tuple[Closure, ...]


Page = (
    Standby
    | Home
    | ServiceGuide
    | Consent
    | ConsentDeclined
    | PlaceIdCard
    | CardProblem
    | ConfirmIdentity
    | DraftFound
    | EarlierApplication
    | Form
    | CapturePage
    | CheckPage
    | Review
    | Sign
    | Submitting
    | SubmitProblem
    | Accepted
    | Rating
    | RatingReasons
    | TakeAway
    | InsertSocialCard
    | SocialCardProblem
    | NewPin
    | ChangingPassword
    | PasswordResult
    | ScanReceipt
    | ProgressResult
    | OutOfService
    | ChoosePapers
    | LayPapers
    | CopyChoice
    | SheetsPrinting
    | PhonePickup
    | BlankForms
)

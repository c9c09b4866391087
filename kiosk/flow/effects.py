"""What a step wants done by somebody else: a closed union of values.

The session hands them to one function given to it; the window process carries them out on
worker threads, tests just look at them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from drivers.card_reader.values import SocialCard
from drivers.code_scanner.values import CodeRule
from drivers.id_reader.values import CardRecord
from drivers.receipt_printer.values import Line
from drivers.voice.values import Tone
from kiosk.catalogue.papers import PageTone
from kiosk.flow.actions import Stroke
from kiosk.flow.events import Scope


@dataclass(frozen=True, slots=True)
class WatchForCard:
    pass


@dataclass(frozen=True, slots=True)
class StopWatchingForCard:
    pass


@dataclass(frozen=True, slots=True)
class WatchForSocialCard:
    pass


@dataclass(frozen=True, slots=True)
class StopWatchingSocialCard:
    pass


@dataclass(frozen=True, slots=True)
class AskCardPassword:
    """Ask the centre whether the social card of insertion `card` may have a new password here.

    Answered by `CardPasswordLeaveKnown`.
    """

    scope: Scope
    card: int
    holder: CardRecord = field(repr=False)
    social: SocialCard = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChangeCardPassword:
    """Have the centre give the social card of insertion `card` this password.

    Answered by `CardPasswordEnded`.
    """

    scope: Scope
    card: int
    holder: CardRecord = field(repr=False)
    social: SocialCard = field(repr=False)
    pin: str = field(repr=False)


class CameraUse(StrEnum):
    PAGE = "page"  # find and judge a page
    CODE = "code"  # read a code held to the camera
    PLATE = "plate"  # only: does something lie there?


@dataclass(frozen=True, slots=True)
class StartCamera:
    scope: Scope
    use: CameraUse
    paper: str = ""  # the known paper that is asked for


@dataclass(frozen=True, slots=True)
class StopCamera:
    pass


@dataclass(frozen=True, slots=True)
class TakePage:
    """Answers `PageTaken` or `PageNotTaken`; `PageRead` follows where a known paper was asked for."""

    scope: Scope
    paper: str = ""
    tone: PageTone = PageTone.COLOUR
    anyway: bool = False  # by the button: where no page is found, the whole picture
    most_bytes: int = 4 << 20
    read: bool = True  # False: a copy is nobody's to read


@dataclass(frozen=True, slots=True)
class StartScanner:
    rule: CodeRule  # what the step expects; nothing else is passed on


@dataclass(frozen=True, slots=True)
class StopScanner:
    pass


@dataclass(frozen=True, slots=True)
class StartKeypad:
    """The rating keys count from now."""


@dataclass(frozen=True, slots=True)
class StopKeypad:
    """They count no more; `thank`: somebody rated."""

    thank: bool = False


@dataclass(frozen=True, slots=True)
class MakeDocuments:
    """Pages into one PDF byte for byte, strokes into a PNG."""

    scope: Scope
    pages: tuple[bytes, ...] = field(repr=False)
    strokes: tuple[Stroke, ...] = field(repr=False)
    most_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True)
class LookForDraft:
    scope: Scope
    card_number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """Overwrites the session's draft. `payload` is JSON made by `kiosk.flow.case`."""

    session: str
    card_number: str = field(repr=False)
    payload: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EraseDraft:
    """For good: a normal leave, a time-out, or an application sealed from it."""

    card_number: str = field(default="", repr=False)  # also an older draft of this card


@dataclass(frozen=True, slots=True)
class LookForEarlier:
    scope: Scope
    item: str
    within_days: int
    id_number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attachment:
    code: str  # material code, or "signature"
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seal:
    """Commit the application with its attachments. `application` is JSON-able (str keys).

    The store gives the receipt number, adds it to the body, and answers `Sealed` or `SealFailed`.
    """

    scope: Scope
    item: str
    id_number: str = field(repr=False)
    name_masked: str
    application: dict[str, object] = field(repr=False)
    attachments: tuple[Attachment, ...]
    receipt: tuple[tuple[str, str], ...] = ()  # lines of the paper that stay readable: masked
    lacks: tuple[str, ...] = ()  # codes of the materials that are to follow


@dataclass(frozen=True, slots=True)
class HandIn:
    """Commit papers for the application `number`, as `Seal` does an application.

    The store adds number and time to the body, and answers `Sealed` with that number or
    `SealFailed`. `codes`: which materials they are.
    """

    scope: Scope
    number: str
    item: str
    papers: dict[str, object] = field(repr=False)
    attachments: tuple[Attachment, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GiveUpSeal:
    """Nobody waits for the `Seal` or `HandIn` of this scope any longer: it is not to be begun.

    One that the disk is already writing may be committed all the same; staff are told of it.
    """

    scope: Scope


@dataclass(frozen=True, slots=True)
class KeepPhoto:
    """The photo of the card on the reader, under the key by which its page names it.

    Empty: the card is gone, and with it what was kept under this key.
    """

    key: str
    picture: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AddRating:
    """An item of its own in the outbox, in the order of its application."""

    number: str
    level: int
    reasons: tuple[str, ...]
    channel: str  # "keypad" or "screen"
    rated_at: datetime


@dataclass(frozen=True, slots=True)
class AddPrintResult:
    number: str
    result: str  # a PrintState
    at: datetime
    papers: bool = False  # of the receipt for papers handed in later, not of the application's


@dataclass(frozen=True, slots=True)
class Print:
    job: str
    lines: tuple[Line, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PrintSheets:
    """Print a PDF on A4. Answers `PagesPrinted` or `PagesFailed`; nothing of it is kept."""

    job: str
    pdf: bytes = field(repr=False)
    copies: int = 1
    grey: bool = False


@dataclass(frozen=True, slots=True)
class HandOver:
    """Leave a sealed scan at the centre for a phone. Answers `HandedOver`.

    `replaces`: name of the one whose code was shown before; who photographed that has nothing.
    """

    scope: Scope
    pdf: bytes = field(repr=False)
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class AskPickup:
    """Was it fetched? Answers `PickupKnown`."""

    scope: Scope
    name: str


@dataclass(frozen=True, slots=True)
class Count:
    """For the site's statistics: how often, how many sheets. Nothing of a person."""

    item: str
    pages: int
    sheets: int


@dataclass(frozen=True, slots=True)
class CheckReceipt:
    """Is this scanned text a receipt of ours, and in what state? Answers `ProgressKnown` or `ReceiptRefused`."""

    scope: Scope
    number: str
    qr_text: str


@dataclass(frozen=True, slots=True)
class Beep:
    tone: Tone


@dataclass(frozen=True, slots=True)
class TellStaff:
    """For the log and the centre; `what` is an event of `kiosk/events.toml`, no personal data."""

    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wipe:
    """The session is over: empty everything that may remember the person.

    Page images, the pinyin keyboard's memory, clipboard, temporary files, queued device answers.
    """

    session: str


Effect = (
    WatchForCard
    | StopWatchingForCard
    | WatchForSocialCard
    | StopWatchingSocialCard
    | AskCardPassword
    | ChangeCardPassword
    | StartCamera
    | StopCamera
    | TakePage
    | StartScanner
    | StopScanner
    | StartKeypad
    | StopKeypad
    | MakeDocuments
    | LookForDraft
    | SaveDraft
    | EraseDraft
    | LookForEarlier
    | Seal
    | HandIn
    | GiveUpSeal
    | KeepPhoto
    | AddRating
    | AddPrintResult
    | Print
    | CheckReceipt
    | Beep
    | TellStaff
    | Wipe
    | PrintSheets
    | HandOver
    | AskPickup
    | Count
)

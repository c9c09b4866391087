"""What reaches the session besides presses: a closed union.

Device events are the value types of `drivers/*/values.py`. Answers to an effect carry the
`Scope` of the effect and are dropped when that session or step is past.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from drivers.card_reader.values import (
    SmartCardFailed,
    SmartCardInserted,
    SmartCardRead,
    SmartCardRemoved,
)
from drivers.code_scanner.values import CodeRefused, CodeScanned
from drivers.device import StatusChanged
from drivers.id_reader.values import CardFailed, CardFound, CardPhoto, CardRead, CardRemoved
from drivers.keypad.values import KeyPressed
from drivers.page_printer.values import PagesFailed, PagesPrinted, SheetsOut
from drivers.receipt_printer.values import Printed, PrintFailed
from kiosk.card_dialogue import CardChange
from kiosk.flow.pages import Advice, Point, ProgressKind


@dataclass(frozen=True, slots=True)
class Scope:
    """The session and step for which something was asked."""

    session: str
    step: int


@dataclass(frozen=True, slots=True)
class PlateSeen:
    """The newest look at the plate, about five a second while the camera is on."""

    scope: Scope
    advice: Advice
    corners: tuple[Point, ...]
    trouble_area: tuple[Point, ...]
    paper: bool  # something lies on the plate
    steady: bool  # it has lain still long enough to be taken by itself
    taken: tuple[tuple[Point, ...], ...] = ()  # corners of papers there that were taken already


@dataclass(frozen=True, slots=True)
class PageTaken:
    """A still was taken and straightened. `jpeg` is the page, `image` its key for the screen."""

    scope: Scope
    image: str
    advice: Advice  # GOOD, or the worst that is wrong with it
    width_px: int
    height_px: int
    jpeg: bytes = field(repr=False)
    trouble_area: tuple[Point, ...] = ()  # 0..1 of the page
    fingerprint: int = 0
    to_be_read: bool = False  # PageRead follows


@dataclass(frozen=True, slots=True)
class PageRead:
    """What was read on the page `image`; it may come when its step is long past.

    `whole` False: it could not be read. `is_paper`: it is the paper that was asked for.
    """

    session: str
    image: str
    whole: bool
    is_paper: bool = False
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    lines: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class PageNotTaken:
    scope: Scope
    advice: Advice


@dataclass(frozen=True, slots=True)
class DocumentsMade:
    """The PDF of the pages, of so many sheets, and the picture of the signature."""

    scope: Scope
    pdf: bytes = field(repr=False)
    signature_png: bytes = field(repr=False)
    sheets: int = 0


@dataclass(frozen=True, slots=True)
class DocumentsFailed:
    scope: Scope
    detail: str


@dataclass(frozen=True, slots=True)
class DraftKnown:
    """Answer to LookForDraft; `payload` None when there is none for this card."""

    scope: Scope
    saved_at: datetime | None
    expires_at: datetime | None
    payload: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """An application that this person made before, as this terminal or the centre knows it.

    `held`: materials that the centre has; None where only this terminal was asked. `lacks`: those
    that were left for later and that nothing here hands in; None where this terminal does not keep
    the application. `following`: handed in here, and the centre is not known to have them yet.
    `receipt`: the masked lines of its paper; `qr_text` "" where it cannot be printed here.
    """

    number: str
    accepted_at: datetime  # UTC
    state: ProgressKind
    note: str = field(default="", repr=False)  # what the office asks for
    held: tuple[str, ...] | None = None
    lacks: tuple[str, ...] | None = None
    following: tuple[str, ...] = ()
    receipt: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    qr_text: str = ""
    printed: bool = True  # False: no receipt is known to have come out


@dataclass(frozen=True, slots=True)
class EarlierKnown:
    """Answer to LookForEarlier; `found` None when there is none, or nobody could be asked.

    `centre_asked`: what this terminal knows itself; the centre's answer follows.
    """

    scope: Scope
    found: Found | None
    centre_asked: bool = False


@dataclass(frozen=True, slots=True)
class Sealed:
    """Committed on disk: from now on it is accepted, and a receipt may be printed."""

    scope: Scope
    number: str
    qr_text: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class SealFailed:
    """Nothing was committed. `disk_full` tells the citizen which sentence."""

    scope: Scope
    disk_full: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The centre has acknowledged this application, or (`papers`) what was handed in later for it."""

    number: str
    papers: bool = False


@dataclass(frozen=True, slots=True)
class LineChanged:
    """`stopped`: the centre does not take anything from this terminal until staff have come."""

    online: bool
    last_contact: datetime | None
    waiting: int
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class ProgressKnown:
    scope: Scope
    number: str
    kind: ProgressKind
    item: str | None
    accepted_at: datetime | None
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptRefused:
    """Answer to CheckReceipt: the signature is not one of ours. Nothing else is told."""

    scope: Scope
    number: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Answer to HandOver; `link` "" when the scan could not be left at the centre."""

    scope: Scope
    name: str
    link: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PickupKnown:
    """Answer to AskPickup: waiting, fetched, gone or unknown."""

    scope: Scope
    name: str
    state: str


class DialogueEnd(StrEnum):
    """How a dialogue between a social card and the centre came to its end."""

    DONE = "done"
    REFUSED = "refused"  # by who holds the keys; the words say why
    CARD_GONE = "card_gone"
    HUB_AWAY = "hub_away"
    FAILED = "failed"  # somebody said what makes no sense


class CardPasswordLeave(StrEnum):
    """Whether the centre lets a card have a new password, asked before anything is typed."""

    GIVEN = "given"
    REFUSED = "refused"  # not here, not today, not this card; the words say why
    HUB_AWAY = "hub_away"


@dataclass(frozen=True, slots=True)
class CardPasswordLeaveKnown:
    """Answer to AskCardPassword for the card of insertion `card`."""

    scope: Scope
    card: int
    leave: CardPasswordLeave
    text_zh: str = ""
    text_en: str = ""


@dataclass(frozen=True, slots=True)
class CardPasswordEnded:
    """Answer to ChangeCardPassword. `change` is what is known of the card, however it ended."""

    scope: Scope
    end: DialogueEnd
    change: CardChange
    reference: str
    text_zh: str = ""
    text_en: str = ""


@dataclass(frozen=True, slots=True)
class StorageChanged:
    """Whether an application can be kept safely now (store open, disk not full).

    `tight`: a form can, many pages cannot.
    """

    usable: bool
    reason: str
    tight: bool = False


Event = (
    StatusChanged
    | CardFound
    | CardRead
    | CardPhoto
    | CardFailed
    | CardRemoved
    | SmartCardInserted
    | SmartCardRead
    | SmartCardFailed
    | SmartCardRemoved
    | CardPasswordLeaveKnown
    | CardPasswordEnded
    | CodeScanned
    | CodeRefused
    | KeyPressed
    | Printed
    | PrintFailed
    | PlateSeen
    | PageTaken
    | PageRead
    | PageNotTaken
    | DocumentsMade
    | DocumentsFailed
    | DraftKnown
    | EarlierKnown
    | Sealed
    | SealFailed
    | Delivered
    | LineChanged
    | ProgressKnown
    | ReceiptRefused
    | StorageChanged
    | PagesPrinted
    | PagesFailed
    | SheetsOut
    | HandedOver
    | PickupKnown
)

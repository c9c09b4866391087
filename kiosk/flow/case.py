"""What this citizen has entered so far. It lives in memory, and as a draft until they are done.

Nothing here shows itself in a `repr`. A draft holds what was typed and the pages taken, never the
cards (the reader gives them again, which proves that the same person is back) nor the signature.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from drivers.id_reader.values import CardRecord
from kiosk.catalogue.model import FieldKind, Item, Material
from kiosk.flow.actions import Stroke
from kiosk.flow.events import Found, PageRead, ProgressKnown
from kiosk.flow.pages import Advice, Doubt, Point, PrintState, Visit
from kiosk.flow.printing import ReceiptPrinting
from kiosk.identity import masking

Content = tuple[dict[str, str], dict[str, tuple[bytes, ...]]]
SIGNATURE = "signature"  # code of the strokes among what can be concealed


@dataclass(frozen=True, slots=True)
class TakenPage:
    """A material as kept. `image` is "" after a crash: the picture on the screen is gone by then."""

    image: str
    advice: Advice
    width_px: int
    height_px: int
    jpeg: bytes = field(repr=False)
    trouble_area: tuple[Point, ...] = ()
    fingerprint: int = 0
    to_be_read: bool = False
    doubt: Doubt | None = None

    @property
    def kept_despite(self) -> str:
        """The advice and the doubt it was kept in spite of; "" for a good page."""
        advice = "" if self.advice is Advice.GOOD else self.advice.value
        return ",".join(part for part in (advice, self.doubt or "") if part)


@dataclass(frozen=True, slots=True)
class Supplement:
    """Papers for an application that is there already: no form, no signature, no new number."""

    number: str
    codes: tuple[str, ...]  # of the materials that may be handed in, in the item's order
    lacks: tuple[str, ...]  # those of them that are still to follow
    until: date  # local: the last day on which they may
    follows: bool  # on others that the centre has not got yet: its word may be theirs


@dataclass(slots=True)
class Case:
    """One application in the making, or what comes after one (`visit`)."""

    item: str
    item_version: int
    consent_version: int = 0
    consent_at: datetime | None = None  # UTC
    for_relative: bool = False
    applicant: CardRecord | None = field(default=None, repr=False)
    agent: CardRecord | None = field(default=None, repr=False)
    form: dict[str, str] = field(default_factory=dict, repr=False)
    pages: dict[str, tuple[TakenPage, ...]] = field(default_factory=dict, repr=False)
    readings: dict[str, PageRead] = field(default_factory=dict, repr=False)  # by image of the page
    read_fields: set[str] = field(default_factory=set)  # filled in from a paper, not yet touched
    strokes: tuple[Stroke, ...] = field(default=(), repr=False)
    signed_over: Content | None = field(default=None, repr=False)  # what the strokes stand under
    loose: tuple[TakenPage, ...] = ()  # pages of no application: to be copied, or for a phone
    is_card: bool = False  # `loose` are the sides of an ID card
    sheets_out: bool = False  # paper of A4 came, or may have come
    earlier_number: str | None = None
    draft_asked: bool = False  # a draft is offered once, not again on the way back
    earlier_asked: bool = False
    earlier: Found | None = None  # what was shown to be there already
    supplement: Supplement | None = None  # papers are handed in for it, nothing is applied for
    reprint: bool = False  # its receipt is printed again, nothing else
    concealed: set[str] = field(default_factory=set)  # codes entered before the card was lifted
    sealed: SealedCase | None = None
    progress: ProgressKnown | None = None  # of the receipt that was scanned
    printing: ReceiptPrinting | None = None  # of the receipt, once it is sealed
    receipt_out: bool = False  # another receipt before that came out, or may have
    rated: bool = False
    new_pin: str = field(default="", repr=False)  # typed twice, until the card's dialogue begins
    told: bool = False  # its outcome was told: leaving erases nothing that is still wanted

    @property
    def visit(self) -> Visit:
        """What they came for. Each kind of step says whether it has a part in that."""
        if self.supplement is not None:
            return Visit.HAND_IN
        return Visit.REPRINT if self.reprint else Visit.APPLY

    @property
    def content(self) -> Content:
        """What is signed: the answers and the pictures of the papers, as they are now."""
        return (
            {code: value.strip() for code, value in self.form.items() if value.strip()},
            {code: tuple(page.jpeg for page in pages) for code, pages in self.pages.items()},
        )

    @property
    def entered(self) -> bool:
        """Whether anything personal is here that leaving would erase."""
        return (
            self.sealed is None
            and not self.told
            and bool(
                self.applicant
                or self.agent
                or any(self.form.values())
                or self.pages
                or self.strokes
                or self.loose
            )
        )

    @property
    def card_number(self) -> str:
        """The number for which drafts are kept; "" before anybody was identified."""
        return self.applicant.number if self.applicant else ""

    @property
    def _agent_mark(self) -> str:
        """Tells one relative from another in a draft that keeps nobody's number; "" without one."""
        if not self.for_relative or self.agent is None:
            return ""
        return hashlib.sha256(f"{self.card_number} {self.agent.number}".encode()).hexdigest()

    def is_party(self, number: str) -> bool:
        """Whether the card is that of the applicant or of the relative who acts."""
        return any(
            card is not None and card.number == number for card in (self.applicant, self.agent)
        )

    def reading(self, page: TakenPage) -> PageRead | None:
        """What was read on it; None while nobody has read it."""
        return self.readings.get(page.image) if page.image else None

    def read_on(self, material: str) -> dict[str, str]:
        """Every field that was read on the kept pages of a material."""
        read = (self.reading(page) for page in self.pages.get(material, ()))
        return {code: value for one in read if one for code, value in one.fields}

    def forget_entries(self) -> None:
        """Another person is applying: nothing of the one before may reach them."""
        self.form.clear()
        self.pages.clear()
        self.readings.clear()
        self.read_fields.clear()
        self.strokes, self.signed_over = (), None
        self.earlier_number = None
        self.draft_asked = self.earlier_asked = False
        self.earlier, self.supplement, self.reprint = None, None, False
        self.concealed.clear()
        self.new_pin = ""

    def apply(self) -> None:
        """They apply as everybody does; what was begun for an earlier application is over."""
        out = self.printing is not None and self.printing.state is PrintState.PRINTED
        if self.reprint and out and self.earlier is not None:
            self.earlier = replace(self.earlier, printed=True)
        self.supplement, self.reprint, self.sealed = None, False, None
        if self.printing is not None:
            self.receipt_out = self.receipt_out or self.printing.paper_out
            self.printing = None

    def conceal(self) -> None:
        """The card left the reader: what is here now is no longer shown in full."""
        self.concealed = {code for code, value in self.form.items() if value}
        if self.strokes:
            self.concealed.add(SIGNATURE)

    def to_draft(self) -> str:
        """JSON for the journal."""
        return _Draft(
            item=self.item,
            item_version=self.item_version,
            for_relative=self.for_relative,
            agent_mark=self._agent_mark,
            form=self.form,
            pages={
                code: tuple(_to_draft(page) for page in pages) for code, pages in self.pages.items()
            },
            earlier_number=self.earlier_number,
            supplement=_DraftSupplement(
                number=self.supplement.number,
                codes=self.supplement.codes,
                lacks=self.supplement.lacks,
                until=self.supplement.until,
                follows=self.supplement.follows,
            )
            if self.supplement
            else None,
            saved_consent_version=self.consent_version,
            saved_consent_at=self.consent_at,
        ).model_dump_json()

    def take_from_draft(self, payload: str) -> bool:
        """Take over what a draft holds; False, and nothing changed, when it does not fit."""
        draft = _read(payload)
        if draft is None or not self._fits(draft):
            return False
        self.form = dict(draft.form)
        self.pages = {
            code: tuple(_from_draft(page) for page in pages) for code, pages in draft.pages.items()
        }
        self.earlier_number = draft.earlier_number
        papers = draft.supplement
        self.supplement = (
            Supplement(papers.number, papers.codes, papers.lacks, papers.until, papers.follows)
            if papers
            else None
        )
        return True

    def draft_fits(self, payload: str) -> bool:
        """Whether a draft belongs to this item as it is today, and to the same who act."""
        draft = _read(payload)
        return draft is not None and self._fits(draft)

    def _fits(self, draft: _Draft) -> bool:
        return (
            draft.item == self.item
            and draft.item_version == self.item_version
            and draft.for_relative == self.for_relative
            and draft.agent_mark == self._agent_mark
            and (any(draft.form.values()) or bool(draft.pages))
        )


def wanted(item: Item, case: Case) -> tuple[Material, ...]:
    """The materials that are asked for in this visit, in the item's order."""
    supplement = case.supplement
    return tuple(
        material
        for material in item.materials
        if supplement is None or material.code in supplement.codes
    )


def phone_masked(item: Item, case: Case) -> str:
    """The first phone number of the form, where the result is told; "" without one."""
    fields = [part for form in item.forms for part in form.fields]
    code = next((part.code for part in fields if part.kind is FieldKind.PHONE), "")
    return masking.phone(case.form.get(code, ""))


@dataclass(frozen=True, slots=True)
class SealedCase:
    """What is known of an application once it is on disk."""

    number: str
    qr_text: str
    accepted_at: datetime  # UTC


class _DraftPage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    advice: Advice
    width_px: int
    height_px: int
    jpeg: Base64Bytes = Field(repr=False)
    fingerprint: int
    doubt: Doubt | None


def _to_draft(page: TakenPage) -> _DraftPage:
    return _DraftPage(
        advice=page.advice,
        width_px=page.width_px,
        height_px=page.height_px,
        jpeg=base64.b64encode(page.jpeg),
        fingerprint=page.fingerprint,
        doubt=page.doubt,
    )


def _from_draft(page: _DraftPage) -> TakenPage:
    return TakenPage(
        "",
        page.advice,
        page.width_px,
        page.height_px,
        page.jpeg,
        fingerprint=page.fingerprint,
        doubt=page.doubt,
    )


class _DraftSupplement(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str
    codes: tuple[str, ...]
    lacks: tuple[str, ...]
    until: date
    follows: bool


class _Draft(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    item: str
    item_version: int
    for_relative: bool
    agent_mark: str = Field(repr=False)
    form: dict[str, str] = Field(repr=False)
    pages: dict[str, tuple[_DraftPage, ...]] = Field(repr=False)
    earlier_number: str | None
    supplement: _DraftSupplement | None
    saved_consent_version: int
    saved_consent_at: AwareDatetime | None


def _read(payload: str) -> _Draft | None:
    try:
        return _Draft.model_validate_json(payload)
    except ValidationError:
        return None

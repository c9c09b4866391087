"""Papers and signature are put together, then everything is committed to disk in one act.

Papers that are handed in later are committed the same way, as an item of their own.
Whatever fails, what was entered stays and SUBMIT may be pressed again. Nothing is said to be
accepted before the commit returned.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import ClassVar

from drivers.id_reader.values import CardRecord
from kiosk.catalogue.model import Material, StepKind, StepPart
from kiosk.flow.actions import Act, Action
from kiosk.flow.case import SealedCase, Supplement, TakenPage, phone_masked, wanted
from kiosk.flow.effects import (
    Attachment,
    Effect,
    EraseDraft,
    GiveUpSeal,
    HandIn,
    MakeDocuments,
    Seal,
)
from kiosk.flow.events import DocumentsFailed, DocumentsMade, Event, Sealed, SealFailed
from kiosk.flow.pages import Page, SubmitProblem, SubmitProblemKind, Submitting, Visit
from kiosk.flow.step import BACKWARD, FORWARD, NOTHING, Context, Forward, Outcome, Step
from kiosk.identity import masking
from kiosk.identity.person import to_json
from kiosk.receipts.receipt import kept_lines

DOCUMENTS_LIMIT_S = 30.0  # a page takes under a second; a vision process that is restarted 10
SEAL_LIMIT_S = 60.0  # a commit takes milliseconds; a dying disk answers late or never
LEAST_SHOWN_S = 1.0  # a page that flashes by frightens: nobody knows what it said
DESPITE_CHARACTERS = 64  # the hub keeps no more
PDF = "application/pdf"
PNG = "image/png"


class Submit(Step):
    kind: ClassVar[StepKind] = StepKind.SUBMIT
    bar: ClassVar[str] = "submit"
    visits: ClassVar[frozenset[Visit]] = frozenset({Visit.APPLY, Visit.HAND_IN})
    stops_backward = False

    def __init__(self, context: Context, part: StepPart | None) -> None:
        super().__init__(context, part)
        self._pdfs: list[bytes] = []
        self._sealing = False
        self._until_s = 0.0
        self._shown_s = 0.0
        self._problem: SubmitProblemKind | None = None

    @property
    def busy(self) -> bool:
        return self._problem is None

    @property
    def done(self) -> bool:
        return False

    def page(self) -> Page:
        if self._problem is not None:
            return SubmitProblem(self._problem, self.context.case.visit)
        return Submitting(self.context.words(self.context.item.name), self.context.case.visit)

    def enter(self) -> Outcome:
        self._shown_s = self.context.monotonic_s
        return self._begin()

    def act(self, action: Action) -> Outcome:
        match action.act:
            case Act.SUBMIT if self._problem is not None and self._sealing:
                # Nobody knows yet whether it is on disk: a second seal might make two of it.
                self._problem = None
                self._until_s = self.context.monotonic_s + SEAL_LIMIT_S
                return NOTHING
            case Act.SUBMIT if self._problem is not None:
                self._shown_s = self.context.monotonic_s
                self.scope = self.context.next_scope()  # answers to the attempt before are past
                return self._begin()
            case Act.BACK if self._problem is not None and not self._sealing:
                return BACKWARD
            case _:
                return NOTHING

    def handle(self, event: Event) -> Outcome:
        match event:
            case DocumentsMade(pdf=pdf, signature_png=png) if self.busy and not self._sealing:
                if self._materials:
                    self._pdfs.append(pdf)
                more = len(self._pdfs) < len(self._materials)
                return self._make() if more else self._seal(png)
            case DocumentsFailed() if self.busy and not self._sealing:
                self._problem = SubmitProblemKind.DOCUMENTS
            case SealFailed(disk_full=disk_full) if self._sealing:
                self._sealing = False
                self._problem = (
                    SubmitProblemKind.DISK_FULL if disk_full else SubmitProblemKind.STORE
                )
            case Sealed(number=number, qr_text=qr_text, accepted_at=accepted_at) if self._sealing:
                # Also when it comes after its time limit: what is on disk is accepted.
                self.context.case.sealed = SealedCase(number, qr_text, accepted_at)
                self._problem = None
                move = Forward() if self._seen_long_enough else None
                return Outcome((EraseDraft(self.context.case.card_number),), move)
            case _:
                pass
        return NOTHING

    def tick(self) -> Outcome:
        if self.context.case.sealed is not None:
            return FORWARD if self._seen_long_enough else NOTHING
        if self.busy and self.context.monotonic_s >= self._until_s:
            self._problem = (
                SubmitProblemKind.UNSURE if self._sealing else SubmitProblemKind.DOCUMENTS
            )
        return NOTHING

    def leave(self) -> tuple[Effect, ...]:
        """Who does not wait for the disk any longer takes back what it has not begun to write."""
        waits = self._sealing and self.context.case.sealed is None
        return (GiveUpSeal(self.scope),) if waits else ()

    @property
    def _seen_long_enough(self) -> bool:
        return self.context.monotonic_s >= self._shown_s + LEAST_SHOWN_S

    # -- the two halves -------------------------------------------------------

    def _begin(self) -> Outcome:
        self._pdfs.clear()
        self._sealing, self._problem = False, None
        return self._make()

    @property
    def _materials(self) -> tuple[Material, ...]:
        """Those that were taken; others are handed in later."""
        case = self.context.case
        return tuple(m for m in wanted(self.context.item, case) if case.pages.get(m.code))

    def _make(self) -> Outcome:
        """One document for each material; the picture of the signature comes with every one."""
        case, materials = self.context.case, self._materials
        self._until_s = self.context.monotonic_s + DOCUMENTS_LIMIT_S
        if not materials:
            return Outcome((MakeDocuments(self.scope, (), case.strokes),))
        material = materials[len(self._pdfs)]
        pages = tuple(page.jpeg for page in case.pages[material.code])
        return Outcome((MakeDocuments(self.scope, pages, case.strokes, material.most_kb << 10),))

    def _seal(self, signature_png: bytes) -> Outcome:
        context, case = self.context, self.context.case
        applicant = case.applicant
        if applicant is None:  # the loader lets nobody submit without being identified
            self._problem = SubmitProblemKind.STORE
            return NOTHING
        self._sealing = True
        self._until_s = context.monotonic_s + SEAL_LIMIT_S
        papers = tuple(
            Attachment(material.code, PDF, pdf)
            for material, pdf in zip(self._materials, self._pdfs, strict=True)
        )
        if case.supplement is not None:
            return Outcome((self._hand_in(case.supplement, applicant, papers),))
        body: dict[str, object] = {
            "item": case.item,
            "item_version": case.item_version,
            "terminal": context.settings.terminal.code,
            "session": context.session,
            "accepted_at": _utc_text(context.now),
            "language": context.preferences.language,
            "consent": {
                "version": case.consent_version,
                "agreed_at": _utc_text(case.consent_at) if case.consent_at else None,
            },
            "applicant": to_json(applicant),
            "agent": self._agent(),
            "form": {code: value.strip() for code, value in case.form.items()},
            "materials": self._named(papers),
            "signature": {
                "sha256": hashlib.sha256(signature_png).hexdigest(),
                "media_type": PNG,
                "bytes": len(signature_png),
            },
            "earlier_number": case.earlier_number,
        }
        name = masking.name(applicant.name or applicant.english_name)
        lines = kept_lines(
            context.item.name.zh,
            name,
            phone_masked(context.item, case),
            context.item.department.zh,
            context.item.days,
        )
        return Outcome(
            (
                Seal(
                    scope=self.scope,
                    item=case.item,
                    id_number=applicant.number,
                    name_masked=name,
                    application=body,
                    attachments=(*papers, Attachment("signature", PNG, signature_png)),
                    receipt=lines,
                    lacks=tuple(
                        m.code for m in context.item.materials if not case.pages.get(m.code)
                    ),
                ),
            )
        )

    def _hand_in(
        self, supplement: Supplement, applicant: CardRecord, papers: tuple[Attachment, ...]
    ) -> HandIn:
        """Whose application it is always shows their card; who acts for them may be another
        relative than the one who applied."""
        context, case = self.context, self.context.case
        body: dict[str, object] = {
            "item": case.item,
            "terminal": context.settings.terminal.code,
            "session": context.session,
            "language": context.preferences.language,
            "by": to_json(applicant),
            "agent": self._agent(),
            "materials": self._named(papers),
            "signature": None,
        }
        codes = tuple(paper.code for paper in papers)
        return HandIn(self.scope, supplement.number, case.item, body, papers, codes)

    def _agent(self) -> dict[str, object] | None:
        case = self.context.case
        return to_json(case.agent) if case.for_relative and case.agent else None

    def _named(self, papers: tuple[Attachment, ...]) -> list[dict[str, object]]:
        pages = self.context.case.pages
        return [
            {
                "code": material.code,
                "name": material.name.zh,
                "sha256": hashlib.sha256(paper.content).hexdigest(),
                "media_type": paper.media_type,
                "bytes": len(paper.content),
                "pages": len(pages[material.code]),
                "kept_despite": _despite(pages[material.code]),
            }
            for material, paper in zip(self._materials, papers, strict=True)
        ]


def _despite(pages: tuple[TakenPage, ...]) -> str:
    """What pages of one material were kept in spite of, each once; as long as the hub takes."""
    named = [part for page in pages for part in page.kept_despite.split(",") if part]
    kept = ""
    for part in dict.fromkeys(named):
        longer = f"{kept},{part}" if kept else part
        if len(longer) <= DESPITE_CHARACTERS:
            kept = longer
    return kept


def _utc_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

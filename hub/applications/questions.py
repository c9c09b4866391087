"""What a terminal may ask: how far an application is, and whether there is an earlier one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from hub.applications.decisions import asked_for
from hub.applications.models import SIGNATURE, Application, Enclosure, State
from hub.applications.opener import Opener
from hub.numbers import read_qr, terminal_of
from hub.terminals.enrolment import signed_by

TOLD_CHARACTERS = 200  # of a clerk's words, on the page of a terminal


class ProgressFault(StrEnum):
    QR_UNREADABLE = "qr_unreadable"
    SIGNATURE_WRONG = "signature_wrong"
    UNKNOWN_NUMBER = "unknown_number"


def progress(qr_text: str, opener: Opener) -> Application | ProgressFault:
    """Only who holds the receipt can ask: its signature must be one of its terminal's."""
    qr = read_qr(qr_text)
    if qr is None:
        return ProgressFault.QR_UNREADABLE
    if not signed_by(qr.terminal, qr.signed, qr.signature):
        return ProgressFault.SIGNATURE_WRONG
    return of_number(qr.number, opener) or ProgressFault.UNKNOWN_NUMBER


def of_number(number: str, opener: Opener) -> Application | None:
    """What was taken a moment ago and still waits to be opened is opened for the asking."""
    found = Application.objects.filter(pk=number)
    application = found.first()
    if application is None:
        opener.of_number(terminal_of(number), number)
        application = found.first()
    return application


@dataclass(frozen=True, slots=True)
class Earlier:
    """`materials`: codes of what is held of it, handed in then or later; `note`: what staff ask for."""

    number: str
    accepted_at: datetime
    state: str
    materials: list[str]
    note: str = field(repr=False)


def earlier(
    item: str, id_number: str, since: datetime, asking: str, opener: Opener
) -> Earlier | None:
    """The newest application of this person for this item: since then, or, whatever its age, one that
    staff want more for. Whoever comes back is likely to stand at the same terminal: what it handed
    over is opened first."""
    opener.of_terminal(asking)
    found = (
        Application.objects.filter(applicant_number=id_number, item=item)
        .filter(Q(accepted_at__gte=since) | Q(state=State.NEEDS_MORE))
        .order_by("-accepted_at", "-number")
        .first()
    )
    if found is None:
        return None
    note = asked_for(found)
    if len(note) > TOLD_CHARACTERS:
        note = note[: TOLD_CHARACTERS - 1] + "…"
    held = sorted(codes_held(found))
    return Earlier(found.number, found.accepted_at, found.state, held, note)


def codes_held(application: Application) -> set[str]:
    """Of materials, handed in with the application or later."""
    codes: set[str] = set()
    for enclosed in (
        application.enclosures,
        Enclosure.objects.filter(papers__application=application),
    ):
        codes.update(enclosed.values_list("code", flat=True))
    return codes - {SIGNATURE}

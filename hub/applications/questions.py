"""What a terminal may ask: how far an application is, and whether there is an earlier one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from hub.applications.models import Application, State
from hub.applications.opener import Opener
from hub.numbers import read_qr, terminal_of
from hub.terminals.enrolment import signed_by


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


def earlier(
    item: str, id_number: str, since: datetime, asking: str, opener: Opener
) -> Application | None:
    """The newest application of this person for this item, if it was not refused. Whoever comes
    back is likely to stand at the same terminal: what it handed over is opened first."""
    opener.of_terminal(asking)
    return (
        Application.objects.filter(applicant_number=id_number, item=item, accepted_at__gte=since)
        .exclude(state=State.REFUSED)
        .order_by("-accepted_at", "-number")
        .first()
    )

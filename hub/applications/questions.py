"""What a terminal may ask: how far an application is, and whether there is an earlier one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from hub.applications.models import Application, State
from hub.numbers import read_qr
from hub.terminals.enrolment import signed_by


class ProgressFault(StrEnum):
    QR_UNREADABLE = "qr_unreadable"
    SIGNATURE_WRONG = "signature_wrong"
    UNKNOWN_NUMBER = "unknown_number"


def progress(qr_text: str) -> Application | ProgressFault:
    """Only who holds the receipt can ask: its signature must be one of its terminal's."""
    qr = read_qr(qr_text)
    if qr is None:
        return ProgressFault.QR_UNREADABLE
    if not signed_by(qr.terminal, qr.signed, qr.signature):
        return ProgressFault.SIGNATURE_WRONG
    application = Application.objects.filter(pk=qr.number).first()
    return application or ProgressFault.UNKNOWN_NUMBER


def earlier(item: str, id_number: str, since: datetime) -> Application | None:
    """The newest application of this person for this item, if it was not refused."""
    return (
        Application.objects.filter(applicant_number=id_number, item=item, accepted_at__gte=since)
        .exclude(state=State.REFUSED)
        .order_by("-accepted_at", "-number")
        .first()
    )

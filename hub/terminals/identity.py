"""Who is asking: the terminal named by the client certificate of a request.

The server ends TLS and hands the certificate on; behind a gateway on this machine a header may
carry it (HUB_GATEWAY). Its dates are judged here: one that ran out while the line was dead may
still deliver what waits and renew itself, for `GRACE_D` days.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from hub.terminals.authority import GRACE_D, fingerprint, read_authority, terminal_named
from hub.terminals.models import Terminal, TerminalCertificate

ENVIRON = "hub.client_certificate"  # DER, from the server
GATEWAY_HEADER = "HTTP_X_CLIENT_CERTIFICATE"
LOOPBACK = frozenset({"127.0.0.1", "::1"})
# A contact a minute would otherwise be a write a minute and terminal for one field.
CONTACT_NOTED_S = 20

log = logging.getLogger("hub.identity")


class Stranger(StrEnum):
    """Why nobody is believed."""

    NO_CERTIFICATE = "not_enrolled"
    UNKNOWN = "certificate_unknown"
    REVOKED = "certificate_revoked"
    EXPIRED = "certificate_expired"


def terminal_asking(request: HttpRequest, *, may_be_expired: bool) -> Terminal | Stranger:
    """The terminal, and a note that it was heard of."""
    der = _shown(request)
    if not der:
        return Stranger.NO_CERTIFICATE
    now = timezone.now()
    name = fingerprint(der)
    holder = _holder(name)
    if holder is None and _adopted(der, name, now):
        holder = _holder(name)
    if holder is None:
        return Stranger.UNKNOWN
    terminal = holder.terminal
    if holder.revoked or terminal.disabled_at is not None:
        return Stranger.REVOKED
    if now > holder.ends + timedelta(days=GRACE_D if may_be_expired else 0):
        return Stranger.EXPIRED
    _note_contact(terminal, now)
    return terminal


# Written out, and without a model's query: every request passes here.
_HOLDER = (
    "SELECT t.code, t.last_contact, t.disabled_at, t.verdict_no,"
    " c.revoked_at IS NOT NULL, c.not_after"
    " FROM terminals_terminalcertificate c JOIN terminals_terminal t ON t.code = c.terminal_id"
    " WHERE c.fingerprint = %s"
)
_OF_TERMINAL = ("code", "last_contact", "disabled_at", "verdict_no")


@dataclass(frozen=True, slots=True)
class _Holder:
    terminal: Terminal
    revoked: bool
    ends: datetime


def _holder(name: str) -> _Holder | None:
    """The terminal of this certificate, with what is known of the certificate."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDER, [name])
        row = cursor.fetchone()
    if row is None:
        return None
    code, last_contact, disabled_at, verdict_no, revoked, ends = row
    known = (code, last_contact and _utc(last_contact), disabled_at, verdict_no)
    terminal = Terminal.from_db(connection.alias, _OF_TERMINAL, known)
    return _Holder(terminal, bool(revoked), _utc(ends))


def _utc(at: datetime) -> datetime:
    """SQLite keeps no zone."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _shown(request: HttpRequest) -> bytes:
    der = request.META.get(ENVIRON)
    if isinstance(der, bytes) and der:
        return der
    if not settings.GATEWAY or request.META.get("REMOTE_ADDR") not in LOOPBACK:
        return b""
    with contextlib.suppress(ValueError):
        pem = unquote_to_bytes(request.META.get(GATEWAY_HEADER, ""))
        return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return b""


def _adopted(der: bytes, name: str, now: datetime) -> bool:
    """A certificate that our authority signed and the database does not know: the hub was restored
    from a copy made before. Its terminal must not be stranded with what it keeps."""
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        return False
    code = terminal_named(certificate)
    if code is None or not read_authority(settings.KEYS).issued(certificate):
        return False
    terminal, _ = Terminal.objects.get_or_create(code=code, defaults={"enrolled_at": now})
    TerminalCertificate.objects.get_or_create(
        fingerprint=name,
        defaults={
            "terminal": terminal,
            "issued_at": certificate.not_valid_before_utc,
            "not_after": certificate.not_valid_after_utc,
        },
    )
    log.warning("a certificate of ours that the database had lost was adopted terminal=%s", code)
    return True


_NOTE = "UPDATE terminals_terminal SET last_contact = %s WHERE code = %s"
# Not waited for on the disk: when ten thousand come back, each held a thread three times as long for
# a time that the next minute's contact tells again.
_NOT_WAITED_FOR = " AND set_config('synchronous_commit', 'off', true) IS NOT NULL"


def _note_contact(terminal: Terminal, now: datetime) -> None:
    noted = terminal.last_contact
    if noted is not None and abs(now - noted) < timedelta(seconds=CONTACT_NOTED_S):
        return
    alone = connection.vendor == "postgresql" and not connection.in_atomic_block
    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(_NOTE + _NOT_WAITED_FOR if alone else _NOTE, [at, terminal.code])

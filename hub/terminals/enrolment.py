"""How a terminal becomes known: a one-time code given by staff buys a certificate.

The code carries a pin of the hub's authority, so that the terminal knows to whom it speaks before
it trusts anybody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from hub.terminals.authority import Authority, Issued, read_authority
from hub.terminals.models import EnrolmentCode, Terminal, TerminalCertificate, TerminalKey

CODE_LIFE_S = 600  # long enough to walk to the terminal, short enough to be useless tomorrow
CODE_CHARACTERS = 8
# No 0/O, 1/I/L, U/V: it is read aloud over the telephone and typed on a screen.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXYZ"
PUBLIC_KEY_BYTES = 32


class EnrolFault(StrEnum):
    CODE_UNKNOWN = "code_unknown"
    CODE_USED = "code_used"
    CODE_EXPIRED = "code_expired"


@dataclass(frozen=True, slots=True)
class NewCode:
    terminal: str
    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    terminal: str
    certificate: str = field(repr=False)  # PEM
    authority: str = field(repr=False)  # PEM


def new_code(terminal: Terminal, made_by: str) -> NewCode:
    """A fresh code; earlier unused ones of this terminal end now."""
    plain = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARACTERS))
    now = timezone.now()
    expires_at = now + timedelta(seconds=CODE_LIFE_S)
    with transaction.atomic():
        EnrolmentCode.objects.filter(
            terminal=terminal, used_at__isnull=True, expires_at__gt=now
        ).update(expires_at=now)
        EnrolmentCode.objects.create(
            terminal=terminal,
            digest=_code_digest(plain),
            created_at=now,
            expires_at=expires_at,
            made_by=made_by,
        )
    pin = read_authority(settings.KEYS).pin
    return NewCode(terminal.code, f"{plain[:4]}-{plain[4:]}-{pin}", expires_at)


def enrol(
    code: str, key: ec.EllipticCurvePublicKey, receipt_key: bytes, software: str
) -> Enrolled | EnrolFault:
    """Spend the code. The terminal's former certificates end; its former receipt keys stay known.

    The same key may come again with the same code while it lives: the answer may have been lost.
    """
    now = timezone.now()
    authority = read_authority(settings.KEYS)
    plain = _plain(code)
    short, pin = plain[:CODE_CHARACTERS], plain[CODE_CHARACTERS:]
    asked_for = _key_digest(key)
    with transaction.atomic():
        row = EnrolmentCode.objects.filter(digest=_code_digest(short)).first()
        if row is None or (pin and pin != authority.pin):
            return EnrolFault.CODE_UNKNOWN
        again = row.used_at is not None and row.used_for == asked_for
        if row.used_at is not None and not again:
            return EnrolFault.CODE_USED
        if row.expires_at <= now:
            return EnrolFault.CODE_EXPIRED
        # Of two at the same instant, one changes the row.
        if not again and not EnrolmentCode.objects.filter(pk=row.pk, used_at__isnull=True).update(
            used_at=now, used_for=asked_for
        ):
            return EnrolFault.CODE_USED
        revoke(row.terminal_id)
        Terminal.objects.filter(pk=row.terminal_id).update(
            enrolled_at=now,
            last_contact=now,
            software=software,
            disabled_at=None,
        )
        TerminalKey.objects.get_or_create(
            terminal_id=row.terminal_id,
            public_key=base64.b64encode(receipt_key).decode("ascii"),
        )
        issued = _issue(authority, row.terminal_id, key)
    return Enrolled(row.terminal_id, issued.pem, authority.pem)


def renew(terminal: Terminal, key: ec.EllipticCurvePublicKey) -> Enrolled:
    """A new certificate; the one before stays good until it ends, for the answer may be lost."""
    authority = read_authority(settings.KEYS)
    issued = _issue(authority, terminal.code, key)
    return Enrolled(terminal.code, issued.pem, authority.pem)


def revoke(terminal_code: str) -> int:
    """End every certificate of the terminal. How many."""
    return TerminalCertificate.objects.filter(
        terminal_id=terminal_code, revoked_at__isnull=True
    ).update(revoked_at=timezone.now())


def _issue(authority: Authority, terminal: str, key: ec.EllipticCurvePublicKey) -> Issued:
    now = timezone.now()
    issued = authority.issue(terminal, key, now)
    TerminalCertificate.objects.create(
        fingerprint=issued.fingerprint,
        terminal_id=terminal,
        issued_at=now,
        not_after=issued.not_after,
    )
    return issued


def read_public_key(text: str) -> bytes | None:
    """32 raw bytes from base64; None if they are anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == PUBLIC_KEY_BYTES else None


def signed_by(terminal_code: str, message: bytes, signature: bytes) -> bool:
    """Whether one of the terminal's keys, present or past, made this signature."""
    keys = TerminalKey.objects.filter(terminal_id=terminal_code).order_by("-registered_at")
    for row in keys:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(row.public_key))
        try:
            key.verify(signature, message)
        except InvalidSignature:
            continue
        return True
    return False


def _plain(code: str) -> str:
    return "".join(character for character in code.upper() if character.isalnum())


def _code_digest(plain: str) -> str:
    """Keyed, because a short code alone could be found by trying."""
    return salted_hmac("hub.enrolment", plain, algorithm="sha256").hexdigest()


def _key_digest(key: ec.EllipticCurvePublicKey) -> str:
    public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()

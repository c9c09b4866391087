"""How a terminal becomes known: a one-time code given by staff buys a token."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from hub.terminals.models import EnrolmentCode, Terminal, TerminalKey

CODE_LIFE_S = 600  # long enough to walk to the terminal, short enough to be useless tomorrow
CODE_CHARACTERS = 8
# No 0/O, 1/I/L, U/V: it is read aloud over the telephone and typed on a screen.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXYZ"
TOKEN_BYTES = 32
PUBLIC_KEY_BYTES = 32
# A contact a minute would otherwise be a write a minute and terminal for one field.
CONTACT_NOTED_S = 20


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
    token: str = field(repr=False)


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
    return NewCode(terminal.code, f"{plain[:4]}-{plain[4:]}", expires_at)


def enrol(code: str, public_key: bytes, software: str) -> Enrolled | EnrolFault:
    """Spend the code. The terminal's former token ends; its former keys stay known."""
    now = timezone.now()
    with transaction.atomic():
        row = EnrolmentCode.objects.filter(digest=_code_digest(code)).first()
        if row is None:
            return EnrolFault.CODE_UNKNOWN
        if row.used_at is not None:
            return EnrolFault.CODE_USED
        if row.expires_at <= now:
            return EnrolFault.CODE_EXPIRED
        # Of two at the same instant, one changes the row.
        if not EnrolmentCode.objects.filter(pk=row.pk, used_at__isnull=True).update(used_at=now):
            return EnrolFault.CODE_USED
        token = secrets.token_urlsafe(TOKEN_BYTES)
        Terminal.objects.filter(pk=row.terminal_id).update(
            token_digest=_token_digest(token),
            enrolled_at=now,
            last_contact=now,
            software=software,
            disabled_at=None,
        )
        TerminalKey.objects.get_or_create(
            terminal_id=row.terminal_id, public_key=base64.b64encode(public_key).decode("ascii")
        )
    return Enrolled(row.terminal_id, token)


def terminal_with(token: str) -> Terminal | None:
    """The terminal this token belongs to, and a note that it was heard of."""
    terminal = Terminal.objects.filter(
        token_digest=_token_digest(token), disabled_at__isnull=True
    ).first()
    if terminal is None:
        return None
    now = timezone.now()
    noted = terminal.last_contact
    if noted is None or abs(now - noted) >= timedelta(seconds=CONTACT_NOTED_S):
        Terminal.objects.filter(pk=terminal.pk).update(last_contact=now)
    return terminal


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


def _code_digest(code: str) -> str:
    """Keyed, because a short code alone could be found by trying."""
    plain = "".join(character for character in code.upper() if character.isalnum())
    return salted_hmac("hub.enrolment", plain, algorithm="sha256").hexdigest()


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()

"""The number of an application, and the text of its QR code.

Terminal code (4), local date (yymmdd), daily serial (4), two check characters (ISO 7064 MOD 97-10,
A = 10 … Z = 35): QS01 2611 2200 3757. The QR text adds a signature and nothing personal.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kiosk.clock import local

GROUP_CHARACTERS = 4
SERIAL_MAX = 9999  # a terminal that takes one a minute, day and night, uses 1,440
QR_PREFIX = "ZW1"
SIGNATURE_BYTES = 64  # Ed25519
QR_CHARACTERS_MAX = 200  # a receipt's text has 125; longer is something else

_NUMBER = re.compile(r"[A-Z0-9]{4}[0-9]{12}")


class QrFault(StrEnum):
    NOT_A_RECEIPT = "not_a_receipt"
    NUMBER_WRONG = "number_wrong"  # looks like one; its check characters do not agree


@dataclass(frozen=True, slots=True)
class ReceiptQr:
    """What a receipt's QR says; the signature is still to be checked."""

    number: str
    signature: bytes = field(repr=False)


def make(terminal: str, serial: int, at: datetime) -> str:
    """The number of the `serial`-th application of the local day of `at` (UTC)."""
    if not 1 <= serial <= SERIAL_MAX:
        raise ValueError("serial out of range")
    body = f"{terminal}{local(at):%y%m%d}{serial:04d}"
    return f"{body}{98 - _digits(body + '00') % 97:02d}"


def agrees(number: str) -> bool:
    """Whether the two check characters fit: a mistyped or swapped character is noticed."""
    return bool(_NUMBER.fullmatch(number)) and _digits(number) % 97 == 1


def grouped(number: str) -> str:
    """In groups of four, as printed and shown."""
    return " ".join(
        number[at : at + GROUP_CHARACTERS] for at in range(0, len(number), GROUP_CHARACTERS)
    )


def signed_part(number: str) -> bytes:
    """What the terminal's key signs."""
    return f"{QR_PREFIX}.{number}".encode("ascii")


def qr_text(number: str, signature: bytes) -> str:
    return f"{QR_PREFIX}.{number}.{base64.b32encode(signature).decode('ascii').rstrip('=')}"


def parse_qr(data: bytes) -> ReceiptQr | QrFault:
    """Read scanned bytes, which may be anything."""
    if len(data) > QR_CHARACTERS_MAX:
        return QrFault.NOT_A_RECEIPT
    try:
        parts = data.decode("ascii").strip().split(".")
    except UnicodeDecodeError:
        return QrFault.NOT_A_RECEIPT
    if len(parts) != 3 or parts[0] != QR_PREFIX or not _NUMBER.fullmatch(parts[1]):
        return QrFault.NOT_A_RECEIPT
    try:
        signature = base64.b32decode(parts[2] + "=" * (-len(parts[2]) % 8))
    except binascii.Error:
        return QrFault.NOT_A_RECEIPT
    if len(signature) != SIGNATURE_BYTES:
        return QrFault.NOT_A_RECEIPT
    if not agrees(parts[1]):
        return QrFault.NUMBER_WRONG
    return ReceiptQr(parts[1], signature)


def _digits(text: str) -> int:
    """ISO 7064: letters count as two digits."""
    return int("".join(str(int(character, 36)) for character in text))

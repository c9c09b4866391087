"""Receipt numbers and the text of a receipt's QR code, as the terminals make them.

Number: terminal code (4), local date yymmdd, daily serial (4), two check characters by
ISO 7064 MOD 97-10 (A = 10 … Z = 35). QR: `ZW1.<number>.<base32 Ed25519 signature, no padding>`.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

TERMINAL_PATTERN = r"^[A-Z0-9]{4}$"
NUMBER_PATTERN = r"^[A-Z0-9]{4}[0-9]{12}$"
QR_PREFIX = "ZW1"
SIGNATURE_BYTES = 64
QR_CHARACTERS_MAX = 200

_NUMBER = re.compile(r"[A-Z0-9]{4}[0-9]{12}")
_SIGNATURE = re.compile(r"[A-Z2-7]{103}")  # 64 bytes in base32 without its one "="


@dataclass(frozen=True, slots=True)
class Qr:
    number: str
    signed: bytes
    signature: bytes = field(repr=False)

    @property
    def terminal(self) -> str:
        return terminal_of(self.number)


def check_characters_fit(number: str) -> bool:
    """MOD 97-10 finds every single wrong character and nearly every swapped pair."""
    if not _NUMBER.fullmatch(number):
        return False
    return int("".join(str(int(character, 36)) for character in number)) % 97 == 1


def terminal_of(number: str) -> str:
    return number[:4]


def grouped(number: str) -> str:
    """As printed: QS01 2611 2200 3757."""
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def read_qr(text: str) -> Qr | None:
    """None for what no terminal printed; the signature is still to be checked."""
    parts = text.strip().split(".") if len(text) <= QR_CHARACTERS_MAX else []
    if len(parts) != 3 or parts[0] != QR_PREFIX or not check_characters_fit(parts[1]):
        return None
    if not _SIGNATURE.fullmatch(parts[2]):
        return None
    try:
        signature = base64.b32decode(parts[2] + "=")
    except binascii.Error:
        return None
    if len(signature) != SIGNATURE_BYTES:
        return None
    return Qr(parts[1], f"{QR_PREFIX}.{parts[1]}".encode("ascii"), signature)

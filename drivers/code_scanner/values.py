"""What a code scanner takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_CODE_BYTES = 4096  # a version 40 QR holds 2,953 bytes; anything longer is noise or an attack


@dataclass(frozen=True, slots=True)
class ScanCodes:
    """Pass scanned codes on until told otherwise."""


@dataclass(frozen=True, slots=True)
class StopScanning:
    """Drop whatever is scanned from now on."""


@dataclass(frozen=True, slots=True)
class CodeScanned:
    """One code, whole. Untrusted bytes: whoever uses them checks against a whitelist."""

    data: bytes = field(repr=False)

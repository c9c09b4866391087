"""What a code scanner takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MAX_CODE_BYTES: Final = (
    4096  # a version 40 QR holds 2,953 bytes; anything longer is noise or an attack
)


class Suffix(StrEnum):
    """How this scanner is set to end a code."""

    AUTO = "auto"  # CR, LF or both; by silence until the first of them was seen
    CR = "cr"
    LF = "lf"
    CRLF = "crlf"
    TAB = "tab"
    NONE = "none"  # a short silence


@dataclass(frozen=True, slots=True)
class CodeRule:
    """What a step expects of a code: so many bytes, all of them like `pattern` (a regular expression
    over ASCII; "" for any). Control characters never pass, whatever the rule."""

    min_bytes: int = 1
    max_bytes: int = MAX_CODE_BYTES
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class ScanCodes:
    """Pass scanned codes on until told otherwise: those that `rule` allows."""

    rule: CodeRule = CodeRule()


@dataclass(frozen=True, slots=True)
class StopScanning:
    """Drop whatever is scanned from now on."""


@dataclass(frozen=True, slots=True)
class CodeScanned:
    """One code, whole, as the rule allows. Still untrusted: it says what anybody may have printed."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """Something was scanned that is not what the step expects; what it said is not passed on."""

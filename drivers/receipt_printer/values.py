"""What a receipt printer takes and gives: lines, not bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from drivers.device import Fault


class Align(StrEnum):
    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph; the driver wraps it by East Asian width. `large` doubles width and height."""

    text: str = field(repr=False)
    align: Align = Align.LEFT
    large: bool = False
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A label at the left, a value at the right, on one line where both fit, on two otherwise."""

    label: str
    value: str = field(repr=False)
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A dashed line over the whole width."""


@dataclass(frozen=True, slots=True)
class QrCode:
    """A native QR code, centred; `modules_dots` is the size of one module in dots."""

    text: str = field(repr=False)
    modules_dots: int = 6


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture file's bytes (PNG), black on white, centred; made smaller where the paper is narrow."""

    png: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Feed:
    lines: int = 1


Line = Text | Pair | Rule | QrCode | Logo | Feed


@dataclass(frozen=True, slots=True)
class PrintReceipt:
    """Print the lines, cut, and follow the paper to its end. `job` names it in logs."""

    job: str
    lines: tuple[Line, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Printed:
    """The printer confirmed, in order, after the cut."""

    job: str


@dataclass(frozen=True, slots=True)
class PrintFailed:
    """`fault.code` SILENT means unknown: the paper may or may not be out.

    `begun`: some of it was sent, so that some of it may be on paper.
    """

    job: str
    fault: Fault
    begun: bool = True


class Confirm(StrEnum):
    """The question after the cut, which the printer answers when the paper has been printed."""

    STATUS = "status"  # GS r 1: every make answers it, with one byte
    PROCESS_ID = "process_id"  # GS ( H: newer makes; the answer names the job


class PaperMeter(Protocol):
    """How much of the roll has been used, and whether a receipt was begun and never confirmed.

    Kept across restarts by somebody above.
    """

    def used_mm(self) -> float: ...

    def add(self, mm: float) -> None: ...

    def new_roll(self) -> None: ...

    def torn(self) -> bool: ...

    def set_torn(self, torn: bool) -> None: ...

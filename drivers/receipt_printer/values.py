"""What a receipt printer takes and gives: lines, not bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

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
class Feed:
    lines: int = 1


Line = Text | Pair | Rule | QrCode | Feed


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
    """`fault.code` SILENT means unknown: the paper may or may not be out."""

    job: str
    fault: Fault

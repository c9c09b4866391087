"""What the A4 printer takes and gives. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from drivers.device import Fault


class Sides(StrEnum):
    """On which sides of the sheet; a printer that cannot prints on one."""

    ONE = "one-sided"
    LONG_EDGE = "two-sided-long-edge"  # turned like the pages of a book
    SHORT_EDGE = "two-sided-short-edge"


@dataclass(frozen=True, slots=True)
class PrintPdf:
    """Print a PDF on A4. `job` names it in logs and is never told to the printer.

    `document`: its bytes, or the path of a temporary file, which the printer only reads.
    """

    job: str
    document: bytes | Path = field(repr=False)
    copies: int = 1
    sides: Sides = Sides.ONE
    grey: bool = False  # also where the printer has colours


@dataclass(frozen=True, slots=True)
class SheetsOut:
    """So many sheets of the job are out by now, as far as the queue counts."""

    job: str
    sheets: int


@dataclass(frozen=True, slots=True)
class PagesPrinted:
    """The queue says that the job has ended well. `sheets`: as counted there, 0 if it does not count.

    CUPS counts both sides of a sheet only roughly.
    """

    job: str
    sheets: int


@dataclass(frozen=True, slots=True)
class PagesFailed:
    """It did not print, or not whole: `sheets` may lie in the tray. Nothing of it is left inside.

    `fault.code` SILENT means unknown.
    """

    job: str
    fault: Fault
    sheets: int


@dataclass(frozen=True, slots=True)
class QueueKeepsJobs:
    """For staff: this CUPS keeps finished jobs (PreserveJobHistory, PreserveJobFiles).

    They are purged one by one all the same; what must not be is that one is left by a crash.
    """

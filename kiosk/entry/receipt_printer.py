"""The receipt printer as the settings describe it."""

from __future__ import annotations

from pathlib import Path

from drivers.receipt_printer.driver import ReceiptPrinterDriver
from drivers.receipt_printer.values import Confirm, Logo
from kiosk.entry.paper_meter import FileMeter
from kiosk.settings import Settings


def receipt_printer(settings: Settings) -> ReceiptPrinterDriver:
    """A driver with its logo read and its paper counted."""
    printer = settings.receipt_printer
    return ReceiptPrinterDriver(
        printer.url,
        printer.paper_mm,
        confirm=Confirm(printer.confirm),
        logo=read_logo(printer.logo),
        meter=FileMeter(settings.paths.data) if printer.url else None,
        roll_m=printer.roll_m,
    )


def read_logo(path: Path | None) -> Logo | None:
    """None also for a file that is not there: a receipt without a logo is a receipt."""
    try:
        return Logo(path.read_bytes()) if path is not None else None
    except OSError:
        return None

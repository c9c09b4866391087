"""Millimetres of receipt paper used since the roll was put in, and whether a receipt was begun and never
confirmed: a small file beside the store."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Final

NAME: Final = "receipt_paper.json"


class FileMeter:
    """A `PaperMeter` of the receipt printer's driver. For its thread only.

    A file that cannot be read or written loses the count, never a receipt.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._used_mm, self._torn = self._read()

    def used_mm(self) -> float:
        return self._used_mm

    def add(self, mm: float) -> None:
        self._used_mm += max(0.0, mm)
        self._write()

    def new_roll(self) -> None:
        self._used_mm = 0.0
        self._write()

    def torn(self) -> bool:
        return self._torn

    def set_torn(self, torn: bool) -> None:
        self._torn = torn
        self._write()

    def _read(self) -> tuple[float, bool]:
        try:
            kept = json.loads(self._path.read_text(encoding="ascii"))
            return max(0.0, float(kept["used_mm"])), bool(kept["torn"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0, False

    def _write(self) -> None:
        part = self._path.with_suffix(".part")
        kept = {"used_mm": round(self._used_mm, 1), "torn": self._torn}
        with contextlib.suppress(OSError):
            part.write_text(json.dumps(kept), encoding="ascii")
            part.replace(self._path)

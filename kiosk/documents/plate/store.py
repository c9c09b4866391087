"""What a technician recorded of the plate: its picture without paper, and its scale.

Two files in one folder, written whole and read again whenever they have changed, so that a new
picture counts at once and a torn write never.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2

from kiosk.documents.picture import PictureFault, read_picture
from kiosk.documents.plate.reference import PlateReference
from kiosk.documents.plate.scale import PlateScale
from kiosk.documents.quads import Image

EMPTY_NAME: Final = "empty.png"  # without loss: it is compared with, level by level
SCALE_NAME: Final = "scale.json"


@dataclass(frozen=True, slots=True)
class PlateFacts:
    """None where nothing usable was recorded; `faults` names the files that hold something else."""

    empty: PlateReference | None
    scale: PlateScale | None
    faults: tuple[str, ...] = ()


class PlateStore:
    """One thread reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_at: tuple[int, int] | None = None

    def changed(self) -> PlateFacts | None:
        """What is recorded, the first time and whenever it has changed; else None."""
        now = (self._changed_at(EMPTY_NAME), self._changed_at(SCALE_NAME))
        if now == self._read_at:
            return None
        self._read_at = now
        faults: list[str] = []
        empty = None
        if now[0]:
            picture = read_picture(self._folder / EMPTY_NAME)
            if isinstance(picture, PictureFault):
                faults.append(EMPTY_NAME)
            else:
                empty = PlateReference(picture)
        scale = None
        if now[1]:
            scale = self.scale()
            if scale is None:
                faults.append(SCALE_NAME)
        return PlateFacts(empty, scale, tuple(faults))

    def scale(self) -> PlateScale | None:
        try:
            text = (self._folder / SCALE_NAME).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
        return PlateScale.from_json(text)

    def keep_empty(self, picture: Image) -> None:
        """OSError when it cannot be written."""
        done, data = cv2.imencode(".png", picture)
        if not done:
            raise OSError("the picture cannot be encoded")
        self._write(EMPTY_NAME, data.tobytes())

    def keep_scale(self, scale: PlateScale) -> None:
        """OSError when it cannot be written."""
        self._write(SCALE_NAME, scale.to_json().encode())

    def _changed_at(self, name: str) -> int:
        try:
            return (self._folder / name).stat().st_mtime_ns
        except OSError:
            return 0

    def _write(self, name: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f".{name}.new"
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / name)

"""`kiosk page FILES`: find, straighten and judge the page in pictures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2

from kiosk.documents.page import FoundPage, Image, find_page
from kiosk.documents.picture import PictureFault, read_picture
from kiosk.documents.plate import PlateReference
from kiosk.documents.quality import Quality, judge_page
from kiosk.documents.rectify import straighten, to_jpeg
from kiosk.entry.commands.answer import Exit, exit_code, fault_line, ok_line

CANNOT_WRITE: Final = "cannot_write"


@dataclass(frozen=True, slots=True)
class Unwritten:
    """What could not be written, and why."""

    path: Path
    why: str


def run(
    files: list[Path], *, json: bool, plate: Path | None = None, out: Path | None = None
) -> int:
    """A line a file; the highest exit code of all. A picture without a page is done as well."""
    cv2.setNumThreads(1)
    reference = None
    if plate is not None:
        empty = read_picture(plate)
        if isinstance(empty, PictureFault):
            return int(_fault(plate, empty.fault, empty.detail, json=json))
        reference = PlateReference(empty)
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return int(_fault(out, CANNOT_WRITE, error.strerror or "", json=json))
    worst = Exit.DONE
    for file in files:
        worst = max(worst, _one(file, reference, out, json=json))
    return int(worst)


def _fault(file: Path, fault: str, detail: str, *, json: bool) -> Exit:
    print(fault_line(fault, detail, file=str(file)) if json else f"{file}: {detail}")
    return exit_code(fault)


def _one(file: Path, plate: PlateReference | None, out: Path | None, *, json: bool) -> Exit:
    picture = read_picture(file)
    if isinstance(picture, PictureFault):
        return _fault(file, picture.fault, picture.detail, json=json)
    started = time.perf_counter()
    found = find_page(picture, plate)
    if found is None:
        milliseconds = _since(started)
        if json:
            line = ok_line(
                file=str(file),
                found=False,
                corners=[],
                confidence=0.0,
                quality={},
                advice=["no_page"],
                ms=milliseconds,
            )
        else:
            line = f"{file}: no page"
        print(line)
        return Exit.DONE
    page = straighten(picture, found.corners)
    quality = judge_page(page, found)
    milliseconds = _since(started)
    written = None if out is None else _write(out, file, page)
    if isinstance(written, Unwritten):
        return _fault(written.path, CANNOT_WRITE, written.why, json=json)
    advice = [trouble.advice.value for trouble in quality.troubles]
    if json:
        line = ok_line(
            file=str(file),
            found=True,
            corners=[[round(float(x), 2), round(float(y), 2)] for x, y in found.corners],
            confidence=round(found.confidence, 3),
            quality=_plain(quality, found, page),
            advice=advice,
            ms=milliseconds,
            **({"page": str(written)} if written is not None else {}),
        )
    else:
        line = f"{file}: page, {', '.join(advice) or 'good'}"
    print(line)
    return Exit.DONE


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


def _write(out: Path, file: Path, page: Image) -> Path | Unwritten:
    """The straightened page beside others; an earlier one is not overwritten."""
    target = out / f"{file.stem}.page.jpg"
    number = 1
    while target.exists():
        number += 1
        target = out / f"{file.stem}.page-{number}.jpg"
    try:
        target.write_bytes(to_jpeg(page))
    except OSError as error:
        target.unlink(missing_ok=True)  # half a picture is none
        return Unwritten(target, error.strerror or type(error).__name__)
    return target


def _plain(quality: Quality, found: FoundPage, page: Image) -> dict[str, object]:
    return {
        "paper_level": round(quality.paper_level, 1),
        "edge_px": round(quality.edge_px, 2),
        "glare": round(quality.glare_share, 4),
        "shadow": round(quality.shadow_share, 4),
        "finger": round(quality.finger_share, 4),
        "ink": round(quality.ink_share, 4),
        "cut_off": found.cut_off,
        "width_px": int(page.shape[1]),
        "height_px": int(page.shape[0]),
    }

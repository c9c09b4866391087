"""`kiosk page FILES`: find, straighten, turn upright and judge the page in pictures."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from kiosk.documents.pages.finder import FoundPage, find_page
from kiosk.documents.picture import PictureFault, read_picture
from kiosk.documents.plate.reference import PlateReference
from kiosk.documents.quads import Image
from kiosk.documents.quality import Quality, judge_page
from kiosk.documents.rectify import straighten, to_jpeg
from kiosk.documents.upright import SURE, UprightJudge, upright
from kiosk.entry.commands.answer import Exit, exit_code, fault_line, ok_line
from kiosk.entry.commands.file_name import printable, told

CANNOT_WRITE: Final = "cannot_write"
LEAST_PLATE_PX: Final = 64  # smaller than this no paper can be told from the plate
TURNED_ADVICE: Final = ("", "sideways", "upside_down", "sideways")  # by quarter turns


@dataclass(frozen=True, slots=True)
class Unusable:
    """What the command cannot use or write, which is not the picture itself, and why."""

    fault: str
    path: Path
    why: str


def run(
    files: list[Path], *, json: bool, plate: Path | None = None, out: Path | None = None
) -> int:
    """A line a file; the highest exit code of all. A picture without a page is done as well."""
    cv2.setNumThreads(1)
    reference = None if plate is None else _plate(plate)
    folder = None if out is None else _folder(out)
    judge = UprightJudge()
    worst = Exit.DONE
    for file in files:
        worst = max(worst, _one(file, reference, folder, judge, json=json))
    return int(worst)


def _plate(path: Path) -> PlateReference | Unusable:
    picture = read_picture(path)
    if isinstance(picture, PictureFault):
        return Unusable(picture.fault, path, picture.detail)
    if min(picture.shape[:2]) < LEAST_PLATE_PX:
        return Unusable("not_a_picture", path, "too small to be a picture of the plate")
    return PlateReference(picture)


def _folder(out: Path) -> Path | Unusable:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Unusable(CANNOT_WRITE, out, error.strerror or type(error).__name__)
    return out


def _fault(file: Path, fault: str, detail: str, *, json: bool, **more: object) -> Exit:
    name = told(file)
    print(fault_line(fault, detail, file=name, **more) if json else printable(f"{name}: {detail}"))
    return exit_code(fault)


def _unusable(file: Path, one: Unusable, *, json: bool) -> Exit:
    """Of the picture that could not be done for it, with what it was."""
    path = told(one.path)
    if json:
        return _fault(file, one.fault, one.why, json=True, path=path)
    return _fault(file, one.fault, f"{path}: {one.why}", json=False)


def _one(
    file: Path,
    plate: PlateReference | Unusable | None,
    out: Path | Unusable | None,
    judge: UprightJudge,
    *,
    json: bool,
) -> Exit:
    picture = read_picture(file)
    if isinstance(picture, PictureFault):
        return _fault(file, picture.fault, picture.detail, json=json)
    if isinstance(plate, Unusable):
        return _unusable(file, plate, json=json)
    if isinstance(out, Unusable):
        return _unusable(file, out, json=json)
    name = told(file)
    started = time.perf_counter()
    found = find_page(picture, plate)
    if found is None:
        milliseconds = _since(started)
        if json:
            line = ok_line(
                file=name,
                found=False,
                corners=[],
                confidence=0.0,
                quality={},
                advice=["no_page"],
                ms=milliseconds,
            )
        else:
            line = f"{printable(name)}: no page"
        print(line)
        return Exit.DONE
    page = straighten(picture, found.corners)
    quality = judge_page(page, found)
    milliseconds = _since(started)  # to find, straighten and judge
    page, way = upright(page, judge)
    turns = way.turns if way.sure >= SURE else 0
    written = None if out is None else _write(out, file, page)
    if isinstance(written, Unusable):
        return _unusable(file, written, json=json)
    advice = [trouble.advice.value for trouble in quality.troubles]
    if turns:
        advice.append(TURNED_ADVICE[turns])
    if json:
        # the first corner is the top left one of the upright page, as in its file
        corners = np.roll(found.corners, -turns, axis=0)
        line = ok_line(
            file=name,
            found=True,
            corners=[[round(float(x), 2), round(float(y), 2)] for x, y in corners],
            confidence=round(found.confidence, 3),
            quality=_plain(quality, found, page),
            advice=advice,
            ms=milliseconds,
            **({"page": told(written)} if written is not None else {}),
        )
    else:
        line = f"{printable(name)}: page, {', '.join(advice) or 'good'}"
    print(line)
    return Exit.DONE


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


def _write(out: Path, file: Path, page: Image) -> Path | Unusable:
    """The straightened page beside others; an earlier one is not overwritten."""
    target = out / f"{file.stem}.page.jpg"
    number = 1
    try:
        while target.exists():
            number += 1
            target = out / f"{file.stem}.page-{number}.jpg"
    except OSError as error:  # a name that is longer than names may be
        return Unusable(CANNOT_WRITE, target, error.strerror or type(error).__name__)
    try:
        target.write_bytes(to_jpeg(page))
    except OSError as error:
        with suppress(OSError):
            target.unlink(missing_ok=True)  # half a picture is none
        return Unusable(CANNOT_WRITE, target, error.strerror or type(error).__name__)
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
        "whole_picture": found.whole_picture,
        "width_px": int(page.shape[1]),
        "height_px": int(page.shape[0]),
    }

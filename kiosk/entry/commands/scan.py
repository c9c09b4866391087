"""`kiosk scan FILES`: read the codes in pictures."""

from __future__ import annotations

import time
from pathlib import Path

import cv2

from kiosk.documents.codes.found import Code
from kiosk.documents.codes.reader import read_codes
from kiosk.documents.picture import PictureFault, read_picture
from kiosk.entry.commands.answer import Exit, exit_code, fault_line, ok_line
from kiosk.entry.commands.file_name import printable, told


def run(files: list[Path], *, json: bool) -> int:
    """A line a file; the highest exit code of all. A file without a code is done as well."""
    cv2.setNumThreads(1)
    worst = Exit.DONE
    for file in files:
        worst = max(worst, _one(file, json=json))
    return int(worst)


def _one(file: Path, *, json: bool) -> Exit:
    picture = read_picture(file)
    name = told(file)
    if isinstance(picture, PictureFault):
        if json:
            print(fault_line(picture.fault, picture.detail, file=name))
        else:
            print(f"{printable(name)}: {picture.detail}")
        return exit_code(picture.fault)
    started = time.perf_counter()
    codes = read_codes(picture)
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    if json:
        print(ok_line(file=name, codes=[_plain(code) for code in codes], ms=milliseconds))
    elif not codes:
        print(f"{printable(name)}: no code")
    for code in () if json else codes:
        print(f"{printable(name)}: {code.format} {printable(code.text)}")
    return Exit.DONE


def _plain(code: Code) -> dict[str, object]:
    corners = [[round(x, 1), round(y, 1)] for x, y in code.corners]
    return {"format": code.format, "text": code.text, "corners": corners}

"""`kiosk diag plate`: what the terminal knows of the plate under the document camera.

At installation: `target` writes the sheet that is printed and laid on the plate, `scale` measures
it, `empty` takes the picture of the plate without paper. `empty` again whenever the lamp, the
camera or the mat was moved; a running terminal sees the new picture at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from drivers.device import Fault, Status
from drivers.document_camera.driver import DocumentCamera
from kiosk.clock import SystemClock
from kiosk.documents.pages.finder import find_page
from kiosk.documents.plate.scale import find_target
from kiosk.documents.plate.store import EMPTY_NAME, PlateStore
from kiosk.documents.plate.target import draw_target
from kiosk.documents.quads import Image
from kiosk.entry.commands.answer import Exit, bad_use, exit_code, fault_line, ok_line
from kiosk.settings import Settings

ACTIONS: Final = ("status", "target", "scale", "empty")
LIVE_LIMIT_S: Final = 8.0  # to open the camera and see it move
EMPTY_STILLS: Final = 5  # their mean has less than half of one's noise

Look = Callable[[str, int], "list[Image] | Fault"]


def run(settings: Settings, action: str, out: Path, *, json: bool, look: Look | None = None) -> int:
    """`out` is where `target` writes its PDF. `look` takes that many stills from the camera's URL."""
    cv2.setNumThreads(1)
    store = PlateStore(settings.document_camera.plate)
    look = look if look is not None else take_stills
    match action:
        case "status":
            return int(_status(store, json=json))
        case "target":
            return int(_target(out, json=json))
        case "scale":
            return int(_scale(store, look(settings.document_camera.url, 1), json=json))
        case "empty":
            stills = look(settings.document_camera.url, EMPTY_STILLS)
            return int(_empty(store, stills, json=json))
        case _:
            return int(bad_use(f"plate: {', '.join(ACTIONS)}", json=json))


def take_stills(url: str, count: int) -> list[Image] | Fault:
    """From the camera itself; a camera that only one program may use must be free of the terminal."""
    told: list[tuple[Status, str]] = []
    camera = DocumentCamera(
        url, clock=SystemClock(), report=lambda status, reason, model: told.append((status, reason))
    )
    camera.start()
    stills: list[Image] = []
    camera.newest(wait_s=LIVE_LIMIT_S)
    for _ in range(count):
        photo = camera.still()
        if isinstance(photo, Fault):
            camera.stop()
            status, reason = told[-1] if told else (Status.UNKNOWN, "")
            return Fault(photo.code, f"the camera is {status.value}: {reason}")
        stills.append(photo.bgr)
    camera.stop()
    return stills


def _fault(fault: str, detail: str, *, json: bool) -> Exit:
    print(fault_line(fault, detail) if json else detail)
    return exit_code(fault)


def _status(store: PlateStore, *, json: bool) -> Exit:
    facts = store.changed()
    empty = facts is not None and facts.empty is not None
    dpi = round(facts.scale.dpi, 1) if facts is not None and facts.scale is not None else None
    faults = list(facts.faults) if facts is not None else []
    if json:
        print(ok_line(empty=empty, dpi=dpi, faults=faults))
    else:
        print(f"picture of the empty plate: {'recorded' if empty else 'none'}")
        print(f"scale: {f'{dpi} dots an inch' if dpi else 'not measured'}")
        for name in faults:
            print(f"{name}: cannot be used")
    return Exit.FAULT if faults else Exit.DONE


def _target(out: Path, *, json: bool) -> Exit:
    try:
        out.write_bytes(draw_target())
    except OSError as error:
        return _fault("cannot_write", error.strerror or type(error).__name__, json=json)
    steps = "Print it at 100 %, measure the line of 100 mm, lay it flat on the plate, then: kiosk diag plate scale"
    print(ok_line(file=str(out)) if json else f"{out}\n{steps}")
    return Exit.DONE


def _scale(store: PlateStore, stills: list[Image] | Fault, *, json: bool) -> Exit:
    if isinstance(stills, Fault):
        return _fault(stills.code.value, stills.detail, json=json)
    scale = find_target(stills[0])
    if scale is None:
        return _fault("not_found", "the target is not seen whole and flat", json=json)
    try:
        store.keep_scale(scale)
    except OSError as error:
        return _fault("cannot_write", error.strerror or type(error).__name__, json=json)
    print(ok_line(dpi=round(scale.dpi, 1)) if json else f"{scale.dpi:.1f} dots an inch")
    return Exit.DONE


def _empty(store: PlateStore, stills: list[Image] | Fault, *, json: bool) -> Exit:
    if isinstance(stills, Fault):
        return _fault(stills.code.value, stills.detail, json=json)
    total = np.zeros(stills[0].shape, np.float32)
    for still in stills:
        total += still
    picture = np.asarray(np.clip(total / len(stills) + 0.5, 0, 255), np.uint8)
    if find_page(picture) is not None:
        return _fault("not_empty", "something lies on the plate: take it away first", json=json)
    try:
        store.keep_empty(picture)
    except OSError as error:
        return _fault("cannot_write", error.strerror or type(error).__name__, json=json)
    done = f"{EMPTY_NAME} recorded, {picture.shape[1]}x{picture.shape[0]}"
    print(ok_line(width_px=picture.shape[1], height_px=picture.shape[0]) if json else done)
    return Exit.DONE

"""What must be seen of each fault: for every device, way and page, the sentence or that nothing is felt.

A cell is `UNFELT`: the citizen does what the page asks for and comes on, and no sentence of trouble
with that device is on the page. Or it is `Told`: one of these sentences stands on the screen, by
itself or after the citizen has done what the page asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiosk.flow import pages

OUT = Path("out/faults")
Words = tuple[str, str]  # situation and key of ui/i18n; ("", text) is what stands in a row

STEPS: tuple[type[Any], ...] = (
    pages.Standby,
    pages.Home,
    pages.ServiceGuide,
    pages.Consent,
    pages.PlaceIdCard,
    pages.ConfirmIdentity,
    pages.Form,
    pages.CapturePage,
    pages.CheckPage,
    pages.Review,
    pages.Sign,
    pages.Submitting,
    pages.Accepted,
    pages.Rating,
    pages.TakeAway,
)
WAYS: dict[str, dict[str, Any]] = {
    "unplugged": {"plugged": False},
    "powered_off": {"powered": False},
    "silent": {"silent": True},
    "slow": {"slow": 6.0},
    "garbled": {"garble": -1, "garble_how": "flip"},
    "back_again": {"plugged": False},  # and plugged in again before anything more is done
}
WHOLE: dict[str, Any] = {
    "plugged": True,
    "powered": True,
    "silent": False,
    "slow": 1.0,
    "garble": 0,
}
DEVICES = {
    "id_reader": "id_reader",
    "camera": "document_camera",
    "receipt_printer": "receipt_printer",
    "keypad": "keypad",
    "code_scanner": "code_scanner",
    "io_board": "io_board",
    "loudspeaker": "voice",
}
# Devices that no page of this application asks for; a terminal of the rehearsal has none of them.
NOT_ASKED_FOR = {
    "card_reader": "a social or bank card has no part in this application",
    "page_printer": "this application prints nothing on A4",
}
_NO_WIRE = "the voice is a program of this machine and a folder of recordings: there is no wire"
# Why a pair of device and way says nothing, on any page.
MEANINGLESS: dict[tuple[str, str], str] = {
    ("code_scanner", "slow"): "it speaks only when somebody scans, and nobody scans here",
    ("code_scanner", "garbled"): "it speaks only when somebody scans, and nobody scans here",
    **{("loudspeaker", way): _NO_WIRE for way in WAYS},
}


@dataclass(frozen=True, slots=True)
class Told:
    """One of `words` is said. `used`: only after the citizen did what the page asks for; `maybe`:
    the device may just as well go on, or say another of these by the chance of what was spoilt."""

    words: tuple[Words, ...]
    used: bool = False
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Unfelt:
    """The citizen comes on, and nothing is said of this device."""


UNFELT = Unfelt()
Expected = Told | Unfelt

READER_CLOSED: Words = ("closure_reader", "short")
READER_CLOSED_WHY: Words = ("closure_reader", "full")
READER_LOST: Words = ("card_problem_reader_lost", "title")
CAMERA_LOST: Words = ("advice_camera_lost", "title")
NO_PAPER: Words = ("standby", "no_paper")
LOOK_YOURSELF: Words = ("", "look")  # 请看一下, in the row of what cannot be seen
PAPER_TROUBLE: tuple[Words, ...] = tuple(
    (f"receipt_{state}", "title")
    for state in ("unknown", "unavailable", "paper_out", "cover_open", "jammed")
)
TROUBLE: dict[str, tuple[Words, ...]] = {
    "id_reader": (READER_CLOSED, READER_CLOSED_WHY, READER_LOST, LOOK_YOURSELF),
    "camera": (("closure_camera", "short"), CAMERA_LOST, LOOK_YOURSELF),
    "receipt_printer": (NO_PAPER, *PAPER_TROUBLE),
    "keypad": (),
    "code_scanner": (("closure_scanner", "short"),),
    "io_board": (),
}
_READER: dict[type[Any], Told] = {
    pages.Standby: Told((READER_CLOSED_WHY,)),
    pages.Home: Told((READER_CLOSED,)),
    pages.ServiceGuide: Told((READER_CLOSED_WHY,)),
    pages.Consent: Told((READER_LOST,), used=True),
    pages.PlaceIdCard: Told((READER_LOST,)),
    pages.ConfirmIdentity: Told((READER_LOST,)),
    pages.TakeAway: Told((LOOK_YOURSELF,)),
}
_CAMERA: dict[type[Any], Told] = {
    pages.CapturePage: Told((CAMERA_LOST,)),
    pages.TakeAway: Told((LOOK_YOURSELF,)),
}
_PRINTER: dict[type[Any], Told] = {
    pages.Standby: Told((NO_PAPER,)),
    pages.Submitting: Told(PAPER_TROUBLE, used=True),
    pages.Accepted: Told(PAPER_TROUBLE),
}
_LOST = ("unplugged", "powered_off", "silent", "garbled")  # all but slow, and back again at once


def expected(device: str, way: str, step: type[Any]) -> Expected:
    """What must be seen when the device is broken in this way on this page."""
    if way not in _LOST:
        return UNFELT
    match device:
        case "id_reader":
            return _READER.get(step, UNFELT)
        case "camera":
            told = _CAMERA.get(step)
            if told is None:
                return UNFELT
            # A JPEG has no checksum: one with bytes that were flipped unpacks into a wrong picture, in
            # which no page lies. The page goes on being asked for, and nothing is taken by itself.
            by_chance = way == "garbled" and step is pages.CapturePage
            return Told(told.words, told.used, maybe=True) if by_chance else told
        case "receipt_printer":
            told = _PRINTER.get(step)
            if told is None:
                return UNFELT
            # Spoilt status bytes have no checksum: they may say anything, also that all is well.
            return Told(told.words, told.used, maybe=True) if way == "garbled" else told
        case _:
            return UNFELT


def laps(device: str) -> tuple[tuple[type[Any], ...], ...]:
    """The applications of one walk: the printer's one receipt is broken on one page of each."""
    if device != "receipt_printer":
        return (STEPS,)
    return (
        tuple(step for step in STEPS if step is not pages.Accepted),
        (pages.Accepted,),
    )

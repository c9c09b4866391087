"""Every device, broken in every way, on every page of an application: `make faults`.

One walk for each device and way: on each page the device is broken, the citizen does what the page
asks for, the device is mended, and the citizen goes on. What was met on each page is written to
`out/faults/<device>-<way>.json`, to be read. At the end the application must be held by the hub
exactly once, the terminal be at its start page, and the device ready on every page again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults_citizen import STEPS, Citizen
from faults_terminal import LostError, Machine, machine

from kiosk.flow import pages

OUT = Path("out/faults")
WAYS: dict[str, dict[str, Any]] = {
    "unplugged": {"plugged": False},
    "powered_off": {"powered": False},
    "silent": {"silent": True},
    "slow": {"slow": 6.0},
    "garbled": {"garble": -1},
    "back_again": {"plugged": False},  # and plugged in again before anything is asked of it
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
# Why a pair says nothing of its own.
MEANINGLESS = {
    ("code_scanner", "slow"): "nothing is scanned in an application",
    ("loudspeaker", "garbled"): "a folder of recordings has no wire",
    ("loudspeaker", "slow"): "the same",
    ("loudspeaker", "silent"): "the same",
    ("loudspeaker", "unplugged"): "the same",
    ("loudspeaker", "powered_off"): "the same",
    ("loudspeaker", "back_again"): "the same",
}
FELT_S = 1.0  # a pulled cable is noticed at once, an edit of the world within a tenth
DELIVERY_LOOKS, DELIVERY_LOOK_S = 20, 2.0
TRY_S = 25.0  # longer than any device's own limits, shorter than the citizen's patience


@pytest.fixture(scope="module")
def terminal(qapp: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("faults")) as made:
        yield made


def pairs() -> list[tuple[str, str]]:
    return [(device, way) for device in DEVICES for way in WAYS if (device, way) not in MEANINGLESS]


@pytest.mark.parametrize(("device", "way"), pairs())
def test_the_citizen_comes_to_the_end(terminal: Machine, device: str, way: str) -> None:
    terminal.world(device, **WHOLE)
    citizen = Citizen(terminal)
    held = terminal.held()
    met: list[dict[str, Any]] = []
    for step in STEPS:
        came = terminal.sees(pages.Standby, *STEPS[STEPS.index(step) :])
        if type(came) is not step:
            continue
        began = time.monotonic()
        terminal.world(device, **WAYS[way])
        terminal.wait(FELT_S)
        if way == "back_again":
            terminal.world(device, **WHOLE)
        citizen.met.clear()
        while True:
            try:
                citizen.go_on(TRY_S)
            except LostError:
                break
            if not isinstance(terminal.page, step) or len(citizen.met) > 4:
                break
        met.append(
            {
                "step": step.__name__,
                "met": [*citizen.met, terminal.describe()],
                "status": terminal.status(DEVICES[device]),
                "seconds": round(time.monotonic() - began, 1),
            }
        )
        terminal.world(device, **WHOLE)
        terminal.until(
            "it is ready again",
            lambda: terminal.status(DEVICES[device]) in ("ready", "low", "busy"),
            45,
        )
        after = STEPS[STEPS.index(step) + 1] if step is not STEPS[-1] else pages.Standby
        while not isinstance(
            terminal.page, (after, *STEPS[STEPS.index(step) + 1 :], pages.Standby)
        ):
            citizen.go_on()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{device}-{way}.json").write_text(json.dumps(met, indent=1, ensure_ascii=False))
    terminal.sees(pages.Standby)
    for _ in range(DELIVERY_LOOKS):
        if terminal.held() == held + 1:
            break
        terminal.wait(DELIVERY_LOOK_S)
    assert terminal.held() == held + 1, "sealed exactly once, and delivered by itself"

"""`kiosk diag devices`: what every device of this terminal is now, in its own words.

Opens each device as the terminal would, waits until it has said what it is, and closes it again.
While the terminal runs its devices are its own, and a network printer would let itself be told
things by two at once: then that is what is said.
"""

from __future__ import annotations

import time
from typing import Final

from drivers.device import Clock, Log, Status
from drivers.document_camera.driver import DocumentCamera
from drivers.worker import C, DeviceWorker, Driver
from kiosk.clock import SystemClock
from kiosk.entry.commands.answer import Exit, fault_line, ok_line
from kiosk.entry.fleet import fleet_of
from kiosk.entry.program import only_one
from kiosk.settings import Settings

ANSWER_S: Final = 6.0  # a serial device is asked three times, a camera opens within two seconds
LOOK_S: Final = 0.05
RUNS: Final = "the terminal runs, and its devices with it: its log says what they are; or stop it"
WORKS: Final = (Status.READY, Status.BUSY, Status.LOW, Status.NOT_INSTALLED)


def run(settings: Settings, *, json: bool, answer_s: float = ANSWER_S) -> int:
    """A line a device. 0 when all that are installed work, else 3 or 4 for the worst of them."""
    alone = only_one(settings.paths.data)
    if alone is None:
        print(fault_line("busy", RUNS) if json else RUNS)
        return int(Exit.FAULT)
    clock = SystemClock()

    def log(event: str, /, **fields: str | int | float | bool | None) -> None:
        pass  # this is a look at the devices, not a day in their life

    lines = [*_slow_wires(settings, clock, log, answer_s), _camera(settings, clock, answer_s)]
    worst = Exit.DONE
    for line in lines:
        status = Status(str(line["status"]))
        if status in (Status.DISCONNECTED, Status.POWERED_OFF):
            worst = max(worst, Exit.NOT_THERE)
        elif status not in WORKS:
            worst = max(worst, Exit.FAULT)
        print(_as_json(line, status) if json else _plain(line))
    alone.close()
    return int(worst)


def _slow_wires(
    settings: Settings, clock: Clock, log: Log, answer_s: float
) -> list[dict[str, object]]:
    def of(driver: Driver[C]) -> DeviceWorker[C]:
        return DeviceWorker(driver, lambda _event: None, clock, log)

    workers = fleet_of(settings, of).workers
    for worker in workers:
        worker.start()
    until = time.monotonic() + answer_s
    while time.monotonic() < until and any(w.status is Status.STARTING for w in workers):
        time.sleep(LOOK_S)
    lines: list[dict[str, object]] = []
    for worker in workers:
        said = worker.identity
        lines.append(
            {
                "device": str(worker.device),
                "status": str(worker.status),
                "reason": worker.reason,
                "model": said.model if said else "",
                "serial": said.serial if said else "",
                "capabilities": sorted(str(one) for one in said.capabilities) if said else [],
            }
        )
    for worker in workers:
        worker.stop()
    return lines


def _camera(settings: Settings, clock: Clock, answer_s: float) -> dict[str, object]:
    told: list[tuple[Status, str, str]] = []
    camera = DocumentCamera(
        settings.document_camera.url,
        clock=clock,
        report=lambda status, reason, model: told.append((status, reason, model)),
    )
    camera.start()
    until = time.monotonic() + answer_s
    while time.monotonic() < until and (not told or told[-1][0] is Status.STARTING):
        time.sleep(LOOK_S)
    camera.stop()
    status, reason, model = told[-1] if told else (Status.UNKNOWN, "nothing was said", "")
    return {
        "device": "document_camera",
        "status": str(status),
        "reason": reason,
        "model": model,
        "serial": "",
        "capabilities": [],
    }


def _as_json(line: dict[str, object], status: Status) -> str:
    if status in WORKS:
        return ok_line(**line)
    return fault_line(str(status), str(line["reason"]), **line)


def _plain(line: dict[str, object]) -> str:
    words = " ".join(str(line[name]) for name in ("model", "serial") if line[name])
    reason = f" ({line['reason']})" if line["reason"] else ""
    return f"{line['device']:16} {line['status']}{reason} {words}".rstrip()

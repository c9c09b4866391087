"""`kiosk bench idle`: processor time of the terminal on its still start page, nobody there.

The rehearsal brings up the whole terminal with every emulated device in a world of its own and
counts the time that the kernel charges to each of its processes. It takes about a minute, and says on
standard error how far it is.
"""

from __future__ import annotations

import importlib.util
import json as to_json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from kiosk.entry.commands.answer import Exit, fault_line
from kiosk.entry.commands.bench.report import Table, noise

COLUMNS: Final = ("process", "percent_of_a_core")
MEASURED_S: Final = 20.0  # the kernel counts in ticks of 10 ms: to 0.05 per cent
LIMIT_PERCENT: Final = 3.0  # all processes of the terminal together
UP_AND_DOWN_S: Final = 240.0  # hub, devices and terminal to begin and to end on a busy machine


def run(corpus: Path | None, *, json: bool) -> int:
    """`corpus` is not used. FAULT when it costs more than it may."""
    if importlib.util.find_spec("rehearsal") is None:
        return _told("not_found", "the rehearsal is not installed on this machine", json=json)
    before = noise()
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "rehearsal", "idle", "--seconds", str(MEASURED_S)],
            stdout=subprocess.PIPE,  # its progress goes on to standard error
            check=False,
            text=True,
            timeout=MEASURED_S + UP_AND_DOWN_S,
        )
    except subprocess.TimeoutExpired:
        return _told("timeout", "the rehearsal does not end", json=json)
    lines = done.stdout.strip().splitlines()
    answer: dict[str, Any] = {"ok": False, "detail": "the rehearsal said nothing"}
    if lines:
        answer = to_json.loads(lines[-1])
    if not answer["ok"]:
        return _told("not_found", str(answer["detail"]), json=json)
    percent: dict[str, float] = answer["percent"]
    table = Table("idle", COLUMNS)
    for process, spent in percent.items():
        table.add(process=process, percent_of_a_core=spent)
    total = sum(percent.values())
    table.add(process="all", percent_of_a_core=round(total, 2))
    table.note(
        f"over {MEASURED_S:.0f} s on a still start page with every emulated device ready; all "
        f"together may be {LIMIT_PERCENT:.0f}: {'held' if total <= LIMIT_PERCENT else 'MISSED'}"
    )
    table.note(f"noise of the machine {before} before, {noise()} after (1.0: quiet)")
    table.show(json=json)
    return Exit.DONE if total <= LIMIT_PERCENT else Exit.FAULT


def _told(code: str, detail: str, *, json: bool) -> int:
    print(fault_line(code, detail) if json else detail)
    return Exit.NOT_THERE

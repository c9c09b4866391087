"""What a terminal costs while nobody is there: processor time on a still start page, by process.

Everything stands as in a rehearsal: hub, all emulated devices, the real window on a screen of its
own. Nothing looks at the window meanwhile, because a screen reader costs it time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rehearsal import processes
from rehearsal.town import BASE, Plan, Town, TownError

# The picture of the start page moves for 10 s; the children start, the camera is tried once.
STILL_AFTER_S = 20.0
UP_S = 90.0
NAMES = {
    "kiosk.entry.vision": "vision",
    "kiosk.entry.sync": "sync",
    "-m kiosk run": "window",
}
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def measure(seconds: float, base: Path | None, say: Callable[[str], None]) -> dict[str, float]:
    """Per cent of one core by process ("window", "vision", "sync", others by their program)."""
    with Town(Plan(base=base or BASE), say=say) as town:
        town.start()
        pid = _until_up(town)
        town.say(f"terminal: is up; {STILL_AFTER_S:.0f} s until nothing moves any more")
        time.sleep(STILL_AFTER_S)
        town.say(f"terminal: stands still, is measured for {seconds:.0f} s")
        before, began = spent(pid), time.monotonic()
        time.sleep(seconds)
        after, passed = spent(pid), time.monotonic() - began
    names = sorted({name for name, _ in after} | {"window", "vision", "sync"})
    return {
        name: round(
            sum(
                100 * (ticks - before.get((of, number), 0)) / TICKS_A_SECOND / passed
                for (of, number), ticks in after.items()
                if of == name
            ),
            2,
        )
        for name in names
    }


def _until_up(town: Town) -> int:
    """The terminal's process, once its children run."""
    until = time.monotonic() + UP_S
    while time.monotonic() < until:
        pid = town.process_of("kiosk")
        if len({name for name, _ in spent(pid)} & {"window", "vision", "sync"}) == 3:
            return pid
        time.sleep(0.5)
    raise TownError("the terminal does not come up")


def spent(pid: int) -> dict[tuple[str, int], int]:
    """Ticks of every process of the terminal, by name and number."""
    found: dict[tuple[str, int], int] = {}
    for number in (pid, *processes.descendants(pid)):
        try:
            stat = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
            line = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it has just ended
        fields = stat.rpartition(")")[2].split()
        name = next((name for part, name in NAMES.items() if part in line), "other")
        found[name, number] = int(fields[11]) + int(fields[12])  # utime and stime
    return found


def run(seconds: float, base: Path | None) -> int:
    """Prints one line of JSON; on standard error how far it is."""
    try:
        percent = measure(seconds, base, lambda words: print(words, file=sys.stderr, flush=True))
    except TownError as error:
        print(json.dumps({"ok": False, "detail": str(error)}))
        return 1
    print(json.dumps({"ok": True, "seconds": seconds, "percent": percent}))
    return 0

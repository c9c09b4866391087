#!/usr/bin/python3 -I
"""The A4 printer behind a CUPS queue: a backend that prints into a folder, runs out and jams.

CUPS calls it with job, user, title, copies, options and perhaps a file; DEVICE_URI names the
folder, whose `state.json` says what is wrong with the printer. Of the standard library only.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

STOP_QUEUE = 4  # CUPS_BACKEND_STOP
LOOK_S = 0.05
LAST_SHEET_S = 0.1  # on its way out
REASONS = (
    "connecting-to-device",
    "cover-open-error",
    "media-empty-error",
    "media-jam-error",
    "media-low-warning",
)


def main() -> int:
    if len(sys.argv) == 1:
        print('direct rehearsal "Rehearsal" "A4 printer of the rehearsal"')
        return 0
    job, options = sys.argv[1], sys.argv[5]
    document = Path(sys.argv[6]).read_bytes() if len(sys.argv) > 6 else sys.stdin.buffer.read()
    folder = Path(urllib.parse.unquote(urllib.parse.urlsplit(os.environ["DEVICE_URI"]).path))
    pages = pages_of(document)
    sides = 2 if "sides=two-sided" in options else 1
    sheets = int(sys.argv[4]) * -(-pages // sides)
    # What was wrong at the last job is unsaid first, as the ipp backend does; CUPS remembers it.
    say("STATE: -" + ",".join(REASONS))
    for sheet in range(1, max(1, sheets) + 1):
        while True:
            state = read_state(folder)
            if state["offline"]:
                wait_while(folder, "offline", "connecting-to-device")
            elif state["cover_open"]:
                wait_while(folder, "cover_open", "cover-open-error")
            elif state["paper"] <= 0:
                wait_while(folder, "paper", "media-empty-error")
            else:
                break
        if state["jam_at"] == sheet:
            say("STATE: +media-jam-error")
            write_state(folder, {**state, "jam_at": 0})
            return STOP_QUEUE
        time.sleep(state["sheet_s"])
        left = state["paper"] - 1
        write_state(folder, {**read_state(folder), "paper": left})
        if 0 < left <= 10:
            say("STATE: +media-low-warning")
        say(f"PAGE: {sheet} {sides}")
    (folder / f"job-{job}.pdf").write_bytes(document)
    time.sleep(LAST_SHEET_S)
    return 0


def pages_of(document: bytes) -> int:
    done = subprocess.run(["pdfinfo", "-"], input=document, capture_output=True, check=False)
    found = re.search(rb"Pages:\s+([0-9]+)", done.stdout)
    return int(found.group(1)) if found else 1


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def wait_while(folder: Path, what: str, reason: str) -> None:
    """Stand still until somebody has put it right."""
    say(f"STATE: +{reason}")
    while True:
        value = read_state(folder)[what]
        if value > 0 if what == "paper" else not value:
            break
        time.sleep(LOOK_S)
    say(f"STATE: -{reason}")


def read_state(folder: Path) -> dict[str, float]:
    return json.loads((folder / "state.json").read_text(encoding="ascii"))


def write_state(folder: Path, state: dict[str, float]) -> None:
    new = folder / f"state.{os.getpid()}"
    new.write_text(json.dumps(state), encoding="ascii")
    new.rename(folder / "state.json")


if __name__ == "__main__":
    sys.exit(main())

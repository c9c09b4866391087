"""How a command answers: JSON lines, faults, exit codes."""

from __future__ import annotations

import json as to_json
import sys
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line, kept stable."""

    DONE = 0
    BAD_USE = 2
    NOT_THERE = 3
    FAULT = 4


MIN_TIMEOUT_S = 0.1
MAX_TIMEOUT_S = 3600.0  # a shell that waits longer has been forgotten
TIMEOUTS = f"--timeout is {MIN_TIMEOUT_S:g} to {MAX_TIMEOUT_S:g} seconds"

NOT_THERE_FAULTS = frozenset({"not_found", "device_lost", "disconnected", "unreadable_path"})


def fault_line(fault: str, detail: str, **more: object) -> str:
    """One JSON line that says what went wrong."""
    return to_json.dumps(
        {"ok": False, "fault": fault, "detail": detail, **more}, ensure_ascii=False
    )


def ok_line(**fields: object) -> str:
    """One JSON line that answers."""
    return to_json.dumps({"ok": True, **fields}, ensure_ascii=False)


def exit_code(fault: str) -> Exit:
    """The exit code that a fault gives."""
    return Exit.NOT_THERE if fault in NOT_THERE_FAULTS else Exit.FAULT


def is_timeout(seconds: float) -> bool:
    """Whether a card can be waited for so long; not a number is no time."""
    return MIN_TIMEOUT_S <= seconds <= MAX_TIMEOUT_S


def bad_use(detail: str, *, json: bool) -> Exit:
    """Say how the command is used."""
    return _say_why("bad_use", detail, json=json)


def not_built(command: str, *, json: bool) -> Exit:
    """Say that a later version does this."""
    return _say_why("not_built", f"kiosk {command} is not built yet", json=json)


def _say_why(fault: str, detail: str, *, json: bool) -> Exit:
    if json:
        print(fault_line(fault, detail))
    print(detail, file=sys.stderr)
    return Exit.BAD_USE
